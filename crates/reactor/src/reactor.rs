//! The reactor's own verbs: time, tasks, signals, stop, and what it counts.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{Clock, Deferred, Executor, Failure, IntoOutcome, deferred};

use crate::close::{CloseLimits, Closings};
use crate::cooperate::Cooperator;
use crate::delayed_call::DelayedCall;
use crate::driver::{Driver, Signal};
use crate::hold::Hold;
use crate::hosting::Hosting;
use crate::inner::{Entry, Inner, Reactor};
use crate::leftovers::Places;
use crate::queue::BufferPool;
use crate::remote::{Calls, Remote};
use crate::slab::Slab;
use crate::statistics::Statistics;
use crate::time::Time;
use crate::timers::Timers;
use crate::triggers::Triggers;
use crate::watching::Watchers;

/// The reactor was stopped before the answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the reactor was stopped")
    }
}

impl Error for Stopped {}

impl Reactor {
    /// A reactor over this driver.
    #[must_use]
    pub fn new(driver: Box<dyn Driver>) -> Self {
        let (wake, now) = (driver.waker(), driver.now());
        let executor = {
            let wake = Arc::clone(&wake);
            Executor::new(move || wake())
        };
        let reactor = Self(Rc::new(Inner {
            driver: RefCell::new(driver),
            entries: RefCell::new(Slab::default()),
            timers: RefCell::new(Timers::default()),
            dirty: RefCell::new(VecDeque::new()),
            ready: RefCell::default(),
            served: Cell::default(),
            closings: RefCell::new(Closings::default()),
            connection_limits: Cell::default(),
            pool: RefCell::new(BufferPool::default()),
            scratch: Cell::new(Vec::new()),
            events: Cell::new(Vec::new()),
            executor,
            hosting: Hosting::new(Arc::clone(&wake)),
            hold: Hold::default(),
            calls: Calls::new(wake),
            signals: RefCell::new(BTreeMap::new()),
            statistics: RefCell::new(Statistics::default()),
            now: Cell::new(now),
            turning: Cell::new(false),
            stopping: Cell::new(false),
            ending: Cell::new(false),
            running: Cell::new(false),
            crashed: Cell::new(false),
            triggers: Triggers::default(),
            startup: RefCell::new(Vec::new()),
            cooperator: Cooperator::default(),
            thread_jobs: RefCell::new(Slab::default()),
            remote_runs: RefCell::new(BTreeMap::new()),
            endpoint_kinds: RefCell::new(BTreeMap::new()),
            places: Places::default(),
            watchers: Watchers::default(),
        }));
        let weak = reactor.downgrade();
        reactor.inner().executor.on_unhandled(move |unhandled| {
            if let Some(reactor) = weak.upgrade() {
                reactor.count(|statistics| statistics.unhandled_errors += 1);
            }
            tracing::error!(error = %unhandled.failure(), at = %unhandled.location(), "unhandled error in a deferred");
        });
        reactor
    }

    /// The time. Within a turn it stands still: one turn, one time.
    #[must_use]
    pub fn now(&self) -> Time {
        let inner = self.inner();
        if inner.turning.get() { inner.now.get() } else { inner.driver.borrow().now() }
    }

