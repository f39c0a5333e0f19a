//! What a [`Deferred`](crate::Deferred) holds, and what happens when that is dropped.
//!
//! Invariant: the variants that have something to do when they are dropped have a destructor of their own, so
//! that a deferred can be taken apart by moving, and the frequent ones cost nothing.
//! Tests: `tests/suite/unhandled_errors.rs`, `tests/suite/awaiting.rs`, `tests/suite/sizes.rs`.

use std::rc::Rc;

use crate::awaited;
use crate::failure::Failure;
use crate::next::Next;
use crate::node::Source;
use crate::request::{Mode, Request, climb};
use crate::unhandled;

pub(crate) enum Holding<T: 'static> {
    /// The answer is here, and needs no node.
    Value(T),
    Failed(Unread),
    Node(Owned<T>),
    /// The same, polled: dropping it cancels.
    Awaited(Polled<T>),
    /// The answer was given out by `poll`.
    Taken,
}

/// A failure that nobody has looked at.
pub(crate) struct Unread {
    /// Invariant: `None` only in one that was read.
    failure: Option<Failure>,
}

impl Unread {
    pub(crate) fn new(failure: Failure) -> Self {
        Self { failure: Some(failure) }
    }

    /// Somebody looks at it.
    pub(crate) fn read(mut self) -> Failure {
        self.failure.take().expect("a failure is read once, because reading takes it")
    }

    pub(crate) fn peek(&self) -> &Failure {
        self.failure.as_ref().expect("a failure is read once, because reading takes it")
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(failure) = self.failure.take() {
            let at = failure.location();
            unhandled::report(failure, at);
        }
    }
}

/// A node whose answer nobody else can take.
pub(crate) struct Owned<T: 'static> {
    /// Invariant: `None` only in one that was taken apart.
    node: Option<Rc<dyn Source<T>>>,
}

impl<T> Owned<T> {
    #[inline]
    pub(crate) fn new(node: Rc<dyn Source<T>>) -> Self {
        Self { node: Some(node) }
    }

    #[inline]
    pub(crate) fn node(&self) -> &Rc<dyn Source<T>> {
        self.node.as_ref().expect("an owned node is taken out once, because that takes it apart")
    }

    /// The node, which has no answer.
    #[inline]
    pub(crate) fn into_waiting(mut self) -> Rc<dyn Source<T>> {
        let node = self.node.take();
        std::mem::forget(self); // it has nothing to drop: this spares the question
        node.expect("an owned node is taken out once, because that takes it apart")
    }
}

impl<T> Drop for Owned<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(node) = &self.node {
            node.core().lose_deferred();
        }
    }
}

/// A node that a future awaits.
pub(crate) struct Polled<T: 'static> {
    /// Invariant: `None` only in one that was taken apart.
    node: Option<Rc<dyn Source<T>>>,
}

impl<T> Polled<T> {
    pub(crate) fn new(node: Rc<dyn Source<T>>) -> Self {
        Self { node: Some(node) }
    }

    pub(crate) fn node(&self) -> &Rc<dyn Source<T>> {
        self.node.as_ref().expect("a polled node is taken out once, because that takes it apart")
    }

    /// The node, which is awaited no more and goes on without being cancelled.
    pub(crate) fn into_node(mut self) -> Rc<dyn Source<T>> {
        awaited::give_up();
        self.node.take().expect("a polled node is taken out once, because that takes it apart")
    }

    /// Whoever polled it has its answer: there is nothing to cancel.
    pub(crate) fn finish(mut self) {
        drop(self.node.take());
    }
}

impl<T> Drop for Polled<T> {
    /// The answer is not wanted any more: says so to whoever produces it.
    fn drop(&mut self) {
        let Some(node) = self.node.take() else { return };
        awaited::give_up();
        if let Some(answer) = node.core().take_answer() {
            unhandled::report_unless_cancelled(answer, node.at());
            return;
        }
        node.core().set_next(Next::Discard);
        let request = Request::new(Mode::Ask, None, node.at());
        climb(node, request);
    }
}
