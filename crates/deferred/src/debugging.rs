//! The switches for what costs too much to be always on.
//!
//! Invariant: off, they cost one branch where something is made, and no memory.
//! Tests: `tests/debugging.rs`, `tests/suite/watching.rs`.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One for debugging, and [`WATCHER`] for each [`watch_unfired`] that runs, on whatever thread: one load tells
/// whether there is anything to do.
static SWITCHES: AtomicUsize = AtomicUsize::new(0);
const DEBUGGING: usize = 1;
const WATCHER: usize = 2;

thread_local! {
    /// How many [`watch_unfired`] run on this thread.
    static WATCHERS: Cell<usize> = const { Cell::new(0) };
}

/// Turns debugging on or off, for all threads.
///
/// While it is on, failures keep a backtrace, and deferreds remember how they were made and fired: reports of
/// unhandled errors show it ([`Unhandled`](crate::Unhandled)), so do failures
/// ([`Failure::made`](crate::Failure::made), `{:#?}`), and [`unfired`](crate::unfired()) lists what
/// waits. What was made before is not known to it.
pub fn set_debugging(on: bool) {
    if on {
        SWITCHES.fetch_or(DEBUGGING, Ordering::Relaxed);
    } else {
        SWITCHES.fetch_and(!DEBUGGING, Ordering::Relaxed);
    }
}

/// Whether debugging is on.
#[must_use]
pub fn debugging() -> bool {
    SWITCHES.load(Ordering::Relaxed) & DEBUGGING != 0
}

/// Runs `f`; [`unfired`](crate::unfired()) knows of the deferreds that are made meanwhile on this thread, as if
/// debugging were on, but without backtraces. Calls nest.
///
/// For test harnesses: other threads notice nothing, and a deferred costs some 50 ns more.
///
/// ```
/// use sestina_deferred::{deferred, unfired, watch_unfired};
/// use std::time::Duration;
///
/// let (_resolver, d) = watch_unfired(|| deferred::<u32>());
/// assert_eq!(unfired(Duration::ZERO)[0].location().line(), line!() - 1);
/// d.ignore_errors();
/// ```
pub fn watch_unfired<R>(f: impl FnOnce() -> R) -> R {
    let _watcher = Watcher::begin();
    f()
}

struct Watcher;

impl Watcher {
    fn begin() -> Self {
        WATCHERS.set(WATCHERS.get() + 1);
        SWITCHES.fetch_add(WATCHER, Ordering::Relaxed);
        Self
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        SWITCHES.fetch_sub(WATCHER, Ordering::Relaxed);
        WATCHERS.set(WATCHERS.get() - 1);
    }
}

/// Whether a deferred that is made now may have to be noted: [`is_watching`] knows.
#[inline]
pub(crate) fn is_on() -> bool {
    SWITCHES.load(Ordering::Relaxed) != 0
}

/// Whether what is made on this thread now is noted: debugging is on, or [`watch_unfired`] runs. Costs one load
/// if neither does.
///
/// ```
/// assert!(!sestina_deferred::is_watching());
/// assert!(sestina_deferred::watch_unfired(sestina_deferred::is_watching));
/// ```
#[inline]
#[must_use]
pub fn is_watching() -> bool {
    is_on() && (debugging() || WATCHERS.try_with(Cell::get).is_ok_and(|count| count > 0))
}
