//! Datagrams: UDP, connected or not.
//!
//! What is sent is queued and goes out when the running upcall ends, like bytes of a connection; the queue is bounded,
//! and what does not fit is lost and counted, as datagrams are anywhere on their way.
//! Tests: `datagrams.rs` of the contract.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::Location;

use sestina_deferred::{Deferred, Resolver, deferred, succeed};

use crate::address::Address;
use crate::driver::{Close, Sock, Token};
use crate::endpoint::Endpoint;
use crate::errors::ListenError;
use crate::inner::{Entry, Listed, Reactor, WeakReactor};
use crate::leftovers::{Origin, Thing};

/// How many datagrams may wait for a socket that takes nothing; further ones are lost.
pub const DATAGRAMS_QUEUED_MAX: usize = 256;
/// After this many datagrams from one socket the others have their turn.
const DATAGRAMS_PER_TURN_MAX: u32 = 64;
/// After this many failures to send from one socket the others have their turn: whoever is told of one may send again.
const DATAGRAM_FAILURES_PER_FLUSH_MAX: u32 = 16;

/// What one datagram socket does. Every method has a default; each is an upcall, with the same rules as those of a
/// [`Protocol`](crate::Protocol). A panic closes the socket.
///
/// ```
/// use sestina_reactor::{Address, DatagramConn, DatagramProtocol};
///
/// struct Echo;
/// impl DatagramProtocol for Echo {
///     fn datagram_received(&mut self, socket: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
///         socket.send_to(data, from);
///     }
/// }
/// ```
pub trait DatagramProtocol: 'static {
    /// The socket is open.
    fn started(&mut self, socket: &mut DatagramConn<'_>) {
        let _ = socket;
    }

    /// A datagram came.
    fn datagram_received(&mut self, socket: &mut DatagramConn<'_>, data: &[u8], from: &Address) {
        let _ = (socket, data, from);
    }

    /// The system reported an error, on a connected socket for example that nobody listens at the peer. The socket stays
    /// open.
    fn failed(&mut self, socket: &mut DatagramConn<'_>, error: &io::Error) {
        let _ = (socket, error);
    }

    /// The socket is closed.
    fn stopped(&mut self) {}
}

/// A datagram socket, lent to its protocol for one upcall.
pub struct DatagramConn<'a> {
    reactor: &'a Reactor,
    token: Token,
}

impl DatagramConn<'_> {
    /// Sends a datagram to this address.
    pub fn send_to(&mut self, data: &[u8], to: &Address) {
        self.reactor.queue_datagram(self.token, data, Some(to));
    }

    /// Sends a datagram to the peer of a connected socket.
    pub fn send(&mut self, data: &[u8]) {
        self.reactor.queue_datagram(self.token, data, None);
    }

    /// Closes the socket when this upcall ends. What is queued and does not go out at once is lost.
    pub fn stop(&mut self) {
        self.reactor.stop_datagrams(self.token, None);
    }

    /// The reactor that makes this upcall.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        self.reactor
    }
}

impl fmt::Debug for DatagramConn<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatagramConn({:?})", self.token.0)
    }
}

/// An open datagram socket. Dropping it changes nothing: it is open until [`DatagramPort::stop_listening`].
#[derive(Clone)]
pub struct DatagramPort {
    reactor: WeakReactor,
    token: Token,
    address: Address,
}

impl DatagramPort {
    /// The address that was taken; its port number is never 0.
    #[must_use]
    pub fn local_addr(&self) -> &Address {
        &self.address
    }

    /// See [`DatagramConn::send_to`].
    pub fn send_to(&self, data: &[u8], to: &Address) {
        if let Some(reactor) = self.reactor.upgrade() {
            reactor.queue_datagram(self.token, data, Some(to));
        }
    }

    /// See [`DatagramConn::send`].
    pub fn send(&self, data: &[u8]) {
        if let Some(reactor) = self.reactor.upgrade() {
            reactor.queue_datagram(self.token, data, None);
        }
    }

