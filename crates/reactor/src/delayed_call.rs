//! A call that was asked for and has not come yet.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use sestina_deferred::{CancelCall, Clock};

use crate::inner::{Job, Reactor, WeakReactor};
use crate::leftovers::{Origin, Thing};
use crate::time::Time;
use crate::timers::TimerId;

/// A call that [`Reactor::call_later`] will make. Dropping it changes nothing: the call is made.
///
/// Once the call was made or cancelled, every method answers that it is over and does nothing.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use std::time::Duration;
///
/// let call = reactor.call_later(Duration::from_secs(5), || unreachable!("it is cancelled"));
/// assert!(call.delay(Duration::from_secs(5)) && call.is_active());
/// assert!(call.cancel());
/// assert!(!call.cancel() && !call.is_active());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct DelayedCall {
    reactor: WeakReactor,
    timer: TimerId,
}

impl DelayedCall {
    /// The call is not made; its closure is dropped now. Says whether there still was one.
    #[inline]
    pub fn cancel(&self) -> bool {
        self.reactor.cancel_call(self.timer)
    }

    /// Has the call made this time from now. Says whether there still was one.
    #[expect(clippy::must_use_candidate, reason = "the effect is what it is called for")]
    pub fn reset(&self, after: Duration) -> bool {
        let Some(reactor) = self.reactor.upgrade() else { return false };
        let at = reactor.now() + after;
        let moved = reactor.inner().timers.borrow_mut().reset(self.timer, at);
        reactor.nudge();
        moved
    }

    /// Has the call made this much later than it would have been. Says whether there still was one.
    #[expect(clippy::must_use_candidate, reason = "the effect is what it is called for")]
    pub fn delay(&self, by: Duration) -> bool {
        let Some(reactor) = self.reactor.upgrade() else { return false };
        let mut timers = reactor.inner().timers.borrow_mut();
        timers.time(self.timer).is_some_and(|time| timers.reset(self.timer, time + by))
    }

    /// When the call will be made; `None` if it is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.reactor.upgrade()?.inner().timers.borrow().time(self.timer)
    }

    /// Whether the call will still be made.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.deadline().is_some()
    }
}

impl WeakReactor {
    /// Cancels a call; says whether there still was one. It is given the timer, and not a pointer to it: who has just been told
    /// its key has it in a register.
    fn cancel_call(&self, timer: TimerId) -> bool {
        let Some(reactor) = self.upgrade() else { return false };
        let call = reactor.inner().timers.borrow_mut().cancel_with(timer, Job::into_call);
        call.is_some() // and dropped here, with nothing borrowed
    }
}

impl fmt::Debug for DelayedCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DelayedCall").field("deadline", &self.deadline()).finish()
    }
}

impl CancelCall for DelayedCall {
    fn cancel(self) {
        Self::cancel(&self);
    }
}

impl Clock for Reactor {
    type Call = DelayedCall;

    #[inline]
    #[track_caller]
    fn call_later(&self, after: Duration, f: Box<dyn FnOnce()>) -> DelayedCall {
        self.call_later_from(Location::caller(), after, f)
    }
}

impl Reactor {
    /// As `call_later`, for the user's line `place`.
    pub(crate) fn call_later_from(
        &self,
        place: &'static Location<'static>,
        after: Duration,
        f: Box<dyn FnOnce()>,
    ) -> DelayedCall {
        let at = self.now() + after;
        let timer = self.inner().timers.borrow_mut().schedule_with(at, || Job::Call(f));
        self.note_place(Thing::Timer(timer), place, Origin::Made);
        self.nudge();
        DelayedCall { reactor: self.downgrade(), timer }
    }
}
