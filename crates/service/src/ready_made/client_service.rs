//! A client that stays connected.
//!
//! ```text
//!              start          connected           lost
//!   Idle ----------> Connecting -----> Connected ------+
//!                     ^      | failed                  |
//!                     |      v                         v
//!                     +-- Waiting (back-off) <---------+      stop: from each of them to Stopped
//! ```
//!
//! Invariant: those who wait for a connection are taken out of the list before any of them is told.
//! Tests: `tests/suite/clients.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Answer, Cancelled, Deferred, Failure, Resolver, deferred, fail, succeed};
use sestina_reactor::{
    Address, ConnHandle, ConnectError, Connector, DelayedCall, Endpoint, Factory, Lost, Protocol, Reactor,
    Time,
};

use crate::context::ServiceContext;
use crate::errors::Stopping;
use crate::service::{Details, Service};
use crate::supervision::Backoff;

/// A connection that lasted this long was a good one: the pauses before the next attempts begin anew.
pub const CONNECTION_STABLE_AFTER: Duration = Duration::from_secs(10);

/// A client that connects when it starts, and again whenever its connection is lost or could not be made, with pauses that
/// get longer.
///
/// ```
/// use sestina_reactor::{Address, Conn, Endpoint, Protocol};
/// use sestina_service::{Backoff, Child, ClientService};
/// use std::time::Duration;
///
/// struct Reporter;
/// impl Protocol for Reporter {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.write(b"hello, collector\n");
///     }
/// }
/// let collector = Child::new("collector", || {
///     ClientService::new(&Endpoint::tcp("collector.example", 9000), |_: &Address| Reporter)
///         .with_backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(300)))
///         .with_failures_max(100)
/// });
/// # drop(collector);
/// ```
///
/// # Order
/// Its start answers at once; with [`with_start_when_connected`](Self::with_start_when_connected), when it is connected.
/// Its stop ends whatever it is doing: an attempt is stopped, a pause ended, a connection closed politely, and aborted when
/// the time limit of the stop is over.
///
/// # Errors
/// With [`with_failures_max`](Self::with_failures_max) the service fails with the [`ConnectError`] of the last attempt.
pub struct ClientService(Rc<Client>);

struct Client {
    endpoint: Endpoint,
    backoff: Cell<Backoff>,
    failures_max: Cell<Option<u32>>,
    start_connected: Cell<bool>,
    factory: Shared,
    context: RefCell<Option<ServiceContext>>,
    state: RefCell<State>,
    waiting: RefCell<Vec<Waiter>>,
    /// Attempts in a row that made no connection.
    failures: Cell<u32>,
    /// Pauses in a row.
    pauses: Cell<u32>,
    stopped: RefCell<Vec<Resolver<()>>>,
}

enum State {
    Idle,
    Connecting(Connector),
    Waiting(DelayedCall),
    Connected(ConnHandle, Time),
    /// It is being stopped: an attempt or a connection is on its way out.
    Ending(Option<ConnHandle>),
    Stopped,
}

struct Waiter {
    resolver: Resolver<ConnHandle>,
    /// How many more failed attempts it waits for.
    patience: Option<u32>,
}

/// The user's factory, for one attempt after the other. Taken out while it is called.
type Shared = Rc<Cell<Option<Box<dyn Factory>>>>;

struct Attempt(Shared);

impl Factory for Attempt {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        let mut lent = Lent { factory: self.0.take(), to: &self.0 };
        lent.factory.as_mut()?.build(peer)
    }

    fn connection_failed(&mut self, error: ConnectError) {
        let mut lent = Lent { factory: self.0.take(), to: &self.0 };
        if let Some(factory) = &mut lent.factory {
            factory.connection_failed(error);
        }
    }
}

/// The factory while it is called. It comes back also when it panics: the next attempt needs it.
struct Lent<'a> {
    factory: Option<Box<dyn Factory>>,
    to: &'a Shared,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(factory) = self.factory.take() {
            self.to.set(Some(factory));
        }
    }
}

impl ClientService {
    /// Connects to this endpoint; each connection gets a protocol from the factory, which is told of each attempt that
    /// failed.
    #[must_use]
    pub fn new(endpoint: &Endpoint, factory: impl Factory) -> Self {
        let factory: Box<dyn Factory> = Box::new(factory);
        Self(Rc::new(Client {
            endpoint: endpoint.clone(),
            backoff: Cell::default(),
            failures_max: Cell::new(None),
            start_connected: Cell::new(false),
            factory: Rc::new(Cell::new(Some(factory))),
            context: RefCell::default(),
            state: RefCell::new(State::Idle),
            waiting: RefCell::default(),
            failures: Cell::new(0),
            pauses: Cell::new(0),
            stopped: RefCell::default(),
        }))
    }

