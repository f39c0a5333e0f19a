//! A request to stop, and its way up a chain.
//!
//! Walk: `Deferred::cancel`, `CancelHandle` and the drop of an awaited deferred start it; it climbs from node to
//! node until a canceller answers, a producer is reached, or a task is told through what it awaits.
//! Invariant: the climb is a loop; its depth does not depend on the length of the chain.
//! Invariant: a chain that (by the user's mistake) waits for itself does not make it loop for ever.
//! Tests: `tests/suite/cancelling.rs`, `tests/suite/deep.rs`.

use std::panic::Location;
use std::rc::Rc;

use crate::cancelled::Cancelled;
use crate::drive;
use crate::failure::Failure;
use crate::node::AnyNode;
use crate::outcome::Res;

/// How much a request insists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `cancel`: a canceller may answer, or say "later".
    Ask,
    /// `abort`: cancellers are asked, but nobody may delay it.
    Abort,
    /// The first open node is answered without asking anybody.
    Break,
}

/// A request to stop.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) cancelled: Cancelled,
    pub(crate) mode: Mode,
}

impl Request {
    pub(crate) fn new(mode: Mode, reason: Option<Failure>, at: &'static Location<'static>) -> Self {
        Self { cancelled: Cancelled::located(reason, at), mode }
    }

    /// The answer of whoever has no better one.
    pub(crate) fn failure(&self) -> Failure {
        Failure::located(self.cancelled.clone(), self.cancelled.location())
    }
}

/// What a node decided about a request.
pub(crate) enum Verdict<T> {
    /// Nothing more is to be done.
    Stay,
    /// The node above is to be asked.
    Up(Rc<dyn AnyNode>),
    /// All of these are to be asked.
    Fan(Vec<Rc<dyn AnyNode>>),
    /// This is the answer.
    Settle(Res<T>),
}

/// The same without the type of the answer: what the climb does next.
pub(crate) enum Step {
    Done,
    Up(Rc<dyn AnyNode>),
    Fan(Vec<Rc<dyn AnyNode>>),
    /// The node has its answer now.
    Drive(Rc<dyn AnyNode>),
}

/// Takes the request up from `node`.
///
/// # Order
/// Everything that follows has happened when this returns, unless the call is nested deeper than the drive
/// loop allows: then the outermost loop does it.
pub(crate) fn climb(node: Rc<dyn AnyNode>, request: Request) {
    let Some(_level) = drive::enter_unless_deep() else {
        drive::queue_cancel(node, request);
        return;
    };
    let mut cycle = CycleGuard { marker: None, steps: 0, next_marker: 64 };
    let mut todo: Vec<Rc<dyn AnyNode>> = Vec::new();
    let mut current = Some(node);
    while let Some(node) = current.take().or_else(|| todo.pop()) {
        let step = if cycle.closes_at(&node) {
            node.cancel(&Request { mode: Mode::Break, ..request.clone() })
        } else {
            node.cancel(&request)
        };
        match step {
            Step::Done => {}
            Step::Up(node) => current = Some(node),
            Step::Fan(nodes) => todo.extend(nodes.into_iter().rev()),
            Step::Drive(node) => drive::run(Some(node)),
        }
    }
}

/// Notices a climb that comes back to where it was (Brent's algorithm). A deferred has one consumer, so an
/// honest climb never meets a node twice.
struct CycleGuard {
    marker: Option<Rc<dyn AnyNode>>,
    steps: u64,
    next_marker: u64,
}

impl CycleGuard {
    fn closes_at(&mut self, node: &Rc<dyn AnyNode>) -> bool {
        if self.marker.as_ref().is_some_and(|marker| Rc::ptr_eq(marker, node)) {
            return true;
        }
        self.steps += 1;
        if self.steps == self.next_marker {
            self.next_marker *= 2;
            self.marker = Some(Rc::clone(node));
        }
        false
    }
}
