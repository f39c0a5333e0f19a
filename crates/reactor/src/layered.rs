//! What the loop does with a connection's layers, its successor and its idle limit.
//!
//! Walk: flush.rs comes here for the steps `InstallLayer`, `Transform`, `EndLayers` and `Become`; read.rs gives what
//! came in; the chain is taken out of the connection while it runs, for layers are user code.
//! Tests: `layers.rs` of the contract.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::conn::Conn;
use crate::driver::Token;
use crate::errors::Lost;
use crate::extra::{End, Extra, Successor};
use crate::inner::{Job, Reactor, Role};
use crate::layer::{Chain, Layer, Out};
use crate::protocol::Protocol;
use crate::state::Phase;
use crate::time::Time;

/// The protocol that waited for this answer has handed its connection to another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProtocolReplaced;

impl fmt::Display for ProtocolReplaced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the protocol has handed its connection to another one")
    }
}

impl Error for ProtocolReplaced {}

impl Conn<'_> {
    /// Puts a layer between this protocol and its connection, above the layers that are there. What was written before
    /// does not go through it; everything that comes from now on does.
    pub fn add_layer(&mut self, layer: impl Layer) {
        let layer: Box<dyn Layer> = Box::new(layer);
        let mut layer = Some(layer);
        self.reactor().with_extra(self.token(), |extra| {
            if let Some(layer) = layer.take() {
                extra.add_layer(layer);
            }
        });
        self.reactor().mark_dirty(self.token());
    }

    /// Hands the connection to another protocol when this upcall ends. `unread` is what this protocol has received and
    /// not used; the successor receives it first.
    ///
    /// # Order
    /// The successor's `connection_made` comes next; this protocol is dropped and hears nothing more, not even
    /// `connection_lost`. Its answers ([`Conn::then`]) are cancelled because of [`ProtocolReplaced`], and so is its timer
    /// ([`Conn::set_timer`]). What belongs to the connection stays: layers, marks, limits, the idle timeout.
    ///
    /// On a connection that closes already ([`Conn::lose_connection`], before or after) the successor hears
    /// `connection_made`, nothing that the peer still sends, and `connection_lost`. One that is cut in the same upcall
    /// ([`Conn::abort`], a panic, a write queue above its limit) is not handed over: the successor is dropped, and this
    /// protocol hears `connection_lost`.
    pub fn become_protocol(&mut self, protocol: impl Protocol, unread: &[u8]) {
        let successor = Successor { protocol: Box::new(protocol), unread: unread.to_vec() };
        let before = self.reactor().with_extra(self.token(), |extra| extra.successor.replace(successor));
        drop(before);
        self.reactor().mark_dirty(self.token());
    }

    /// Ends the connection with [`Lost::TimedOut`] when no byte has moved in either direction for this long; `None` (the
    /// default) lets it be idle for ever.
    pub fn set_idle_timeout(&mut self, limit: Option<Duration>) {
        self.reactor().set_idle_timeout(self.token(), limit);
    }
}

impl Reactor {
    pub(crate) fn with_extra<R>(&self, token: Token, f: impl FnOnce(&mut Extra) -> R) -> Option<R> {
        self.with_connection(token, |connection| f(connection.state.extra.get_or_insert_default()))
    }

    /// Runs the layers of a connection and takes what comes out of them at both ends.
    fn with_chain(&self, token: Token, f: impl FnOnce(&mut Chain, Time) -> Out) {
        let now = self.now();
        let chain = self.with_extra(token, |extra| extra.chain.take()).flatten();
        let Some(mut chain) = chain else { return };
        let out = self.guard("a layer", || {
            let out = f(&mut chain, now);
            (out, chain.held(), chain.next_wake(), chain.is_paused())
        });
        let Some((out, held, wake, paused)) = out else {
            self.guard("the drop of a layer", move || drop(chain));
            return self.abort(token);
        };
        let mut pool = self.inner().pool.borrow_mut();
        self.with_connection(token, |connection| connection.state.came_through(&out, held, &mut pool));
        drop(pool);
        self.with_extra(token, |extra| (extra.chain, extra.paused) = (Some(chain), paused));
        self.schedule_layers(token, wake);
        self.mark_dirty(token);
        self.mark_ready(token);
    }

    #[inline(never)]
    pub(crate) fn install_layer(&self, token: Token) {
        let layer = self.with_extra(token, Extra::pop_new_layer).flatten();
        if let Some(layer) = layer {
            self.with_extra(token, |extra| extra.chain.get_or_insert_default().push(layer));
        }
    }

