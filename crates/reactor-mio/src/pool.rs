//! A bounded pool of threads for what would block the loop.
//!
//! Walk: `driver.rs` submits jobs and name lookups; a job reports for itself.
//! Invariants: no more than `threads_max` threads; jobs that run or wait are never more than
//! `threads_max + queued_jobs_max`; no lock is held while a job runs or is dropped.
//! The threads are never joined: a name lookup may hang for minutes. Dropping the pool drops the jobs that wait and
//! tells the threads to end; one that is busy ends after its job.
//! Tests: `tests/suite/threads.rs`.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use sestina_reactor::Job;

use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: usize,
    threads_max: usize,
    jobs_max: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Jobs that run or wait.
    jobs: usize,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("State")
            .field("jobs", &self.jobs)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            shared: Arc::default(),
            threads: 0,
            threads_max: options.threads_max,
            jobs_max: options.threads_max.saturating_add(options.queued_jobs_max),
        }
    }

    /// Gives the job to a thread, now or later; hands it back if too many wait, or if there is no thread at all.
    pub(crate) fn submit(&mut self, job: Job) -> Result<(), Job> {
        let mut state = self.shared.lock();
        if state.jobs >= self.jobs_max {
            return Err(job);
        }
        let wanted = (state.jobs + 1).min(self.threads_max);
        if self.threads < wanted {
            match start(&self.shared, self.threads + 1) {
                Ok(()) => self.threads += 1,
                Err(error) => {
                    tracing::error!(%error, threads = self.threads, "cannot start a thread of the pool");
                    if self.threads == 0 {
                        return Err(job);
                    }
                }
            }
        }
        state.jobs += 1;
        state.queue.push_back(job);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let unstarted = std::mem::take(&mut state.queue);
        drop(state);
        self.shared.changed.notify_all();
        drop(unstarted);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
                tracing::error!(message = message(panic.as_ref()), "a job on the pool panicked");
                // A payload may panic again when it is dropped.
                std::mem::forget(panic);
            }
            self.lock().jobs -= 1;
        }
    }

    /// Waits for a job; `None` when there will be no more.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.queue.pop_front()
    }
}

fn start(shared: &Arc<Shared>, number: usize) -> io::Result<()> {
    let shared = Arc::clone(shared);
    thread::Builder::new().name(format!("sestina-pool-{number}")).spawn(move || shared.work()).map(drop)
}

/// What a panic said, if it said it in the usual way.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
