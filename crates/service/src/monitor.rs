//! Monitors: whoever asks is told, once, when a service or a task ends, and why.
//!
//! Tests: `tests/suite/lives.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use sestina_deferred::{CancelHandle, Cancelled, Deferred, Failure, Resolver, deferred, fail, succeed};

use crate::errors::{Cause, ServiceError, Stopping};

/// Why a service or a task ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// It has done its work.
    Finished,
    /// It was told to stop, and did.
    Stopped,
    /// It failed.
    Failed(Failure),
    /// There was nothing to watch: no such service, or it has never run.
    NotThere,
}

impl End {
    /// What a failure says about the end: to be told to stop is none.
    fn of(result: &Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Finished,
            Err(failure) => match failure.check::<Cancelled>() {
                Some(_) => Self::Stopped,
                None if failure.is::<Stopping>() => Self::Stopped,
                None => Self::Failed(failure.clone()),
            },
        }
    }

    pub(crate) fn of_service(why: Option<&ServiceError>) -> Self {
        match why {
            None => Self::Stopped,
            Some(ServiceError { cause: Cause::Finished, .. }) => Self::Finished,
            Some(ServiceError { cause: Cause::Failed(failure), .. }) => Self::Failed(failure.clone()),
            Some(error) => Self::Failed(Failure::new(error.clone())),
        }
    }

    /// The failure, if it was one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Finished | Self::Stopped | Self::NotThere => None,
        }
    }
}

/// `finished`, `stopped`, `failed: nobody listens there`, `was not there`.
impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => out.write_str("finished"),
            Self::Stopped => out.write_str("stopped"),
            Self::Failed(failure) => write!(out, "failed: {failure}"),
            Self::NotThere => out.write_str("was not there"),
        }
    }
}

/// A task that goes on, for whoever wants to end it or to know of its end. A cheap clone; dropping it changes nothing.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{End, Task};
/// use std::time::Duration;
///
/// let reactor = Simulation::seeded(7).reactor();
/// let nap = reactor.sleep(Duration::from_secs(1));
/// let task = Task::spawn(&reactor, async move { nap.await });
/// let told = task.monitor();
/// assert!(matches!(reactor.run_until(told), Ok(End::Finished)));
/// assert!(matches!(task.monitor().try_result(), Ok(Ok(End::Finished)))); // who asks late is told too
/// ```
#[derive(Clone)]
pub struct Task(Rc<Watched>);

struct Watched {
    canceller: CancelHandle,
    waiting: RefCell<Vec<Resolver<End>>>,
    /// Why it ended, when it has.
    ended: RefCell<Option<End>>,
    /// Whether anybody ever watched it: then its failure was somebody's to handle.
    is_known: Cell<bool>,
    /// A failure that nobody has been told yet. Dropped with the last handle, it is reported as unhandled.
    untold: RefCell<Option<Deferred<()>>>,
}

impl Task {
    /// Runs a task on its own. Its failure is told to those who watch it; if nobody has when the last handle is dropped, it is
    /// reported as unhandled.
    pub fn spawn(
        reactor: &sestina_reactor::Reactor,
        task: impl Future<Output = Result<(), Failure>> + 'static,
    ) -> Self {
        let (task, answer) = Self::watching(reactor.spawn(task));
        let watched = Rc::clone(&task.0);
        drop(answer.add_errback(move |failure| {
            if !watched.is_known.get() && !failure.is::<Cancelled>() {
                *watched.untold.borrow_mut() = Some(fail(failure));
            }
            Ok(())
        }));
        task
    }

    /// Watches an answer that will come. What it gives back fires with it, after those who watch were told.
    #[must_use]
    pub fn watching(answer: Deferred<()>) -> (Self, Deferred<()>) {
        let watched = Rc::new(Watched {
            canceller: answer.canceller(),
            waiting: RefCell::default(),
            ended: RefCell::default(),
            is_known: Cell::new(false),
            untold: RefCell::default(),
        });
        let told = Rc::clone(&watched);
        let answer = answer.inspect(move |result| told.tell(&End::of(result)));
        (Self(watched), answer)
    }

    /// Fires when the task ends, with the reason; at once if it has ended already. Any number may ask.
    ///
    /// # Cancelling
    /// Stops watching; the task goes on.
    #[must_use]
    pub fn monitor(&self) -> Deferred<End> {
        self.0.is_known.set(true);
        let untold = self.0.untold.borrow_mut().take();
        if let Some(untold) = untold {
            drop(untold.add_errback(|_| Ok(())));
        }
        if let Some(end) = &*self.0.ended.borrow() {
            return succeed(end.clone());
        }
        let (resolver, answer) = deferred();
        push_waiting(&mut self.0.waiting.borrow_mut(), resolver);
        answer
    }

    /// Asks it to stop. It may clean up first.
    pub fn cancel(&self) {
        self.0.canceller.cancel();
    }

    /// Ends it where it stands.
    pub fn abort(&self) {
        self.0.canceller.abort();
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.ended.borrow().is_some()
    }

    pub(crate) fn canceller(&self) -> CancelHandle {
        self.0.canceller.clone()
    }
}

impl Watched {
    fn tell(&self, end: &End) {
        *self.ended.borrow_mut() = Some(end.clone());
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for resolver in waiting {
            resolver.callback(end.clone());
        }
    }
}

/// Adds one to those who wait. Whoever was cancelled goes, before the list grows: asking again and again with a timeout
/// costs no memory.
pub(crate) fn push_waiting<T>(waiting: &mut Vec<Resolver<T>>, resolver: Resolver<T>) {
    if waiting.len() == waiting.capacity() {
        waiting.retain(|resolver| !resolver.is_cancelled());
    }
    waiting.push(resolver);
}

impl fmt::Debug for Task {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_over() { "Task(over)" } else { "Task(running)" })
    }
}
