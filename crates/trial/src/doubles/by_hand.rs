//! The driver of the doubles: sockets in memory, time by hand.
//!
//! Invariant: a wait never sleeps and never moves the clock; one that would is an error, so no test hangs.
//! Tests: `tests/suite/doubles.rs`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{
    Address, Close, ConnHandle, Connect, Driver, Endpoint, Event, Job, Key, Listen, Protocol, Reactor,
    Received, Signal, Slab, Sock, SocketOption, Time, Token, Wake, WriteQueue,
};

use crate::assertions::success_result_of;

/// So many turns without an end are one that never ends.
const TURNS_MAX: u32 = 100_000;

/// What a peer does.
#[derive(Clone, Debug)]
pub(super) enum Incoming {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// One connected socket, as its peer sees it.
#[derive(Debug, Default)]
pub(super) struct Socket {
    pub(super) incoming: VecDeque<Incoming>,
    /// All that was sent.
    pub(super) sent: Vec<u8>,
    /// Whether it takes nothing.
    pub(super) is_full: bool,
    /// Whether our end was sent.
    pub(super) finished: bool,
    pub(super) closed: Option<Close>,
    token: Option<Token>,
}

#[derive(Debug, Default)]
struct World {
    now: Time,
    sockets: Slab<Socket>,
    events: Vec<Event>,
}

/// A reactor over sockets in memory.
#[derive(Clone, Debug)]
pub(super) struct ByHand {
    world: Rc<RefCell<World>>,
    reactor: Reactor,
}

impl ByHand {
    pub(super) fn new() -> Self {
        let world = Rc::new(RefCell::new(World::default()));
        let reactor = Reactor::new(Box::new(HandDriver(Rc::clone(&world))));
        Self { world, reactor }
    }

    pub(super) fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    pub(super) fn with<R>(&self, key: Key, f: impl FnOnce(&mut Socket) -> R) -> R {
        f(self.world.borrow_mut().sockets.get_mut(key).expect("sockets are kept as long as the double"))
    }

    /// A connection with this protocol, and its socket; `connection_made` has been called.
    ///
    /// # Panics
    /// If `connection_made` panics.
    #[track_caller]
    pub(super) fn connect(&self, protocol: impl Protocol) -> (Key, ConnHandle) {
        let mut protocol = Some(protocol);
        let factory = move |_: &Address| protocol.take().expect("one connection, one protocol");
        let before = self.world.borrow().sockets.len();
        let connected = self.reactor.connect(&Endpoint::loopback(1), factory).connected();
        self.settle();
        let conn = success_result_of(connected);
        // The first one that came: its protocol may have connected to others.
        let own = *self.world.borrow().sockets.keys().get(before).expect("it has a socket");
        (own, conn)
    }

    /// Ends what is left, unless the test has failed: protocols are told.
    pub(super) fn end(&self) {
        if !std::thread::panicking() {
            self.reactor.clear();
        }
    }

    /// The peer does something.
    pub(super) fn comes(&self, key: Key, what: Incoming) {
        self.with(key, |socket| socket.incoming.push_back(what));
        self.tell(key, true, false);
    }

    /// The socket takes bytes again.
    pub(super) fn opens(&self, key: Key) {
        self.with(key, |socket| socket.is_full = false);
        self.tell(key, false, true);
    }

    fn tell(&self, key: Key, readable: bool, writable: bool) {
        let token = self.with(key, |socket| socket.token.filter(|_| socket.closed.is_none()));
        let event = token.map(|token| Event::Ready { token, readable, writable });
        self.world.borrow_mut().events.extend(event);
    }

    /// Has the reactor do all that there is to do now.
    ///
    /// # Panics
    /// If that never ends.
    pub(super) fn settle(&self) {
        for _ in 0..TURNS_MAX {
            self.reactor.turn(Some(Duration::ZERO)).expect("a wait that may not sleep cannot fail here");
            let is_quiet = self.world.borrow().events.is_empty();
            if is_quiet && self.reactor.next_timeout() != Some(Duration::ZERO) {
                return;
            }
        }
        panic!("after {TURNS_MAX} turns there is still something to do at once");
    }

    pub(super) fn advance(&self, time: Duration) {
        self.world.borrow_mut().now += time;
        self.settle();
    }
}

/// The driver itself: the reactor owns it, and it does not know the reactor.
#[derive(Debug)]
struct HandDriver(Rc<RefCell<World>>);

impl HandDriver {
    fn with<R>(&self, sock: Sock, f: impl FnOnce(&mut Socket) -> io::Result<R>) -> io::Result<R> {
        self.0.borrow_mut().sockets.get_mut(sock.0).map_or_else(|| Err(io::ErrorKind::NotConnected.into()), f)
    }
}

impl Driver for HandDriver {
    fn now(&self) -> Time {
        self.0.borrow().now
    }

    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        events.append(&mut self.0.borrow_mut().events);
        if events.is_empty() && timeout != Some(Duration::ZERO) {
            let words =
                "the time of this double passes only by hand: call advance instead of running its reactor";
            return Err(io::Error::new(io::ErrorKind::Deadlock, words));
        }
        Ok(())
    }

    fn waker(&self) -> Wake {
        Arc::new(|| ())
    }

    fn listen(&mut self, _: &Listen) -> io::Result<(Sock, Address)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn accept(&mut self, _: Sock) -> io::Result<(Sock, Address)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connect(&mut self, _: &Connect) -> io::Result<Sock> {
        Ok(Sock(self.0.borrow_mut().sockets.insert(Socket::default())))
    }

    fn connected(&mut self, _: Sock) -> io::Result<()> {
        Ok(())
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        let readable = self.with(sock, |socket| {
            socket.token = Some(token);
            Ok(!socket.incoming.is_empty())
        })?;
        self.0.borrow_mut().events.push(Event::Ready { token, readable, writable: true });
        Ok(())
    }

    fn recv(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        self.with(sock, |socket| match socket.incoming.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Incoming::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
            Some(Incoming::End) => Ok(Received { count: 0, more: false }),
            Some(Incoming::Bytes(bytes)) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    socket.incoming.push_front(Incoming::Bytes(bytes[count..].to_vec()));
                }
                Ok(Received { count, more: !socket.incoming.is_empty() })
            }
        })
    }

    fn send(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.with(sock, |socket| {
            if socket.is_full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            queue.pieces().for_each(|piece| socket.sent.extend_from_slice(piece));
            Ok(queue.len())
        })
    }

    fn finish(&mut self, sock: Sock) -> io::Result<()> {
        self.with(sock, |socket| {
            socket.finished = true;
            Ok(())
        })
    }

    fn close(&mut self, sock: Sock, how: Close) {
        if let Some(socket) = self.0.borrow_mut().sockets.get_mut(sock.0) {
            socket.closed = Some(how);
        }
    }

    fn local_address(&self, _: Sock) -> io::Result<Address> {
        Ok(Address::Inet(([127, 0, 0, 1], 1).into()))
    }

    fn set_option(&mut self, _: Sock, _: SocketOption) -> io::Result<()> {
        Ok(())
    }

    fn resolve(&mut self, _: &str, token: Token) {
        let addresses = Err(io::ErrorKind::NotFound.into());
        self.0.borrow_mut().events.push(Event::Resolved { token, addresses });
    }

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        job();
        Ok(())
    }

    fn watch_signal(&mut self, _: Signal) -> io::Result<()> {
        Ok(())
    }
}
