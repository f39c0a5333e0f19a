//! What every node has: where its answer rests, who wants it next, and who is asked when it is cancelled.
//!
//! Walk: owned by [`Node`](crate::node::Node); changed by the firing side (`settle`, `hand_on`) and by the
//! cancelling side (`ask`, `pass_up`).
//! Invariant: no cell is borrowed while user code runs; everything is taken out and put back.
//! Invariant: `settle` happens once, and drops the cancellers.
//! Tests: `tests/laws/main.rs`, `tests/suite/cancellers.rs`.

use std::cell::Cell;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::abandoned::Abandoned;
use crate::cancelled::Cancelled;
use crate::cells::with;
use crate::extras::Extras;
use crate::failure::Failure;
use crate::inspector::WaitsOn;
use crate::next::Next;
use crate::node::{AnyNode, deliver};
use crate::outcome::Res;
use crate::panicked::{drop_quietly, guarded};
use crate::status::{Consumer, State, Status};
use crate::task::Resume;
use crate::trace::Trace;
use crate::unhandled;

mod cancelling;

/// The part of a node that does not depend on its kind.
pub(crate) struct Core<T: 'static> {
    answer: Cell<Option<Res<T>>>,
    next: Cell<Next<T>>,
    /// The node whose answer this one waits for. Means nothing in a node that is answered.
    above: Cell<Option<Weak<dyn AnyNode>>>,
    extras: Cell<Option<Box<Extras<T>>>>,
    /// Invariant: set before the node is seen by anybody.
    at: Cell<Option<&'static Location<'static>>>,
    pub(crate) status: Status,
}

impl<T> Default for Core<T> {
    fn default() -> Self {
        Self {
            answer: Cell::new(None),
            next: Cell::new(Next::Nobody),
            above: Cell::new(None),
            extras: Cell::new(None),
            at: Cell::new(None),
            status: Status::default(),
        }
    }
}

/// The answer and where it goes.
impl<T> Core<T> {
    pub(crate) fn at(&self) -> &'static Location<'static> {
        self.at.get().unwrap_or_else(|| Location::caller())
    }

    pub(crate) fn set_at(&self, at: &'static Location<'static>) {
        self.at.set(Some(at));
    }

    /// Gives the node its answer. Returns whether somebody waits for it.
    pub(crate) fn settle(&self, answer: Res<T>) -> bool {
        let answer = self.close(answer);
        self.rest(answer);
        self.status.consumer() == Consumer::Waiting
    }

    /// Gives the node its answer, but holds it back.
    pub(crate) fn hold(&self, answer: Res<T>) {
        let answer = self.close(answer);
        self.put_answer(answer);
        self.status.set_state(State::Held);
    }

    /// Does not hold it back any more. Returns whether somebody waits for it.
    pub(crate) fn release(&self) -> bool {
        self.status.set_state(State::Fired);
        if self.status.consumer() == Consumer::Gone {
            self.drop_answer();
        }
        self.status.consumer() == Consumer::Waiting
    }

    /// The failure of a node whose producer went away.
    pub(crate) fn abandoned(&self) -> Failure {
        Failure::located(Abandoned, self.at())
    }

    /// Keeps the answer of a closed node for whoever may look at it. If nobody will, an error is reported.
    pub(crate) fn rest(&self, answer: Res<T>) {
        if self.status.consumer() == Consumer::Gone {
            self.report_error(answer);
        } else {
            self.put_answer(answer);
        }
    }

    /// Marks the node as answered and drops its cancellers: they must not live longer than the question. Gives the
    /// answer back; debugging has noted the way of a failure.
    #[inline]
    pub(crate) fn close(&self, answer: Res<T>) -> Res<T> {
        debug_assert!(self.status.state().is_open(), "a node is answered once");
        self.status.set_state(State::Fired);
        match self.extras.take() {
            Some(extras) => self.drop_extras(extras, answer),
            None => answer,
        }
    }

    #[cold]
    fn drop_extras(&self, mut extras: Box<Extras<T>>, answer: Res<T>) -> Res<T> {
        if let Some(trace) = extras.trace.take().map(Trace::fired) {
            if let Err(failure) = &answer {
                failure.note(&trace);
            }
            self.set_trace(trace);
        }
        drop_quietly(self.at(), extras);
        answer
    }

    /// Keeps the answer of a closed node.
    pub(crate) fn put_answer(&self, answer: Res<T>) {
        let old = self.answer.replace(Some(answer));
        debug_assert!(old.is_none(), "a node is answered once");
        std::mem::forget(old); // nothing: this spares the check
    }

    /// Says who is told.
    #[inline]
    pub(crate) fn set_next(&self, next: Next<T>) {
        // In the frequent branch the old value is `Nobody`, and not even read.
        if self.status.consumer() == Consumer::Waiting {
            drop(self.next.replace(next));
        } else {
            self.status.set_consumer(Consumer::Waiting);
            std::mem::forget(self.next.replace(next));
        }
    }

