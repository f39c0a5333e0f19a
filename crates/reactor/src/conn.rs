//! A connection as its protocol and others see it: lent for an upcall ([`Conn`]), or kept ([`ConnHandle`]).
//!
//! Both are a reactor and a token. A verb makes one short borrow of the connection's state: it queues, sets a flag,
//! marks the connection dirty; the loop does the rest when the running upcall ends. So writes, closes and aborts keep
//! the order of the calls, whichever way they came. After the connection is gone a verb is a counted no-op.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure};

use crate::address::Address;
use crate::driver::{SocketOption, Token};
use crate::inner::{Job, Reactor, WeakReactor};

use crate::state::{Drain, Phase, Reading, Written};
use crate::time::Time;

/// A connection, lent to its protocol for one upcall.
///
/// Nothing takes effect before the upcall ends, and no verb calls user code.
///
/// ```
/// use sestina_reactor::{Conn, Protocol};
///
/// struct Poet(std::rc::Rc<[u8]>);
/// impl Protocol for Poet {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.write_shared(self.0.clone());
///         conn.lose_connection();
///     }
/// }
/// ```
pub struct Conn<'a> {
    reactor: &'a Reactor,
    token: Token,
    /// Known here when the connection itself is gone: in `connection_lost`.
    lost_peer: Option<Address>,
}

impl<'a> Conn<'a> {
    pub(crate) fn new(reactor: &'a Reactor, token: Token) -> Self {
        Self { reactor, token, lost_peer: None }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn lost(reactor: &'a Reactor, token: Token, peer: Address) -> Self {
        Self { reactor, token, lost_peer: Some(peer) }
    }

    /// Queues a copy of `bytes`. Never blocks.
    ///
    /// # Limits
    /// Above the high mark `pause_producing` comes; above the queue limit
    /// ([`QUEUE_BYTES_MAX`](crate::QUEUE_BYTES_MAX)) the connection is aborted.
    pub fn write(&mut self, bytes: &[u8]) {
        self.reactor.write(self.token, bytes);
    }

    /// Queues a body without copying it: it is counted, and freed when the last connection has sent it.
    pub fn write_shared(&mut self, body: Rc<[u8]>) {
        let all = 0..body.len();
        self.reactor.write_shared(self.token, body, all);
    }

    /// Queues a part of a shared body without copying it.
    ///
    /// # Panics
    /// If `range` does not lie within `body`.
    pub fn write_shared_range(&mut self, body: Rc<[u8]>, range: Range<usize>) {
        self.reactor.write_shared(self.token, body, range);
    }

    /// Sends what is queued, then closes politely: finishes, and discards what the peer still sends until it
    /// finishes too, within the reactor's [`CloseLimits`](crate::CloseLimits). Later writes have no effect.
    pub fn lose_connection(&mut self) {
        self.reactor.lose_connection(self.token);
    }

    /// Sends what is queued, then finishes our direction; the peer's goes on. Later writes have no effect.
    pub fn lose_write_connection(&mut self) {
        self.reactor.change(self.token, |state, _| state.lose_write_connection());
    }

    /// Cuts the connection with a reset, without sending what is queued.
    pub fn abort(&mut self) {
        self.reactor.abort(self.token);
    }

    /// Stops `data_received` until [`Conn::resume_reading`]; the peer is slowed down when buffers are full. The
    /// peer's end and a reset are not noticed meanwhile either, except by writing.
    pub fn pause_reading(&mut self) {
        self.reactor.change(self.token, |state, _| state.pause_reading());
    }

    /// Lets `data_received` come again.
    pub fn resume_reading(&mut self) {
        self.reactor.resume_reading(self.token);
    }

    /// Calls [`Protocol::timer`](crate::Protocol::timer) after this time. There is one timer a connection: this moves it.
    pub fn set_timer(&mut self, after: Duration) {
        self.reactor.set_connection_timer(self.token, after);
    }

    /// [`Protocol::timer`](crate::Protocol::timer) will not be called.
    pub fn cancel_timer(&mut self) {
        self.reactor.cancel_connection_timer(self.token);
    }

    /// Sets the marks, in bytes: above `high` the producer is paused, at `low` it is resumed. Defaults:
    /// [`HIGH_MARK_BYTES`](crate::HIGH_MARK_BYTES) and [`LOW_MARK_BYTES`](crate::LOW_MARK_BYTES).
    pub fn set_marks(&mut self, low: usize, high: usize) {
        self.reactor.change(self.token, |state, _| state.set_marks(low, high));
    }

    /// Sets how many copied bytes may be queued before the connection is aborted. Default:
    /// [`QUEUE_BYTES_MAX`](crate::QUEUE_BYTES_MAX).
    pub fn set_queue_limit(&mut self, bytes: usize) {
        self.reactor.change(self.token, |state, _| state.set_queue_limit(bytes));
    }

    /// Sets what happens to input after `lose_connection`.
    pub fn set_drain(&mut self, drain: Drain) {
        self.reactor.change(self.token, |state, _| state.set_drain(drain));
    }

    /// Changes a setting of the socket.
    ///
    /// # Errors
    /// As the operating system says; `NotConnected` when the connection is gone.
    pub fn set_option(&mut self, option: SocketOption) -> std::io::Result<()> {
        self.reactor.set_option(self.token, option)
    }

    /// Bytes that are queued and not sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.reactor.queued(self.token)
    }

