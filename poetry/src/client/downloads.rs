//! All downloads as one stream of events, with back-pressure.
//!
//! Walk: [`Downloads::start`] spawns a task a download, which waits for its turn and makes its attempts (`attempt.rs`);
//! what happens is queued as an [`Event`]; the consumer takes one by one.
//! Invariant: nothing is borrowed while a resolver fires, because it runs the consumer.
//! Invariant: while the queue is above [`EVENT_BYTES_MAX`] nobody is read, until it has fallen to half of it.
//! Tests: `tests/suite/client_downloads.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{
    CancelHandle, Cancelled, Deferred, DeferredSemaphore, Failure, Resolver, TimedOut, deferred, succeed,
};
use sestina_reactor::{Conn, ConnHandle, Endpoint, Reactor};

use super::merge::Again;
use super::options::FetchOptions;
use super::repeat::Repeat;
use super::task::{Outcome, Progress, Task, is_passing};
use crate::attempt::{Sink, attempt};
use crate::fetch::FetchError;
use crate::poem::Poem;
use crate::transform::{TransformClient, TransformError};

/// How much may wait for the consumer, in bytes with a fixed cost for each event: above it nobody is read.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// What an event costs beside its bytes.
const EVENT_COST: usize = 64;

/// What happened to a download.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It has its turn.
    Started {
        /// The number of the download, from 0.
        task: usize,
    },
    /// Bytes came, never none, cut anywhere.
    Piece {
        /// The number of the download, from 0.
        task: usize,
        /// What came.
        bytes: Vec<u8>,
    },
    /// An attempt failed, and there will be another one. It waits for [`Downloads::go_on`].
    Interrupted {
        /// The number of the download, from 0.
        task: usize,
        /// Why.
        failure: Failure,
        /// How many attempts there were.
        attempts: u32,
        /// How long the next one will wait.
        wait: Duration,
    },
    /// The poem is whole, and the transform service was asked: what it made of it, or why it did not. The pieces were
    /// told before. Never told without [`FetchOptions::with_transform`].
    Transformed {
        /// The number of the download, from 0.
        task: usize,
        /// The transformed poem, or a [`TransformError`] or a [`ConnectError`](sestina_reactor::ConnectError).
        result: Result<Poem, Failure>,
    },
    /// It is over. Comes once for each download, and last.
    Ended(Outcome),
}

impl Event {
    fn cost(&self) -> usize {
        match self {
            Self::Piece { bytes, .. } => EVENT_COST + bytes.len(),
            Self::Transformed { result: Ok(poem), .. } => EVENT_COST + poem.len(),
            _ => EVENT_COST,
        }
    }
}

/// Many downloads, which run until they end or this is dropped.
///
/// ```
/// use sestina_poetry::{Again, Downloads, Event, FastPoetry, FetchOptions, Poem};
/// use sestina_reactor::Endpoint;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10000".parse()?;
/// reactor.listen(&at, FastPoetry::new(Poem::from_bytes([b'o'; 70])))?;
///
/// let downloads = Downloads::start(&reactor, vec![at.clone(), at], FetchOptions::default());
/// let counted = reactor.spawn(async move {
///     let mut bytes = 0;
///     while let Some(event) = downloads.next().await? {
///         match event {
///             Event::Piece { bytes: piece, .. } => bytes += piece.len(),
///             Event::Interrupted { task, .. } => downloads.go_on(task, Again::Continue),
///             _ => {}
///         }
///     }
///     Ok(bytes)
/// });
/// assert_eq!(reactor.run_until(counted).map_err(|failure| failure.to_string())?, 140);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancelling
/// Dropping it cancels all downloads; nobody is told.
pub struct Downloads {
    hub: Rc<Hub>,
}

