//! The client that stays connected: its pauses, its waiters, its limits, and its stop in each of its states.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Diary, MS, SECOND, application, play};
use sestina_deferred::{Cancelled, Failure};
use sestina_reactor::{Address, Conn, ConnHandle, ConnectError, Endpoint, Port, Protocol, Reactor};
use sestina_service::{
    Backoff, Child, ClientService, Limits, StartError, State, Step, Stopping, Supervision, Tree,
};

struct Silent;
impl Protocol for Silent {}

/// Does not mind that its peer has finished: it never closes.
struct Clinging;
impl Protocol for Clinging {
    fn read_closed(&mut self, _: &mut Conn<'_>) {}
}

const AT: u16 = 9;

fn backoff() -> Backoff {
    Backoff::new(SECOND, 8 * SECOND).with_jitter_percent(0)
}

fn client(change: fn(ClientService) -> ClientService) -> Child {
    Child::new("client", move || {
        change(ClientService::new(&Endpoint::loopback(AT), |_: &Address| Silent).with_backoff(backoff()))
    })
}

/// Accepts, and keeps the connections.
fn listen(reactor: &Reactor) -> (Port, Rc<RefCell<Vec<ConnHandle>>>) {
    struct Keeper(Rc<RefCell<Vec<ConnHandle>>>);
    impl Protocol for Keeper {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            self.0.borrow_mut().push(conn.handle());
        }
    }
    let conns = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&conns);
    let port = reactor.listen(&Endpoint::loopback(AT), move |_: &Address| Keeper(Rc::clone(&kept)));
    (port.expect("a free port"), conns)
}

fn the(tree: &Tree) -> Rc<ClientService> {
    tree.service("client").expect("it runs")
}

fn note(tree: &Tree) -> Option<String> {
    tree.status().find("client")?.note.clone()
}

#[test]
fn it_connects_and_again_with_longer_pauses_when_nobody_is_there() {
    let tries = Diary::default();
    let told = tries.clone();
    struct Counting(Diary, Reactor);
    impl sestina_reactor::Factory for Counting {
        fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
            Some(Box::new(Silent))
        }
        fn connection_failed(&mut self, _: ConnectError) {
            self.0.note((self.1.now().as_nanos() / 1_000_000_000).to_string());
        }
    }
    let simulation = sestina_reactor_sim::Simulation::seeded(1);
    let reactor = simulation.reactor();
    let child = Child::new("client", move || {
        let counting = Counting(tries.clone(), reactor.clone());
        ClientService::new(&Endpoint::loopback(AT), counting).with_backoff(backoff())
    });
    crate::common::play_on(&simulation, application([child]), |tree| async move {
        tree.start().await?;
        let connected = the(&tree).when_connected();
        tree.reactor().sleep(17 * SECOND).await?;
        assert_eq!(told.line(), "0, 1, 3, 7, 15");
        assert_eq!(note(&tree).as_deref(), Some("not connected to 127.0.0.1:9, 5 attempts failed"));
        let (_port, conns) = listen(tree.reactor());
        let conn = connected.await?;
        assert!(conn.is_connected());
        assert!(the(&tree).when_connected().is_fired());
        tree.reactor().sleep(20 * MS).await?;
        // A good connection: the pauses begin anew.
        tree.reactor().sleep(11 * SECOND).await?;
        let before = tree.reactor().now();
        conns.borrow()[0].abort();
        tree.reactor().sleep(20 * MS).await?;
        the(&tree).when_connected().await?;
        assert!(tree.reactor().now() - before < 2 * SECOND);
        tree.reactor().sleep(20 * MS).await?;
        assert_eq!(conns.borrow().len(), 2);
        Ok(())
    });
}

#[test]
fn a_server_that_hangs_up_at_once_is_not_asked_in_a_loop() {
    play(application([client(|client| client)]), |tree| async move {
        let (_port, conns) = listen(tree.reactor());
        tree.start().await?;
        for _ in 0..200 {
            tree.reactor().sleep(50 * MS).await?;
            for conn in conns.borrow_mut().drain(..) {
                conn.abort();
            }
        }
        let connected = tree.reactor().statistics().connected;
        assert!((3..=5).contains(&connected), "{connected} connections in 10 s");
        Ok(())
    });
}

/// Two attempts fail, one works, two fail again: never three in a row.
#[test]
fn a_connection_forgives_the_failures_before_it() {
    play(application([client(|client| client.with_failures_max(3))]), |tree| async move {
        tree.start().await?;
        for _ in 0..2 {
            // Attempts at 0 s and 1 s fail, and the next one comes at 3 s; the second time at 1 s, 3 s and 7 s.
            tree.reactor().sleep(2500 * MS).await?;
            assert!(note(&tree).is_some_and(|note| note.ends_with("2 attempts failed")), "{:?}", note(&tree));
            let (port, conns) = listen(tree.reactor());
            the(&tree).when_connected().await?;
            tree.reactor().sleep(11 * SECOND).await?; // a good one: the pauses begin anew
            port.stop_listening().await?;
            conns.borrow()[0].abort();
            tree.reactor().sleep(SECOND).await?;
        }
        assert_eq!(tree.state("client"), Some(State::Running));
        Ok(())
    });
}

