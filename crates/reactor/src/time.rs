//! Points in a reactor's time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time on one reactor's clock, in nanoseconds since its driver started.
///
/// It says nothing about the calendar, never goes back, and points of two reactors cannot be compared. On the
/// simulated driver it is virtual time.
///
/// ```
/// use sestina_reactor::Time;
/// use std::time::Duration;
///
/// let later = Time::ZERO + Duration::from_millis(5);
/// assert_eq!(later - Time::ZERO, Duration::from_millis(5));
/// assert_eq!(Time::ZERO - later, Duration::ZERO); // saturates
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// When the driver started.
    pub const ZERO: Self = Self(0);

    /// The point `nanoseconds` after the driver started.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the driver started.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates after 584 years.
    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, after: Duration) {
        *self = *self + after;
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How long after `earlier` this is; zero if it is not.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", Duration::from_nanos(self.0))
    }
}