impl Downloads {
    /// Starts them. No event is there before the loop turns.
    #[must_use]
    pub fn start(reactor: &Reactor, poets: Vec<Endpoint>, options: FetchOptions) -> Self {
        let tasks: Vec<Task> =
            poets.into_iter().map(|poet| Task::new(options.endpoint(poet), &options)).collect();
        let count = tasks.len();
        let hub = Rc::new(Hub {
            reactor: reactor.clone(),
            turns: DeferredSemaphore::new(options.jobs),
            options,
            tasks: RefCell::new(tasks),
            running: Cell::new(count),
            events: RefCell::default(),
            waiting_cost: Cell::new(0),
            is_held: Cell::new(false),
            consumer: RefCell::new(None),
        });
        for task in 0..count {
            let (download, told) = (Rc::clone(&hub), Rc::clone(&hub));
            let ended = reactor.spawn(async move { download.download(task).await });
            hub.with(task, |state| state.canceller = Some(ended.canceller()));
            drop(ended.add_both(move |result| {
                told.end(task, result);
                Ok(())
            }));
        }
        Self { hub }
    }

    /// The next event; `None` when all downloads have ended and were told. One consumer at a time: who asks again while
    /// it waits takes the place of who asked before, and that one gets `None`.
    ///
    /// # Errors
    /// Only `Cancelled`, if it was cancelled.
    ///
    /// # Cancelling
    /// No event is lost.
    pub fn next(&self) -> Deferred<Option<Event>> {
        match self.try_next() {
            Some(event) => succeed(Some(event)),
            None if self.hub.running.get() == 0 => succeed(None),
            None => {
                let (resolver, answer) = deferred();
                let before = self.hub.consumer.borrow_mut().replace(resolver);
                if let Some(before) = before {
                    before.callback(None);
                }
                answer
            }
        }
    }

    /// The next event, if it is here.
    #[must_use]
    pub fn try_next(&self) -> Option<Event> {
        self.hub.take()
    }

    /// Goes on with a download that was [interrupted](Event::Interrupted), after its wait. [`Again::Continue`] has the
    /// poem compared with what came before and only tells what lies behind; [`Again::Afresh`] begins anew.
    pub fn go_on(&self, task: usize, again: Again) {
        let waiting = self.hub.with(task, |state| state.again.take()).flatten();
        if let Some(waiting) = waiting {
            waiting.callback(again);
        }
    }

    /// Reads no more of this download until [`Downloads::release`]. What has been read is still told.
    pub fn hold(&self, task: usize) {
        let connection = self.hub.with(task, |state| {
            state.is_held = true;
            state.connection.clone()
        });
        if let Some(connection) = connection.flatten() {
            connection.pause_reading();
        }
    }

    /// Reads on.
    pub fn release(&self, task: usize) {
        let was_held = self.hub.with(task, |state| std::mem::take(&mut state.is_held));
        if was_held == Some(true) {
            self.hub.read_on(task);
        }
    }

    /// Cancels one download: it will be told as [`Event::Ended`], with `Cancelled`.
    pub fn cancel(&self, task: usize) {
        if let Some(canceller) = self.hub.canceller(task) {
            canceller.cancel();
        }
    }

    /// Cancels one download because of `reason`; if that is a [`FetchError`], it is how the download ends.
    pub fn cancel_because(&self, task: usize, reason: impl Into<Failure>) {
        if let Some(canceller) = self.hub.canceller(task) {
            canceller.cancel_because(reason);
        }
    }

    /// Cancels all that have not ended.
    pub fn cancel_all(&self) {
        self.hub.cancel_all();
    }

    /// How far a download is.
    #[must_use]
    pub fn progress(&self, task: usize) -> Progress {
        self.hub.with(task, |state| state.progress()).unwrap_or(Progress::Ended)
    }

    /// The poet of a download, in the words of its endpoint.
    #[must_use]
    pub fn peer(&self, task: usize) -> Arc<str> {
        self.hub.with(task, |state| Arc::clone(&state.peer)).unwrap_or_else(|| "".into())
    }

    /// How many downloads there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hub.tasks.borrow().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.hub.running.get()
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.hub.cancel_all();
    }
}

impl fmt::Debug for Downloads {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Downloads({} of {} running)", self.running(), self.len())
    }
}

