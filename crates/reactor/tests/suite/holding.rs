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
    fake.comes(client, Incoming::Bytes(vec![0; 101]));
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
