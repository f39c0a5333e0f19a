//! Listening: a port, its factory, and the connections that it accepts.

use std::fmt;
use std::io;
use std::panic::Location;
use std::time::Duration;

use sestina_deferred::{Deferred, Resolver, deferred, succeed};

use crate::address::Address;
use crate::driver::{Close, Listen, Sock, Token};
use crate::endpoint::Endpoint;
use crate::errors::ListenError;
use crate::inner::{Connection, Entry, Job, Listed, Reactor, Role, WeakReactor};
use crate::leftovers::{Origin, Thing};
use crate::limits::Census;
use crate::protocol::Factory;
use crate::state::{Input, State};
use crate::timers::TimerId;

/// After this many connections from one port the others have their turn.
const ACCEPTS_PER_TURN_MAX: u32 = 128;
/// How long a port waits after the system refused a descriptor, before it accepts again.
const ACCEPT_RETRY_AFTER: Duration = Duration::from_millis(100);

/// A listening socket. Dropping it changes nothing: the port listens until [`Port::stop_listening`].
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::{Address, Protocol};
///
/// struct Poetry;
/// impl Protocol for Poetry {}
///
/// let port = reactor.listen(&"tcp:0".parse()?, |_: &Address| Poetry)?;
/// assert!(port.local_addr().to_string().starts_with("127.0.0.1:"));
/// reactor.run_until(port.stop_listening()).map_err(|failure| failure.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Port {
    reactor: WeakReactor,
    token: Token,
    address: Address,
}

impl Port {
    /// The address that was taken; its port number is never 0.
    #[must_use]
    pub fn local_addr(&self) -> &Address {
        &self.address
    }

    /// Accepts nobody until [`Port::resume_accepting`]: who connects meanwhile waits in the kernel's backlog, and is served
    /// then. Called right after `listen`, nobody is accepted before.
    pub fn pause_accepting(&self) {
        self.with_state(|reactor, token| {
            reactor.with_port(token, |port| port.paused = true);
        });
    }

    /// Accepts again, those first who have waited longest.
    pub fn resume_accepting(&self) {
        self.with_state(|reactor, token| {
            reactor.with_port(token, |port| port.paused = false);
            reactor.mark_ready(token);
        });
    }

    /// Closes the listening socket; accepted connections live on. The answer comes when it is closed, at the end
    /// of the running upcall.
    ///
    /// # Cancelling
    /// Has no effect: the port closes.
    #[track_caller]
    pub fn stop_listening(&self) -> Deferred<()> {
        let Some(reactor) = self.reactor.upgrade() else { return succeed(()) };
        let (stopped, answer) = deferred();
        reactor.stop_port(self.token, Some(stopped));
        answer
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Port({})", self.address)
    }
}

impl Port {
    pub(crate) fn with_state(&self, f: impl FnOnce(&Reactor, Token)) {
        if let Some(reactor) = self.reactor.upgrade() {
            f(&reactor, self.token);
        }
    }
}

pub(crate) struct PortState {
    sock: Sock,
    address: Address,
    /// Taken out while it builds a protocol.
    factory: Option<Box<dyn Factory>>,
    stopping: bool,
    /// Told when the socket is closed.
    stopped: Vec<Resolver<()>>,
    /// Whether the lack of descriptors was logged since it last could accept.
    starved: bool,
    /// When it accepts again after that.
    retry: Option<TimerId>,
    pub(crate) census: Census,
    /// Whether it leaves its connections in the kernel's backlog for now.
    paused: bool,
    /// Whether it stopped accepting because it has too many connections.
    pub(crate) waits_for_room: bool,
    pub(crate) listed: Listed,
}

impl PortState {
    pub(crate) fn words(&self) -> String {
        format!("a port that listens on {}", self.address)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }
}

/// What becomes of an accepted connection.
enum Welcome {
    /// It gets a protocol; `None` if the port was stopped since.
    Factory(Option<Box<dyn Factory>>),
    TooMany,
}