/// What the tasks, their connections and the consumer share.
struct Hub {
    reactor: Reactor,
    options: FetchOptions,
    turns: DeferredSemaphore,
    tasks: RefCell<Vec<Task>>,
    /// How many have not ended.
    running: Cell<usize>,
    events: RefCell<VecDeque<Event>>,
    waiting_cost: Cell<usize>,
    /// The consumer is behind: nobody is read.
    is_held: Cell<bool>,
    consumer: RefCell<Option<Resolver<Option<Event>>>>,
}

impl Hub {
    /// One download, from its turn to its end.
    async fn download(self: Rc<Self>, task: usize) -> Result<(), Failure> {
        let _turn = self.turns.acquire().await?;
        let now = self.reactor.now();
        self.with(task, |state| state.started = Some(now));
        self.tell(Event::Started { task });
        let hub = Rc::clone(&self);
        let attempts = self.reactor.spawn(async move { hub.attempts(task).await });
        match self.options.timeout {
            Some(timeout) => attempts.add_timeout(timeout, &self.reactor).await?,
            None => attempts.await?,
        }
        match &self.options.transform {
            Some((service, name)) => self.transform(task, service, name).await,
            None => Ok(()),
        }
    }

    /// Has the whole poem transformed. Only a cancel ends the download with an error.
    async fn transform(&self, task: usize, service: &TransformClient, name: &str) -> Result<(), Failure> {
        let copy = self.with(task, Task::take_copy).unwrap_or(Ok(Vec::new()));
        let result = match copy {
            Ok(poem) => service.transform(&self.reactor, name, &Poem::from_bytes(poem)).await,
            Err(bytes) => Err(TransformError::TooLong { bytes, limit: service.bytes_max() }.into()),
        };
        match result {
            Err(failure) if failure.is::<Cancelled>() => Err(failure),
            result => {
                self.tell(Event::Transformed { task, result });
                Ok(())
            }
        }
    }

    async fn attempts(self: Rc<Self>, task: usize) -> Result<(), Failure> {
        let mut again = Again::Afresh;
        for retry in 1.. {
            let failure = match self.attempt(task, again).await {
                Ok(()) => break,
                Err(failure) => failure,
            };
            self.with(task, |state| state.connection = None);
            if retry > self.options.retries || !is_passing(&failure) {
                return Err(failure);
            }
            let wait = self.options.wait_before(retry, task);
            again = self.ask(task, failure, wait).await?;
            self.reactor.sleep(wait).await?;
        }
        Ok(())
    }

    fn attempt(self: &Rc<Self>, task: usize, again: Again) -> Deferred<()> {
        let begun =
            self.with(task, |state| (state.poet.clone(), Arc::clone(&state.peer), state.begin(again)));
        let (poet, peer, repeat) = begun.expect("a download that runs has its state");
        let pieces = Pieces { hub: Rc::clone(self), task, peer, repeat };
        attempt(&self.reactor, &poet, self.options.bounds(), pieces).map(drop)
    }

    /// Asks the consumer how to go on.
    fn ask(&self, task: usize, failure: Failure, wait: Duration) -> Deferred<Again> {
        let (resolver, answer) = deferred();
        let attempts = self.with(task, |state| {
            state.again = Some(resolver);
            state.attempts
        });
        self.tell(Event::Interrupted { task, failure, attempts: attempts.unwrap_or_default(), wait });
        answer
    }

    fn end(&self, task: usize, result: Result<(), Failure>) {
        let (now, with_sha256) = (self.reactor.now(), self.options.with_sha256);
        let outcome = self.with(task, |state| {
            state.is_over = true;
            let result = result.map_err(|failure| {
                explained(failure, &state.peer, state.received, self.options.timeout.unwrap_or_default())
            });
            let left = (state.connection.take(), state.again.take());
            (state.outcome(task, now, with_sha256, result), left)
        });
        let Some((outcome, left)) = outcome else { return };
        drop(left);
        self.running.set(self.running.get() - 1);
        self.tell(Event::Ended(outcome));
    }