    /// Sets the pauses between attempts.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        self.0.backoff.set(backoff);
        self
    }

    /// Sets after how many failed attempts in a row the service fails. It never does, unless this is called.
    #[must_use]
    pub fn with_failures_max(self, failures: u32) -> Self {
        self.0.failures_max.set(Some(failures));
        self
    }

    /// Has its start answer when it is connected, within the time limit of a start. An attempt that fails is followed by
    /// others meanwhile.
    #[must_use]
    pub fn with_start_when_connected(self) -> Self {
        self.0.start_connected.set(true);
        self
    }

    /// The connection, when there is one. Fired already while it is connected.
    ///
    /// # Errors
    /// [`Cancelled`] because of [`Stopping`] when the service stops first, or has stopped.
    ///
    /// # Cancelling
    /// This one waits no more; the service goes on.
    pub fn when_connected(&self) -> Deferred<ConnHandle> {
        self.0.when_connected(None)
    }

    /// The same with little patience: fails with the [`ConnectError`] after so many failed attempts from now.
    ///
    /// # Errors
    /// [`ConnectError`], or as [`when_connected`](Self::when_connected).
    pub fn when_connected_within(&self, attempts: u32) -> Deferred<ConnHandle> {
        self.0.when_connected(Some(attempts))
    }
}

impl Client {
    fn when_connected(&self, patience: Option<u32>) -> Deferred<ConnHandle> {
        match &*self.state.borrow() {
            State::Connected(conn, _) => return succeed(conn.clone()),
            State::Ending(_) | State::Stopped => return fail(Cancelled::because(Stopping)),
            State::Idle | State::Connecting(_) | State::Waiting(_) => {}
        }
        let (resolver, answer) = deferred();
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() == waiting.capacity() {
            // Asking again and again with a timeout costs no memory.
            waiting.retain(|waiter| !waiter.resolver.is_cancelled());
        }
        waiting.push(Waiter { resolver, patience });
        answer
    }

    fn reactor(&self) -> Option<Reactor> {
        self.context.borrow().as_ref().map(|cx| cx.reactor().clone())
    }

    fn connect(self: &Rc<Self>) {
        let Some(reactor) = self.reactor() else { return };
        tracing::debug!("connecting to {}", self.endpoint.peer_name());
        let connector = reactor.connect(&self.endpoint, Attempt(Rc::clone(&self.factory)));
        self.set(State::Connecting(connector.clone()));
        let client = Rc::clone(self);
        drop(connector.connected().add_both(move |result| match result {
            Ok(conn) => client.connected(conn),
            Err(failure) => client.attempt_failed(failure),
        }));
    }

    fn connected(self: &Rc<Self>, conn: ConnHandle) {
        let ending = matches!(&*self.state.borrow(), State::Ending(_));
        if ending {
            conn.lose_connection();
            self.set(State::Ending(Some(conn.clone())));
        } else {
            let now = self.reactor().map_or(Time::ZERO, |reactor| reactor.now());
            self.failures.set(0);
            tracing::info!("connected to {}", self.endpoint.peer_name());
            self.set(State::Connected(conn.clone(), now));
        }
        let client = Rc::clone(self);
        drop(conn.lost().add_both(move |lost| client.lost(lost.ok())));
        if !ending {
            let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
            for waiter in waiting {
                waiter.resolver.callback(conn.clone());
            }
        }
    }

    fn attempt_failed(self: &Rc<Self>, failure: Failure) {
        if matches!(&*self.state.borrow(), State::Ending(_)) {
            return self.finish();
        }
        self.failures.set(self.failures.get().saturating_add(1));
        let failures = self.failures.get();
        let enough = self.failures_max.get().is_some_and(|most| failures >= most);
        if enough {
            self.set(State::Idle);
            let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
            for waiter in waiting {
                waiter.resolver.errback(failure.clone());
            }
            let context = self.context.borrow().clone();
            if let Some(context) = context {
                context.fail(failure);
            }
        } else {
            tracing::warn!("no connection, attempt {failures}: {failure}");
            self.pause();
            self.lose_patience(&failure);
        }
    }