    /// A random number from the driver: unpredictable over the operating system, decided by the seed in a simulation.
    /// For jitter and the like, not for secrets.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.inner().driver.borrow_mut().random()
    }

    /// Calls `f` after this time, never early. Equal times keep the order of the calls.
    ///
    /// # Panics
    /// A panic of `f` is caught and logged.
    #[track_caller]
    pub fn call_later(&self, after: Duration, f: impl FnOnce() + 'static) -> DelayedCall {
        Clock::call_later(self, after, Box::new(f))
    }

    /// The result of `f`, called after this time.
    ///
    /// # Cancelling
    /// `f` is not called and dropped.
    #[track_caller]
    pub fn defer_later<R: IntoOutcome>(
        &self,
        after: Duration,
        f: impl FnOnce() -> R + 'static,
    ) -> Deferred<R::Out>
    where
        R::Out: 'static,
    {
        self.sleep(after).add_callback(move |()| f())
    }

    /// Fires after this time.
    ///
    /// # Cancelling
    /// Cancels the timer.
    #[track_caller]
    pub fn sleep(&self, after: Duration) -> Deferred<()> {
        let (resolver, answer) = deferred();
        let call = Rc::new(RefCell::new(None));
        let timer = Rc::clone(&call);
        resolver.on_cancel(move || {
            let call: Option<DelayedCall> = timer.borrow_mut().take();
            if let Some(call) = call {
                call.cancel();
            }
        });
        *call.borrow_mut() = Some(self.call_later(after, move || resolver.callback(())));
        answer
    }

    /// Runs an async block on this reactor: at once to its first pending await, then whenever what it awaits is there.
    ///
    /// # Cancelling
    /// Reaches what is awaited now; the block sees the error there and may catch it.
    #[track_caller]
    pub fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = Result<T, Failure>> + 'static,
    ) -> Deferred<T> {
        self.inner().executor.spawn(future)
    }

    /// Has [`run`](Reactor::run) end: after the running turn the shutdown triggers run in order, then everything that
    /// is left is ended. Called before `run`, it makes that end at once.
    pub fn stop(&self) {
        self.inner().stopping.set(true);
        self.nudge();
    }

    /// As [`stop`](Reactor::stop), but nobody is waited for: triggers of [`Phase::Before`](crate::Phase) that have not
    /// answered are left alone.
    pub fn crash(&self) {
        self.inner().stopping.set(true);
        self.inner().crashed.set(true);
        self.nudge();
    }

    /// Whether [`run`](Reactor::run) goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.inner().running.get()
    }

    /// Calls `f` when the loop begins: when [`run`](Reactor::run) is called, or in the next [`turn`](Reactor::turn) of a
    /// loop that hosts this one. If [`run`](Reactor::run) goes on already, in the next turn.
    pub fn call_when_running(&self, f: impl FnOnce() + 'static) {
        if self.is_running() {
            drop(self.call_later(Duration::ZERO, f));
        } else {
            self.inner().startup.borrow_mut().push(Box::new(f));
            self.nudge();
        }
    }

    /// Whether [`Reactor::stop`] was called and nobody has begun to end what is left. A loop that hosts this one then
    /// calls [`Reactor::run`], which does.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner().stopping.get() && !self.inner().ending.get()
    }

    /// Calls `f` each time this signal comes, instead of what the system would do; replaces an earlier `f`.
    ///
    /// # Errors
    /// If the driver cannot watch for it.
    pub fn on_signal(&self, signal: Signal, f: impl FnMut() + 'static) -> io::Result<()> {
        self.inner().driver.borrow_mut().watch_signal(signal)?;
        let before = self.inner().signals.borrow_mut().insert(signal, Rc::new(RefCell::new(f)));
        drop(before);
        Ok(())
    }

    /// Stops when SIGINT or SIGTERM comes, and says so in the log.
    ///
    /// # Errors
    /// If the driver cannot watch for them.
    pub fn stop_on_signals(&self) -> io::Result<()> {
        for signal in [Signal::Interrupt, Signal::Terminate] {
            let reactor = self.downgrade();
            self.on_signal(signal, move || {
                tracing::info!("received {signal}, shutting down");
                if let Some(reactor) = reactor.upgrade() {
                    reactor.stop();
                }
            })?;
        }
        Ok(())
    }

    /// This reactor, for other threads.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.inner().calls.remote()
    }

    /// Sets what bounds a polite close, for all connections from now on, those that close already included; of these one that has
    /// more time because its peer did something keeps it.
    pub fn set_close_limits(&self, limits: CloseLimits) {
        self.inner().closings.borrow_mut().limits = limits;
        self.nudge();
    }

    /// Timers that have not fired, connections' own ones included.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.inner().timers.borrow().len()
    }

    /// Tasks that have not ended, async and cooperative ones.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.inner().executor.tasks() + self.inner().cooperator.len()
    }

    /// Listening sockets.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.inner().entries.borrow().iter().filter(|entry| matches!(entry, Entry::Port(_))).count()
    }

    /// What was done so far, and what there is now. Looks at every connection: once a second is often enough.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let (connections, timers) = (self.connections(), self.timers());
        Statistics { connections, timers, ..self.inner().statistics.borrow().clone() }
    }
}
