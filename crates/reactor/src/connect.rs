//! Connecting: an attempt over all addresses of a peer, until one answers.
//!
//! A host name is resolved off the loop. Addresses of both families are tried in turn; the next one starts when the
//! one before has failed or has not answered for [`NEXT_ADDRESS_AFTER`]; the first that answers wins (RFC 8305 in
//! short). The first failure is the one that is reported: it usually says the most.
//! The attempt's token becomes the connection's, so a [`Connector`] finds either.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::conn::Conn;
use crate::connected::Outcome;
use crate::driver::{Close, Connect, Sock, Token};
use crate::endpoint::{Endpoint, Target};
use crate::errors::ConnectError;
use crate::inner::{Entry, Job, Kind, Listed, Reactor, Role, WeakReactor};
use crate::leftovers::{Origin, Thing};
use crate::protocol::Factory;
use crate::state::{Input, State};
use crate::timers::TimerId;

/// How long one address may be silent before the next one is tried beside it.
pub const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// How long one attempt may take, over all addresses, unless an endpoint's `timeout` says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// An attempt to connect and, later, the connection that came of it. Dropping it changes nothing.
#[derive(Clone)]
pub struct Connector {
    reactor: WeakReactor,
    token: Token,
    outcome: Outcome,
}

impl Connector {
    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Stops connecting ([`ConnectError::Cancelled`]), or closes the connection politely; nothing if both are over.
    pub fn disconnect(&self) {
        self.end(|reactor| reactor.lose_connection(self.token));
    }

    /// Stops connecting ([`ConnectError::Cancelled`]), or cuts the connection; nothing if both are over.
    pub fn abort(&self) {
        self.end(|reactor| reactor.abort(self.token));
    }

    /// Stops connecting ([`ConnectError::Cancelled`]); nothing if the connection was made or the attempt failed.
    pub fn stop_connecting(&self) {
        self.end(|_| ());
    }

    /// Whether the attempt goes on.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        self.reactor.upgrade().is_some_and(|reactor| reactor.kind(self.token) == Some(Kind::Attempt))
    }

    fn end(&self, connected: impl FnOnce(&Reactor)) {
        let Some(reactor) = self.reactor.upgrade() else { return };
        match reactor.kind(self.token) {
            Some(Kind::Attempt) => reactor.cancel_attempt(self.token),
            Some(Kind::Connection) => connected(&reactor),
            Some(Kind::Port | Kind::Datagrams | Kind::Process) | None => {}
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Connector({:?})", self.token.0)
    }
}

pub(crate) struct Attempt {
    /// Taken out by the one who reports the end of the attempt.
    factory: Option<Box<dyn Factory>>,
    /// The peer in the words of the endpoint.
    peer: String,
    /// The name to be resolved, if the peer was given by name.
    host: String,
    port: u16,
    bind: Option<SocketAddr>,
    untried: VecDeque<Address>,
    trying: Vec<(Sock, Address)>,
    first_failure: Option<ConnectError>,
    /// Decided; to be reported by the loop.
    verdict: Option<ConnectError>,
    limit: Duration,
    timeout: Option<TimerId>,
    next_address: Option<TimerId>,
    /// Whether input was seen together with the answer.
    input: bool,
    outcome: Outcome,
    pub(crate) listed: Listed,
}

impl Reactor {
    /// Connects; the connection gets a protocol from the factory, or `connection_failed` says why there is none. Both
    /// come in a later turn, never from inside this call.
    #[track_caller]
    pub fn connect(&self, to: &Endpoint, factory: impl Factory) -> Connector {
        if let Some(custom) = to.custom() {
            return custom.connect(self, Box::new(factory));
        }
        let (limit, outcome) = (to.timeout(), Outcome::open());
        let mut attempt = Attempt {
            factory: Some(Box::new(factory)),
            peer: to.peer_name(),
            host: String::new(),
            port: 0,
            bind: to.bind_address(),
            untried: VecDeque::new(),
            trying: Vec::new(),
            first_failure: None,
            verdict: None,
            limit,
            timeout: None,
            next_address: None,
            input: false,
            outcome: outcome.clone(),
            listed: Listed::default(),
        };
        let name = match to.to_connect() {
            Target::Addresses(addresses) => {
                attempt.untried.extend(addresses);
                None
            }
            Target::Nobody => {
                attempt.fail(ConnectError::NotForConnecting(to.to_string()));
                None
            }
            Target::Name(name, port) => {
                (attempt.host, attempt.port) = (name.clone(), port);
                Some(name)
            }
        };
        let token = Token(self.inner().entries.borrow_mut().insert(Entry::Attempt(Box::new(attempt))));
        self.note_place(Thing::Entry(token.0), Location::caller(), Origin::Made);
        let timer = self.inner().timers.borrow_mut().schedule(self.now() + limit, Job::ConnectTimeout(token));
        self.with_attempt(token, |attempt| attempt.timeout = Some(timer));
        match name {
            Some(name) => self.inner().driver.borrow_mut().resolve(&name, token),
            None => self.try_next_address(token),
        }
        Connector { reactor: self.downgrade(), token, outcome }
    }