    /// Tells those who have waited for as many attempts as they wanted.
    fn lose_patience(&self, failure: &Failure) {
        let mut impatient = Vec::new();
        {
            let mut waiting = self.waiting.borrow_mut();
            let all = std::mem::take(&mut *waiting);
            for mut waiter in all {
                waiter.patience = waiter.patience.map(|patience| patience.saturating_sub(1));
                if waiter.patience == Some(0) { impatient.push(waiter) } else { waiting.push(waiter) }
            }
        }
        for waiter in impatient {
            waiter.resolver.errback(failure.clone());
        }
    }

    fn lost(self: &Rc<Self>, why: Option<Lost>) {
        let before = self.set(State::Idle);
        match before {
            State::Ending(_) => {
                self.set(State::Ending(None));
                self.finish();
            }
            State::Connected(_, since) => {
                let now = self.reactor().map_or(since, |reactor| reactor.now());
                if now - since >= CONNECTION_STABLE_AFTER {
                    self.pauses.set(0);
                }
                let why = why.map_or_else(|| "it is over".to_owned(), |why| why.to_string());
                tracing::warn!("connection to {} lost: {why}", self.endpoint.peer_name());
                self.pause();
            }
            State::Stopped => drop(self.set(State::Stopped)),
            State::Idle | State::Connecting(_) | State::Waiting(_) => {}
        }
    }

    /// Waits, and tries again.
    fn pause(self: &Rc<Self>) {
        let Some(reactor) = self.reactor() else { return };
        let pause = self.backoff.get().pause(self.pauses.get(), reactor.random());
        self.pauses.set(self.pauses.get().saturating_add(1));
        let client = Rc::clone(self);
        let call = reactor.call_later(pause, move || client.connect());
        self.set(State::Waiting(call));
    }

    fn stop(self: &Rc<Self>) -> Deferred<()> {
        let before = self.set(State::Ending(None));
        match before {
            State::Idle | State::Stopped => self.finish(),
            State::Waiting(call) => {
                call.cancel();
                self.finish();
            }
            State::Connecting(connector) => connector.stop_connecting(),
            State::Connected(conn, _) => {
                conn.lose_connection();
                self.set(State::Ending(Some(conn)));
            }
            State::Ending(conn) => drop(self.set(State::Ending(conn))),
        }
        self.dismiss();
        if matches!(&*self.state.borrow(), State::Stopped) {
            return succeed(());
        }
        let (resolver, answer) = deferred();
        let client = Rc::clone(self);
        resolver.on_cancel(move || {
            // Out of patience: no polite close.
            let conn = match &*client.state.borrow() {
                State::Ending(conn) => conn.clone(),
                _ => None,
            };
            conn.inspect(ConnHandle::abort);
            Answer::Continue
        });
        self.stopped.borrow_mut().push(resolver);
        answer
    }

    /// Those who wait for a connection will not get one.
    fn dismiss(&self) {
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for waiter in waiting {
            waiter.resolver.errback(Cancelled::because(Stopping));
        }
    }

    /// Nothing is left.
    fn finish(&self) {
        drop(self.set(State::Stopped));
        let context = self.context.borrow_mut().take();
        drop(context);
        let stopped = std::mem::take(&mut *self.stopped.borrow_mut());
        for resolver in stopped {
            resolver.callback(());
        }
    }

    fn set(&self, state: State) -> State {
        self.state.replace(state)
    }
}

impl Service for ClientService {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        *self.0.context.borrow_mut() = Some(cx);
        let connected = self.0.start_connected.get().then(|| self.0.when_connected(None));
        self.0.connect();
        connected.map_or_else(|| succeed(()), |connected| connected.map(drop))
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.0.stop()
    }

    fn details(&self) -> Details {
        let details = Details::default();
        match &*self.0.state.borrow() {
            State::Connected(conn, _) => match conn.peer() {
                Some(peer) => details.with_address(peer).with_connections(1),
                None => details,
            },
            State::Connecting(_) => {
                details.with_note(format!("connecting to {}", self.0.endpoint.peer_name()))
            }
            State::Waiting(_) => {
                let failures = self.0.failures.get();
                details.with_note(format!(
                    "not connected to {}, {failures} attempts failed",
                    self.0.endpoint.peer_name()
                ))
            }
            State::Idle | State::Ending(_) | State::Stopped => details,
        }
    }
}

impl fmt::Debug for ClientService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &*self.0.state.borrow() {
            State::Idle => "idle",
            State::Connecting(_) => "connecting",
            State::Waiting(_) => "waiting",
            State::Connected(..) => "connected",
            State::Ending(_) => "ending",
            State::Stopped => "stopped",
        };
        write!(out, "ClientService({}, {state})", self.0.endpoint)
    }
}
