//! Streams, where the exact order matters.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::{Fake, Incoming};
use sestina_reactor::{Endpoint, HIGH_MARK_BYTES, Reactor, Stream};

fn turn(reactor: &Reactor) {
    reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
}

/// A served stream whose socket takes `room` bytes.
fn served(fake: &Fake, reactor: &Reactor, room: usize) -> (Stream, sestina_reactor::Key) {
    let slot: Rc<RefCell<Option<Stream>>> = Rc::default();
    let keep = Rc::clone(&slot);
    let port = reactor.serve(&Endpoint::loopback(80), move |stream| {
        *keep.borrow_mut() = Some(stream);
        std::future::ready(Ok(()))
    });
    assert!(port.is_ok());
    turn(reactor);
    let client = fake.client(room);
    turn(reactor);
    let stream = slot.borrow_mut().take().expect("it was accepted");
    (stream, client)
}

#[test]
fn reads_are_answered_in_the_order_of_the_calls_and_a_cancel_moves_the_next_one_up() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let (stream, client) = served(&fake, &reactor, 0);
    let (first, second, third) = (stream.read_exact(3), stream.read_until(b'c', 9), stream.read());
    fake.comes(client, Incoming::Bytes(b"ab".to_vec()));
    turn(&reactor);
    assert!(!first.is_fired() && !second.is_fired() && !third.is_fired());
    fake.comes(client, Incoming::Bytes(b"c".to_vec()));
    second.cancel();
    first.cancel();
    assert_eq!(third.try_result().expect("nobody stands before it").expect("it came"), b"ab");
    turn(&reactor);
    assert_eq!(stream.unread(), 1);
    first.ignore_errors();
    second.ignore_errors();
    drop(stream);
    reactor.clear();
}

#[test]
fn shutdown_fires_when_all_was_taken_and_the_end_goes_after_it() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let (stream, client) = served(&fake, &reactor, 4);
    assert!(stream.write_all("poem").is_fired(), "below the mark nobody waits");
    let large = stream.write_all(vec![b'x'; 2 * HIGH_MARK_BYTES]);
    let shut = stream.shutdown();
    turn(&reactor);
    assert_eq!(fake.sent(client), b"poem");
    fake.calls();
    fake.takes(client, 2 * HIGH_MARK_BYTES - 1);
    turn(&reactor);
    assert!(!shut.is_fired() && !fake.calls().contains(&"finish".to_owned()));
    fake.takes(client, 1);
    turn(&reactor);
    assert!(large.is_fired() && shut.is_fired());
    assert_eq!(fake.calls().last().map(String::as_str), Some("finish"));
    drop(stream);
    reactor.clear();
}