    fn with_attempt<R>(&self, token: Token, f: impl FnOnce(&mut Attempt) -> R) -> Option<R> {
        self.with_entry(token, |entry| match entry {
            Entry::Attempt(attempt) => Some(f(attempt)),
            _ => None,
        })
        .flatten()
    }

    /// The answer to a name.
    pub(crate) fn resolved(&self, token: Token, addresses: io::Result<Vec<IpAddr>>) {
        self.with_attempt(token, |attempt| match addresses {
            Ok(addresses) if !addresses.is_empty() => {
                let port = attempt.port;
                attempt.untried =
                    in_turn(addresses).map(|ip| Address::Inet(SocketAddr::new(ip, port))).collect();
            }
            Ok(_) => attempt.fail(attempt.unresolvable(io::ErrorKind::NotFound.into())),
            Err(error) => attempt.fail(attempt.unresolvable(error)),
        });
        self.try_next_address(token);
    }

    /// Starts with the next address; without one left, the attempt fails when the last one does.
    #[inline(never)]
    pub(crate) fn try_next_address(&self, token: Token) {
        while let Some(Some((address, bind))) = self.with_attempt(token, |attempt| attempt.take_address()) {
            let request = Connect { peer: address.clone(), bind };
            let begun = self.inner().driver.borrow_mut().connect(&request);
            let begun = begun.and_then(|sock| {
                let watched = self.inner().driver.borrow_mut().watch(sock, token);
                match watched {
                    Ok(()) => Ok(sock),
                    Err(error) => {
                        self.inner().driver.borrow_mut().close(sock, Close::Polite);
                        Err(error)
                    }
                }
            });
            match begun {
                Ok(sock) => {
                    self.with_attempt(token, |attempt| attempt.trying.push((sock, address)));
                    self.mark_ready(token); // it may be connected already
                    self.schedule_next_address(token);
                    break;
                }
                Err(error) => {
                    self.with_attempt(token, |attempt| {
                        attempt.note_failure(ConnectError::from_io(address, error));
                    });
                }
            }
        }
        self.mark_dirty(token);
    }

    fn schedule_next_address(&self, token: Token) {
        let previous = self.with_attempt(token, |attempt| attempt.next_address.take()).flatten();
        self.cancel_timer(previous);
        if self.with_attempt(token, |attempt| attempt.untried.is_empty()) == Some(false) {
            let at = self.now() + NEXT_ADDRESS_AFTER;
            let timer = self.inner().timers.borrow_mut().schedule(at, Job::NextAddress(token));
            self.with_attempt(token, |attempt| attempt.next_address = Some(timer));
        }
    }

    pub(crate) fn note_input(&self, token: Token) {
        self.with_attempt(token, |attempt| attempt.input = true);
    }

