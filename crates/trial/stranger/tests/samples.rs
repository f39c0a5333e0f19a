//! What a stranger may write: tests that pass, and one for every way to fail.

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use sestina::trial::{
    Fixture, TestResult, Trial, add_cleanup, assert_failure, assert_no_result, failure_result_of, listening,
    skip, success_result_of,
};
use sestina::{
    Address, Command, Conn, ConnectError, DatagramProtocol, Deferred, Endpoint, Failure, LoopingCall,
    ProcessProtocol, Protocol, Reactor, Simulation, Work, deferred, fail,
};

const HOUR: Duration = Duration::from_secs(3600);

struct Silent;
impl Protocol for Silent {}
impl DatagramProtocol for Silent {}
impl ProcessProtocol for Silent {}

mod passing {
    use super::*;

    #[sestina::test]
    async fn a_poem_arrives(reactor: Reactor) {
        reactor.defer_later(Duration::from_secs(3600), || ()).await.unwrap();
    }

    #[sestina::test(on = "both")]
    async fn a_port_is_closed(reactor: Reactor) -> TestResult {
        let server = listening(|_: &Address| Silent);
        let connected = reactor.connect(server.endpoint(), |_: &Address| Silent).connected().await?;
        connected.lose_connection();
        Ok(())
    }

    #[sestina::test]
    async fn it_is_skipped_at_run_time() {
        skip("there is no printer");
    }

    #[sestina::test(skip = "there is no paper")]
    async fn it_is_always_skipped() {}

    #[sestina::test(should_fail = "nobody has mended it")]
    async fn it_fails_as_it_should() -> TestResult {
        Err(Failure::msg("still broken"))
    }

    #[sestina::test]
    async fn what_it_logs_is_not_shown() {
        tracing::info!("nobody wants to see this");
    }
}

mod failing {
    use super::*;

    #[sestina::test]
    async fn it_returns_an_error(reactor: Reactor) -> TestResult {
        reactor.connect(&Endpoint::loopback(1), |_: &Address| Silent).connected().await?;
        Ok(())
    }

    #[sestina::test]
    async fn it_returns_an_error_of_another_type() -> Result<(), Box<dyn Error>> {
        "four".parse::<u32>()?;
        Ok(())
    }

    #[sestina::test]
    fn its_deferred_fails(reactor: Reactor) -> Deferred<()> {
        reactor.defer_later(HOUR, || Err(Failure::msg("no poem")))
    }

    #[sestina::test]
    async fn it_panics(reactor: Reactor) {
        reactor.sleep(HOUR).await.unwrap();
        assert_eq!(1 + 1, 3, "arithmetic");
    }

    #[sestina::test]
    fn it_panics_in_a_callback(reactor: Reactor) -> Deferred<()> {
        reactor.sleep(HOUR).map(|()| panic!("in a callback"))
    }

    #[sestina::test]
    async fn a_protocol_panics(reactor: Reactor) -> TestResult {
        struct Clumsy;
        impl Protocol for Clumsy {
            fn connection_made(&mut self, _: &mut Conn<'_>) {
                panic!("in a protocol");
            }
        }
        let server = listening(|_: &Address| Clumsy);
        reactor.connect(server.endpoint(), |_: &Address| Silent).connected().await?;
        reactor.sleep(HOUR).await
    }

    #[sestina::test]
    async fn an_assertion_about_a_failure_fails(reactor: Reactor) -> TestResult {
        let good = reactor.sleep(HOUR);
        assert_failure(good, |_: &ConnectError| ()).await?;
        Ok(())
    }

    #[sestina::test]
    async fn it_fails_with_something_else() -> TestResult {
        assert_failure(fail::<()>(Failure::msg("no poem")), |_: &ConnectError| ()).await?;
        Ok(())
    }

    #[sestina::test]
    async fn it_fails_with_another_of_the_type(reactor: Reactor) -> TestResult {
        let refused = reactor.connect(&Endpoint::loopback(1), |_: &Address| Silent).connected();
        assert_failure(refused, |error: &ConnectError| matches!(error, ConnectError::Cancelled)).await?;
        Ok(())
    }

    #[sestina::test]
    fn there_is_no_success(reactor: Reactor) {
        success_result_of(reactor.sleep(HOUR));
    }

