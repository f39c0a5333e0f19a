//! A clock that is turned by hand.

use std::time::Duration;

use sestina_reactor::{DelayedCall, Reactor, Time};

use super::by_hand::ByHand;

/// A reactor whose time stands still until [`advance`](Self::advance) is called. For code that needs a clock, or a
/// reactor for its timers, and for a test that wants to look between two moments.
///
/// Calls come in the order of their times, as on every reactor, and what they schedule for at once comes too. The clock
/// has its new time already when they come: what one schedules in a second comes a second after that.
///
/// ```
/// use sestina_deferred::{TimedOut, deferred};
/// use sestina_trial::{Clock, assert_no_result, failure_result_of};
/// use std::time::Duration;
///
/// let clock = Clock::new();
/// let (_resolver, answer) = deferred::<u32>();
/// let answer = answer.add_timeout(Duration::from_secs(5), &clock);
/// clock.advance(Duration::from_secs(4));
/// assert_no_result(&answer);
/// clock.advance(Duration::from_secs(1));
/// failure_result_of::<TimedOut, _>(answer);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(ByHand);

impl Clock {
    /// A clock that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self(ByHand::new())
    }

    /// The reactor that has this clock. It has no network: nothing can listen or be looked up, and who connects finds a
    /// peer that is silent.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        self.0.reactor()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.reactor().now()
    }

    /// Lets this time pass, and makes the calls that are due then.
    ///
    /// # Panics
    /// If called from inside a call that it makes, or if calls due at once go on for ever.
    pub fn advance(&self, time: Duration) {
        self.0.advance(time);
    }

    /// Lets these times pass, one after the other.
    ///
    /// # Panics
    /// As [`advance`](Self::advance).
    pub fn pump(&self, times: impl IntoIterator<Item = Duration>) {
        times.into_iter().for_each(|time| self.advance(time));
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl sestina_deferred::Clock for Clock {
    type Call = DelayedCall;

    #[track_caller]
    fn call_later(&self, after: Duration, f: Box<dyn FnOnce()>) -> DelayedCall {
        let reactor = self.0.reactor();
        sestina_deferred::Clock::call_later(reactor, after, f)
    }
}
