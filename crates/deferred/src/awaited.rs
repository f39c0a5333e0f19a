//! What a task awaits right now: where a request to stop goes that reaches the task.
//!
//! Walk: filled while the task is polled, by `Deferred::poll`; read by `Task::pass_up`.
//! Invariant: `first` and `more` hold what was polled with the task's own waker in its last poll, and nothing else. A
//! deferred that was polled before and is now put aside is not awaited.
//! Tests: `tests/suite/awaiting.rs`, `tests/suite/combinators.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use crate::cells::peek;
use crate::node::AnyNode;
use crate::status::State;
use crate::task::Resume;

/// The nodes that one task awaits.
#[derive(Default)]
pub(crate) struct Awaited {
    /// The first one that was polled with the task's own waker. Almost every task awaits one thing at a time.
    first: Cell<Option<Weak<dyn AnyNode>>>,
    /// The others.
    more: RefCell<Vec<Weak<dyn AnyNode>>>,
    /// Polled with somebody else's waker inside of this task: polled once, and again only when woken, so it
    /// stays here until its owner drops it or it fires.
    foreign: RefCell<Vec<Weak<dyn AnyNode>>>,
    /// What `given_up` said when the poll began.
    epoch: Cell<u64>,
}

thread_local! {
    /// How often a polled deferred was given up on this thread: as long as it stays the same, whatever was
    /// polled is still awaited. Without this, every pending task would have to look.
    static GIVEN_UP: Cell<u64> = const { Cell::new(0) };
}

/// A deferred that was polled is not awaited any more by whoever polled it.
pub(crate) fn give_up() {
    GIVEN_UP.set(GIVEN_UP.get().wrapping_add(1));
}

impl Awaited {
    /// A poll begins: what it awaits will be noted again.
    pub(crate) fn begin_poll(&self) {
        self.first.set(None);
        let mut more = self.more.borrow_mut();
        if !more.is_empty() {
            more.clear();
        }
        self.epoch.set(GIVEN_UP.get());
    }

    /// Notes what the task's own waker was given to.
    pub(crate) fn note_direct(&self, node: Weak<dyn AnyNode>) {
        match self.first.take() {
            None => self.first.set(Some(node)),
            Some(first) => {
                self.first.set(Some(first));
                self.more.borrow_mut().push(node);
            }
        }
    }

    /// Notes what another waker was given to.
    pub(crate) fn note_foreign(&self, node: Weak<dyn AnyNode>, task: &dyn Resume) {
        let mut foreign = self.foreign.borrow_mut();
        if foreign.len() == foreign.capacity() {
            // Sweeping only when the vector would grow keeps the cost of a node constant.
            foreign.retain(|node| node.upgrade().is_some_and(|node| is_awaited(&*node, task)));
        }
        foreign.push(node);
    }

    /// Whether the last poll met one deferred, and only ones with the task's own waker.
    pub(crate) fn is_single(&self) -> bool {
        peek(&self.first).is_some() && self.more.borrow().is_empty() && self.foreign.borrow().is_empty()
    }

    /// What can still be cancelled, each once.
    pub(crate) fn snapshot(&self, task: &dyn Resume) -> Vec<Rc<dyn AnyNode>> {
        let (first, more, foreign) = (peek(&self.first), self.more.borrow(), self.foreign.borrow());
        let mut seen = BTreeSet::new();
        first
            .iter()
            .chain(more.iter())
            .chain(foreign.iter())
            .filter_map(Weak::upgrade)
            .filter(|node| is_awaited(&**node, task) && seen.insert(Rc::as_ptr(node).cast::<()>()))
            .collect()
    }

    /// Whether the task waits for any deferred that can resume it directly.
    pub(crate) fn has_direct(&self, task: &dyn Resume) -> bool {
        let Some(first) = peek(&self.first) else { return false };
        if self.epoch.get() == GIVEN_UP.get() {
            return true;
        }
        let is_live = |node: &Weak<dyn AnyNode>| node.upgrade().is_some_and(|node| node.is_awaited_by(task));
        is_live(&first) || self.more.borrow().iter().any(is_live)
    }
}

/// Whether a request to stop goes to `node`: not if its answer is on its way to the task. An answer that a pause
/// holds back is no such answer: the request goes there, and has no effect.
fn is_awaited(node: &dyn AnyNode, task: &dyn Resume) -> bool {
    !matches!(node.status().state(), State::Queued | State::Fired) && node.is_awaited_by(task)
}
