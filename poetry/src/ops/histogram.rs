//! How often a value was how large: a few counters with fixed upper ends, in whole numbers.

use std::time::Duration;

/// How many buckets a histogram has at most, the last one without an end not counted.
pub const BUCKETS_MAX: usize = 15;

/// The upper ends of [`Histogram::of_durations`], in nanoseconds: from a millisecond to ten minutes.
const DURATION_ENDS: [u64; BUCKETS_MAX] = [
    1_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    120_000_000_000,
    600_000_000_000,
];
/// The upper ends of [`Histogram::of_counts`].
const COUNT_ENDS: [u64; 13] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000];

/// Counts values by size. Copied, added to and compared in a fixed amount of memory; nothing is ever lost, for the last
/// bucket has no end.
///
/// ```
/// use sestina_poetry::ops::Histogram;
/// use std::time::Duration;
///
/// let mut seconds = Histogram::of_durations();
/// seconds.observe_duration(Duration::from_millis(40));
/// seconds.observe_duration(Duration::from_secs(3));
/// assert_eq!((seconds.count(), seconds.sum()), (2, 3_040_000_000)); // nanoseconds
/// assert_eq!(seconds.cumulative().filter(|(_, below)| *below == 1).count(), 6); // 0.05 to 2.5 seconds
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Histogram {
    ends: &'static [u64],
    buckets: [u64; BUCKETS_MAX],
    count: u64,
    sum: u64,
}

impl Histogram {
    /// For durations, in nanoseconds.
    #[must_use]
    pub const fn of_durations() -> Self {
        Self { ends: &DURATION_ENDS, buckets: [0; BUCKETS_MAX], count: 0, sum: 0 }
    }

    /// For how many there were of something.
    #[must_use]
    pub const fn of_counts() -> Self {
        Self { ends: &COUNT_ENDS, buckets: [0; BUCKETS_MAX], count: 0, sum: 0 }
    }

    /// Counts a value.
    pub fn observe(&mut self, value: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        let bucket = self.ends.partition_point(|end| *end < value);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }

    /// Counts a duration.
    pub fn observe_duration(&mut self, value: Duration) {
        self.observe(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many values there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All values together; stays at the largest number once it has come there.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// For each upper end, how many values were not above it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0;
        self.ends.iter().zip(self.buckets).map(move |(end, bucket)| {
            below += bucket;
            (*end, below)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_at_the_first_end_that_is_not_below_it() {
        let mut counts = Histogram::of_counts();
        for value in [0, 1, 3, 5, 6, 10_000, 10_001, u64::MAX] {
            counts.observe(value);
        }
        let cumulative: Vec<_> = counts.cumulative().collect();
        assert_eq!(cumulative[..5], [(0, 1), (1, 2), (2, 2), (5, 4), (10, 5)]);
        assert_eq!(cumulative.last(), Some(&(10_000, 6)), "the two above are in no bucket with an end");
        assert_eq!((counts.count(), counts.sum()), (8, u64::MAX));
    }

    #[test]
    fn the_ends_rise() {
        for ends in [&DURATION_ENDS[..], &COUNT_ENDS[..]] {
            assert!(ends.is_sorted_by(|a, b| a < b) && ends.len() <= BUCKETS_MAX);
        }
    }
}
