//! The log is user code as well: while it is told something, nothing of the reactor is borrowed.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::fake::{Fake, Incoming, turns};
use sestina_reactor::{Address, CloseLimits, Conn, ConnectionLimits, Endpoint, Protocol, Reactor};
use tracing::span;
use tracing::subscriber::with_default;

thread_local! {
    /// Whom the log asks. A subscriber is to be `Send`, and a reactor is not.
    static ASKED: RefCell<Option<Reactor>> = const { RefCell::new(None) };
    static EVENTS: Cell<u32> = const { Cell::new(0) };
}

/// A log that asks the reactor, and has it do something, at each event.
struct Curious;

impl tracing::Subscriber for Curious {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("sestina_reactor")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        let reactor = ASKED.with_borrow(Clone::clone).expect("the test has one");
        EVENTS.set(EVENTS.get() + 1);
        assert_eq!(reactor.next_timeout(), reactor.next_timeout());
        assert!(reactor.connections() <= reactor.statistics().connections);
        reactor.call_later(Duration::from_secs(1), || ()).cancel();
        reactor.set_close_limits(strict());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn strict() -> CloseLimits {
    let mut limits = CloseLimits::default();
    limits.discard_bytes_max = 1;
    limits
}

/// Runs this with a log that asks the reactor, and says how many events there were.
fn events(reactor: &Reactor, f: impl FnOnce()) -> u32 {
    ASKED.set(Some(reactor.clone()));
    EVENTS.set(0);
    with_default(Curious, f);
    ASKED.set(None);
    EVENTS.get()
}

/// Closes when it is told to, and else writes too much.
struct Loud;

impl Protocol for Loud {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        if data == b"close" {
            return conn.lose_connection();
        }
        conn.set_queue_limit(1);
        conn.write(b"too much");
    }
}

#[test]
fn a_log_may_ask_the_reactor_when_it_hears_that_a_connection_is_cut() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    reactor.set_close_limits(strict());
    let count = events(&reactor, || {
        let port = reactor.listen(&Endpoint::loopback(7), |_: &Address| Loud).expect("the fake listens");
        let (writes, talks) = (fake.client(0), fake.client(100));
        turns(&reactor, 2);
        fake.comes(writes, Incoming::Bytes(b"write".to_vec()));
        fake.comes(talks, Incoming::Bytes(b"close".to_vec()));
        turns(&reactor, 1);
        assert_eq!(reactor.connections(), 1, "its write queue is full");
        fake.comes(talks, Incoming::Bytes(b"more than one byte".to_vec()));
        turns(&reactor, 1);
        assert_eq!(reactor.connections(), 0, "it still sends after our end");
        drop(port);
    });
    assert_eq!(count, 3, "listening, and one for each");
}

#[test]
fn a_log_may_ask_the_reactor_when_it_hears_that_a_port_is_full_or_refuses_a_peer() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let limits = ConnectionLimits { total: 2, per_peer: 1, per_peer_on_loopback: true };
    let count = events(&reactor, || {
        let port = reactor.listen(&Endpoint::loopback(7), |_: &Address| Loud).expect("the fake listens");
        port.set_connection_limits(limits);
        for _ in 0..3 {
            fake.client(100);
        }
        turns(&reactor, 2);
        assert_eq!(reactor.statistics().refused, 2);
        port.set_connection_limits(ConnectionLimits { total: 1, ..limits });
        turns(&reactor, 2);
    });
    assert_eq!(count, 5, "listening; this peer has too many, once for all and for each; the port is full");
}