    /// Closes the socket; the answer comes when it is closed, after [`DatagramProtocol::stopped`].
    ///
    /// # Cancelling
    /// Has no effect: the socket closes.
    #[track_caller]
    pub fn stop_listening(&self) -> Deferred<()> {
        let Some(reactor) = self.reactor.upgrade() else { return succeed(()) };
        let (stopped, answer) = deferred();
        reactor.stop_datagrams(self.token, Some(stopped));
        answer
    }
}

impl fmt::Debug for DatagramPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatagramPort({})", self.address)
    }
}

pub(crate) struct DatagramState {
    sock: Sock,
    /// Taken out by the upcall that is running now.
    protocol: Option<Box<dyn DatagramProtocol>>,
    queue: VecDeque<(Vec<u8>, Option<Address>)>,
    full: bool,
    starting: bool,
    stopping: bool,
    stopped: Vec<Resolver<()>>,
    pub(crate) readable: bool,
    pub(crate) listed: Listed,
}

impl DatagramState {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }
}

impl Reactor {
    /// Opens a UDP socket at a `udp:` endpoint. (A `tcp:` endpoint stands for its address only.)
    ///
    /// # Errors
    /// If the address is taken, not ours, not permitted, or no address at all.
    #[track_caller]
    pub fn listen_datagrams(
        &self,
        at: &Endpoint,
        protocol: impl DatagramProtocol,
    ) -> Result<DatagramPort, ListenError> {
        self.open_datagrams(at, None, Box::new(protocol))
    }

    /// Opens a UDP socket that sends to and hears from one peer only.
    ///
    /// # Errors
    /// If the system does not let us.
    #[track_caller]
    pub fn connect_datagrams(
        &self,
        peer: &Address,
        protocol: impl DatagramProtocol,
    ) -> Result<DatagramPort, ListenError> {
        let any = match peer.ip() {
            Some(ip) if ip.is_ipv6() && ip.is_loopback() => "::1",
            Some(ip) if ip.is_ipv6() => "::",
            Some(ip) if ip.is_loopback() => "127.0.0.1",
            _ => "0.0.0.0",
        };
        self.open_datagrams(&Endpoint::tcp(any, 0), Some(peer), Box::new(protocol))
    }