    #[sestina::test]
    fn there_is_a_result() {
        assert_no_result(&sestina::succeed(1));
    }

    #[sestina::test]
    fn there_is_another_failure() {
        failure_result_of::<ConnectError, _>(fail::<()>(Failure::msg("no poem")));
    }
}

mod slow {
    use super::*;

    #[sestina::test(timeout = "5s")]
    async fn it_takes_too_long(reactor: Reactor) -> TestResult {
        let ticks = LoopingCall::new(&reactor, |_| Ok(()));
        add_cleanup({
            let ticks = ticks.clone();
            move || ticks.stop()
        });
        ticks.start(Duration::from_secs(1), true).await
    }

    #[sestina::test(on = "mio", timeout = "100ms")]
    async fn it_takes_too_long_in_real_time(reactor: Reactor) -> TestResult {
        reactor.sleep(HOUR).await
    }

    #[sestina::test]
    async fn nobody_will_ever_answer() -> TestResult {
        let (_resolver, answer) = deferred::<()>();
        let kept = Rc::new(Cell::new(Some(_resolver)));
        let answer = answer.on_cancel(move || drop(kept.take()));
        answer.await
    }

    #[sestina::test]
    fn its_deferred_never_fires() -> Deferred<()> {
        let (resolver, answer) = deferred::<u32>();
        std::mem::forget(resolver);
        answer.map(drop)
    }

    #[sestina::test(on = "mio", timeout = "100ms")]
    async fn a_clean_up_never_fires() {
        add_cleanup(|| {
            let (resolver, answer) = deferred::<()>();
            std::mem::forget(resolver);
            answer
        });
    }

    #[sestina::test(real_timeout = "300ms")]
    async fn it_never_comes_to_rest(reactor: Reactor) -> TestResult {
        fn again(reactor: &Reactor) {
            let next = reactor.clone();
            reactor.call_later(Duration::from_nanos(1), move || again(&next));
        }
        again(&reactor);
        deferred::<()>().1.await
    }

    #[sestina::test(on = "mio", timeout = "100ms")]
    async fn it_does_not_give_the_loop_back() {
        loop {
            std::thread::yield_now();
        }
    }
}

mod dirty {
    use super::*;

    #[sestina::test]
    async fn a_timer(reactor: Reactor) {
        reactor.call_later(HOUR, || ());
    }

    #[sestina::test]
    async fn a_repeated_call(reactor: Reactor) {
        let ticks = LoopingCall::new(&reactor, |_| Ok(()));
        drop(ticks.start(Duration::from_secs(1), true));
    }

    #[sestina::test]
    async fn a_port(reactor: Reactor) {
        reactor.listen(&Endpoint::loopback(8000), |_: &Address| Silent).unwrap();
    }

    #[sestina::test]
    async fn connections(reactor: Reactor) -> TestResult {
        let server = listening(|_: &Address| Silent);
        reactor.connect(server.endpoint(), |_: &Address| Silent).connected().await?;
        reactor.sleep(HOUR).await
    }

    #[sestina::test]
    async fn an_attempt_to_connect(sim: Simulation) {
        let (alice, bob) = (sim.host("alice"), sim.host("bob"));
        sim.partition(&alice, &bob, sestina::simulation::Partition::Held);
        alice.reactor().connect(&Endpoint::tcp("10.0.0.2", 80), |_: &Address| Silent);
    }

    #[sestina::test]
    async fn a_datagram_socket(reactor: Reactor) {
        reactor.listen_datagrams(&Endpoint::loopback(8000), Silent).unwrap();
    }

    #[sestina::test(on = "mio")]
    async fn a_process(reactor: Reactor) {
        let command = Command { program: "cat".into(), ..Command::default() };
        reactor.spawn_process(&command, Silent).unwrap();
    }

    #[sestina::test(on = "mio")]
    async fn a_thread(reactor: Reactor) {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        reactor.defer_to_thread(move || Ok(receiver.recv().ok())).ignore_errors();
        reactor.add_trigger(sestina::Phase::During, move || drop(sender));
    }

    #[sestina::test]
    async fn a_long_computation(reactor: Reactor) {
        let clock = reactor.clone();
        reactor.cooperate(move || Work::Wait(clock.sleep(HOUR)));
    }

