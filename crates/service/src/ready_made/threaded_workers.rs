//! Blocking work on other threads, a few jobs at a time, with a life.
//!
//! Tests: `tests/suite/work.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::rc::Rc;

use sestina_deferred::{
    CancelHandle, Deferred, DeferredSemaphore, Failure, Resolver, deferred, fail, succeed,
};
use sestina_reactor::Reactor;

use crate::context::ServiceContext;
use crate::errors::Stopping;
use crate::service::{Details, Service};

/// How many jobs may wait for a worker, unless [`ThreadedWorkers::with_queue_max`] said otherwise.
pub const WORKERS_QUEUE_MAX: usize = 1024;

/// Why a job was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WorkersError {
    /// Too many jobs wait: try again when some are done.
    Busy,
    /// The service has not started, or drains, or has stopped.
    NotRunning,
}

impl fmt::Display for WorkersError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Busy => "too many jobs wait for a worker: try again when some are done",
            Self::NotRunning => "the workers take no jobs now: their service does not run",
        })
    }
}

impl Error for WorkersError {}

/// Runs blocking jobs on the threads of the reactor's driver, at most so many at a time.
///
/// Its drain takes no more jobs and waits for those that it has; its stop drops those that have not begun, and waits for
/// those that have: a thread cannot be interrupted.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, Child, ThreadedWorkers};
///
/// let reactor = Simulation::seeded(7).reactor();
/// let mut application = Application::new("example");
/// application.add(Child::new("workers", || ThreadedWorkers::new(4.try_into().expect("not zero"))))?;
/// let tree = application.attach(&reactor)?;
/// let story = {
///     let tree = tree.clone();
///     async move {
///         tree.start().await?;
///         let workers = tree.service::<ThreadedWorkers>("workers").expect("it runs");
///         workers.run(|| Ok((1..=20_u64).product::<u64>())).await
///     }
/// };
/// assert_eq!(reactor.run_until(reactor.spawn(story)).expect("it was computed"), 2_432_902_008_176_640_000);
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct ThreadedWorkers(Rc<Workers>);

struct Workers {
    permits: DeferredSemaphore,
    queue_max: Cell<usize>,
    reactor: RefCell<Option<Reactor>>,
    next: Cell<u64>,
    /// Jobs that have not ended.
    jobs: Cell<usize>,
    /// Those that have not begun.
    waiting: RefCell<BTreeMap<u64, CancelHandle>>,
    idle: RefCell<Vec<Resolver<()>>>,
}

impl ThreadedWorkers {
    /// At most so many jobs at a time.
    #[must_use]
    pub fn new(workers: NonZeroUsize) -> Self {
        Self(Rc::new(Workers {
            permits: DeferredSemaphore::new(workers.get()),
            queue_max: Cell::new(WORKERS_QUEUE_MAX),
            reactor: RefCell::default(),
            next: Cell::new(0),
            jobs: Cell::new(0),
            waiting: RefCell::default(),
            idle: RefCell::default(),
        }))
    }

    /// Sets how many jobs may wait for a worker.
    #[must_use]
    pub fn with_queue_max(self, jobs: usize) -> Self {
        self.0.queue_max.set(jobs);
        self
    }

    /// Runs a job on a thread, as soon as a worker is free.
    ///
    /// # Errors
    /// [`WorkersError`]; [`Cancelled`](sestina_deferred::Cancelled) because of [`Stopping`] if the service stops before the
    /// job has begun; what the job says, or its panic.
    ///
    /// # Cancelling
    /// A job that has not begun never will. One that has runs to its end, and its result is dropped.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Deferred<T> {
        let Some(reactor) = self.0.reactor.borrow().clone() else { return fail(WorkersError::NotRunning) };
        if self.0.permits.free() == 0 && self.0.permits.waiting() >= self.0.queue_max.get() {
            return fail(WorkersError::Busy);
        }
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        self.0.jobs.set(self.0.jobs.get() + 1);
        let counted = Counted(Rc::clone(&self.0));
        let permit = self.0.permits.acquire();
        self.0.waiting.borrow_mut().insert(number, permit.canceller());
        permit.add_both(move |permit| {
            let canceller = counted.0.waiting.borrow_mut().remove(&number);
            drop(canceller);
            let permit = match permit {
                Ok(permit) => permit,
                Err(failure) => return fail(failure),
            };
            // Whoever still waits for the answer: the worker is busy until the thread has done the job.
            let (resolver, answer) = deferred();
            let running = reactor.defer_to_thread(move || Ok(job()));
            drop(running.add_both(move |result: Result<Result<T, Failure>, Failure>| {
                drop(permit);
                drop(counted);
                resolver.resolve(result.and_then(|result| result));
            }));
            answer
        })
    }

    /// Jobs that have not ended, also those that wait.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.0.jobs.get()
    }
}

/// A job that has not ended.
struct Counted(Rc<Workers>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.job_ended();
    }
}

impl Workers {
    fn job_ended(&self) {
        self.jobs.set(self.jobs.get() - 1);
        if self.jobs.get() == 0 {
            let idle = std::mem::take(&mut *self.idle.borrow_mut());
            for resolver in idle {
                resolver.callback(());
            }
        }
    }

    fn idle(&self) -> Deferred<()> {
        if self.jobs.get() == 0 {
            return succeed(());
        }
        let (resolver, answer) = deferred();
        self.idle.borrow_mut().push(resolver);
        answer
    }
}

impl Service for ThreadedWorkers {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        *self.0.reactor.borrow_mut() = Some(cx.reactor().clone());
        succeed(())
    }

    fn drain(self: Rc<Self>) -> Deferred<()> {
        self.0.reactor.borrow_mut().take();
        self.0.idle()
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.0.reactor.borrow_mut().take();
        let waiting = std::mem::take(&mut *self.0.waiting.borrow_mut());
        for canceller in waiting.into_values() {
            canceller.cancel_because(Stopping);
        }
        self.0.idle()
    }

    fn details(&self) -> Details {
        let jobs = self.0.jobs.get();
        Details::default().with_note(format!(
            "{jobs} jobs, {} of {} workers free",
            self.0.permits.free(),
            self.0.permits.limit()
        ))
    }
}

impl fmt::Debug for ThreadedWorkers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ThreadedWorkers({} of {} free)", self.0.permits.free(), self.0.permits.limit())
    }
}
