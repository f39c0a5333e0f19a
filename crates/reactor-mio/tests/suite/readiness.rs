//! Events: each change once, nothing lost.

use crate::common::{Host, of};
use sestina_reactor::{Close, Driver, Event};
use sestina_reactor_mio::Options;
use std::io;

#[test]
fn a_change_is_told_once_and_the_next_one_again() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    let far = host.watch(far);
    host.until(|event| of(far.token, event)); // writable
    host.send(near.sock, "one");
    host.until(|event| of(far.token, event));
    assert!(!host.is_told(far.token), "nothing changed");
    assert_eq!(host.recv(far).expect("receives"), ("one".to_owned(), false));
    let again = host.driver.recv(far.sock, &mut [0; 1]).expect_err("empty");
    assert_eq!(again.kind(), io::ErrorKind::WouldBlock);
    assert!(!host.is_told(far.token), "nothing changed");
    host.send(near.sock, "two");
    assert_eq!(host.recv(far).expect("receives").0, "two");
}

#[test]
fn what_was_ready_before_the_watch_is_told() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(near.sock, "early");
    let far = host.watch(far);
    let told = host.until(|event| match event {
        Event::Ready { token, readable, writable } if *token == far.token => Some((*readable, *writable)),
        _ => None,
    });
    assert_eq!(told, (true, true));
    assert_eq!(host.recv(far).expect("receives").0, "early");
}

#[test]
fn a_connection_that_waited_before_the_watch_is_told() {
    let mut host = Host::new();
    let at = sestina_reactor::Listen::at(crate::common::local().into());
    let (listener, address) = host.driver.listen(&at).expect("listens");
    let _near = host.connect(&address).expect("the kernel connects it");
    let listener = host.watch(listener);
    host.until(|event| of(listener.token, event));
    host.accept(listener);
}

#[test]
fn an_end_that_came_together_with_the_last_data_is_seen_without_another_event() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(near.sock, "the end");
    host.driver.finish(near.sock).expect("finishes");
    let far = host.watch(far);
    host.until(|event| of(far.token, event));
    assert_eq!(host.recv(far).expect("receives"), ("the end".to_owned(), true));
    assert_eq!(host.recv(far).expect("receives"), (String::new(), false));
    assert!(!host.is_told(far.token), "this is why `more` must be true");
}

#[test]
fn an_end_after_the_last_data_was_read_is_told() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    let far = host.watch(far);
    host.send(near.sock, "the end");
    assert_eq!(host.recv(far).expect("receives"), ("the end".to_owned(), false));
    host.is_told(far.token); // takes what was told so far
    host.driver.finish(near.sock).expect("finishes");
    host.until(|event| of(far.token, event));
    assert_eq!(host.recv(far).expect("receives"), (String::new(), false));
}

#[test]
fn the_end_of_an_unwatched_connection_is_told_when_it_is_watched() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(near.sock, "the end");
    host.driver.finish(near.sock).expect("finishes");
    let got = host.driver.recv(far, &mut [0; 100]).expect("receives");
    assert_eq!((got.count, got.more), (7, false));
    let far = host.watch(far);
    host.until(|event| of(far.token, event));
    assert_eq!(host.recv(far).expect("receives"), (String::new(), false));
}

#[test]
fn a_full_buffer_asks_for_another_try() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    host.send(near.sock, "abcd");
    let got = host.driver.recv(far, &mut [0; 2]).expect("receives");
    assert_eq!((got.count, got.more), (2, true));
    let got = host.driver.recv(far, &mut [0; 3]).expect("receives");
    assert_eq!((got.count, got.more), (2, false));
}

#[test]
fn events_of_a_closed_socket_reach_nobody() {
    let mut host = Host::new();
    let (near, far) = host.pair();
    let far = host.watch(far);
    host.send(near.sock, "too late");
    host.driver.close(far.sock, Close::Polite);
    let (_near, newer) = host.pair();
    let newer = host.watch(newer);
    host.until(|event| of(newer.token, event));
    assert!(!host.is_told(far.token));
}

#[test]
fn what_one_wait_does_not_take_is_left_for_the_next() {
    let mut host = Host::with(Options::default().with_events_per_wait_max(1));
    let pairs: Vec<_> = (0..10).map(|_| host.pair()).collect();
    let ends: Vec<_> = pairs.into_iter().map(|(_, far)| host.watch(far)).collect();
    for end in ends {
        host.until(|event| of(end.token, event));
    }
}

#[test]
fn a_socket_is_watched_once() {
    let mut host = Host::new();
    let (near, _far) = host.pair();
    let error = host.driver.watch(near.sock, near.token).expect_err("watched");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
}
