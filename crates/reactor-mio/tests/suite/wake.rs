//! Waking the loop, and how long it waits.

use crate::common::{DEADLINE, Host};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use sestina_reactor::Driver;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Waits for as long as a wait can be, and is woken before that.
fn wait_to_be_woken(host: &mut Host) {
    let (before, mut events) = (host.driver.now(), Vec::new());
    host.driver.wait(Some(DEADLINE), &mut events).expect("waits");
    assert!(host.driver.now() - before < DEADLINE, "nobody woke it");
    assert!(events.is_empty());
}

#[test]
fn a_wake_before_the_wait_ends_it_at_once_and_only_once() {
    let mut host = Host::new();
    let wake = host.driver.waker();
    for _ in 0..1000 {
        wake();
    }
    wait_to_be_woken(&mut host);
    let (before, pause) = (host.driver.now(), Duration::from_millis(20));
    host.driver.wait(Some(pause), &mut Vec::new()).expect("waits");
    assert!(host.driver.now() - before >= pause, "a thousand wakes ended two waits");
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    let mut host = Host::new();
    let wake = host.driver.waker();
    thread::scope(|scope| {
        scope.spawn(|| wake());
        wait_to_be_woken(&mut host);
    });
}

/// Four threads leave notes and wake; the loop sleeps without a limit whenever it has read all. A lost wake hangs.
#[test]
fn no_wake_is_lost_among_many() {
    const NOTES: usize = 20_000;
    const WRITERS: usize = 4;
    let mut host = Host::new();
    let (wake, notes) = (host.driver.waker(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..NOTES {
                    notes.fetch_add(1, Ordering::Relaxed);
                    wake();
                }
            });
        }
        while notes.load(Ordering::Relaxed) < NOTES * WRITERS {
            wait_to_be_woken(&mut host);
        }
    });
}

#[test]
fn a_wake_after_the_driver_is_gone_does_nothing() {
    let wake = Host::new().driver.waker();
    wake();
}

#[test]
fn no_wait_is_shorter_than_its_timeout() {
    let mut host = Host::new();
    for micros in [1, 10, 300, 999, 1000, 1001, 1999, 2500, 7300] {
        let (timeout, before) = (Duration::from_micros(micros), host.driver.now());
        host.driver.wait(Some(timeout), &mut Vec::new()).expect("waits");
        let waited = host.driver.now() - before;
        assert!(waited >= timeout, "waited {waited:?} instead of {timeout:?}");
    }
}

#[test]
fn the_longest_timeout_can_be_asked_for() {
    let mut host = Host::new();
    (host.driver.waker())();
    host.driver.wait(Some(Duration::MAX), &mut Vec::new()).expect("waits");
}

#[test]
fn a_loop_that_hosts_this_one_sees_when_there_is_something() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    let far = host.watch(far);
    while host.is_told(far.token) || host.is_told(near.token) {}
    let descriptor = host.driver.pollable().expect("has one");
    let (mut outer, mut seen) = (Poll::new().expect("a poller"), Events::with_capacity(8));
    outer.registry().register(&mut SourceFd(&descriptor), Token(1), Interest::READABLE).expect("registers");
    outer.poll(&mut seen, Some(Duration::ZERO)).expect("polls");
    assert!(seen.is_empty(), "nothing happened yet");

    host.send(near.sock, "something");
    outer.poll(&mut seen, Some(DEADLINE)).expect("polls");
    assert!(!seen.is_empty());
    assert!(host.is_told(far.token));

    (host.driver.waker())();
    outer.poll(&mut seen, Some(DEADLINE)).expect("polls");
    assert!(!seen.is_empty());
}
