//! The node of a callback: takes one type of answer and makes another.
//!
//! Walk: added by the `add_*` methods of [`Deferred`]; the drive loop calls `receive`.
//! Tests: `tests/suite/chains.rs`, `tests/suite/cancellers.rs`.

use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::next::Next;
use crate::node::{AnyNode, Node, Part, Sink, Source, weak};
use crate::outcome::{Outcome, Res};
use crate::panicked::{drop_quietly, guarded};
use crate::status::State;
use crate::{request, unhandled};

/// A callback that waits for its turn.
pub(crate) struct Callback<F> {
    slot: Cell<Slot<F>>,
}

/// An `Option` with a word for its tag: with a byte, rustc builds nodes on the stack and copies them.
#[repr(u64)]
enum Slot<F> {
    Empty,
    Full(F),
}

impl<F> Default for Callback<F> {
    fn default() -> Self {
        Self { slot: Cell::new(Slot::Empty) }
    }
}

impl<F> Callback<F> {
    pub(crate) fn set(&self, callback: F) {
        self.slot.set(Slot::Full(callback));
    }

    fn take(&self) -> Option<F> {
        match self.slot.replace(Slot::Empty) {
            Slot::Empty => None,
            Slot::Full(callback) => Some(callback),
        }
    }
}

impl<U: 'static, F: 'static> Part<U> for Callback<F> {
    fn release(&self, at: &'static Location<'static>) {
        drop_quietly(at, self.take());
    }
}

impl<T, U, F> Sink<T> for Node<U, Callback<F>>
where
    U: 'static,
    F: FnOnce(Res<T>) -> Outcome<U> + 'static,
{
    fn receive(self: Rc<Self>, answer: Res<T>) -> Option<Rc<dyn AnyNode>> {
        if self.core.status.state() != State::Waiting {
            return None; // a canceller below answered first: the late answer is dropped
        }
        let callback = self.part.take()?;
        self.core.status.set_state(State::Running);
        let outcome = run(self.core.at(), callback, answer);
        if self.core.status.state() != State::Running {
            drop_outcome(outcome, self.core.at());
            return None; // a canceller of this node answered while the callback ran
        }
        match outcome {
            Outcome::Now(answer) => self.core.settle(answer).then_some(self),
            Outcome::Later(inner) => wait_for(self, inner),
        }
    }
}

/// Runs a callback. A panic is a failure.
pub(crate) fn run<T, U, F>(at: &'static Location<'static>, callback: F, answer: Res<T>) -> Outcome<U>
where
    F: FnOnce(Res<T>) -> Outcome<U>,
{
    guarded(at, || callback(answer)).unwrap_or_else(|panicked| Outcome::Now(Err(panicked)))
}

/// What a callback returned after its node had been answered: the work is stopped, an error is not lost.
fn drop_outcome<U>(outcome: Outcome<U>, at: &'static Location<'static>) {
    match outcome {
        Outcome::Now(answer) => unhandled::report_unless_cancelled(answer, at),
        Outcome::Later(inner) => inner.discard_at(at),
    }
}

/// Makes the answer of `inner` the answer of `outer`. Returns `outer` if it has one now and somebody waits.
pub(crate) fn wait_for<U: 'static>(outer: Rc<dyn Source<U>>, inner: Deferred<U>) -> Option<Rc<dyn AnyNode>> {
    let inner = match inner.into_node() {
        Err(answer) => return outer.core().settle(answer).then_some(outer),
        Ok(inner) => inner,
    };
    if waits_for(&*inner, &*outer) {
        let looped = Failure::located(WaitsForItself, outer.at());
        return outer.core().settle(Err(looped)).then_some(outer);
    }
    outer.core().status.set_state(State::Inner);
    let remembered = outer.core().take_remembered();
    let link = weak(&inner);
    let target = skip_forwards(outer);
    target.core().set_upstream(link);
    inner.core().set_next(Next::Forward(target));
    if let Some(request) = remembered {
        request::climb(inner, request);
    }
    None
}

/// A node that only forwards to another one, and that nobody else can see, is left out: so a loop of returned
/// deferreds runs in constant memory.
fn skip_forwards<U: 'static>(outer: Rc<dyn Source<U>>) -> Rc<dyn Source<U>> {
    // The weak one is the way up from the node that waits. The inspector may have another.
    let weak_max = 1 + usize::from(outer.core().trace().is_some());
    let is_hidden =
        Rc::strong_count(&outer) == 1 && Rc::weak_count(&outer) <= weak_max && outer.core().is_plain();
    if !is_hidden {
        return outer;
    }
    match outer.core().take_next() {
        Next::Forward(target) => target,
        next => {
            outer.core().set_next(next);
            outer
        }
    }
}

/// Whether `node` waits for `other`, as far as a mistake that a person would make can hide it.
fn waits_for(node: &dyn AnyNode, other: &dyn AnyNode) -> bool {
    const STEPS_MAX: u32 = 16;
    if std::ptr::addr_eq(node, other) {
        return true;
    }
    let mut above = node.upstream();
    for _ in 0..STEPS_MAX {
        let Some(node) = above else { return false };
        if std::ptr::addr_eq(&*node, other) {
            return true;
        }
        above = node.upstream();
    }
    false
}

/// A callback returned a deferred that waits for that same callback.
#[derive(Debug)]
struct WaitsForItself;

impl std::fmt::Display for WaitsForItself {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a callback returned a Deferred that waits for this callback")
    }
}

impl std::error::Error for WaitsForItself {}
