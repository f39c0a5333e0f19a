//! A time limit for a deferred.
//!
//! Tests: `tests/suite/timeouts.rs`.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::cancelled::Cancelled;
use crate::clock::{CancelOnDrop, Clock};
use crate::deferred::Deferred;
use crate::failure::Failure;

/// The answer did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    after: Duration,
}

impl TimedOut {
    /// How long it had.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out after {:?}", self.after)
    }
}

impl Error for TimedOut {}

impl<T> Deferred<T> {
    /// Cancels this with the reason [`TimedOut`] if there is no answer `after` from now.
    ///
    /// # Errors
    /// A [`Cancelled`] that this limit caused arrives as `TimedOut`. Everything else stays as it is: what a
    /// canceller answered instead, and a cancel that came from elsewhere.
    ///
    /// # Limits
    /// Covers what stands above it in the chain. The timer is cancelled when the answer arrives.
    #[track_caller]
    #[must_use = "the limit does not cover what is added later"]
    pub fn add_timeout<C: Clock>(self, after: Duration, clock: &C) -> Self {
        if self.is_fired() {
            return self;
        }
        let at = Location::caller();
        let handle = self.canceller();
        let limit = Failure::located(TimedOut { after }, at);
        let reason = limit.clone();
        let call = clock.call_later(after, Box::new(move || handle.cancel_because_at(reason, at)));
        // A canceller further down may answer in the place of this callback, which then never runs.
        let timer = CancelOnDrop::new(call);
        self.add_both(move |answer| {
            drop(timer);
            answer.map_err(|failure| if is_caused_by(&failure, &limit) { limit } else { failure })
        })
    }
}

/// Whether `failure` is a `Cancelled` with exactly this reason.
fn is_caused_by(failure: &Failure, limit: &Failure) -> bool {
    failure.check::<Cancelled>().and_then(Cancelled::reason).is_some_and(|reason| reason.is_same(limit))
}
