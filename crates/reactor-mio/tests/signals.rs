//! Signals. They are the process's, so each test here has one of its own.

mod common;

use common::Host;
use sestina_reactor::{Driver, Event, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::low_level::raise;
use std::time::Duration;

fn next(host: &mut Host) -> Signal {
    host.until(|event| match event {
        Event::Signal(signal) => Some(*signal),
        _ => None,
    })
}

/// What the next wait tells, without waiting.
fn told(host: &mut Host) -> Vec<Event> {
    let mut events = Vec::new();
    host.driver.wait(Some(Duration::ZERO), &mut events).expect("waits");
    events
}

#[test]
fn a_watched_signal_is_told_once_each_time() {
    let mut host = Host::new();
    for _ in 0..2 {
        host.driver.watch_signal(Signal::User1).expect("watches"); // twice is once
    }
    for _ in 0..3 {
        raise(SIGUSR1).expect("raises");
        assert_eq!(next(&mut host), Signal::User1);
        assert!(told(&mut host).is_empty());
    }
}

#[test]
fn every_driver_that_watches_is_told_and_no_other() {
    let (mut one, mut two, mut other) = (Host::new(), Host::new(), Host::new());
    for host in [&mut one, &mut two] {
        host.driver.watch_signal(Signal::User2).expect("watches");
    }
    other.driver.watch_signal(Signal::Quit).expect("watches");
    raise(SIGUSR2).expect("raises");
    assert_eq!((next(&mut one), next(&mut two)), (Signal::User2, Signal::User2));
    assert!(told(&mut other).is_empty());
    raise(SIGQUIT).expect("raises");
    assert_eq!(next(&mut other), Signal::Quit);
    assert!(told(&mut one).is_empty());

    drop(one);
    raise(SIGUSR2).expect("raises");
    assert_eq!(next(&mut two), Signal::User2);
    drop(two);
    raise(SIGUSR2).expect("raises"); // nobody watches: it is swallowed, as the crate's documentation says
}

#[test]
fn signals_that_would_end_the_process_do_not() {
    let mut host = Host::new();
    for (signal, number) in
        [(Signal::Hangup, SIGHUP), (Signal::Interrupt, SIGINT), (Signal::Terminate, SIGTERM)]
    {
        host.driver.watch_signal(signal).expect("watches");
        raise(number).expect("raises");
        assert_eq!(next(&mut host), signal);
    }
}
