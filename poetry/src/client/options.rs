//! How to download: limits, retries, how many at once.

use std::time::Duration;

use sestina_reactor::Endpoint;

use crate::attempt::Bounds;
use crate::poem::POEM_BYTES_MAX;
use crate::transform::TransformClient;

/// How many downloads happen at once unless [`FetchOptions::with_jobs`] says otherwise: each takes a descriptor.
pub const JOBS: usize = 256;
/// The wait before the first retry, unless [`FetchOptions::with_back_off`] says otherwise. It doubles with each retry.
pub const BACK_OFF: Duration = Duration::from_millis(500);
/// The longest wait before a retry.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// How to download.
///
/// ```
/// use sestina_poetry::FetchOptions;
/// use std::time::Duration;
///
/// let patient = FetchOptions::default().with_retries(5).with_idle_max(Duration::from_secs(60));
/// # drop(patient);
/// ```
#[derive(Clone, Debug)]
pub struct FetchOptions {
    pub(super) jobs: usize,
    pub(super) bytes_max: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) idle_max: Option<Duration>,
    pub(super) connect_max: Option<Duration>,
    pub(super) retries: u32,
    pub(super) back_off: Duration,
    pub(super) with_sha256: bool,
    pub(super) transform: Option<(TransformClient, String)>,
}

impl Default for FetchOptions {
    /// [`JOBS`] at once, poems of at most [`POEM_BYTES_MAX`], however long they take; no retries, no hash.
    fn default() -> Self {
        Self {
            jobs: JOBS,
            bytes_max: POEM_BYTES_MAX,
            timeout: None,
            idle_max: None,
            connect_max: None,
            retries: 0,
            back_off: BACK_OFF,
            with_sha256: false,
            transform: None,
        }
    }
}

impl FetchOptions {
    /// Sets how many downloads happen at once, at least 1; the others wait for their turn.
    #[must_use]
    pub fn with_jobs(self, jobs: usize) -> Self {
        Self { jobs: jobs.max(1), ..self }
    }

    /// Sets how many bytes a poem may have.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Sets how long a download may take as a whole: from its start (not while it waits for its turn) to its end, with
    /// all retries.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets how long a poet may send nothing. While we do not read, nobody is silent.
    #[must_use]
    pub fn with_idle_max(self, idle_max: Duration) -> Self {
        Self { idle_max: Some(idle_max), ..self }
    }

    /// Sets how long connecting may take, with the lookup of the name and over all its addresses, instead of what each
    /// endpoint says.
    #[must_use]
    pub fn with_connect_max(self, connect_max: Duration) -> Self {
        Self { connect_max: Some(connect_max), ..self }
    }

    /// Sets how often a download that fails is tried again.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Sets the wait before the first retry. It doubles with each, up to [`BACK_OFF_MAX`], and is spread by a quarter
    /// either way, so that not all come back at the same moment.
    #[must_use]
    pub fn with_back_off(self, back_off: Duration) -> Self {
        Self { back_off, ..self }
    }

    /// Computes the SHA-256 of each poem.
    #[must_use]
    pub fn with_sha256(self) -> Self {
        Self { with_sha256: true, ..self }
    }

    /// Has each whole poem transformed by this service, under this name, before its download ends: see
    /// [`Event::Transformed`](super::Event::Transformed). [`FetchOptions::with_timeout`] does not count here; the client
    /// has a limit of its own.
    ///
    /// # Limits
    /// A second copy of each running download's poem is kept, up to the longest that the service reads.
    #[must_use]
    pub fn with_transform(self, service: TransformClient, name: impl Into<String>) -> Self {
        Self { transform: Some((service, name.into())), ..self }
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds { bytes_max: self.bytes_max, idle_max: self.idle_max }
    }

    pub(super) fn endpoint(&self, poet: Endpoint) -> Endpoint {
        match self.connect_max {
            Some(connect_max) => poet.with_timeout(connect_max),
            None => poet,
        }
    }

    /// What came is compared with what comes again, so there must be something to compare.
    pub(super) fn needs_digest(&self) -> bool {
        self.with_sha256 || self.retries > 0
    }

    /// The wait before this retry, from 1. Different downloads wait differently, and always the same.
    pub(super) fn wait_before(&self, retry: u32, task: usize) -> Duration {
        let doubled = self.back_off.saturating_mul(1_u32.checked_shl(retry - 1).unwrap_or(u32::MAX));
        // Knuth's multiplicative hash: neighbours come out far from each other.
        let spread = u32::try_from(task.wrapping_mul(2_654_435_761) % 512).unwrap_or(0);
        doubled.min(BACK_OFF_MAX) / 1024 * (768 + spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        let options = FetchOptions::default().with_back_off(Duration::from_secs(1));
        for task in 0..100 {
            for (retry, seconds) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (u32::MAX, 30)] {
                let wait = options.wait_before(retry, task).as_secs_f64() / f64::from(seconds);
                assert!((0.74..1.26).contains(&wait), "{task} {retry}: {wait}");
            }
        }
        assert_ne!(options.wait_before(1, 0), options.wait_before(1, 1));
    }
}
