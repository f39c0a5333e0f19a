//! Who is told when a node has its answer.
//!
//! Walk: set by the methods of [`Deferred`](crate::Deferred) and by polling one; acted on by `Core::hand_on`.
//! Tests: `tests/suite/chains.rs`, `tests/suite/awaiting.rs`.

use std::rc::{Rc, Weak};
use std::task::Waker;

use crate::node::{Sink, Source};
use crate::task::{Resume, is_same_task};

/// Whoever waits for a node's answer. A node has at most one, because a deferred has one owner.
#[derive(Default)]
pub(crate) enum Next<T: 'static> {
    #[default]
    Nobody,
    /// The next callback of the chain.
    Node(Rc<dyn Sink<T>>),
    /// A node that takes the answer as its own: its callback returned this deferred.
    Forward(Rc<dyn Source<T>>),
    /// A task that awaits the deferred directly.
    Task(Rc<dyn Resume>),
    /// A future that awaits the deferred with a waker of its own (`FuturesUnordered`, another executor).
    Waker(Box<ForeignWait>),
    /// The answer is not wanted; an error is reported, unless it is `Cancelled`.
    Discard,
    /// The answer is not wanted, whatever it is.
    Ignore,
}

impl<T> Next<T> {
    /// Whether `task` awaits this, directly or through a foreign future.
    pub(crate) fn belongs_to(&self, task: &dyn Resume) -> bool {
        match self {
            Self::Task(waiting) => is_same_task(&**waiting, task),
            Self::Waker(wait) => wait.task().is_some_and(|waiting| is_same_task(&*waiting, task)),
            Self::Nobody | Self::Node(_) | Self::Forward(_) | Self::Discard | Self::Ignore => false,
        }
    }
}

/// A waker that is not our task's own, and the task inside of which it was met.
pub(crate) struct ForeignWait {
    pub(crate) waker: Waker,
    pub(crate) task: Option<Weak<dyn Resume>>,
}

impl ForeignWait {
    pub(crate) fn task(&self) -> Option<Rc<dyn Resume>> {
        self.task.as_ref().and_then(Weak::upgrade)
    }

    pub(crate) fn wake(self) {
        self.waker.wake();
    }
}
