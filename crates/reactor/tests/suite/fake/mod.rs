//! A small driver without a kernel: what a test puts in comes out, and what the reactor asks for is written down.
//!
//! It shows how little a driver needs. Its clock jumps to the end of each wait; a wait that nothing could end is an
//! error, so no test can hang.

pub(crate) mod scripted;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sestina_reactor::{
    Address, Close, Connect, Driver, Endpoint, Event, Factory, Job, Key, Listen, Reactor, Received, Signal,
    Slab, Sock, SocketOption, Time, Token, Wake, WriteQueue,
};

/// A reactor that listens, with one factory.
pub(crate) fn listening(fake: &Fake, factory: impl Factory) -> Reactor {
    let reactor = fake.reactor();
    reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens anywhere");
    fake.calls();
    reactor
}

/// Turns without letting time pass beyond what is due.
pub(crate) fn turns(reactor: &Reactor, count: u32) {
    for _ in 0..count {
        reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
    }
}

/// Turns until no connection is left, however long that takes.
pub(crate) fn turns_until_all_are_lost(reactor: &Reactor) {
    while reactor.connections() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
}

/// What a peer does, piece by piece.
#[derive(Clone)]
pub(crate) enum Incoming {
    Bytes(Vec<u8>),
    End,
    Reset,
}

#[derive(Default)]
struct Socket {
    incoming: VecDeque<Incoming>,
    sent: Vec<u8>,
    /// How many bytes it takes before it would block.
    room: usize,
    watched: Option<Token>,
    listener: bool,
}

#[derive(Default)]
struct World {
    now: Time,
    sockets: Slab<Socket>,
    waiting: VecDeque<io::Result<Key>>,
    resolved: Vec<Event>,
    events: Vec<Event>,
    /// Each call of the reactor's, in one word.
    calls: Vec<String>,
    /// Who was given bytes to send, in order.
    senders: Vec<Key>,
    addresses: Vec<std::net::IpAddr>,
    send_max: Option<usize>,
    watches_fail: bool,
    recv_panics: bool,
}

/// The test's end of it.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    world: Rc<RefCell<World>>,
    woken: Arc<AtomicBool>,
}

impl Fake {
    pub(crate) fn reactor(&self) -> Reactor {
        Reactor::new(Box::new(self.clone()))
    }

    /// A client that waits to be accepted. `room` is what its socket takes before it would block.
    pub(crate) fn client(&self, room: usize) -> Key {
        let mut world = self.world.borrow_mut();
        let key = world.sockets.insert(Socket { room, ..Socket::default() });
        world.waiting.push_back(Ok(key));
        drop(world);
        self.wake_listeners();
        key
    }

    pub(crate) fn sends_at_most(&self, most: usize) {
        self.world.borrow_mut().send_max = Some(most);
    }

    pub(crate) fn watches_fail(&self) {
        self.world.borrow_mut().watches_fail = true;
    }

    /// The next `recv` panics: a driver that breaks its contract.
    pub(crate) fn recv_panics(&self) {
        self.world.borrow_mut().recv_panics = true;
    }

    /// The next accept fails like this.
    pub(crate) fn accept_fails(&self, kind: io::ErrorKind) {
        self.world.borrow_mut().waiting.push_back(Err(kind.into()));
        self.wake_listeners();
    }

    fn take(&self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        let mut world = self.world.borrow_mut();
        world.senders.push(sock.0);
        let most = world.send_max.unwrap_or(usize::MAX);
        let socket = world.sockets.get_mut(sock.0).expect("the socket is open");
        if socket.room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = queue.pieces().flatten().copied().take(socket.room.min(most)).collect();
        socket.room -= bytes.len();
        socket.sent.extend_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn wake_listeners(&self) {
        let mut world = self.world.borrow_mut();
        let tokens: Vec<Token> =
            world.sockets.iter().filter(|socket| socket.listener).filter_map(|s| s.watched).collect();
        world.events.extend(tokens.into_iter().map(|token| ready(token, true, false)));
    }

    /// The peer of this socket does something.
    pub(crate) fn comes(&self, key: Key, what: Incoming) {
        let mut world = self.world.borrow_mut();
        let Some(socket) = world.sockets.get_mut(key) else { return };
        socket.incoming.push_back(what);
        let watched = socket.watched;
        world.events.extend(watched.map(|token| ready(token, true, false)));
    }

    /// The socket takes this many bytes more.
    pub(crate) fn takes(&self, key: Key, room: usize) {
        let mut world = self.world.borrow_mut();
        let Some(socket) = world.sockets.get_mut(key) else { return };
        socket.room += room;
        let watched = socket.watched;
        world.events.extend(watched.map(|token| ready(token, false, true)));
    }

    /// What every name resolves to.
    pub(crate) fn names_mean(&self, addresses: &[&str]) {
        let parsed = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        self.world.borrow_mut().addresses = parsed;
    }

    /// What was sent on this socket so far; empty once it is closed.
    pub(crate) fn sent(&self, key: Key) -> Vec<u8> {
        self.world.borrow().sockets.get(key).map(|socket| socket.sent.clone()).unwrap_or_default()
    }

    /// Who was given bytes to send since the last time this was asked, in order.
    pub(crate) fn senders(&self) -> Vec<Key> {
        std::mem::take(&mut self.world.borrow_mut().senders)
    }

    /// The calls since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().calls)
    }

