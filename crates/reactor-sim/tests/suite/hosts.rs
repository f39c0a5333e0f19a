//! Several hosts, each a reactor of its own, on one thread and one clock.

use sestina_deferred::{Failure, Resolver, deferred};
use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol, Reactor, Stopped};
use sestina_reactor_sim::{Host, Link, Simulation};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

struct Greeter;

impl Protocol for Greeter {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"good day");
        conn.lose_connection();
    }
}

struct Visitor(Option<Resolver<Lost>>);

impl Protocol for Visitor {
    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        if let Some(done) = self.0.take() {
            done.callback(why);
        }
    }
}

fn greet(host: &Host) {
    host.reactor().listen(&Endpoint::tcp("", 80), |_: &Address| Greeter).expect("a port");
}

fn visit(host: &Host, whom: &str) -> sestina_deferred::Deferred<Lost> {
    let (done, why) = deferred();
    let mut done = Some(done);
    host.reactor().connect(&Endpoint::tcp(whom, 80), move |_: &Address| Visitor(done.take()));
    why
}

#[test]
fn hosts_find_each_other_by_name_and_time_is_one_for_all() {
    let simulation = Simulation::seeded(1).with_link(Link::default().with_latency(10 * MS..10 * MS));
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    greet(&bob);
    let why = simulation.run_until(visit(&alice, "bob")).expect("it ends");
    assert!(matches!(why, Lost::Done));
    // A lookup, there and back to connect, the greeting with its end; its answer to the end is still on its way.
    assert_eq!(simulation.now() - sestina_reactor::Time::ZERO, 41 * MS);
    assert_eq!(alice.reactor().now(), bob.reactor().now());
    assert_eq!(simulation.host("alice").address(), alice.address());
    simulation.stop().expect("nothing takes time");
    assert_eq!((simulation.sockets(), simulation.leftovers()), (0, vec![]));
}

#[test]
fn a_clock_may_be_ahead_and_its_timers_come_then() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    let (early, late) = (alice.reactor().sleep(100 * MS), bob.reactor().sleep(100 * MS));
    alice.jump_clock(99 * MS);
    simulation.run_until(early).expect("it fires");
    assert_eq!(simulation.now(), sestina_reactor::Time::ZERO + MS);
    simulation.run_until(late).expect("it fires");
    assert_eq!(simulation.now(), sestina_reactor::Time::ZERO + 100 * MS);
    assert_eq!(alice.reactor().now() - bob.reactor().now(), 99 * MS);
}

/// A sleep that its own deadline ends is no turn of a loop that is busy with itself.
#[test]
fn timers_come_on_time_however_many_came_before_while_nothing_else_happens() {
    let ticks = |reactor: Reactor| async move {
        for second in 1..=100 {
            reactor.sleep(Duration::from_secs(1)).await?;
            assert_eq!(reactor.now() - sestina_reactor::Time::ZERO, Duration::from_secs(second));
        }
        Ok(())
    };
    let simulation = Simulation::seeded(1);
    let alone = simulation.reactor();
    alone.run_until(alone.spawn(ticks(alone.clone()))).expect("each is on time");
    let simulation = Simulation::seeded(1);
    let hosts = ["alice", "bob"].map(|name| simulation.host(name).reactor());
    let both = hosts.each_ref().map(|reactor| reactor.spawn(ticks(reactor.clone())));
    for ticking in both {
        simulation.run_until(ticking).expect("each is on time");
    }
}

#[test]
fn the_seed_decides_whose_turn_it_is() {
    let order = |seed| {
        let simulation = Simulation::seeded(seed);
        let turns = Rc::new(RefCell::new(String::new()));
        for name in ["a", "b", "c", "d"] {
            let turns = Rc::clone(&turns);
            simulation.host(name).reactor().call_later(MS, move || turns.borrow_mut().push_str(name));
        }
        simulation.run_for(2 * MS).expect("it can wait");
        turns.take()
    };
    assert_eq!((order(1).len(), order(1)), (4, order(1)));
    assert!((2..20).any(|seed| order(seed) != order(1)));
}

#[test]
fn the_reactor_of_one_of_many_does_not_wait_by_itself_and_says_what_to_call() {
    let simulation = Simulation::seeded(1);
    let (alice, _bob) = (simulation.host("alice"), simulation.host("bob"));
    let reactor = alice.reactor();
    let failure = reactor.run_until(reactor.sleep(MS)).expect_err("it is not alone");
    let text = failure.to_string();
    assert!(text.contains("alice is not alone, there is also bob: call Simulation::run_until"), "{text}");
}

