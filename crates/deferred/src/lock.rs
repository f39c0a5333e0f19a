//! One at a time.
//!
//! Tests: `tests/suite/locks.rs`.

use std::fmt;

use crate::deferred::Deferred;
use crate::outcome::IntoOutcome;
use crate::semaphore::{DeferredSemaphore, Permit};

/// Lets one thing happen at a time: a [`DeferredSemaphore`] with one permit. Clones are the same lock.
///
/// ```
/// use sestina_deferred::{DeferredLock, deferred};
///
/// let lock = DeferredLock::new();
/// let (first, writing) = deferred::<()>();
/// let one = lock.run(move || writing);
/// let two = lock.run(|| Ok("second"));
/// assert!(!two.is_fired());
/// first.callback(());
/// assert_eq!(two.try_result().unwrap().unwrap(), "second");
/// # drop(one);
/// ```
#[derive(Clone)]
pub struct DeferredLock {
    semaphore: DeferredSemaphore,
}

impl DeferredLock {
    /// A lock that nobody holds.
    #[must_use]
    pub fn new() -> Self {
        Self { semaphore: DeferredSemaphore::new(1) }
    }

    /// Waits for the lock. It is released when the permit is dropped.
    ///
    /// # Cancelling
    /// As for [`DeferredSemaphore::acquire`].
    #[track_caller]
    #[must_use = "the lock is released when the permit is dropped"]
    pub fn acquire(&self) -> Deferred<Permit> {
        self.semaphore.acquire()
    }

    /// Runs `job` while holding the lock: see [`DeferredSemaphore::run`].
    #[track_caller]
    pub fn run<R, F>(&self, job: F) -> Deferred<R::Out>
    where
        R: IntoOutcome,
        F: FnOnce() -> R + 'static,
    {
        self.semaphore.run(job)
    }

    /// Whether somebody holds it.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.semaphore.free() == 0
    }

    /// Number of those that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.semaphore.waiting()
    }
}

impl Default for DeferredLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DeferredLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_locked() { "locked" } else { "free" };
        write!(f, "DeferredLock({word}, {} waiting)", self.waiting())
    }
}
