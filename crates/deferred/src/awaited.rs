//! What a task awaits right now: where a request to stop goes that reaches the task.
//!
//! Walk: filled while the task is polled, by `Deferred::poll`; read by `Task::pass_up`.
//! Invariant: `direct` holds what was polled with the task's own waker in its last poll, and nothing else. A
//! deferred that was polled before and is now put aside is not awaited.
//! Tests: `tests/awaiting.rs`, `tests/combinators.rs`.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use crate::node::AnyNode;
use crate::task::Resume;

/// The nodes that one task awaits.
#[derive(Default)]
pub(crate) struct Awaited {
    direct: Cell<Direct>,
    /// Polled with somebody else's waker inside of this task: polled once, and again only when woken, so it
    /// stays here until its owner drops it or it fires.
    foreign: RefCell<Vec<Weak<dyn AnyNode>>>,
}

/// Almost every task awaits one thing at a time; that costs no allocation.
#[derive(Default)]
enum Direct {
    #[default]
    Nothing,
    One(Weak<dyn AnyNode>),
    Many(Vec<Weak<dyn AnyNode>>),
}

impl Awaited {
    /// A poll begins: what it awaits will be noted again.
    pub(crate) fn begin_poll(&self) {
        match self.direct.take() {
            Direct::Nothing | Direct::One(_) => {}
            Direct::Many(mut nodes) => {
                nodes.clear();
                self.direct.set(Direct::Many(nodes)); // keeps its memory
            }
        }
    }

    /// Notes what the task's own waker was given to.
    pub(crate) fn note_direct(&self, node: Weak<dyn AnyNode>) {
        let direct = match self.direct.take() {
            Direct::Nothing => Direct::One(node),
            Direct::One(first) if Weak::ptr_eq(&first, &node) => Direct::One(first),
            Direct::One(first) => Direct::Many(vec![first, node]),
            Direct::Many(mut nodes) => {
                nodes.push(node);
                Direct::Many(nodes)
            }
        };
        self.direct.set(direct);
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
        let direct = self.direct.take();
        let is_one = match &direct {
            Direct::Nothing => false,
            Direct::One(_) => true,
            Direct::Many(nodes) => nodes.len() == 1,
        };
        self.direct.set(direct);
        is_one && self.foreign.borrow().is_empty()
    }

    /// What can still be cancelled, each once.
    pub(crate) fn snapshot(&self, task: &dyn Resume) -> Vec<Rc<dyn AnyNode>> {
        let direct = self.direct.take();
        let listed: &[Weak<dyn AnyNode>] = match &direct {
            Direct::Nothing => &[],
            Direct::One(node) => std::slice::from_ref(node),
            Direct::Many(nodes) => nodes,
        };
        let foreign = self.foreign.borrow();
        let mut nodes: Vec<Rc<dyn AnyNode>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for node in listed.iter().chain(foreign.iter()).filter_map(Weak::upgrade) {
            if is_awaited(&*node, task) && seen.insert(Rc::as_ptr(&node).cast::<()>()) {
                nodes.push(node);
            }
        }
        drop(foreign);
        self.direct.set(direct);
        nodes
    }

    /// Whether the task waits for any deferred that can resume it directly.
    pub(crate) fn has_direct(&self, task: &dyn Resume) -> bool {
        let direct = self.direct.take();
        let is_live = |node: &Weak<dyn AnyNode>| node.upgrade().is_some_and(|node| node.is_awaited_by(task));
        let found = match &direct {
            Direct::Nothing => false,
            Direct::One(node) => is_live(node),
            Direct::Many(nodes) => nodes.iter().any(is_live),
        };
        self.direct.set(direct);
        found
    }
}

fn is_awaited(node: &dyn AnyNode, task: &dyn Resume) -> bool {
    node.state().get().is_open() && node.is_awaited_by(task)
}
