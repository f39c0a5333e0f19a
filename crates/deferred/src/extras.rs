//! What few nodes have: cancellers, a request that came too early, guards, and the trace of debugging.
//!
//! Walk: kept by [`Core`](crate::core::Core), which asks the cancellers when it is cancelled.
//! Invariant: a node that is answered holds none of this but its trace.
//! Tests: `tests/suite/cancellers.rs`, `tests/suite/grace.rs`.

use std::any::Any;

use crate::answer::Answer;
use crate::cancelled::Cancelled;
use crate::request::Request;
use crate::trace::Trace;

/// What the user gave to `on_cancel`.
pub(crate) type Canceller<T> = Box<dyn FnOnce(&Cancelled) -> Answer<T>>;

/// In a box of their own, because most nodes have none.
pub(crate) struct Extras<T> {
    /// Asked before the others.
    pub(crate) newest: Option<Canceller<T>>,
    /// The last one is asked first.
    pub(crate) older: Vec<Canceller<T>>,
    /// A request that came while the callback ran, for the deferred that the callback returns.
    pub(crate) remembered: Option<Request>,
    /// Dropped when the node is answered.
    pub(crate) kept: Vec<Box<dyn Any>>,
    /// Where the node was made and fired, if debugging was on then.
    pub(crate) trace: Option<Trace>,
}

impl<T> Default for Extras<T> {
    fn default() -> Self {
        Self { newest: None, older: Vec::new(), remembered: None, kept: Vec::new(), trace: None }
    }
}

impl<T> Extras<T> {
    pub(crate) fn add_canceller(&mut self, canceller: Canceller<T>) {
        self.older.extend(self.newest.replace(canceller));
    }

    /// Whether there is nothing of the user's.
    pub(crate) fn is_plain(&self) -> bool {
        self.newest.is_none() && self.older.is_empty() && self.remembered.is_none() && self.kept.is_empty()
    }

    pub(crate) fn pop_canceller(&mut self) -> Option<Canceller<T>> {
        self.newest.take().or_else(|| self.older.pop())
    }
}