    #[track_caller]
    fn open_datagrams(
        &self,
        at: &Endpoint,
        peer: Option<&Address>,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Result<DatagramPort, ListenError> {
        let wanted = at.to_bind()?;
        let mut driver = self.inner().driver.borrow_mut();
        let opened = driver.bind_datagram(&wanted, peer);
        let (sock, address) = opened.map_err(|error| ListenError::from_io(wanted, error))?;
        let state = DatagramState {
            sock,
            protocol: Some(protocol),
            queue: VecDeque::new(),
            full: false,
            starting: true,
            stopping: false,
            stopped: Vec::new(),
            readable: true,
            listed: Listed::default(),
        };
        let token = Token(self.inner().entries.borrow_mut().insert(Entry::Datagrams(Box::new(state))));
        if let Err(error) = driver.watch(sock, token) {
            driver.close(sock, Close::Polite);
            drop(driver);
            let entry = self.inner().entries.borrow_mut().remove(token.0);
            drop(entry);
            return Err(ListenError::from_io(address, error));
        }
        drop(driver);
        self.note_place(Thing::Entry(token.0), Location::caller(), Origin::Made);
        self.mark_dirty(token);
        Ok(DatagramPort { reactor: self.downgrade(), token, address })
    }

    pub(crate) fn with_datagrams<R>(
        &self,
        token: Token,
        f: impl FnOnce(&mut DatagramState) -> R,
    ) -> Option<R> {
        self.with_entry(token, |entry| match entry {
            Entry::Datagrams(state) => Some(f(state)),
            _ => None,
        })
        .flatten()
    }

    fn queue_datagram(&self, token: Token, data: &[u8], to: Option<&Address>) {
        let queued = self.with_datagrams(token, |state| {
            let room = !state.stopping && state.queue.len() < DATAGRAMS_QUEUED_MAX;
            if room {
                state.queue.push_back((data.to_vec(), to.cloned()));
            }
            room
        });
        if queued != Some(true) {
            self.count(|statistics| statistics.datagrams_lost += 1);
        }
        self.mark_dirty(token);
    }

    pub(crate) fn stop_datagrams(&self, token: Token, stopped: Option<Resolver<()>>) {
        let mut stopped = stopped;
        self.with_datagrams(token, |state| {
            state.stopping = true;
            state.stopped.extend(stopped.take());
        });
        self.mark_dirty(token);
        if let Some(stopped) = stopped {
            stopped.callback(());
        }
    }

    fn datagram_upcall(
        &self,
        token: Token,
        f: impl FnOnce(&mut dyn DatagramProtocol, &mut DatagramConn<'_>),
    ) {
        let protocol = self.with_datagrams(token, |state| state.protocol.take()).flatten();
        let Some(mut protocol) = protocol else { return };
        self.count(|statistics| statistics.upcalls += 1);
        let unharmed = self.guard("a datagram protocol", || {
            f(&mut *protocol, &mut DatagramConn { reactor: self, token });
        });
        self.with_datagrams(token, |state| state.protocol = Some(protocol));
        if unharmed.is_none() {
            self.stop_datagrams(token, None);
        }
    }

    /// Tells the start, sends what is queued, closes.
    pub(crate) fn flush_datagrams(&self, token: Token) {
        if self.with_datagrams(token, |state| std::mem::take(&mut state.starting)) == Some(true) {
            self.datagram_upcall(token, |protocol, socket| protocol.started(socket));
            self.mark_ready(token);
        }
        let sent_all = (0..DATAGRAM_FAILURES_PER_FLUSH_MAX).any(|_| {
            let Some(error) = self.send_datagrams(token) else { return true };
            self.datagram_upcall(token, |protocol, socket| protocol.failed(socket, &error));
            false
        });
        if !sent_all {
            self.rest(token);
        }
        if self.with_datagrams(token, |state| state.stopping) == Some(true) {
            self.close_datagrams(token);
        }
    }

    /// Sends until the socket is full or the queue empty, unless it rests; an error stops it, and is told.
    fn send_datagrams(&self, token: Token) -> Option<io::Error> {
        let mut driver = self.inner().driver.borrow_mut();
        self.with_datagrams(token, |state| {
            while let (false, Some((data, to))) = (state.full || state.listed.rests(), state.queue.front()) {
                match driver.send_to(state.sock, data, to.as_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => state.full = true,
                    Err(error) => {
                        state.queue.pop_front();
                        return Some(error);
                    }
                    Ok(()) => {
                        state.queue.pop_front();
                    }
                }
            }
            None
        })
        .flatten()
    }

    fn close_datagrams(&self, token: Token) {
        let entry = self.inner().entries.borrow_mut().remove(token.0);
        let Some(Entry::Datagrams(state)) = entry else { return };
        let DatagramState { sock, protocol, stopped, .. } = *state;
        self.inner().driver.borrow_mut().close(sock, Close::Polite);
        if let Some(mut protocol) = protocol {
            self.guard("a datagram protocol", || protocol.stopped());
            self.guard("the drop of a datagram protocol", move || drop(protocol));
        }
        for resolver in stopped {
            resolver.callback(());
        }
    }

    pub(crate) fn note_datagrams(&self, token: Token, readable: bool, writable: bool) {
        self.with_datagrams(token, |state| {
            state.readable |= readable;
            state.full &= !writable;
        });
        self.mark_dirty(token);
        self.mark_ready(token);
    }

    /// Receives what has come, within the budget.
    pub(crate) fn receive_datagrams(&self, token: Token, scratch: &mut [u8]) {
        for _ in 0..DATAGRAMS_PER_TURN_MAX {
            let Some(Some(sock)) =
                self.with_datagrams(token, |state| (state.readable && !state.stopping).then_some(state.sock))
            else {
                break;
            };
            let received = self.inner().driver.borrow_mut().recv_from(sock, scratch);
            match received {
                Ok((count, from)) => self.datagram_upcall(token, |protocol, socket| {
                    protocol.datagram_received(socket, &scratch[..count], &from);
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.with_datagrams(token, |state| state.readable = false);
                }
                Err(error) => self.datagram_upcall(token, |protocol, socket| protocol.failed(socket, &error)),
            }
            self.settle();
        }
        if self.with_datagrams(token, |state| state.readable) == Some(true) {
            self.mark_ready(token);
        }
    }
}
