//! How long user code holds the loop, and whose code that was.
//!
//! One read of the clock after each piece of user code, and none before: the time between two pieces is the loop's own,
//! bounded by its budgets, and counts for the piece that follows. The usual limit is far above what a rough clock is wrong by, and
//! that is what is read then. Turns in which there was any user code are measured by the exact one, at their end, and
//! before their wait.
//! Without a limit the clock is not read. On the simulated clock nothing takes time.
//! Tests: `tests/suite/holding.rs`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::inner::Reactor;
use crate::time::Time;

/// Default of [`Reactor::set_callback_limit`].
pub const CALLBACK_LIMIT: Duration = Duration::from_millis(100);

/// Limits from this one on are measured with the rough clock: five times what that is usually wrong by.
const ROUGH_FROM: Duration = Duration::from_millis(50);

/// All lengths are in nanoseconds: they are compared after each piece.
pub(crate) struct Hold {
    limit: Cell<Option<u64>>,
    /// Whether the rough clock is good enough for it.
    is_rough: Cell<bool>,
    /// When the turn began, or its wait was over, and how many pieces of user code there had been.
    begun: Cell<(Time, u64)>,
    /// When the last piece of user code, or the last wait, was over.
    since: Cell<Time>,
    /// How long user code has held the loop in this turn before the wait.
    before: Cell<Duration>,
    /// The longest piece of this turn, and whose it was.
    longest: Cell<(u64, &'static str)>,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            limit: Cell::new(Some(nanoseconds(CALLBACK_LIMIT))),
            is_rough: Cell::new(CALLBACK_LIMIT >= ROUGH_FROM),
            begun: Cell::default(),
            since: Cell::default(),
            before: Cell::default(),
            longest: Cell::default(),
        }
    }
}

impl Hold {
    /// What was not noted of before, because a panic went through the loop, is forgotten.
    pub(crate) fn starts_afresh(&self) {
        self.before.take();
        self.longest.take();
    }

    /// From now on the time is somebody's; there have been so many pieces of user code.
    pub(crate) fn begins(&self, now: Time, callbacks: u64) {
        self.begun.set((now, callbacks));
        self.since.set(now);
    }
}

impl Reactor {
    /// Sets how long one piece of user code (an upcall, a timer, a woken task) may hold the loop before a warning names it
    /// in the log and [`Statistics::slow_callbacks`](crate::Statistics) counts it. `None` measures nothing at all.
    /// Default: [`CALLBACK_LIMIT`].
    ///
    /// Time that the system takes away from the whole process counts too: nobody can tell it from work. Limits of 50 ms and more
    /// are measured with the system's rough clock, which is wrong by some milliseconds.
    pub fn set_callback_limit(&self, limit: Option<Duration>) {
        let hold = &self.inner().hold;
        hold.limit.set(limit.map(nanoseconds));
        hold.is_rough.set(limit.is_some_and(|limit| limit >= ROUGH_FROM));
    }

    /// A piece of user code has run. `name` says whose it was, if that is worth telling.
    pub(crate) fn held(&self, name: impl FnOnce() -> &'static str) {
        let inner = self.inner();
        let hold = &inner.hold;
        let Some(limit) = hold.limit.get() else { return };
        let driver = inner.driver.borrow();
        let now = if hold.is_rough.get() { driver.now_roughly() } else { driver.now() };
        drop(driver);
        // The rough clock may be behind the exact one, which told when the wait was over.
        let now = now.max(hold.since.get());
        let took = now.as_nanos().saturating_sub(hold.since.replace(now).as_nanos());
        if took > hold.longest.get().0 || took > limit {
            self.note_held(took, limit, name);
        }
    }

    #[inline(never)]
    fn note_held(&self, took: u64, limit: u64, name: impl FnOnce() -> &'static str) {
        let longest = &self.inner().hold.longest;
        let name = catch_unwind(AssertUnwindSafe(name)).unwrap_or("a protocol whose name panics");
        if took > longest.get().0 {
            longest.set((took, name));
        }
        if took > limit {
            self.count(|statistics| statistics.slow_callbacks += 1);
            let [took, limit] = [took, limit].map(Duration::from_nanos);
            tracing::warn!(?took, ?limit, "{name} held the loop for too long");
        }
    }

    /// The turn is going to wait, after it has worked.
    pub(crate) fn hold_pauses(&self) {
        self.inner().hold.before.set(self.held_for());
    }

    /// How long user code has held the loop since the turn began, or its wait was over; nothing if there was none.
    fn held_for(&self) -> Duration {
        let inner = self.inner();
        let (begun, callbacks) = inner.hold.begun.get();
        let is_held = inner.hold.limit.get().is_some() && inner.statistics.borrow().callbacks > callbacks;
        if is_held { inner.driver.borrow().now() - begun } else { Duration::ZERO }
    }

    /// The turn is over: is it one to remember?
    pub(crate) fn turn_was_held(&self) {
        let hold = &self.inner().hold;
        let (before, (_, name)) = (hold.before.take(), hold.longest.take());
        let took = before + self.held_for();
        self.count(|statistics| {
            if took > statistics.longest_turn {
                (statistics.longest_turn, statistics.longest_turn_holder) = (took, name);
            }
        });
    }
}

/// More than 584 years are as long.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
