//! How long user code holds the loop, and whose it was: the fake's clock is moved by the code itself.

use std::time::Duration;

use crate::fake::{Fake, Incoming};
use sestina_reactor::{Address, CALLBACK_LIMIT, Conn, Endpoint, Protocol, Reactor};

/// Thinks about each byte for a millisecond.
struct Slow(Fake);

impl Protocol for Slow {
    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.0.passes(Duration::from_millis(u64::try_from(data.len()).expect("a length")));
    }
}

fn turn(reactor: &Reactor) {
    reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
}

#[test]
fn the_longest_turn_has_the_name_of_who_held_it_longest() {
    let fake = Fake::default();
    let (reactor, thinks) = (fake.reactor(), fake.clone());
    let port = reactor.listen(&Endpoint::loopback(80), move |_: &Address| Slow(thinks.clone()));
    let client = fake.client(100);
    turn(&reactor);
    fake.comes(client, Incoming::Bytes(vec![0; 30]));
    let (brief, begun) = (fake.clone(), reactor.now());
    drop(reactor.call_later(Duration::ZERO, move || brief.passes(Duration::from_millis(20))));
    turn(&reactor);
    let statistics = reactor.statistics();
    assert_eq!(statistics.longest_turn, Duration::from_millis(50));
    assert_eq!((statistics.longest_turn_holder, statistics.slow_callbacks), ("suite::holding::Slow", 0));
    assert_eq!(reactor.now() - begun, Duration::from_millis(50));
    fake.comes(client, Incoming::Bytes(vec![0; 120]));
    turn(&reactor);
    assert_eq!(reactor.statistics().slow_callbacks, 1);
    assert!(reactor.statistics().longest_turn > CALLBACK_LIMIT);
    drop(port);
    reactor.clear();
}

#[test]
fn another_limit_and_none() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let held = |reactor: &Reactor| {
        let fake = fake.clone();
        drop(reactor.call_later(Duration::ZERO, move || fake.passes(Duration::from_millis(20))));
        turn(reactor);
        (reactor.statistics().slow_callbacks, reactor.statistics().longest_turn_holder)
    };
    reactor.set_callback_limit(None);
    assert_eq!(held(&reactor), (0, ""));
    reactor.set_callback_limit(Some(Duration::MAX));
    assert_eq!(held(&reactor), (0, "a delayed call"));
    reactor.set_callback_limit(Some(Duration::from_millis(19)));
    assert_eq!(held(&reactor), (1, "a delayed call"));
    reactor.set_callback_limit(Some(Duration::from_millis(20)));
    assert_eq!(held(&reactor), (1, "a delayed call"));
}

/// Holds the loop for so many milliseconds, by a timer of a turn of its own.
fn holds(fake: &Fake, reactor: &Reactor, milliseconds: u64) {
    let passing = fake.clone();
    drop(reactor.call_later(Duration::ZERO, move || passing.passes(Duration::from_millis(milliseconds))));
    turn(reactor);
}

#[test]
fn long_limits_are_measured_roughly_and_short_ones_exactly() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    reactor.set_callback_limit(Some(Duration::from_millis(49)));
    holds(&fake, &reactor, 49);
    assert_eq!(reactor.statistics().slow_callbacks, 0);
    holds(&fake, &reactor, 50);
    assert_eq!(reactor.statistics().slow_callbacks, 1);
    let fake = Fake::default();
    let reactor = fake.reactor();
    reactor.set_callback_limit(Some(Duration::from_millis(50)));
    holds(&fake, &reactor, 59);
    assert_eq!(reactor.statistics().slow_callbacks, 0, "the rough clock says 50");
    holds(&fake, &reactor, 61);
    assert_eq!(reactor.statistics().slow_callbacks, 1);
}

#[test]
fn turns_are_measured_exactly_whatever_the_clock_and_with_what_came_before_the_wait() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    holds(&fake, &reactor, 3);
    let statistics = reactor.statistics();
    let brief = (Duration::from_millis(3), "");
    assert_eq!((statistics.longest_turn, statistics.longest_turn_holder), brief, "no tick, so no name");
    turn(&reactor);
    assert_eq!(reactor.statistics().longest_turn, brief.0, "nobody's turn");
    let passing = fake.clone();
    reactor.call_when_running(move || passing.passes(Duration::from_millis(30)));
    holds(&fake, &reactor, 21);
    assert_eq!(reactor.statistics().longest_turn, Duration::from_millis(51));
}

#[test]
fn a_rough_clock_that_is_behind_does_not_charge_a_wait_to_anybody() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    fake.passes(Duration::from_millis(9)); // to the end of a tick, in which the turn begins
    for _ in 0..2 {
        let passing = fake.clone();
        drop(reactor.call_later(Duration::ZERO, move || passing.passes(Duration::from_millis(1))));
    }
    reactor.set_callback_limit(Some(Duration::from_millis(55)));
    turn(&reactor);
    let statistics = reactor.statistics();
    assert_eq!(statistics.longest_turn, Duration::from_millis(2));
    fake.passes(Duration::from_millis(48)); // 59 since the start
    holds(&fake, &reactor, 51);
    assert_eq!(
        reactor.statistics().slow_callbacks,
        0,
        "from 59 to 110: 51, and not the 60 since the tick before"
    );
}

#[test]
fn what_holds_the_loop_before_its_first_turn_counts_by_itself() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let (passing, stopping) = (fake.clone(), reactor.clone());
    reactor.call_when_running(move || passing.passes(Duration::from_millis(80)));
    let passing = fake.clone();
    drop(reactor.call_later(Duration::ZERO, move || {
        passing.passes(Duration::from_millis(2));
        stopping.stop();
    }));
    reactor.run().expect("it ends");
    let statistics = reactor.statistics();
    let held = (statistics.longest_turn, statistics.longest_turn_holder);
    assert_eq!(held, (Duration::from_millis(80), "a call at the start"));
}
