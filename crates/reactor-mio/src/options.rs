//! How large the driver's fixed parts are.

/// Events taken from the kernel in one wait, unless [`Options::with_events_per_wait_max`] said otherwise. Twelve bytes each; more only means fewer waits under load.
const EVENTS_PER_WAIT_MAX: usize = 1024;
/// Threads of the pool, unless [`Options::with_threads_max`] said otherwise.
const THREADS_MAX: usize = 8;
/// Jobs that wait for a thread, unless [`Options::with_queued_jobs_max`] said otherwise. Each is a name lookup or somebody's closure, so this bounds memory, not work.
const QUEUED_JOBS_MAX: usize = 1024;

/// The limits of a [`MioDriver`](crate::MioDriver).
///
/// ```
/// use sestina_reactor_mio::{MioDriver, Options};
///
/// let driver = MioDriver::with_options(Options::default().with_threads_max(2))?;
/// # drop(driver);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    pub(crate) events_per_wait_max: usize,
    pub(crate) threads_max: usize,
    pub(crate) queued_jobs_max: usize,
}

impl Default for Options {
    /// 1,024 events a wait, 8 threads, 1,024 jobs that wait for a thread.
    fn default() -> Self {
        Self {
            events_per_wait_max: EVENTS_PER_WAIT_MAX,
            threads_max: THREADS_MAX,
            queued_jobs_max: QUEUED_JOBS_MAX,
        }
    }
}

impl Options {
    /// How many events one wait takes from the kernel, at least 1; the rest is found by the next wait.
    #[must_use]
    pub fn with_events_per_wait_max(self, count: usize) -> Self {
        Self { events_per_wait_max: count.max(1), ..self }
    }

    /// How many threads run jobs and name lookups, at least 1. They are started when there is work for them.
    #[must_use]
    pub fn with_threads_max(self, count: usize) -> Self {
        Self { threads_max: count.max(1), ..self }
    }

    /// How many jobs may wait for a thread, beyond those that run.
    #[must_use]
    pub fn with_queued_jobs_max(self, count: usize) -> Self {
        Self { queued_jobs_max: count, ..self }
    }
}