impl Reactor {
    /// Listens at an endpoint; each connection gets a protocol from the factory. The first connection comes in a
    /// later turn, never from inside this call.
    ///
    /// # Errors
    /// If the address is taken, not ours, not permitted, or no address at all.
    #[track_caller]
    pub fn listen(&self, at: &Endpoint, factory: impl Factory) -> Result<Port, ListenError> {
        if let Some(custom) = at.custom() {
            return custom.listen(self, Box::new(factory));
        }
        let (backlog, mode, lock) = (at.backlog(), at.mode(), at.lock());
        let request = Listen { backlog, mode, lock, ..Listen::at(at.to_listen()?) };
        let mut driver = self.inner().driver.borrow_mut();
        let opened = driver.listen(&request);
        let (sock, address) = opened.map_err(|error| ListenError::from_io(request.address.clone(), error))?;
        let state = PortState {
            sock,
            address: address.clone(),
            factory: Some(Box::new(factory)),
            stopping: false,
            stopped: Vec::new(),
            starved: false,
            retry: None,
            census: Census::with_limits(self.inner().connection_limits.get()),
            paused: false,
            waits_for_room: false,
            listed: Listed::default(),
        };
        let token = Token(self.inner().entries.borrow_mut().insert(Entry::Port(Box::new(state))));
        if let Err(error) = driver.watch(sock, token) {
            driver.close(sock, Close::Polite);
            drop(driver);
            let entry = self.inner().entries.borrow_mut().remove(token.0);
            drop(entry);
            return Err(ListenError::from_io(address, error));
        }
        drop(driver);
        self.note_place(Thing::Entry(token.0), Location::caller(), Origin::Made);
        tracing::debug!(%address, "listening");
        Ok(Port { reactor: self.downgrade(), token, address })
    }

    pub(crate) fn with_port<R>(&self, token: Token, f: impl FnOnce(&mut PortState) -> R) -> Option<R> {
        self.with_entry(token, |entry| match entry {
            Entry::Port(port) => Some(f(port)),
            _ => None,
        })
        .flatten()
    }

    /// Has the port closed by the loop. `stopped` is told then, or at once if it is closed already.
    pub(crate) fn stop_port(&self, token: Token, stopped: Option<Resolver<()>>) {
        let mut stopped = stopped;
        self.with_port(token, |port| {
            port.stopping = true;
            port.stopped.extend(stopped.take());
        });
        self.mark_dirty(token);
        if let Some(stopped) = stopped {
            stopped.callback(());
        }
    }

    pub(crate) fn flush_port(&self, token: Token) {
        if self.with_port(token, |port| port.stopping) != Some(true) {
            return;
        }
        let entry = self.inner().entries.borrow_mut().remove(token.0);
        let Some(Entry::Port(port)) = entry else { return };
        let PortState { sock, address, factory, stopped, retry, .. } = *port;
        self.cancel_timer(retry);
        self.inner().driver.borrow_mut().close(sock, Close::Polite);
        tracing::debug!(%address, "stopped listening");
        self.guard("the drop of a factory", move || drop(factory));
        for resolver in stopped {
            resolver.callback(());
        }
    }

