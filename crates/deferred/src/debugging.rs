//! The switch for what costs too much to be always on.
//!
//! Tests: `tests/debugging.rs`.

use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// Turns debugging on or off, for all threads: failures made from now on keep a backtrace.
pub fn set_debugging(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Whether debugging is on.
#[must_use]
pub fn debugging() -> bool {
    is_on()
}

pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}
