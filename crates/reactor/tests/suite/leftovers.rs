//! What is left is named with the place where it was made.

use std::time::Duration;

use sestina_deferred::watch_unfired;
use sestina_reactor::{
    Address, Command, DatagramProtocol, Endpoint, LeftoverKind, LoopingCall, ProcessProtocol, Protocol,
    Reactor, Work,
};

struct Silent;
impl Protocol for Silent {}
impl DatagramProtocol for Silent {}
impl ProcessProtocol for Silent {}

const HOUR: Duration = Duration::from_secs(3600);

/// Kind, line, and whether it is on its way out, of each.
fn left(reactor: &Reactor) -> Vec<(LeftoverKind, Option<u32>, bool)> {
    let all = reactor.leftovers();
    all.iter().map(|one| (one.kind(), one.location().map(|at| at.line()), one.is_closing())).collect()
}

fn reactor() -> Reactor {
    sestina_reactor_mio::reactor().expect("the system has a poller")
}

#[test]
fn calls_are_named_by_the_line_that_asked_for_them() {
    let reactor = reactor();
    let first = line!() + 2;
    watch_unfired(|| {
        reactor.call_later(4 * HOUR, || ());
        reactor.sleep(3 * HOUR).ignore_errors();
        reactor.defer_later(2 * HOUR, || Ok(())).ignore_errors();
        let looping = LoopingCall::new(&reactor, |_| Ok(()));
        looping.start(HOUR, true).ignore_errors();
    });
    let sorted = |lines: [u32; 4]| lines.map(|line| (LeftoverKind::Timer, Some(first + line), false));
    assert_eq!(left(&reactor), sorted([4, 2, 1, 0]));
    watch_unfired(|| reactor.turn(None)).expect("it can wait");
    assert_eq!(left(&reactor), sorted([4, 2, 1, 0]), "the place of a repeated call stays");
    assert!(reactor.leftovers()[3].to_string().starts_with("a timer, due in "));
    reactor.clear();
    assert_eq!(left(&reactor), []);
}

#[test]
fn sockets_are_named_and_accepted_connections_by_their_port() {
    let reactor = reactor();
    let any = Endpoint::loopback(0);
    let listen = line!() + 1;
    let port = watch_unfired(|| reactor.listen(&any, |_: &Address| Silent)).expect("a free port");
    let at = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
    let connect = line!() + 1;
    let connector = watch_unfired(|| reactor.connect(&at, |_: &Address| Silent));
    let datagrams = line!() + 1;
    watch_unfired(|| reactor.listen_datagrams(&any, Silent)).expect("a free port");
    use LeftoverKind::{Attempt, Connection, Datagrams, Port};
    let (port_left, datagrams) = ((Port, Some(listen), false), (Datagrams, Some(datagrams), false));
    assert_eq!(left(&reactor), [port_left, (Attempt, Some(connect), false), datagrams]);
    watch_unfired(|| {
        while reactor.connections() < 2 {
            reactor.turn(None).expect("it can wait");
        }
    });
    let (client, server) = ((Connection, Some(connect), false), (Connection, Some(listen), false));
    assert_eq!(left(&reactor), [port_left, client, server, datagrams]);
    let words: Vec<String> = reactor.leftovers().iter().map(ToString::to_string).collect();
    assert!(words[1].starts_with("a connection to 127.0.0.1:"), "{words:?}");
    assert!(words[2].contains("accepted by the port made at"), "{words:?}");
    connector.disconnect();
    port.stop_listening().ignore_errors();
    assert_eq!(left(&reactor)[0], (Port, Some(listen), true));
    reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    assert!(left(&reactor).contains(&(Connection, Some(connect), true)), "it closes, and the port is gone");
    reactor.clear();
}

#[test]
fn processes_jobs_and_long_computations_are_named() {
    let reactor = reactor();
    let first = line!() + 2;
    let (release, held) = std::sync::mpsc::channel::<()>();
    watch_unfired(|| {
        let command = Command { program: "cat".into(), ..Command::default() };
        reactor.spawn_process(&command, Silent).expect("there is a cat");
        let job = reactor.defer_to_thread(move || Ok(held.recv()?));
        let task = reactor.cooperate(|| Work::More);
        job.ignore_errors();
        drop(task);
    });
    use LeftoverKind::{Process, Task, Thread};
    let line = |line| Some(first + line);
    assert_eq!(left(&reactor), [(Process, line(2), false), (Thread, line(3), false), (Task, line(4), false)]);
    drop(release);
    reactor.clear();
}

#[test]
fn without_a_watcher_things_are_listed_without_places() {
    let reactor = reactor();
    reactor.call_later(HOUR, || ());
    assert_eq!(left(&reactor), [(LeftoverKind::Timer, None, false)]);
}

#[test]
fn notes_of_what_is_gone_are_swept() {
    let reactor = reactor();
    watch_unfired(|| {
        let kept = reactor.call_later(HOUR, || ());
        for _ in 0..10_000 {
            reactor.call_later(HOUR, || ()).cancel();
        }
        assert_eq!(left(&reactor).len(), 1);
        assert!(left(&reactor)[0].1.is_some() && kept.is_active());
    });
}
