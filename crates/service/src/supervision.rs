//! What happens when a child ends by itself: who is started again, how often, and after how long.

use std::time::Duration;

/// How many restarts within [`RESTART_PERIOD`] a parent takes for bad luck, unless
/// [`Supervision::with_intensity`] said otherwise.
pub const RESTARTS_MAX: u32 = 3;
/// The time over which restarts are counted, unless [`Supervision::with_intensity`] said otherwise. A child that ran this long starts its back-off anew.
pub const RESTART_PERIOD: Duration = Duration::from_secs(60);
/// The first pause before a restart, unless [`Supervision::with_backoff`] said otherwise.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest pause before a restart, unless [`Supervision::with_backoff`] said otherwise.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How much of a pause is left to chance, in percent, unless [`Backoff::with_jitter_percent`] said otherwise.
pub const BACKOFF_JITTER_PERCENT: u32 = 20;

/// Which ends of a child are to be followed by a new start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Restart {
    /// Every end.
    Permanent,
    /// Failures only: a child that finished its work has finished.
    Transient,
    /// None.
    Temporary,
}

/// Who else is started again when a child is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// All its siblings: stopped in reverse, started in order.
    OneForAll,
    /// Those after it, which may depend on it: stopped in reverse, started in order.
    RestForOne,
}

/// How a parent looks after its children.
///
/// More than the allowed number of restarts within the period, and the parent gives up: it stops its children in
/// reverse, and has failed itself; then its own parent decides.
///
/// ```
/// use sestina_service::{Backoff, MultiService, Supervision};
/// use std::time::Duration;
///
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// let supervision = Supervision::rest_for_one().with_intensity(5, Duration::from_secs(60)).with_backoff(backoff);
/// let poetry = MultiService::new("poetry").with_supervision(supervision);
/// # drop(poetry);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Supervision {
    pub(crate) strategy: Strategy,
    pub(crate) restarts_max: u32,
    pub(crate) period: Duration,
    pub(crate) backoff: Backoff,
}

impl Supervision {
    /// This strategy, [`RESTARTS_MAX`] restarts within [`RESTART_PERIOD`], the usual back-off.
    #[must_use]
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, restarts_max: RESTARTS_MAX, period: RESTART_PERIOD, backoff: Backoff::default() }
    }

    /// A child that failed is started again, and nobody else.
    #[must_use]
    pub fn one_for_one() -> Self {
        Self::new(Strategy::OneForOne)
    }

    /// All children are started again together.
    #[must_use]
    pub fn one_for_all() -> Self {
        Self::new(Strategy::OneForAll)
    }

    /// A child that failed and those after it are started again.
    #[must_use]
    pub fn rest_for_one() -> Self {
        Self::new(Strategy::RestForOne)
    }

    /// Sets how many restarts within this time are allowed. With 0 the first failure is the parent's.
    #[must_use]
    pub fn with_intensity(self, restarts_max: u32, period: Duration) -> Self {
        Self { restarts_max, period, ..self }
    }

    /// Sets the pauses before restarts.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Who else is started again.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How many restarts are allowed, and within which time.
    #[must_use]
    pub fn intensity(&self) -> (u32, Duration) {
        (self.restarts_max, self.period)
    }
}

impl Default for Supervision {
    fn default() -> Self {
        Self::one_for_one()
    }
}

/// Pauses that get longer: each twice the one before, up to a longest, and each a little shorter or longer by chance, so
/// that many who failed together do not come back together.
///
/// ```
/// use sestina_service::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).with_jitter_percent(0);
/// let pauses: Vec<u64> = (0..8).map(|failures| backoff.pause(failures, 12345).as_secs()).collect();
/// assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter_percent: u32,
}

impl Backoff {
    /// From this pause up to that, with [`BACKOFF_JITTER_PERCENT`].
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, jitter_percent: BACKOFF_JITTER_PERCENT }
    }

    /// No pause at all.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Duration::ZERO, Duration::ZERO)
    }

    /// Sets how much of a pause is left to chance: with 20, a pause of 10 s is one of 8 to 12 s, but never above
    /// the longest. At most 100.
    #[must_use]
    pub fn with_jitter_percent(self, percent: u32) -> Self {
        Self { jitter_percent: percent.min(100), ..self }
    }

    /// The pause after so many failures in a row before this one; `random` decides where in its range it lies.
    #[must_use]
    pub fn pause(&self, failures_before: u32, random: u64) -> Duration {
        let factor = 1_u32.checked_shl(failures_before).unwrap_or(u32::MAX);
        let pause = self.first.saturating_mul(factor).min(self.longest);
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let spread = nanos(pause).saturating_mul(u64::from(self.jitter_percent)) / 100;
        let (least, most) =
            (nanos(pause) - spread, nanos(pause).saturating_add(spread).min(nanos(self.longest)));
        let offset = (u128::from(most - least) * u128::from(random)) >> 64; // evenly
        Duration::from_nanos(least.saturating_add(u64::try_from(offset).unwrap_or(0)))
    }
}

impl Default for Backoff {
    /// From [`BACKOFF_FIRST`] up to [`BACKOFF_MAX`].
    fn default() -> Self {
        Self::new(BACKOFF_FIRST, BACKOFF_MAX)
    }
}
