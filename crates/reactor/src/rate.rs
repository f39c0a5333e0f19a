//! A limit in bytes per second, as a bucket that fills with time: for pipes and for the layer [`RateLimit`](crate::RateLimit).

use std::time::Duration;

use crate::time::Time;

const NANOS: u128 = 1_000_000_000;

/// How fast bytes may go: so many a second on average, and this many at once after a rest.
///
/// ```
/// use sestina_reactor::{PipeOptions, PipeRate};
///
/// let a_megabyte_a_second = PipeRate::new(1_000_000).with_burst(64 * 1024);
/// let options = PipeOptions::default().with_rate(a_megabyte_a_second);
/// # drop(options);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PipeRate {
    bytes_per_second: u64,
    burst: u64,
}

impl PipeRate {
    /// So many bytes a second, and at once as many as a tenth of a second brings.
    ///
    /// # Panics
    /// If `bytes_per_second` is 0: nothing would ever go.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        assert!(bytes_per_second > 0, "a rate limit lets at least one byte a second pass");
        Self { bytes_per_second, burst: (bytes_per_second / 10).max(1) }
    }

    /// Sets how many bytes may go at once after a rest; 0 counts as 1.
    #[must_use]
    pub fn with_burst(self, bytes: u64) -> Self {
        Self { burst: bytes.max(1), ..self }
    }
}

/// What may go now under a limit.
///
/// Invariant: `level` is at most `burst`; both are counted in bytes times 10^9, so that no time is ever rounded away.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: PipeRate,
    level: u128,
    filled: Time,
}

impl Bucket {
    pub(crate) fn new(limit: PipeRate, now: Time) -> Self {
        Self { limit, level: u128::from(limit.burst) * NANOS, filled: now }
    }

    /// How many bytes may go now.
    pub(crate) fn fill(&mut self, now: Time) -> usize {
        let gained = (now - self.filled).as_nanos() * u128::from(self.limit.bytes_per_second);
        self.filled = now;
        self.level = (self.level + gained).min(u128::from(self.limit.burst) * NANOS);
        usize::try_from(self.level / NANOS).unwrap_or(usize::MAX)
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.level = self.level.saturating_sub(u128::try_from(bytes).unwrap_or(u128::MAX) * NANOS);
    }

    /// How long until this many bytes may go, or a whole burst if that is less.
    pub(crate) fn wait_for(&self, bytes: usize) -> Duration {
        let wanted = u128::try_from(bytes).unwrap_or(u128::MAX).min(u128::from(self.limit.burst)) * NANOS;
        let nanos = wanted.saturating_sub(self.level).div_ceil(u128::from(self.limit.bytes_per_second));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The same for half a burst, so that those who pass bytes on in small pieces do not do it one by one.
    pub(crate) fn wait_for_half(&self, bytes: usize) -> Duration {
        let half = usize::try_from(self.limit.burst / 2).unwrap_or(usize::MAX);
        self.wait_for(bytes.min(half).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_gives_one_burst_and_then_the_rate_holds() {
        let mut bucket = Bucket::new(PipeRate::new(1000).with_burst(50), Time::default());
        assert_eq!(bucket.fill(Time::default()), 50);
        bucket.spend(50);
        assert_eq!(
            (bucket.wait_for(10), bucket.wait_for(10_000)),
            (Duration::from_millis(10), Duration::from_millis(50))
        );
        let soon = Time::default() + Duration::from_millis(10);
        assert_eq!(bucket.fill(soon), 10);
        bucket.spend(10);
        let waits = [0, 10, 25, 10_000].map(|bytes| bucket.wait_for_half(bytes).as_millis());
        assert_eq!(waits, [1, 10, 25, 25]);
        assert_eq!(bucket.fill(soon + Duration::from_secs(3600)), 50);
    }
}