    /// Brings some of what was written through the layers.
    #[inline(never)]
    pub(crate) fn transform(&self, token: Token) {
        let mut pool = self.inner().pool.borrow_mut();
        let bytes = self.with_extra(token, |extra| {
            let count = extra.transformable();
            extra.transformed(count);
            extra.above.take(count, &mut pool)
        });
        drop(pool);
        self.with_chain(token, |chain, now| chain.outgoing(bytes.unwrap_or_default(), false, now));
    }

    #[inline(never)]
    pub(crate) fn end_layers(&self, token: Token) {
        self.with_extra(token, |extra| extra.end = End::Told);
        self.with_chain(token, |chain, now| chain.outgoing(Vec::new(), true, now));
    }

    /// Bytes from the socket, or its end.
    #[inline(never)]
    pub(crate) fn through_layers(&self, token: Token, bytes: &[u8], ended: bool) {
        self.with_chain(token, |chain, now| chain.incoming(bytes, ended, now));
    }

    fn schedule_layers(&self, token: Token, wake: Option<Time>) {
        let Some(at) = wake else { return };
        let mut timers = self.inner().timers.borrow_mut();
        self.with_extra(token, |extra| match extra.layer_timer {
            Some(timer) if timers.time(timer) == Some(at) || timers.reset(timer, at) => {}
            _ => extra.layer_timer = Some(timers.schedule(at, Job::Layers(token))),
        });
    }

    #[inline(never)]
    pub(crate) fn layer_timer(&self, token: Token) {
        self.with_chain(token, Chain::timers);
    }

    /// Delivers what layers have passed up, or a predecessor has left.
    #[inline(never)]
    pub(crate) fn deliver_inbox(&self, token: Token) {
        let bytes = self.with_extra(token, |extra| std::mem::take(&mut extra.inbox)).unwrap_or_default();
        if !bytes.is_empty() {
            return self.upcall(token, |protocol, conn| protocol.data_received(conn, &bytes));
        }
        let ended = self.with_extra(token, |extra| std::mem::take(&mut extra.inbox_ended));
        if ended == Some(true) {
            self.upcall(token, |protocol, conn| protocol.read_closed(conn));
        }
    }

    /// Exchanges the protocol.
    #[inline(never)]
    pub(crate) fn become_successor(&self, token: Token) {
        let exchanged = self.with_connection(token, |connection| {
            let successor = connection.state.extra.as_mut()?.successor.take()?;
            let before = std::mem::replace(&mut connection.role, Role::Waiting(successor.protocol));
            Some((before, connection.answers.take(), successor.unread))
        });
        let Some((before, answers, unread)) = exchanged.flatten() else { return };
        if let Some(answers) = answers {
            self.guard("a canceller", || answers.cancel(&ProtocolReplaced.into()));
        }
        self.guard("the drop of a protocol", move || drop(before));
        self.with_extra(token, |extra| extra.inbox.splice(0..0, unread).for_each(drop));
        self.cancel_connection_timer(token);
        self.mark_ready(token);
        self.upcall(token, |protocol, conn| protocol.connection_made(conn));
    }

    fn set_idle_timeout(&self, token: Token, limit: Option<Duration>) {
        let now = self.now();
        let before = self.with_extra(token, |extra| extra.idle.take()).flatten();
        self.cancel_timer(before.map(|(_, timer)| timer));
        let Some(limit) = limit else { return };
        let timer = self.inner().timers.borrow_mut().schedule(now + limit, Job::Idle(token));
        let set = self.with_connection(token, |connection| {
            connection.progress = now;
            connection.state.extra.get_or_insert_default().idle = Some((limit, timer));
        });
        if set.is_none() {
            self.cancel_timer(Some(timer));
        }
    }

    /// The idle limit has passed since the last byte that was known when the timer was set.
    #[inline(never)]
    pub(crate) fn idle_timer(&self, token: Token) {
        let now = self.now();
        let mut timers = self.inner().timers.borrow_mut();
        let idle = self.with_connection(token, |connection| {
            if matches!(connection.state.phase(), Phase::Draining { .. }) {
                return None; // all is sent: the limits of closing count now, and they end it politely
            }
            let until = connection.progress;
            let Some((limit, timer)) = connection.state.extra.as_mut()?.idle.as_mut() else {
                return Some(false);
            };
            let at = until + *limit;
            if at > now {
                *timer = timers.schedule(at, Job::Idle(token));
            }
            Some(at <= now)
        });
        drop(timers);
        if idle.flatten() == Some(true) {
            tracing::debug!(peer = ?self.peer(token), "connection ended: it was idle for too long");
            self.change(token, |state, pool| state.over(Lost::TimedOut, pool));
        }
    }
}
