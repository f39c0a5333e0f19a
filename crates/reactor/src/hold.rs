//! How long user code holds the loop, and whose code that was.
//!
//! One read of the clock after each piece of user code, and none before: the time between two pieces is the loop's own,
//! bounded by its budgets, and counts for the piece that follows. A read costs some 30 ns, where an upcall comes with
//! at least one system call. Without a limit the clock is not read. On the simulated clock nothing takes time.
//! Tests: `tests/suite/holding.rs`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::inner::Reactor;
use crate::time::Time;

/// Default of [`Reactor::set_callback_limit`].
pub const CALLBACK_LIMIT: Duration = Duration::from_millis(100);

/// All lengths are in nanoseconds: they are added and compared after each piece.
pub(crate) struct Hold {
    limit: Cell<Option<u64>>,
    /// When the last piece of user code, or the last wait, was over.
    since: Cell<Time>,
    /// How long user code has held the loop in this turn.
    turn: Cell<u64>,
    /// The longest piece of this turn, and whose it was.
    longest: Cell<(u64, &'static str)>,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            limit: Cell::new(Some(nanoseconds(CALLBACK_LIMIT))),
            since: Cell::default(),
            turn: Cell::default(),
            longest: Cell::default(),
        }
    }
}

impl Hold {
    /// From now on the time is somebody's.
    pub(crate) fn begins(&self, now: Time) {
        self.since.set(now);
    }
}

impl Reactor {
    /// Sets how long one piece of user code (an upcall, a timer, a woken task) may hold the loop before a warning names it
    /// in the log and [`Statistics::slow_callbacks`](crate::Statistics) counts it. `None` measures nothing at all.
    /// Default: [`CALLBACK_LIMIT`].
    ///
    /// Time that the system takes away from the whole process counts too: nobody can tell it from work.
    pub fn set_callback_limit(&self, limit: Option<Duration>) {
        self.inner().hold.limit.set(limit.map(nanoseconds));
    }

    /// A piece of user code has run. `name` says whose it was, if that is worth telling.
    pub(crate) fn held(&self, name: impl FnOnce() -> &'static str) {
        let inner = self.inner();
        let hold = &inner.hold;
        let Some(limit) = hold.limit.get() else { return };
        let now = inner.driver.borrow().now();
        let took = now.as_nanos().saturating_sub(hold.since.replace(now).as_nanos());
        hold.turn.set(hold.turn.get().saturating_add(took));
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

    /// The turn is over: is it one to remember?
    pub(crate) fn turn_was_held(&self) {
        let (took, (_, name)) = (self.inner().hold.turn.take(), self.inner().hold.longest.take());
        let took = Duration::from_nanos(took);
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