#[test]
fn a_host_whose_others_are_down_is_alone() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    bob.crash();
    let reactor = alice.reactor();
    reactor.run_until(reactor.sleep(MS)).expect("it is alone");
}

#[test]
fn when_nothing_will_ever_happen_the_error_says_who_waits_for_what() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    struct Silent;
    impl Protocol for Silent {}
    bob.reactor().listen(&Endpoint::tcp("", 80), |_: &Address| Silent).expect("a port");
    let reactor = alice.reactor();
    let (_never, waits) = deferred::<()>();
    let task = reactor.spawn(async move {
        waits.await?;
        Ok(())
    });
    let failure = simulation.run_until(visit(&alice, "bob")).expect_err("bob never ends");
    let error = failure.check::<io::Error>().expect("an io::Error");
    assert_eq!(error.kind(), io::ErrorKind::Deadlock);
    let text = error.to_string();
    for part in [
        "nothing will ever happen again",
        "alice: connected to bob:80 (0 unread)",
        "bob: listens on 0.0.0.0:80 (0 wait), connected to alice:49152 (0 unread)",
        "alice: 1 tasks wait",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    drop(task.add_errback(|_| Ok(())));
    simulation.stop().expect("nothing takes time");
}

#[test]
fn an_answer_that_does_not_come_in_time_is_cancelled() {
    let simulation = Simulation::seeded(1).with_patience(Duration::from_secs(60));
    let reactor = simulation.host("alice").reactor();
    let answer = reactor.sleep(Duration::from_secs(61));
    let failure = simulation.run_until(answer).expect_err("too late");
    let error = failure.check::<io::Error>().expect("an io::Error");
    assert_eq!((error.kind(), reactor.timers()), (io::ErrorKind::TimedOut, 0));
}

#[test]
fn an_answer_that_cannot_come_is_cancelled_because_the_run_has_stopped() {
    for (alive, kind) in [(true, io::ErrorKind::TimedOut), (false, io::ErrorKind::Deadlock)] {
        let simulation = Simulation::seeded(1).with_patience(Duration::from_secs(60));
        let reactor = simulation.host("alice").reactor();
        let timer = alive.then(|| reactor.call_later(Duration::from_secs(61), || ()));
        let (resolver, answer) = deferred::<()>();
        let is_stopped = Rc::new(Cell::new(false));
        let told = Rc::clone(&is_stopped);
        resolver.on_cancel_with(move |why| told.set(why.reason().is_some_and(Failure::is::<Stopped>)));
        let failure = simulation.run_until(answer).expect_err("nobody answers");
        assert_eq!(failure.check::<io::Error>().map(io::Error::kind), Some(kind));
        assert!(is_stopped.get(), "{kind}");
        drop(timer);
    }
}

#[test]
fn a_host_that_stops_itself_is_down_and_the_others_go_on() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    greet(&bob);
    let stop = alice.reactor();
    alice.reactor().call_later(MS, move || stop.stop());
    simulation.run_for(5 * MS).expect("it can wait");
    assert!(!alice.is_up() && bob.is_up());
    alice.restart();
    assert!(matches!(simulation.run_until(visit(&alice, "bob")), Ok(Lost::Done)));
}

fn never_rests(reactor: &Reactor) {
    let next = reactor.clone();
    reactor.call_later(Duration::ZERO, move || never_rests(&next));
}

#[test]
fn a_loop_that_is_busy_with_itself_does_not_stop_the_world() {
    let simulation = Simulation::seeded(1);
    let reactor = simulation.reactor();
    never_rests(&reactor);
    reactor.run_until(reactor.sleep(MS)).expect("time passes all the same");
}

#[test]
fn limits_hold_while_a_host_is_busy_with_itself() {
    let simulation = Simulation::seeded(1).with_patience(MS);
    never_rests(&simulation.host("alice").reactor());
    simulation.run_for(MS).expect("it can wait");
    assert!(simulation.now() - sestina_reactor::Time::ZERO < 3 * MS);
    let (_resolver, answer) = deferred::<()>();
    let failure = simulation.run_until(answer).expect_err("nobody answers");
    assert_eq!(failure.check::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::TimedOut));
}

#[test]
fn a_step_inside_a_turn_is_a_panic() {
    let simulation = Simulation::seeded(1);
    let (alice, inside) = (simulation.host("alice"), simulation.clone());
    let (asked, answer) = deferred::<bool>();
    alice.reactor().call_later(MS, move || {
        let stepped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inside.step()));
        asked.callback(stepped.is_err());
    });
    assert!(simulation.run_until(answer).expect("fired"));
}