    /// Accepts what waits, within the budget.
    pub(crate) fn accept(&self, token: Token) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            let open = self.with_port(token, |port| {
                if port.retry.is_some() || port.paused {
                    return None; // until then the connections wait in the kernel's backlog
                }
                let room = port.census.has_room();
                port.waits_for_room = !room;
                (room && !port.stopping).then_some(port.sock)
            });
            let Some(sock) = open.flatten() else { return self.note_full(token) };
            let accepted = self.inner().driver.borrow_mut().accept(sock);
            match accepted {
                Ok((sock, peer)) => {
                    self.greet(token, sock, peer);
                    self.settle();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_the_peers_fault(&error) => {}
                Err(error) => return self.accept_later(token, &error),
            }
        }
        self.mark_ready(token);
    }

    /// Says in the log that a port has become full, if it has.
    #[cold]
    fn note_full(&self, token: Token) {
        let full = self.with_port(token, |port| {
            let is_news = port.waits_for_room && port.census.is_full_news();
            is_news.then(|| (port.address.clone(), port.census.limits.total))
        });
        if let Some((port, limit)) = full.flatten() {
            tracing::warn!(%port, limit, "too many connections: clients wait until one ends");
        }
    }

    /// Sends a client away whose address has its share.
    #[cold]
    #[inline(never)]
    fn refuse(&self, token: Token, sock: Sock, peer: &Address) {
        let limit = self
            .with_port(token, |port| port.census.is_refusal_news().then_some(port.census.limits.per_peer));
        if let Some(limit) = limit.flatten() {
            tracing::warn!(%peer, limit, "too many connections from one peer: further ones are refused");
        }
        tracing::debug!(%peer, "connection refused: this peer has too many");
        self.count(|statistics| statistics.refused += 1);
        self.inner().driver.borrow_mut().close(sock, Close::Reset);
    }

    /// Builds the protocol for an accepted connection and tells it.
    fn greet(&self, token: Token, sock: Sock, peer: Address) {
        let welcome = self.with_port(token, |port| {
            port.starved = false;
            if port.census.admit(&peer) { Welcome::Factory(port.factory.take()) } else { Welcome::TooMany }
        });
        let mut factory = match welcome.unwrap_or(Welcome::Factory(None)) {
            Welcome::Factory(Some(factory)) => factory,
            Welcome::Factory(None) => {
                // The port was stopped since: its clients are those of the next server.
                self.inner().driver.borrow_mut().close(sock, Close::Reset);
                return self.release_from_port(token, &peer);
            }
            Welcome::TooMany => return self.refuse(token, sock, &peer),
        };
        let built = self.guard("a factory", || factory.build(&peer)).flatten();
        let mut factory = Some(factory);
        self.with_port(token, |port| port.factory = factory.take());
        drop(factory);
        match built {
            Some(protocol) => {
                self.count(|statistics| statistics.accepted += 1);
                self.watch_accepted(token);
                let port = token;
                // Made where it will be.
                let key = self.inner().entries.borrow_mut().insert_with(|| {
                    let state = State::new(false, Input::Quiet);
                    let mut connection = self.new_connection(sock, peer, Role::Running, state);
                    connection.port = Some(port);
                    connection.state.listed.becomes_dirty();
                    Entry::Connection(connection)
                });
                let token = Token(key);
                self.note_accepted(port.0, token.0);
                self.list_dirty(token, true);
                self.upcall_and_settle(token, protocol, |protocol, conn| protocol.connection_made(conn));
            }
            None => self.send_away(token, sock, &peer),
        }
    }

    /// Ends a connection that the factory has no protocol for.
    #[inline(never)]
    fn send_away(&self, token: Token, sock: Sock, peer: &Address) {
        // Not politely: an empty answer that ends cleanly would look like all there is.
        tracing::info!(%peer, "connection refused: the factory has no protocol for it");
        self.count(|statistics| statistics.refused += 1);
        self.inner().driver.borrow_mut().close(sock, Close::Reset);
        self.release_from_port(token, peer);
    }

    #[inline(always)]
    pub(crate) fn new_connection(&self, sock: Sock, peer: Address, role: Role, state: State) -> Connection {
        Connection { sock, peer, role, state, port: None, timer: None, answers: None, progress: self.now() }
    }

    #[inline(never)]
    pub(crate) fn accept_again(&self, token: Token) {
        self.with_port(token, |port| port.retry = None);
        self.mark_ready(token);
    }

    /// Descriptors or memory have run out: the connections wait in the kernel's backlog meanwhile.
    #[cold]
    #[inline(never)]
    fn accept_later(&self, token: Token, error: &io::Error) {
        let logged =
            self.with_port(token, |port| (std::mem::replace(&mut port.starved, true), port.address.clone()));
        if let Some((false, address)) = logged {
            tracing::error!(%address, %error, "cannot accept connections; trying again until it works");
        }
        // One retry at a time, however many events come meanwhile.
        if self.with_port(token, |port| port.retry.is_none()) == Some(true) {
            let at = self.now() + ACCEPT_RETRY_AFTER;
            let retry = self.inner().timers.borrow_mut().schedule(at, Job::Accept(token));
            self.with_port(token, |port| port.retry = Some(retry));
        }
    }
}

/// Errors that concern one connection which is gone already.
fn is_the_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::TimedOut
            | Kind::HostUnreachable
    )
}
