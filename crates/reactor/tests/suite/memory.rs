//! What connections cost in memory, and that events on them cost none: counted by an allocator that counts.
//!
//! The driver here has no sockets at all, so that what is counted is the reactor's. The same over real sockets:
//! `tests/suite/memory.rs` of reactor-mio.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{
    Address, Close, Conn, Connect, Driver, Endpoint, Event, Job, Key, Listen, Protocol, Reactor, Received,
    Signal, Sock, SocketOption, Time, Token, Wake, WriteQueue,
};

/// How many connections are held.
const CONNECTIONS: u32 = 10_000;
/// How many events come on one connection.
const EVENTS: u32 = 1_000;
/// What one idle connection may cost, protocol included.
const BYTES_PER_CONNECTION_MAX: i64 = 400;

#[derive(Clone, Default)]
struct Void(Rc<World>);

#[derive(Default)]
struct World {
    now: Cell<Time>,
    /// Connections to be accepted, and the number of the last one.
    waiting: Cell<u32>,
    accepted: Cell<u32>,
    /// Whether the next receive finds something.
    spoken: Cell<bool>,
    port: Cell<Option<Token>>,
    watched: Cell<Option<Token>>,
    events: RefCell<Vec<Event>>,
}

impl Void {
    fn readable(&self, token: Option<Token>) {
        let token = token.expect("it is watched");
        self.0.events.borrow_mut().push(Event::Ready { token, readable: true, writable: false });
    }
}

impl Driver for Void {
    fn now(&self) -> Time {
        self.0.now.get()
    }

    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        events.append(&mut self.0.events.borrow_mut());
        if events.is_empty() {
            self.0.now.set(self.0.now.get() + timeout.unwrap_or_default());
        }
        Ok(())
    }

    fn waker(&self) -> Wake {
        Arc::new(|| ())
    }

    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)> {
        Ok((Sock(Key::from_u64(0)), at.address.clone()))
    }

    fn accept(&mut self, _: Sock) -> io::Result<(Sock, Address)> {
        let World { waiting, accepted, .. } = &*self.0;
        let left = waiting.get().checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
        waiting.set(left);
        accepted.set(accepted.get() + 1);
        Ok((Sock(Key::from_u64(accepted.get().into())), Address::Inet(([192, 0, 2, 1], 4000).into())))
    }

    fn connect(&mut self, _: &Connect) -> io::Result<Sock> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connected(&mut self, _: Sock) -> io::Result<()> {
        Ok(())
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        let place = if sock.0.to_u64() == 0 { &self.0.port } else { &self.0.watched };
        place.set(Some(token));
        Ok(())
    }

    fn recv(&mut self, _: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        if !self.0.spoken.take() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..64].fill(b'x');
        Ok(Received { count: 64, more: false })
    }

    fn send(&mut self, _: Sock, queue: &WriteQueue) -> io::Result<usize> {
        Ok(queue.len())
    }

    fn finish(&mut self, _: Sock) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self, _: Sock, _: Close) {}

    fn local_address(&self, _: Sock) -> io::Result<Address> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_option(&mut self, _: Sock, _: SocketOption) -> io::Result<()> {
        Ok(())
    }

    fn resolve(&mut self, _: &str, _: Token) {}

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        Err(job)
    }

    fn watch_signal(&mut self, _: Signal) -> io::Result<()> {
        Ok(())
    }
}

/// Answers every piece, and has a timer that every piece moves, as a server with an idle limit has.
struct Echo {
    limit: Duration,
}

impl Protocol for Echo {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(self.limit);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
        conn.set_timer(self.limit);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        conn.lose_connection();
    }
}

fn echoing(void: &Void) -> Reactor {
    let reactor = Reactor::new(Box::new(void.clone()));
    let echo = |_: &Address| Echo { limit: Duration::from_secs(60) };
    let port = reactor.listen(&Endpoint::loopback(7), echo).expect("the void listens anywhere");
    port.set_connection_limits(sestina_reactor::ConnectionLimits {
        per_peer: usize::MAX,
        ..sestina_reactor::ConnectionLimits::default()
    });
    reactor
}

fn accept(void: &Void, reactor: &Reactor, count: u32) {
    let all = reactor.connections() + usize::try_from(count).expect("small");
    void.0.waiting.set(count);
    void.readable(void.0.port.get());
    while reactor.connections() < all {
        reactor.turn(Some(Duration::ZERO)).expect("the void waits");
    }
}

#[test]
fn an_idle_connection_with_protocol_and_timer_costs_at_most_400_bytes() {
    let void = Void::default();
    let reactor = echoing(&void);
    accept(&void, &reactor, 1); // what there is once
    let counted = allocation_counter::measure(|| accept(&void, &reactor, CONNECTIONS));
    let each = counted.bytes_current / i64::from(CONNECTIONS);
    println!("{each} bytes each, {} allocations in all", counted.count_total);
    assert!(each <= BYTES_PER_CONNECTION_MAX, "{each} bytes");
    assert_eq!(reactor.timers(), usize::try_from(CONNECTIONS).expect("small") + 1);
}

#[test]
fn an_event_on_an_established_connection_allocates_nothing() {
    let void = Void::default();
    let reactor = echoing(&void);
    accept(&void, &reactor, 1);
    let event = || {
        void.0.spoken.set(true);
        void.readable(void.0.watched.get());
        reactor.turn(Some(Duration::ZERO)).expect("the void waits");
    };
    (0..100).for_each(|_| event()); // buffers are kept from then on
    let before = reactor.statistics();
    let counted = allocation_counter::measure(|| (0..EVENTS).for_each(|_| event()));
    let after = reactor.statistics();
    assert_eq!(after.bytes_sent - before.bytes_sent, u64::from(EVENTS) * 64);
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn a_server_that_has_received_nothing_has_no_buffer_for_it() {
    const SCRATCH_BYTES: i64 = 64 * 1024;
    let void = Void::default();
    let reactor = echoing(&void);
    let counted = allocation_counter::measure(|| accept(&void, &reactor, 1));
    assert!(counted.bytes_current < SCRATCH_BYTES, "{counted:?}");
}
