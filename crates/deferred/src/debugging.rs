//! The switch for what costs too much to be always on.
//!
//! Invariant: off, it costs one branch where something is made, and no memory.
//! Tests: `tests/debugging.rs`.

use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// Turns debugging on or off, for all threads.
///
/// While it is on, failures keep a backtrace, and deferreds remember how they were made and fired: reports of
/// unhandled errors show it ([`Unhandled`](crate::Unhandled)), and [`unfired`](crate::unfired()) lists what
/// waits. What was made before is not known to it.
pub fn set_debugging(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Whether debugging is on.
#[must_use]
pub fn debugging() -> bool {
    is_on()
}

#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}
