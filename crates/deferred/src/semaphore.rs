//! At most so many at a time.
//!
//! Walk: a permit is handed from whoever is done to the next in the line, without becoming free in between.
//! Invariant: permits that are out plus permits that are free are as many as there were at the start.
//! Tests: `tests/suite/locks.rs`.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::deferred::{Deferred, succeed};
use crate::line::Line;
use crate::outcome::{IntoOutcome, Outcome};

/// Lets a limited number of things happen at a time. Clones are the same semaphore.
///
/// ```
/// use sestina_deferred::DeferredSemaphore;
///
/// let downloads = DeferredSemaphore::new(1);
/// let first = downloads.acquire().try_result().unwrap().unwrap();
/// let second = downloads.acquire();
/// assert!(!second.is_fired());
/// drop(first); // hands its permit to the next
/// assert!(second.is_fired());
/// ```
///
/// # Order
/// First come, first served.
#[derive(Clone)]
pub struct DeferredSemaphore {
    inner: Rc<Inner>,
}

struct Inner {
    limit: usize,
    free: Cell<usize>,
    line: Line<Permit>,
}

impl DeferredSemaphore {
    /// A semaphore with so many permits.
    ///
    /// # Panics
    /// If `permits` is 0, because nobody could ever acquire one.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        assert!(permits > 0, "a semaphore needs at least one permit");
        Self { inner: Rc::new(Inner { limit: permits, free: Cell::new(permits), line: Line::new() }) }
    }

    /// Waits for a permit.
    ///
    /// # Cancelling
    /// Whoever cancels leaves the line. Whoever drops the deferred stays in it, and is passed over in its turn. A
    /// permit that nobody looks at is released when it is dropped.
    #[track_caller]
    #[must_use = "the permit is released when it is dropped"]
    pub fn acquire(&self) -> Deferred<Permit> {
        match self.inner.free.get() {
            0 => self.inner.line.join(),
            free => {
                self.inner.free.set(free - 1);
                succeed(Permit { semaphore: Some(Rc::clone(&self.inner)) })
            }
        }
    }

    /// Runs `job` while holding a permit: until its deferred has fired, if it returns one.
    ///
    /// # Cancelling
    /// Before `job` runs, it never will. After that, what it waits for is cancelled.
    ///
    /// # Order
    /// The permit is released before the deferred that this returns fires.
    #[track_caller]
    pub fn run<R, F>(&self, job: F) -> Deferred<R::Out>
    where
        R: IntoOutcome,
        F: FnOnce() -> R + 'static,
    {
        let at = Location::caller();
        self.acquire().add_callback(move |permit| match job().into_outcome() {
            Outcome::Now(answer) => {
                drop(permit);
                Outcome::Now(answer)
            }
            Outcome::Later(d) => Outcome::Later(d.then(at, move |answer| {
                drop(permit);
                Outcome::Now(answer)
            })),
        })
    }

    /// Number of permits that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.inner.free.get()
    }

    /// Number of permits that there are.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.inner.limit
    }

    /// Number of those that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.line.len()
    }
}

impl fmt::Debug for DeferredSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeferredSemaphore({} of {} free, {} waiting)", self.free(), self.limit(), self.waiting())
    }
}

/// The right to go on, until it is dropped.
#[must_use = "it is released when it is dropped"]
pub struct Permit {
    /// Invariant: `None` only in a permit that was taken apart.
    semaphore: Option<Rc<Inner>>,
}

impl Permit {
    /// Gives it to the next in the line: the same as dropping it.
    pub fn release(self) {}
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(inner) = self.semaphore.take() else { return };
        if let Err(mut unwanted) = inner.line.offer(Self { semaphore: Some(Rc::clone(&inner)) }) {
            unwanted.semaphore = None;
            inner.free.set(inner.free.get() + 1);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
