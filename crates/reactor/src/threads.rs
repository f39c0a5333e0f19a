//! Work on other threads, whose answer is a deferred; and work of other threads here, whose answer is a future.
//!
//! Invariant: a resolver never leaves the reactor's thread; only the answer travels.
//! Tests: `threads.rs` of the contract.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use sestina_deferred::{Answer, Deferred, Failure, Resolver, deferred, fail, maybe_deferred};

use crate::inner::Reactor;
use crate::leftovers::{Origin, Thing};
use crate::reactor::Stopped;
use crate::slab::Key;

/// The pool's queue is full: too many jobs wait for a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadPoolFull;

impl fmt::Display for ThreadPoolFull {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("too many jobs wait for a thread: try again when some are done")
    }
}

impl Error for ThreadPoolFull {}

/// How far a job has come; shared by its thread and its canceller.
#[derive(Debug)]
struct Progress(AtomicU8);

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const CANCELLED: u8 = 2;

impl Progress {
    fn move_on(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A job on a thread: who waits for it. The resolver's type is known to the one who brings the answer.
pub(crate) struct ThreadJob {
    resolver: Option<Box<dyn Waiting>>,
    progress: Arc<Progress>,
}

/// A resolver whose type only the one who brings the answer knows.
trait Waiting {
    fn stopped(self: Box<Self>);
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: 'static> Waiting for Resolver<T> {
    fn stopped(self: Box<Self>) {
        self.errback(Stopped);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Reactor {
    /// Runs `f` on a thread of the driver's bounded pool and brings its result here.
    ///
    /// # Errors
    /// [`ThreadPoolFull`]; [`Stopped`] if the reactor ends first; else what `f` says.
    ///
    /// # Panics
    /// A panic of `f` becomes [`Panicked`](sestina_deferred::Panicked).
    ///
    /// # Cancelling
    /// A job that has not started never will. One that has started cannot be interrupted: it is answered as cancelled at
    /// once, runs to its end, and its result is dropped.
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// let answer = reactor.defer_to_thread(|| Ok((1..=20_u64).product::<u64>()));
    /// assert_eq!(reactor.run_until(answer).expect("it was computed"), 2_432_902_008_176_640_000);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn defer_to_thread<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Deferred<T> {
        let (resolver, answer) = deferred::<T>();
        let progress = Arc::new(Progress(AtomicU8::new(WAITING)));
        let job = ThreadJob { resolver: None, progress: Arc::clone(&progress) };
        let key = self.inner().thread_jobs.borrow_mut().insert(job);
        self.note_place(Thing::Job(key), Location::caller(), Origin::Made);
        let (reactor, asked) = (self.downgrade(), Arc::clone(&progress));
        resolver.on_cancel(move || {
            if let (true, Some(reactor)) = (asked.move_on(CANCELLED), reactor.upgrade()) {
                reactor.forget_job(key);
            }
            Answer::Continue
        });
        if let Some(job) = self.inner().thread_jobs.borrow_mut().get_mut(key) {
            job.resolver = Some(Box::new(resolver));
        }
        let remote = self.remote();
        let job = Box::new(move || {
            if progress.move_on(STARTED) {
                let result = catch_unwind(AssertUnwindSafe(f));
                remote.bring(move |reactor| reactor.finish_job(key, result));
            }
        });
        let refused = self.inner().driver.borrow_mut().offload(job);
        if let Err(job) = refused {
            self.forget_job(key);
            drop(job);
            answer.ignore_errors();
            return fail(ThreadPoolFull);
        }
        answer
    }

    /// Jobs on other threads whose answer has not come.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.inner().thread_jobs.borrow().len()
    }

    fn finish_job<T: 'static>(&self, key: Key, result: thread::Result<Result<T, Failure>>) {
        let job = self.inner().thread_jobs.borrow_mut().remove(key);
        let resolver = job.and_then(|job| job.resolver?.into_any().downcast::<Resolver<T>>().ok());
        if let Some(resolver) = resolver {
            let answer = maybe_deferred(|| result.unwrap_or_else(|payload| resume_unwind(payload)));
            answer.chain_to(*resolver);
        }
    }

    /// The reactor ends: a job that has not started never will, and those who wait are told.
    pub(crate) fn stop_thread_jobs(&self) {
        let keys = self.inner().thread_jobs.borrow().keys();
        for key in keys {
            let job = self.inner().thread_jobs.borrow_mut().remove(key);
            let Some(ThreadJob { resolver, progress }) = job else { continue };
            progress.move_on(CANCELLED);
            if let Some(resolver) = resolver {
                self.guard("the end of a job on a thread", move || resolver.stopped());
            }
        }
    }

    /// Drops a job's resolver with nothing borrowed.
    fn forget_job(&self, key: Key) {
        let job = self.inner().thread_jobs.borrow_mut().remove(key);
        drop(job);
    }
}