    /// Gives an event to the consumer, or to the queue if the consumer is busy.
    fn tell(&self, event: Event) {
        let consumer = self.consumer.borrow_mut().take();
        let refused = match consumer {
            Some(consumer) => consumer.try_callback(Some(event)).err().flatten(),
            None => Some(event),
        };
        let Some(event) = refused else { return };
        self.waiting_cost.set(self.waiting_cost.get() + event.cost());
        self.events.borrow_mut().push_back(event);
        if self.waiting_cost.get() > EVENT_BYTES_MAX && !self.is_held.replace(true) {
            for connection in self.connections() {
                connection.pause_reading();
            }
        }
    }

    fn take(&self) -> Option<Event> {
        let event = self.events.borrow_mut().pop_front()?;
        self.waiting_cost.set(self.waiting_cost.get() - event.cost());
        if self.is_held.get() && self.waiting_cost.get() <= EVENT_BYTES_MAX / 2 {
            self.is_held.set(false);
            let count = self.tasks.borrow().len();
            (0..count).for_each(|task| self.read_on(task));
        }
        Some(event)
    }

    /// Reads on, if nobody holds it.
    fn read_on(&self, task: usize) {
        let connection =
            self.with(task, |state| if state.is_held { None } else { state.connection.clone() }).flatten();
        if let (Some(connection), false) = (connection, self.is_held.get()) {
            connection.resume_reading();
            if let Some(idle_max) = self.options.idle_max {
                connection.set_timer(idle_max); // its silence begins now
            }
        }
    }

    fn connections(&self) -> Vec<ConnHandle> {
        self.tasks.borrow().iter().filter_map(|state| state.connection.clone()).collect()
    }

    fn canceller(&self, task: usize) -> Option<CancelHandle> {
        self.with(task, |state| state.canceller.clone()).flatten()
    }

    fn cancel_all(&self) {
        let cancellers: Vec<CancelHandle> =
            self.tasks.borrow().iter().filter_map(|state| state.canceller.clone()).collect();
        // The last first: who waits for a turn must not get it from one that was cancelled a moment ago.
        for canceller in cancellers.into_iter().rev() {
            canceller.cancel();
        }
    }

    fn with<R>(&self, task: usize, f: impl FnOnce(&mut Task) -> R) -> Option<R> {
        self.tasks.borrow_mut().get_mut(task).map(f)
    }
}

/// A cancel that gave its reason, and a limit that passed, in the words of a download.
fn explained(failure: Failure, peer: &Arc<str>, received: usize, limit: Duration) -> Failure {
    if failure.is::<TimedOut>() {
        return FetchError::TookTooLong { peer: Arc::clone(peer), received, limit }.into();
    }
    let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
    match reason {
        Some(reason) if reason.is::<FetchError>() => reason.clone(),
        _ => failure,
    }
}

/// Where the pieces of one attempt go.
struct Pieces {
    hub: Rc<Hub>,
    task: usize,
    peer: Arc<str>,
    repeat: Option<Repeat>,
}

impl Pieces {
    fn differs(&self) -> FetchError {
        let used = self.hub.with(self.task, |state| state.received).unwrap_or_default();
        FetchError::Different { peer: Arc::clone(&self.peer), used }
    }
}

impl Sink for Pieces {
    fn connected(&mut self, conn: &mut Conn<'_>) {
        let is_held = self.hub.with(self.task, |state| {
            state.connection = Some(conn.handle());
            state.is_held
        });
        if is_held == Some(true) || self.hub.is_held.get() {
            conn.pause_reading();
        }
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let fresh = match &mut self.repeat {
            None => Ok(bytes),
            Some(repeat) => repeat.take(bytes),
        };
        let fresh = fresh.map_err(|_| self.differs())?;
        if !fresh.is_empty() {
            let now = self.hub.reactor.now();
            self.hub.with(self.task, |state| state.take(fresh, now));
            self.hub.tell(Event::Piece { task: self.task, bytes: fresh.to_vec() });
        }
        Ok(())
    }

    fn finished(&mut self) -> Result<(), FetchError> {
        let is_whole = self.repeat.as_ref().is_none_or(Repeat::is_over);
        if is_whole { Ok(()) } else { Err(self.differs()) }
    }

    fn is_held(&self) -> bool {
        self.hub.is_held.get() || self.hub.with(self.task, |state| state.is_held) == Some(true)
    }
}