    /// Whether somebody woke the driver since this was asked the last time.
    pub(crate) fn was_woken(&self) -> bool {
        self.woken.swap(false, Ordering::SeqCst)
    }

    /// Time passes while the program works.
    pub(crate) fn passes(&self, time: Duration) {
        self.world.borrow_mut().now += time;
    }

    pub(crate) fn sockets(&self) -> usize {
        self.world.borrow().sockets.len()
    }

    /// The newest socket: what `connect` has just made.
    pub(crate) fn newest(&self) -> Key {
        *self.world.borrow().sockets.keys().last().expect("there is a socket")
    }
}

fn ready(token: Token, readable: bool, writable: bool) -> Event {
    Event::Ready { token, readable, writable }
}

impl World {
    fn note(&mut self, call: &str) {
        self.calls.push(call.to_owned());
    }
}

impl Driver for Fake {
    fn now(&self) -> Time {
        self.world.borrow().now
    }

    /// The last tick of 10 ms.
    fn now_roughly(&self) -> Time {
        let now = self.now().as_nanos();
        Time::from_nanos(now - now % 10_000_000)
    }

    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let here: Vec<Event> = world.events.drain(..).collect();
        let resolved: Vec<Event> = world.resolved.drain(..).collect();
        events.extend(here.into_iter().chain(resolved));
        if !events.is_empty() || self.woken.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        world.now += timeout.ok_or_else(|| io::Error::from(io::ErrorKind::Deadlock))?;
        Ok(())
    }

    fn waker(&self) -> Wake {
        let woken = Arc::clone(&self.woken);
        Arc::new(move || woken.store(true, Ordering::SeqCst))
    }

    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)> {
        let mut world = self.world.borrow_mut();
        if at.address.port() == Some(1) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let key = world.sockets.insert(Socket { listener: true, ..Socket::default() });
        Ok((Sock(key), at.address.clone()))
    }

    fn accept(&mut self, _: Sock) -> io::Result<(Sock, Address)> {
        let waiting = self.world.borrow_mut().waiting.pop_front();
        let key = waiting.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        Ok((Sock(key), Address::Inet(([127, 0, 0, 1], 4000).into())))
    }

    fn connect(&mut self, to: &Connect) -> io::Result<Sock> {
        let mut world = self.world.borrow_mut();
        world.note(&format!("connect {}", to.peer));
        Ok(Sock(world.sockets.insert(Socket::default())))
    }

    /// Connected when there is room, refused when a reset has come.
    fn connected(&mut self, sock: Sock) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let socket = world.sockets.get_mut(sock.0).expect("the socket is open");
        if matches!(socket.incoming.front(), Some(Incoming::Reset)) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        if socket.room > 0 { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.note("watch");
        if world.watches_fail {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let socket = world.sockets.get_mut(sock.0).expect("the socket is open");
        assert!(socket.watched.replace(token).is_none(), "a socket is watched once");
        let (readable, writable) = (!socket.incoming.is_empty(), socket.room > 0);
        world.events.push(ready(token, readable, writable));
        Ok(())
    }

    fn recv(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        let mut world = self.world.borrow_mut();
        world.note("recv");
        assert!(!std::mem::take(&mut world.recv_panics), "the driver panics, as it was told");
        let socket = world.sockets.get_mut(sock.0).expect("the socket is open");
        match socket.incoming.pop_front() {
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
        }
    }

    fn send(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.world.borrow_mut().note("send");
        self.take(sock, queue)
    }

    fn send_last(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.world.borrow_mut().note("send_last");
        self.take(sock, queue)
    }

    fn finish(&mut self, _: Sock) -> io::Result<()> {
        self.world.borrow_mut().note("finish");
        Ok(())
    }

    fn close(&mut self, sock: Sock, how: Close) {
        let mut world = self.world.borrow_mut();
        world.note(match how {
            Close::Polite => "close",
            Close::Reset => "reset",
        });
        assert!(world.sockets.remove(sock.0).is_some(), "a socket is closed once");
    }

    fn local_address(&self, _: Sock) -> io::Result<Address> {
        Ok(Address::Inet(([127, 0, 0, 1], 1).into()))
    }

    fn set_option(&mut self, _: Sock, _: SocketOption) -> io::Result<()> {
        Ok(())
    }

    fn bind_datagram(&mut self, at: &Address, _: Option<&Address>) -> io::Result<(Sock, Address)> {
        Ok((Sock(self.world.borrow_mut().sockets.insert(Socket::default())), at.clone()))
    }

    /// Nobody listens anywhere.
    fn send_to(&mut self, _: Sock, _: &[u8], _: Option<&Address>) -> io::Result<()> {
        self.world.borrow_mut().note("send to");
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    fn recv_from(&mut self, _: Sock, _: &mut [u8]) -> io::Result<(usize, Address)> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn resolve(&mut self, _: &str, token: Token) {
        let mut world = self.world.borrow_mut();
        world.note("resolve");
        let addresses = world.addresses.clone();
        let addresses =
            if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) };
        world.resolved.push(Event::Resolved { token, addresses });
    }

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        job();
        Ok(())
    }

    fn watch_signal(&mut self, _: Signal) -> io::Result<()> {
        Ok(())
    }
}
