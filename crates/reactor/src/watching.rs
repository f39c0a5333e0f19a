//! Watching connections from outside: who is told when one is lost, and when a port has none left.
//!
//! For services, which must know when a conversation has ended whatever its protocol is, also when that was replaced.
//! Costs a look at two empty maps for each lost connection while nobody watches.
//! Invariant: those who wait are taken out before any of them is told.
//! Tests: `tests/suite/watching.rs` of reactor-sim.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use sestina_deferred::{Deferred, Resolver, deferred, fail, succeed};

use crate::accept::Port;
use crate::conn::ConnHandle;
use crate::driver::Token;
use crate::errors::Lost;
use crate::inner::{Entry, Reactor};

/// Who waits for the ends of connections.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) lost: RefCell<BTreeMap<Token, Vec<Resolver<Lost>>>>,
    pub(crate) idle: RefCell<BTreeMap<Token, Idle>>,
}

/// Who waits until a port has no connection left.
pub(crate) struct Idle {
    connections: usize,
    waiting: Vec<Resolver<()>>,
}

/// The connection was over before anybody asked to be told of its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionGone;

impl fmt::Display for ConnectionGone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the connection was over already")
    }
}

impl Error for ConnectionGone {}

impl ConnHandle {
    /// Why the connection ended, when it has: for those who are not its protocol. May be asked for any number of times.
    ///
    /// # Order
    /// After the protocol's `connection_lost`, outside of any upcall.
    ///
    /// # Errors
    /// [`ConnectionGone`] if it was over before.
    ///
    /// # Cancelling
    /// Stops watching; the connection goes on.
    pub fn lost(&self) -> Deferred<Lost> {
        let token = self.token();
        let asked = self.with(|reactor| {
            reactor.peer(token).map(|_| {
                let (resolver, answer) = deferred();
                reactor.inner().watchers.lost.borrow_mut().entry(token).or_default().push(resolver);
                answer
            })
        });
        asked.flatten().unwrap_or_else(|| fail(ConnectionGone))
    }
}

impl Port {
    /// Connections that this port has accepted and that are not over; also when it listens no more.
    ///
    /// # Limits
    /// Looks at all connections of the reactor: not for every connection that comes.
    #[must_use]
    pub fn conversations(&self) -> Vec<ConnHandle> {
        let mut conversations = Vec::new();
        self.with_state(|reactor, port| {
            let tokens = reactor.inner().entries.borrow().keys().into_iter().map(Token);
            let of_port = tokens.filter(|token| reactor.port_of(*token) == Some(port));
            conversations = of_port.map(|token| ConnHandle::new(reactor, token)).collect();
        });
        conversations
    }

    /// Fires when none of the connections that this port has accepted is left; at once if there is none. Stop listening,
    /// or pause, before: a port that goes on accepting may never be idle.
    ///
    /// # Cancelling
    /// Stops waiting; the connections go on.
    pub fn idle(&self) -> Deferred<()> {
        let mut answer = succeed(());
        let connections = self.conversations().len();
        if connections > 0 {
            self.with_state(|reactor, port| {
                let (resolver, later) = deferred();
                let mut idle = reactor.inner().watchers.idle.borrow_mut();
                let idle = idle.entry(port).or_insert(Idle { connections, waiting: Vec::new() });
                idle.connections = connections;
                idle.waiting.push(resolver);
                answer = later;
            });
        }
        answer
    }
}

impl Reactor {
    fn port_of(&self, token: Token) -> Option<Token> {
        self.with_entry(token, |entry| match entry {
            Entry::Connection(connection) => connection.port,
            _ => None,
        })
        .flatten()
    }

    /// A port that is watched has one more.
    pub(crate) fn watch_accepted(&self, port: Token) {
        if let Some(idle) = self.inner().watchers.idle.borrow_mut().get_mut(&port) {
            idle.connections += 1;
        }
    }

    /// A connection is gone: those who are to be told, once its protocol knows. Who asks from now on does not count it.
    #[inline]
    pub(crate) fn take_watchers(&self, token: Token, port: Option<Token>) -> Option<Told> {
        let watchers = &self.inner().watchers;
        let is_watched = !(watchers.lost.borrow().is_empty() && watchers.idle.borrow().is_empty());
        is_watched.then(|| self.take_those_who_watch(token, port))
    }

    #[cold]
    fn take_those_who_watch(&self, token: Token, port: Option<Token>) -> Told {
        let watchers = &self.inner().watchers;
        let lost = watchers.lost.borrow_mut().remove(&token).unwrap_or_default();
        let idle = port.and_then(|port| {
            let mut idle = watchers.idle.borrow_mut();
            let watched = idle.get_mut(&port)?;
            watched.connections = watched.connections.saturating_sub(1);
            if watched.connections > 0 { None } else { idle.remove(&port) }
        });
        Told { lost, idle: idle.map_or_else(Vec::new, |idle| idle.waiting) }
    }
}

/// Those who are told of the end of a connection.
pub(crate) struct Told {
    lost: Vec<Resolver<Lost>>,
    idle: Vec<Resolver<()>>,
}

impl Told {
    pub(crate) fn tell(self, why: &Lost) {
        for resolver in self.lost {
            resolver.callback(why.clone());
        }
        for resolver in self.idle {
            resolver.callback(());
        }
    }
}