    /// Whether this connection is on its way out, whoever asked for it: `lose_connection` or `abort` was called, or it
    /// is gone. Nobody waits for what is written now, and a protocol that splits its input should stop.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        let open = self
            .reactor
            .with_connection(self.token, |connection| matches!(connection.state.phase(), Phase::Open));
        open != Some(true)
    }

    /// The peer's address, also inside `connection_lost`.
    #[must_use]
    pub fn peer(&self) -> Address {
        self.lost_peer.clone().or_else(|| self.reactor.peer(self.token)).unwrap_or(Address::Unix(None))
    }

    /// Our own address; `None` when the connection is gone.
    #[must_use]
    pub fn local_address(&self) -> Option<Address> {
        self.reactor.local_address(self.token)
    }

    /// The reactor's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.reactor.now()
    }

    /// The reactor that makes this upcall.
    #[must_use]
    pub fn reactor(&self) -> &'a Reactor {
        self.reactor
    }

    /// A handle on this connection, to be kept.
    #[must_use]
    pub fn handle(&self) -> ConnHandle {
        ConnHandle { reactor: self.reactor.downgrade(), token: self.token }
    }

    /// Brings the answer of `deferred` to this protocol: `f` gets the protocol, the connection and the result, as an
    /// upcall of its own, so that it may read and write the protocol's fields.
    ///
    /// `me` is the protocol itself (`self`), or the part of it that [`Protocol::part`](crate::Protocol::part) lends.
    ///
    /// # Order
    /// Never inside another upcall, also if `deferred` has fired already; several answers in the order in which
    /// they fired.
    ///
    /// # Cancelling
    /// When the connection is lost first, `f` is dropped and `deferred` is cancelled because of the
    /// [`Lost`](crate::Lost), after `connection_lost`.
    ///
    /// # Panics
    /// The upcall panics, and so ends the connection, if `me` is neither the protocol nor a part of it.
    pub fn then<P: 'static, T: 'static>(
        &mut self,
        me: &P,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut Conn<'_>, Result<T, Failure>) + 'static,
    ) {
        let _ = me;
        self.reactor.answer_later(self.token, deferred, f);
    }
}

impl fmt::Debug for Conn<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Conn({:?})", self.token.0)
    }
}

/// A connection, from anywhere on the reactor's thread, for as long as one likes. Does not keep it alive.
///
/// A write outside any upcall is sent before the loop waits again.
#[derive(Clone)]
pub struct ConnHandle {
    reactor: WeakReactor,
    token: Token,
}

impl ConnHandle {
    pub(crate) fn new(reactor: &Reactor, token: Token) -> Self {
        Self { reactor: reactor.downgrade(), token }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&Reactor) -> R) -> Option<R> {
        self.reactor.upgrade().map(|reactor| f(&reactor))
    }

    /// See [`Conn::write`].
    pub fn write(&self, bytes: &[u8]) {
        self.with(|reactor| reactor.write(self.token, bytes));
    }

    /// See [`Conn::write_shared`].
    pub fn write_shared(&self, body: Rc<[u8]>) {
        let all = 0..body.len();
        self.with(|reactor| reactor.write_shared(self.token, body, all));
    }

    /// See [`Conn::write_shared_range`].
    ///
    /// # Panics
    /// If `range` does not lie within `body`.
    pub fn write_shared_range(&self, body: Rc<[u8]>, range: Range<usize>) {
        self.with(|reactor| reactor.write_shared(self.token, body, range));
    }

    /// See [`Conn::lose_connection`].
    pub fn lose_connection(&self) {
        self.with(|reactor| reactor.lose_connection(self.token));
    }

    /// See [`Conn::lose_write_connection`].
    pub fn lose_write_connection(&self) {
        self.with(|reactor| reactor.change(self.token, |state, _| state.lose_write_connection()));
    }

    /// See [`Conn::abort`].
    pub fn abort(&self) {
        self.with(|reactor| reactor.abort(self.token));
    }

    /// See [`Conn::pause_reading`].
    pub fn pause_reading(&self) {
        self.with(|reactor| reactor.change(self.token, |state, _| state.pause_reading()));
    }

    /// See [`Conn::resume_reading`].
    pub fn resume_reading(&self) {
        self.with(|reactor| reactor.resume_reading(self.token));
    }

    /// See [`Conn::set_timer`].
    pub fn set_timer(&self, after: Duration) {
        self.with(|reactor| reactor.set_connection_timer(self.token, after));
    }

    /// See [`Conn::cancel_timer`].
    pub fn cancel_timer(&self) {
        self.with(|reactor| reactor.cancel_connection_timer(self.token));
    }

    /// See [`Conn::set_option`].
    ///
    /// # Errors
    /// As the operating system says; `NotConnected` when the connection or the reactor is gone.
    pub fn set_option(&self, option: SocketOption) -> std::io::Result<()> {
        let set = self.with(|reactor| reactor.set_option(self.token, option));
        set.unwrap_or_else(|| Err(std::io::ErrorKind::NotConnected.into()))
    }

    /// See [`Conn::set_marks`].
    pub fn set_marks(&self, low: usize, high: usize) {
        self.with(|reactor| reactor.change(self.token, |state, _| state.set_marks(low, high)));
    }

    /// The reactor's time, while there is a reactor.
    pub(crate) fn now(&self) -> Option<Time> {
        self.with(Reactor::now)
    }

    /// Whether the connection is still there: `connection_lost` has not been called.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.with(|reactor| reactor.peer(self.token).is_some()).unwrap_or(false)
    }

    /// Bytes that are queued and not sent; 0 when the connection is gone.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.with(|reactor| reactor.queued(self.token)).unwrap_or(0)
    }

    /// The peer's address; `None` when the connection is gone.
    #[must_use]
    pub fn peer(&self) -> Option<Address> {
        self.with(|reactor| reactor.peer(self.token)).flatten()
    }

    /// Our own address; `None` when the connection is gone.
    #[must_use]
    pub fn local_address(&self) -> Option<Address> {
        self.with(|reactor| reactor.local_address(self.token)).flatten()
    }
}

