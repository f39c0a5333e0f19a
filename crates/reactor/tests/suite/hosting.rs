//! What a host sees between two turns.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::Fake;
use sestina_reactor::{Address, ConnHandle, Endpoint, Protocol, Reactor, Time};

struct Silent;
impl Protocol for Silent {}

fn turn(reactor: &Reactor) {
    reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
}

#[test]
fn what_is_asked_for_between_two_turns_wakes_a_host_once() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    drop(reactor.call_later(Duration::from_secs(5), || ()));
    assert!(!fake.was_woken(), "nobody hosts it yet");
    assert_eq!(reactor.pollable(), None);
    let call = reactor.call_later(Duration::from_secs(5), || ());
    assert!(fake.was_woken());
    drop(reactor.call_later(Duration::ZERO, || ()));
    assert!(!fake.was_woken(), "one nudge for one turn");
    turn(&reactor);
    call.reset(Duration::from_secs(1));
    assert!(fake.was_woken());
    turn(&reactor);
    let connector = reactor.connect(&Endpoint::loopback(9), |_: &Address| Silent);
    assert!(fake.was_woken());
    turn(&reactor);
    connector.stop_connecting();
    assert!(fake.was_woken());
    turn(&reactor);
    reactor.stop();
    assert!(fake.was_woken());
}

#[test]
fn what_is_asked_for_inside_a_turn_wakes_nobody() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    assert_eq!(reactor.pollable(), None);
    let kept: Rc<Cell<Option<ConnHandle>>> = Rc::default();
    let again = reactor.clone();
    drop(reactor.call_later(Duration::ZERO, move || drop(again.call_later(Duration::from_secs(1), || ()))));
    assert!(fake.was_woken());
    turn(&reactor);
    assert!(!fake.was_woken() && kept.take().is_none());
    assert_eq!(reactor.next_timeout(), Some(Duration::from_secs(1)));
    assert_eq!(reactor.next_deadline(), Some(reactor.now() + Duration::from_secs(1)));
}

#[test]
fn the_next_deadline_is_now_when_work_waits_and_none_when_only_the_world_can_bring_some() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    assert_eq!((reactor.next_deadline(), reactor.next_timeout()), (None, None));
    let call = reactor.call_later(Duration::from_secs(3), || ());
    reactor.call_later(Duration::from_secs(5), || ());
    assert_eq!(reactor.next_deadline(), Some(Time::ZERO + Duration::from_secs(3)));
    fake.passes(Duration::from_secs(1));
    assert_eq!(reactor.next_timeout(), Some(Duration::from_secs(2)));
    call.cancel();
    assert_eq!(reactor.next_deadline(), Some(Time::ZERO + Duration::from_secs(5)));
    reactor.stop();
    assert_eq!(
        (reactor.next_deadline(), reactor.next_timeout()),
        (Some(reactor.now()), Some(Duration::ZERO))
    );
}