    #[inline(always)]
    pub(crate) fn take_next(&self) -> Next<T> {
        if self.status.consumer() == Consumer::Waiting {
            self.status.set_consumer(Consumer::Possible);
            self.next.take()
        } else {
            Next::Nobody
        }
    }

    /// The deferred is dropped: an error is reported now, though a cancelled resolver may keep the node for a
    /// long time.
    #[inline]
    pub(crate) fn lose_deferred(&self) {
        if self.status.state() == State::Fired {
            self.drop_answer();
        } else if self.status.consumer() == Consumer::Possible {
            self.status.set_consumer(Consumer::Gone);
        }
    }

    #[cold]
    fn drop_answer(&self) {
        if let Some(answer) = self.answer.take() {
            self.report_error(answer);
        }
    }

    /// Whoever polled the deferred gave it away, and does not wait for it any more.
    pub(crate) fn forget_poller(&self) {
        drop(self.take_next());
    }

    /// The answer, if a callback added now would run at once.
    pub(crate) fn take_answer(&self) -> Option<Res<T>> {
        if self.status.state() == State::Fired { self.answer.take() } else { None }
    }

    /// Whether [`take_answer`](Self::take_answer) has something to give.
    pub(crate) fn has_answer(&self) -> bool {
        self.status.state() == State::Fired && with(&self.answer, |answer| answer.is_some())
    }

    /// Tells whoever waits. Returns the node to go on with.
    pub(crate) fn hand_on(&self) -> Option<Rc<dyn AnyNode>> {
        self.status.set_state(State::Fired);
        match self.take_next() {
            Next::Nobody => None,
            Next::Node(sink) => self.answer.take().and_then(|answer| sink.receive(answer)),
            Next::Forward(node) => self.answer.take().and_then(|answer| deliver(node, answer)),
            // The answer rests here until the task polls the deferred that it awaits.
            Next::Task(task) => Some(task),
            Next::Waker(wait) => {
                if let Err(failure) = guarded(self.at(), || wait.wake()) {
                    unhandled::report(failure, self.at());
                }
                None
            }
            Next::Discard => {
                if let Some(answer) = self.answer.take()
                    && !answer.as_ref().is_err_and(Failure::is::<Cancelled>)
                {
                    self.report_error(answer);
                }
                None
            }
            Next::Ignore => {
                self.answer.take();
                None
            }
        }
    }

    /// Whether anybody may ever look at the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        match self.status.consumer() {
            Consumer::Possible => true,
            Consumer::Gone => false,
            Consumer::Waiting => with(&self.next, |next| !matches!(next, Next::Discard | Next::Ignore)),
        }
    }

    /// Whether somebody waits, but not `task`.
    pub(crate) fn is_awaited_by_other(&self, task: &dyn Resume) -> bool {
        self.status.consumer() == Consumer::Waiting && !self.is_awaited_by(task)
    }

    pub(crate) fn is_awaited_by(&self, task: &dyn Resume) -> bool {
        self.status.consumer() == Consumer::Waiting && with(&self.next, |next| next.belongs_to(task))
    }
}

impl<T> Drop for Core<T> {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.answer.get_mut()
            && let Some(Err(failure)) = self.answer.take()
        {
            self.report(failure);
        }
    }
}

/// Debugging.
impl<T> Core<T> {
    /// Notes where the node is made, and when.
    pub(crate) fn set_trace(&self, trace: Trace) {
        self.with_extras(|extras| extras.trace = Some(trace));
    }

    pub(crate) fn trace(&self) -> Option<Trace> {
        with(&self.extras, |extras| extras.as_ref().and_then(|extras| extras.trace.clone()))
    }

    #[inline]
    fn report_error(&self, answer: Res<T>) {
        if let Err(failure) = answer {
            self.report(failure);
        }
    }

    #[cold]
    #[inline(never)]
    fn report(&self, failure: Failure) {
        unhandled::report_traced(failure, self.at(), self.trace());
    }

    /// What an unanswered node waits for, unless it is a task or a list.
    pub(crate) fn waits_on(&self) -> WaitsOn {
        match (self.status.state(), self.upstream()) {
            (State::Running, _) => WaitsOn::Running,
            (State::Held, _) => WaitsOn::Pause,
            (_, Some(above)) => WaitsOn::Deferreds(vec![above.at()]),
            (_, None) => WaitsOn::Resolver,
        }
    }

    /// Whether no other node waits for this one: it is the end of its chain.
    pub(crate) fn is_end(&self) -> bool {
        self.status.consumer() != Consumer::Waiting
            || with(&self.next, |next| !matches!(next, Next::Node(_) | Next::Forward(_)))
    }
}