    #[sestina::test]
    async fn a_deferred(reactor: Reactor) {
        let (resolver, answer) = deferred::<()>();
        let answer = answer.map(|()| 1);
        answer.ignore_errors();
        // Somebody keeps it: a cycle, for example.
        std::mem::forget((resolver, reactor.now()));
    }

    #[sestina::test]
    async fn a_task(reactor: Reactor) {
        let (resolver, answer) = deferred::<()>();
        reactor.spawn(async move { answer.await }).ignore_errors();
        std::mem::forget(resolver);
    }

    #[sestina::test]
    async fn something_on_another_host(sim: Simulation) {
        let (_alice, bob) = (sim.host("alice"), sim.host("bob"));
        bob.reactor().call_later(HOUR, || ());
    }

    #[sestina::test]
    async fn an_error_that_nobody_looked_at() {
        drop(fail::<()>(Failure::msg("no poem")));
    }

    #[sestina::test]
    async fn a_logged_error() {
        let error: Box<dyn Error> = Failure::new(std::fmt::Error).into();
        tracing::error!(error = &*error, poem = "ecstasy", "cannot print");
    }

    #[sestina::test(on = "mio")]
    async fn an_error_logged_on_a_thread(reactor: Reactor) -> TestResult {
        reactor.defer_to_thread(|| Ok(tracing::error!("the disk is full"))).await
    }

    #[sestina::test]
    async fn everything_at_once(reactor: Reactor) -> TestResult {
        reactor.call_later(HOUR, || ());
        drop(fail::<()>(Failure::msg("nobody looks")));
        tracing::error!("something is wrong");
        Err(Failure::msg("and it fails"))
    }
}

mod cleaning {
    use super::*;

    #[sestina::test]
    async fn clean_ups_fail(reactor: Reactor) {
        add_cleanup(|| Err(Failure::msg("the first that was added")));
        add_cleanup(move || reactor.defer_later(HOUR, || Err(Failure::msg("the second"))));
        add_cleanup(|| -> Result<(), Failure> { panic!("the third") });
    }

    #[sestina::test(timeout = "5s")]
    async fn a_clean_up_takes_too_long(reactor: Reactor) {
        add_cleanup(move || reactor.sleep(HOUR));
    }

    #[derive(Clone)]
    struct Broken;
    impl Fixture for Broken {
        async fn set_up(trial: &Trial) -> Result<Self, Failure> {
            trial.add_cleanup(|| Err(Failure::msg("of the half that was made")));
            Err(Failure::msg("cannot be made"))
        }
    }

    #[sestina::test]
    async fn the_set_up_fails(_broken: Broken) {
        panic!("this does not run");
    }

    #[derive(Clone)]
    struct Sticky(Reactor);
    impl Fixture for Sticky {
        async fn set_up(trial: &Trial) -> Result<Self, Failure> {
            trial.reactor().sleep(HOUR).await?;
            Ok(Self(trial.reactor()))
        }

        async fn tear_down(self) -> Result<(), Failure> {
            self.0.sleep(HOUR).await?;
            Err(Failure::msg("cannot be taken down"))
        }
    }

    #[sestina::test]
    async fn the_tear_down_fails(_sticky: Sticky) {}
}

mod expected {
    use super::*;

    #[sestina::test(should_fail = "it is known")]
    async fn it_passes_although_it_should_fail() {}

    #[sestina::test(should_fail = "it is known", fails_with = "the printer")]
    async fn it_fails_otherwise() -> TestResult {
        Err(Failure::msg("the disk"))
    }
}

mod seeded {
    use super::*;

    #[sestina::test(seeds = 200)]
    async fn one_seed_fails(reactor: Reactor, trial: Trial) -> TestResult {
        reactor.sleep(Duration::from_millis(trial.seed())).await?;
        tracing::info!("this is seed {}", trial.seed());
        if trial.seed() == 17 {
            return Err(Failure::msg("an unlucky number"));
        }
        Ok(())
    }

    #[sestina::test(seed = 7, faults = "all")]
    async fn a_named_seed(trial: Trial) {
        assert_ne!(trial.seed(), 7);
    }
}