#[test]
fn who_waits_with_little_patience_is_told_the_reason() {
    play(application([client(|client| client)]), |tree| async move {
        tree.start().await?;
        let (two, one, for_ever) = (
            the(&tree).when_connected_within(2),
            the(&tree).when_connected_within(1),
            the(&tree).when_connected(),
        );
        let failure = one.await.expect_err("nobody is there");
        assert!(matches!(failure.check::<ConnectError>(), Some(ConnectError::Refused(_))));
        assert!(tree.reactor().now().as_nanos() < 500_000_000);
        assert!(two.await.is_err());
        assert!(tree.reactor().now().as_nanos() >= 1_000_000_000);
        assert!(!for_ever.is_fired());
        tree.stop().await?;
        let failure = for_ever.await.expect_err("it was stopped");
        let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
        assert!(reason.is_some_and(Failure::is::<Stopping>));
        Ok(())
    });
}

#[test]
fn too_many_failures_are_a_failure_of_the_service() {
    let app = application([client(|client| client.with_failures_max(3))]);
    play(app.with_supervision(Supervision::one_for_one().with_intensity(0, SECOND)), |tree| async move {
        tree.start().await?;
        let waiting = the(&tree).when_connected();
        let failure = tree.failed().await.expect_err("nobody is there");
        let error = &failure.check::<StartError>().expect("its kind").error;
        assert!(error.failure().is_some_and(Failure::is::<ConnectError>));
        assert!(waiting.await.expect_err("nobody is there").is::<ConnectError>());
        assert!((3_000_000_000..3_500_000_000).contains(&tree.reactor().now().as_nanos()));
        Ok(())
    });
}

#[test]
fn a_start_may_wait_for_the_connection_within_its_time_limit() {
    let waits = || application([client(ClientService::with_start_when_connected)]);
    play(waits(), |tree| async move {
        let start = tree.start();
        tree.reactor().sleep(500 * MS).await?;
        assert!(!start.is_fired());
        let (_port, _conns) = listen(tree.reactor());
        start.await?;
        assert_eq!(tree.status().find("client").and_then(|client| client.connections), Some(1));
        Ok(())
    });
    play(waits().with_limits(Limits::new().with_start(5 * SECOND)), |tree| async move {
        let failure = tree.start().await.expect_err("nobody is there");
        let error = &failure.check::<StartError>().expect("its kind").error;
        assert_eq!((error.service.as_str(), error.step), ("client", Step::Start));
        assert_eq!(tree.reactor().now().as_nanos(), 5_000_000_000);
        Ok(())
    });
}

#[test]
fn it_stops_cleanly_while_it_connects_waits_and_is_connected() {
    // While it connects: the listener does not exist, and the line is slow, so the attempt is under way.
    play(application([client(|client| client)]), |tree| async move {
        tree.start().await?;
        assert_eq!(note(&tree).as_deref(), Some("connecting to 127.0.0.1:9"));
        assert!(tree.stop().await?.is_clean());
        Ok(())
    });
    play(application([client(|client| client)]), |tree| async move {
        tree.start().await?;
        tree.reactor().sleep(500 * MS).await?;
        assert!(note(&tree).is_some_and(|note| note.starts_with("not connected")));
        assert!(tree.stop().await?.is_clean());
        assert_eq!(tree.reactor().timers(), 0);
        Ok(())
    });
    play(application([client(|client| client)]), |tree| async move {
        let (_port, conns) = listen(tree.reactor());
        tree.start().await?;
        the(&tree).when_connected().await?;
        tree.reactor().sleep(20 * MS).await?;
        let lost = conns.borrow()[0].lost();
        assert!(tree.stop().await?.is_clean());
        assert_eq!(lost.await?.to_string(), "the peer closed the connection", "a polite close");
        assert_eq!(tree.state("client"), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn a_connection_that_does_not_close_is_aborted_when_the_stop_takes_too_long() {
    let app = application([client(|client| client)]).with_limits(Limits::new().with_stop(SECOND));
    play(app, |tree| async move {
        tree.reactor().listen(&Endpoint::loopback(AT), |_: &Address| Clinging).expect("a free port");
        tree.start().await?;
        the(&tree).when_connected().await?;
        tree.reactor().sleep(20 * MS).await?;
        let report = tree.stop().await?;
        assert_eq!(report.to_string(), "not everything stopped: client did not answer its stop within 1s");
        tree.reactor().sleep(20 * MS).await?;
        assert_eq!(tree.reactor().connections(), 1, "ours was cut; its own end is the server's");
        Ok(())
    });
}
