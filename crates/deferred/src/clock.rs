//! The seam to a clock: this crate knows no time, so whoever wants a time limit brings one.
//!
//! Walk: implemented by the reactor; used by [`Deferred::add_timeout`](crate::Deferred::add_timeout) and
//! [`CancelHandle::cancel_with_grace`](crate::CancelHandle::cancel_with_grace).
//! Tests: `tests/suite/timeouts.rs`, `tests/suite/grace.rs`.

use std::time::Duration;

/// Something that calls a function later.
pub trait Clock {
    /// What cancels the call.
    type Call: CancelCall + 'static;

    /// Calls `f` once, `after` from now, on this thread. Never from inside of this method.
    #[track_caller]
    fn call_later(&self, after: Duration, f: Box<dyn FnOnce()>) -> Self::Call;
}

/// A call that can be taken back.
pub trait CancelCall {
    /// Takes the call back. Without effect if it has been made.
    fn cancel(self);
}

/// A call that nobody needs once this is dropped.
pub(crate) struct CancelOnDrop<C: CancelCall>(Option<C>);

impl<C: CancelCall> CancelOnDrop<C> {
    pub(crate) fn new(call: C) -> Self {
        Self(Some(call))
    }
}

impl<C: CancelCall> Drop for CancelOnDrop<C> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.cancel();
        }
    }
}
