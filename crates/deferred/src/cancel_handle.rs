//! Cancelling from elsewhere: a weak, cloneable reference to one point of a chain.
//!
//! Walk: made by [`Deferred::canceller`](crate::Deferred::canceller); starts the climb of `request.rs`.
//! Tests: `tests/suite/cancelling.rs`, `tests/suite/grace.rs`.

use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::cancelled::Cancelled;
use crate::clock::{CancelOnDrop, Clock};
use crate::failure::Failure;
use crate::node::AnyNode;
use crate::request::{Mode, Request, climb};

/// Cancels a deferred without owning it.
///
/// Belongs to the point of the chain at which [`Deferred::canceller`](crate::Deferred::canceller) was called:
/// it stops what that point waits for, and has no effect once that point has its answer. It keeps nothing
/// alive.
///
/// ```
/// use sestina_deferred::{Cancelled, deferred};
///
/// let (_resolver, d) = deferred::<u32>();
/// let handle = d.canceller();
/// let d = d.add_errback(|failure| if failure.is::<Cancelled>() { Ok(0) } else { Err(failure) });
/// handle.cancel();
/// assert_eq!(d.try_result().unwrap().unwrap(), 0);
/// ```
#[derive(Clone)]
pub struct CancelHandle {
    node: Option<Weak<dyn AnyNode>>,
}

impl CancelHandle {
    pub(crate) fn new(node: Weak<dyn AnyNode>) -> Self {
        Self { node: Some(node) }
    }

    /// A handle of something that has its answer.
    pub(crate) fn idle() -> Self {
        Self { node: None }
    }

    /// Asks for it to stop: see [`Deferred::cancel`](crate::Deferred::cancel).
    #[track_caller]
    pub fn cancel(&self) {
        self.send(Mode::Ask, None, Location::caller());
    }

    /// The same, and says why.
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Failure>) {
        self.send(Mode::Ask, Some(reason.into()), Location::caller());
    }

    /// Passes on a request that arrived elsewhere.
    pub(crate) fn forward(&self, cancelled: &Cancelled) {
        self.send(Mode::Ask, cancelled.reason().cloned(), cancelled.location());
    }

    pub(crate) fn cancel_because_at(&self, reason: Failure, at: &'static Location<'static>) {
        self.send(Mode::Ask, Some(reason), at);
    }

    /// Stops it without waiting for anybody: see [`Deferred::abort`](crate::Deferred::abort).
    #[track_caller]
    pub fn abort(&self) {
        self.send(Mode::Abort, None, Location::caller());
    }

    /// Cancels, and aborts what has not stopped after `grace`.
    ///
    /// # Cancelling
    /// First as [`cancel`](Self::cancel): whoever is asked may clean up. After `grace` as [`abort`](Self::abort). The
    /// timer is cancelled as soon as the answer is there.
    #[track_caller]
    pub fn cancel_with_grace<C: Clock>(&self, grace: Duration, clock: &C) {
        let at = Location::caller();
        self.send(Mode::Ask, None, at);
        let Some(node) = self.open_node() else { return };
        let handle = self.clone();
        let call = clock.call_later(grace, Box::new(move || handle.send(Mode::Abort, None, at)));
        node.keep(Box::new(CancelOnDrop::new(call)));
    }

    /// Whether a cancel can still have an effect here.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.open_node().is_some()
    }

    fn open_node(&self) -> Option<Rc<dyn AnyNode>> {
        self.node.as_ref().and_then(Weak::upgrade).filter(|node| node.status().state().is_open())
    }

    fn send(&self, mode: Mode, reason: Option<Failure>, at: &'static Location<'static>) {
        if let Some(node) = self.node.as_ref().and_then(Weak::upgrade) {
            climb(node, Request::new(mode, reason, at));
        }
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_waiting() { "CancelHandle(waiting)" } else { "CancelHandle(idle)" })
    }
}