impl PartialEq for ConnHandle {
    fn eq(&self, other: &Self) -> bool {
        self.token == other.token && self.reactor.ptr_eq(&other.reactor)
    }
}

impl Eq for ConnHandle {}

impl fmt::Debug for ConnHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ConnHandle({:?})", self.token.0)
    }
}

/// The verbs, by token. Each makes one short borrow, or two after one another.
impl Reactor {
    pub(crate) fn write(&self, token: Token, bytes: &[u8]) {
        match self.change(token, |state, pool| state.write(bytes, pool)) {
            Some(Written::Queued) => {}
            Some(Written::Cut) => self.note_full_queue(token),
            Some(Written::Unheard) | None => self.count(|statistics| statistics.writes_without_effect += 1),
        }
    }

    #[cold]
    fn note_full_queue(&self, token: Token) {
        let limit = self.with_connection(token, |connection| connection.state.queue_limit());
        tracing::warn!(peer = ?self.peer(token), ?limit, "connection cut: its write queue is full");
    }

    pub(crate) fn write_shared(&self, token: Token, body: Rc<[u8]>, range: Range<usize>) {
        assert!(range.start <= range.end && range.end <= body.len(), "the range lies within the body");
        let written = self.change(token, |state, pool| state.write_shared(body, range, pool));
        if written != Some(true) {
            self.count(|statistics| statistics.writes_without_effect += 1);
        }
    }

    pub(crate) fn lose_connection(&self, token: Token) {
        let reading = self.change(token, |state, _| {
            state.lose_connection();
            state.reading()
        });
        if reading.is_some_and(|reading| reading != Reading::No) {
            self.mark_ready(token); // a paused connection reads on from here, to discard
        }
    }

    pub(crate) fn abort(&self, token: Token) {
        self.change(token, |state, pool| state.over(crate::errors::Lost::Aborted, pool));
    }

    pub(crate) fn resume_reading(&self, token: Token) {
        self.change(token, |state, _| state.resume_reading());
        self.mark_ready(token);
    }

    pub(crate) fn set_connection_timer(&self, token: Token, after: Duration) {
        let at = self.now() + after;
        let mut timers = self.inner().timers.borrow_mut();
        self.with_connection(token, |connection| match connection.timer {
            Some(timer) if timers.reset(timer, at) => {}
            _ => connection.timer = Some(timers.schedule(at, Job::Connection(token))),
        });
        drop(timers);
        self.nudge();
    }

    pub(crate) fn cancel_connection_timer(&self, token: Token) {
        let timer = self.with_connection(token, |connection| connection.timer.take()).flatten();
        self.cancel_timer(timer);
    }

    pub(crate) fn queued(&self, token: Token) -> usize {
        self.with_connection(token, |connection| connection.state.queued()).unwrap_or(0)
    }

    pub(crate) fn peer(&self, token: Token) -> Option<Address> {
        self.with_connection(token, |connection| connection.peer.clone())
    }

    pub(crate) fn local_address(&self, token: Token) -> Option<Address> {
        let sock = self.with_connection(token, |connection| connection.sock)?;
        self.inner().driver.borrow().local_address(sock).ok()
    }

    pub(crate) fn set_option(&self, token: Token, option: SocketOption) -> std::io::Result<()> {
        let sock = self.with_connection(token, |connection| connection.sock);
        let sock = sock.ok_or(std::io::ErrorKind::NotConnected)?;
        self.inner().driver.borrow_mut().set_option(sock, option)
    }
}
