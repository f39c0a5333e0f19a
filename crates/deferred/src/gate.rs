//! The node of a pause: holds an answer back until the guard lets go.
//!
//! Walk: made by [`Deferred::pause`](crate::Deferred::pause); the drive loop stops here, [`PauseGuard`] starts it again.
//! Tests: `tests/suite/pausing.rs`.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use crate::drive;
use crate::node::{AnyNode, Node, Part, Sink};
use crate::outcome::Res;
use crate::status::State;

/// Holds a chain back at the point where [`Deferred::pause`](crate::Deferred::pause) was called. Lets go when it is
/// dropped, or by [`unpause`](Self::unpause).
///
/// ```
/// use sestina_deferred::succeed;
///
/// let mut d = succeed(1);
/// let pause = d.pause();
/// let d = d.map(|n| n + 1); // does not run yet
/// assert!(!d.is_fired());
/// pause.unpause();
/// assert_eq!(d.try_result().unwrap().unwrap(), 2);
/// ```
#[must_use = "the chain goes on as soon as this is dropped"]
pub struct PauseGuard {
    gate: Rc<dyn Unpause>,
}

impl PauseGuard {
    /// Lets the chain go on.
    pub fn unpause(self) {}
}

impl Drop for PauseGuard {
    fn drop(&mut self) {
        Rc::clone(&self.gate).unpause();
    }
}

impl fmt::Debug for PauseGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PauseGuard")
    }
}

/// The part of the node.
#[derive(Default)]
pub(crate) struct Gate {
    is_unpaused: Cell<bool>,
}

impl<T: 'static> Part<T> for Gate {
    fn settle(node: &Node<T, Self>, answer: Res<T>) -> bool {
        if node.part.is_unpaused.get() {
            return node.core.settle(answer);
        }
        node.core.hold(answer);
        false
    }
}

/// A gate of any type.
trait Unpause {
    fn unpause(self: Rc<Self>);
}

impl<T: 'static> Unpause for Node<T, Gate> {
    fn unpause(self: Rc<Self>) {
        self.part.is_unpaused.set(true);
        if self.core.status.state() == State::Held && self.core.release() {
            drive::start(self);
        }
    }
}

impl<T: 'static> Sink<T> for Node<T, Gate> {
    fn receive(self: Rc<Self>, answer: Res<T>) -> Option<Rc<dyn AnyNode>> {
        if !self.core.status.state().is_open() {
            return None; // a canceller below answered first: the late answer is dropped
        }
        Gate::settle(&self, answer).then_some(self)
    }
}

/// The guard of a gate.
pub(crate) fn guard<T: 'static>(gate: &Rc<Node<T, Gate>>) -> PauseGuard {
    PauseGuard { gate: Rc::<Node<T, Gate>>::clone(gate) }
}