    /// Asks each socket that is being connected how it stands.
    pub(crate) fn check_attempt(&self, token: Token) {
        let trying =
            self.with_attempt(token, |attempt| std::mem::take(&mut attempt.trying)).unwrap_or_default();
        let (mut waiting, mut winner, mut failed) = (Vec::new(), None, false);
        for (sock, address) in trying {
            if winner.is_some() {
                waiting.push((sock, address));
                continue;
            }
            let mut driver = self.inner().driver.borrow_mut();
            match driver.connected(sock) {
                Ok(()) => winner = Some((sock, address)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => waiting.push((sock, address)),
                Err(error) => {
                    driver.close(sock, Close::Polite);
                    drop(driver);
                    failed = true;
                    self.with_attempt(token, |attempt| {
                        attempt.note_failure(ConnectError::from_io(address, error));
                    });
                }
            }
        }
        self.with_attempt(token, |attempt| attempt.trying = waiting);
        match winner {
            Some((sock, address)) => self.connected(token, sock, address),
            None if failed => self.try_next_address(token),
            None => {}
        }
    }

    /// One address has answered.
    fn connected(&self, token: Token, sock: Sock, peer: Address) {
        let taken = self.with_attempt(token, |attempt| {
            let input = if attempt.input { Input::Ready } else { Input::Quiet };
            let timers = [attempt.timeout.take(), attempt.next_address.take()];
            let others = std::mem::take(&mut attempt.trying);
            attempt.untried.clear();
            // Until the protocol is built the socket belongs to the attempt, which may be cancelled meanwhile.
            attempt.trying.push((sock, peer.clone()));
            let outcome = attempt.outcome.clone();
            attempt.factory.take().map(|factory| (factory, input, timers, others, outcome))
        });
        let Some((mut factory, input, timers, others, outcome)) = taken.flatten() else { return };
        for timer in timers {
            self.cancel_timer(timer);
        }
        for (sock, _) in others {
            self.inner().driver.borrow_mut().close(sock, Close::Reset);
        }
        let built = self.guard("a factory", || factory.build(&peer)).flatten();
        let cancelled = self.with_attempt(token, |attempt| attempt.verdict.is_some()) == Some(true);
        match built {
            Some(protocol) if !cancelled => {
                let connection =
                    self.new_connection(sock, peer, Role::Waiting(protocol), State::new(true, input));
                self.with_entry(token, |entry| {
                    let attempt = std::mem::replace(entry, Entry::Connection(connection));
                    drop(attempt); // its factory is out already: no user code
                });
                self.count(|statistics| statistics.connected += 1);
                self.mark_dirty(token);
                self.mark_ready(token);
                self.upcall(token, |protocol, conn| protocol.connection_made(conn));
                outcome.connected(&Conn::new(self, token).handle());
            }
            built => {
                self.with_attempt(token, |attempt| {
                    attempt.fail(ConnectError::NoProtocol(peer));
                    attempt.factory = Some(factory);
                });
                self.mark_dirty(token);
                self.guard("the drop of a protocol", move || drop(built));
            }
        }
    }

    pub(crate) fn cancel_attempt(&self, token: Token) {
        self.with_attempt(token, |attempt| attempt.fail(ConnectError::Cancelled));
        self.mark_dirty(token);
    }

    #[inline(never)]
    pub(crate) fn connect_timed_out(&self, token: Token) {
        self.with_attempt(token, |attempt| {
            let (peer, limit) = (attempt.peer.clone(), attempt.limit);
            attempt.timeout = None;
            let first = attempt.first_failure.take().map(Arc::new);
            attempt.fail(ConnectError::TimedOut { peer, limit, first });
        });
        self.mark_dirty(token);
    }

    /// Reports the end of an attempt that cannot succeed any more.
    pub(crate) fn flush_attempt(&self, token: Token) {
        let over = self.with_attempt(token, |attempt| attempt.factory.is_some() && attempt.settle());
        if over != Some(true) {
            return;
        }
        let entry = self.inner().entries.borrow_mut().remove(token.0);
        let Some(Entry::Attempt(attempt)) = entry else { return };
        let Attempt { factory, trying, verdict, timeout, next_address, outcome, .. } = *attempt;
        self.cancel_timer(timeout);
        self.cancel_timer(next_address);
        for (sock, _) in trying {
            self.inner().driver.borrow_mut().close(sock, Close::Reset);
        }
        if let (Some(mut factory), Some(verdict)) = (factory, verdict) {
            let why = verdict.clone();
            self.guard("connection_failed", || factory.connection_failed(why));
            self.guard("the drop of a factory", move || drop(factory));
            outcome.failed(&verdict);
        }
    }
}

impl Attempt {
    /// Who waits for what becomes of it.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    pub(crate) fn words(&self) -> String {
        format!("an attempt to connect to {}", self.peer)
    }

    pub(crate) fn is_decided(&self) -> bool {
        self.verdict.is_some()
    }

    fn take_address(&mut self) -> Option<(Address, Option<SocketAddr>)> {
        let wanted = self.verdict.is_none();
        let address = wanted.then(|| self.untried.pop_front())??;
        Some((address, self.bind))
    }

    fn fail(&mut self, why: ConnectError) {
        self.verdict.get_or_insert(why);
    }

    fn note_failure(&mut self, why: ConnectError) {
        self.first_failure.get_or_insert(why);
    }

    fn unresolvable(&self, source: io::Error) -> ConnectError {
        ConnectError::Unresolvable { host: self.host.clone(), source: Arc::new(source) }
    }

    /// Whether it is over; without anything left to try the first failure is the verdict.
    fn settle(&mut self) -> bool {
        if self.untried.is_empty() && self.trying.is_empty() && self.verdict.is_none() {
            self.verdict = self.first_failure.take();
        }
        self.verdict.is_some()
    }
}

/// The resolver's order, with the two families in turn.
fn in_turn(addresses: Vec<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    std::iter::from_fn(move || {
        let next = first.pop_front();
        std::mem::swap(&mut first, &mut second);
        next.or_else(|| first.pop_front())
    })
}
