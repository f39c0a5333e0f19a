//! The clock: never goes back, and begins at the driver's own beginning.
//!
//! Tests: below.

use sestina_reactor::Time;

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(crate) use rough::Clock;

#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(crate) use exact::Clock;

/// Linux tells the time of its last tick, usually no more than 10 ms ago, without asking the processor.
#[cfg(any(target_os = "android", target_os = "linux"))]
mod rough {
    use super::Time;
    use rustix::time::{ClockId, Timespec, clock_gettime};

    /// Both of the system's clocks count from the same moment.
    #[derive(Debug)]
    pub(crate) struct Clock {
        started: u64,
    }

    impl Clock {
        pub(crate) fn start() -> Self {
            Self { started: nanoseconds(clock_gettime(ClockId::Monotonic)) }
        }

        pub(crate) fn now(&self) -> Time {
            self.at(ClockId::Monotonic)
        }

        pub(crate) fn now_roughly(&self) -> Time {
            self.at(ClockId::MonotonicCoarse)
        }

        /// The last tick may have been before the start.
        fn at(&self, clock: ClockId) -> Time {
            Time::from_nanos(nanoseconds(clock_gettime(clock)).saturating_sub(self.started))
        }
    }

    /// Enough for 584 years since the system's start; these clocks are never negative.
    fn nanoseconds(time: Timespec) -> u64 {
        let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
        let (seconds, rest) = (seconds.unwrap_or(0), rest.unwrap_or(0));
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    }
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
mod exact {
    use super::Time;
    use std::time::Instant;

    #[derive(Debug)]
    pub(crate) struct Clock {
        started: Instant,
    }

    impl Clock {
        pub(crate) fn start() -> Self {
            Self { started: Instant::now() }
        }

        pub(crate) fn now(&self) -> Time {
            Time::ZERO + self.started.elapsed()
        }

        pub(crate) fn now_roughly(&self) -> Time {
            self.now()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_rough_clock_is_never_ahead_and_follows() {
        let clock = Clock::start();
        let begun = clock.now();
        loop {
            let rough = clock.now_roughly();
            let exact = clock.now();
            assert!(rough <= exact, "{rough:?} is later than {exact:?}");
            if rough > begun {
                break;
            }
            assert!(exact - begun < Duration::from_secs(10), "the rough clock stands still");
        }
    }
}
