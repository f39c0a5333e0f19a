//! What every node has: where its answer rests, who wants it next, and who is asked when it is cancelled.
//!
//! Walk: owned by [`Node`](crate::node::Node); changed by the firing side (`settle`, `hand_on`) and by the
//! cancelling side (`ask`, `pass_up`).
//! Invariant: no cell is borrowed while user code runs; everything is taken out and put back.
//! Invariant: `settle` happens once, and drops the cancellers.
//! Tests: `tests/laws.rs`, `tests/cancellers.rs`.

use std::any::Any;
use std::cell::Cell;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::abandoned::Abandoned;
use crate::answer::Answer;
use crate::extras::{Canceller, Extras};
use crate::failure::Failure;
use crate::next::Next;
use crate::node::{AnyNode, deliver};
use crate::outcome::Res;
use crate::panicked::{drop_quietly, guarded};
use crate::request::{Mode, Request, Verdict};
use crate::task::Resume;
use crate::unhandled;

/// How far a node has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)] // see `Core`
pub(crate) enum State {
    /// Its producer, or the node above it, has not answered.
    #[default]
    Waiting,
    /// Its callback runs right now, or its task is being polled.
    Running,
    /// Its callback returned a deferred, whose answer will be its own.
    Inner,
    /// The answer is here, but a [`PauseGuard`](crate::PauseGuard) holds it back.
    Held,
    /// The answer is here, and waits for the outermost drive loop to hand it on.
    Queued,
    /// Answered. The answer is here, or was handed on.
    Fired,
}

impl State {
    /// Whether an answer may still be given.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Inner)
    }
}

/// Who looks at the answer.
///
/// Invariant: only `Waiting` means that `next` is not `Nobody`. Asking a word is cheaper than moving an enum.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(u16)] // see `Core`
enum Consumer {
    /// There is a deferred, so somebody may.
    #[default]
    Possible,
    /// The deferred was dropped: nobody ever will.
    Gone,
    /// Somebody waits for it.
    Waiting,
}

/// The part of a node that does not depend on its kind.
///
/// Its state (4 bytes), its hearing and its consumer (2 each) fill a word: a gap makes rustc build the node on the stack
/// and copy it, which costs as much as allocating it.
pub(crate) struct Core<T: 'static> {
    answer: Cell<Option<Res<T>>>,
    next: Cell<Next<T>>,
    /// The node whose answer this one waits for. Means nothing in a node that is answered.
    above: Cell<Option<Weak<dyn AnyNode>>>,
    extras: Cell<Option<Box<Extras<T>>>>,
    /// Invariant: set before the node is seen by anybody.
    at: Cell<Option<&'static Location<'static>>>,
    pub(crate) state: Cell<State>,
    hearing: Cell<Hearing>,
    consumer: Cell<Consumer>,
}

/// Whether a node hears requests to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u16)] // see `Core`
enum Hearing {
    #[default]
    Open,
    /// A canceller is being asked.
    Asking,
    /// A canceller is being asked, and has dropped the resolver: what it says is all that will be said.
    AskingOrphan,
    /// A canceller said "later".
    Later,
}

impl<T> Default for Core<T> {
    fn default() -> Self {
        Self {
            answer: Cell::new(None),
            next: Cell::new(Next::Nobody),
            above: Cell::new(None),
            extras: Cell::new(None),
            at: Cell::new(None),
            state: Cell::new(State::Waiting),
            hearing: Cell::new(Hearing::Open),
            consumer: Cell::new(Consumer::Possible),
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
        self.close();
        self.rest(answer);
        self.consumer.get() == Consumer::Waiting
    }

    /// Gives the node its answer, but holds it back.
    pub(crate) fn hold(&self, answer: Res<T>) {
        self.close();
        self.put_answer(answer);
        self.state.set(State::Held);
    }

    /// Does not hold it back any more. Returns whether somebody waits for it.
    pub(crate) fn release(&self) -> bool {
        self.state.set(State::Fired);
        if self.consumer.get() == Consumer::Gone {
            self.drop_answer();
        }
        self.consumer.get() == Consumer::Waiting
    }

    /// Keeps the answer of a closed node for whoever may look at it. If nobody will, an error is reported.
    pub(crate) fn rest(&self, answer: Res<T>) {
        if self.consumer.get() == Consumer::Gone {
            unhandled::report_error(answer, self.at());
        } else {
            self.put_answer(answer);
        }
    }

    /// Marks the node as answered and drops its cancellers: they must not live longer than the question.
    pub(crate) fn close(&self) {
        debug_assert!(self.state.get().is_open(), "a node is answered once");
        self.state.set(State::Fired);
        if let Some(extras) = self.extras.take() {
            drop_quietly(self.at(), extras);
        }
    }

    /// Keeps the answer of a closed node.
    pub(crate) fn put_answer(&self, answer: Res<T>) {
        let old = self.answer.replace(Some(answer));
        debug_assert!(old.is_none(), "a node is answered once");
        std::mem::forget(old); // nothing: this spares the check
    }

    /// Says who is told.
    pub(crate) fn set_next(&self, next: Next<T>) {
        let old = self.next.replace(next);
        if self.consumer.replace(Consumer::Waiting) == Consumer::Waiting {
            drop(old);
        } else {
            std::mem::forget(old); // `Nobody`: this spares the check
        }
    }

    pub(crate) fn take_next(&self) -> Next<T> {
        if self.consumer.get() == Consumer::Waiting {
            self.consumer.set(Consumer::Possible);
            self.next.take()
        } else {
            Next::Nobody
        }
    }

    /// The deferred is dropped: an error is reported now, though a cancelled resolver may keep the node for a
    /// long time.
    #[inline]
    pub(crate) fn lose_deferred(&self) {
        if self.state.get() == State::Fired {
            self.drop_answer();
        } else if self.consumer.get() == Consumer::Possible {
            self.consumer.set(Consumer::Gone);
        }
    }

    /// There is a deferred again.
    pub(crate) fn regain_deferred(&self) {
        if self.consumer.get() == Consumer::Gone {
            self.consumer.set(Consumer::Possible);
        }
    }

    #[cold]
    fn drop_answer(&self) {
        if let Some(answer) = self.answer.take() {
            unhandled::report_error(answer, self.at());
        }
    }

    /// Whoever polled the deferred gave it away, and does not wait for it any more.
    pub(crate) fn forget_poller(&self) {
        drop(self.take_next());
    }

    /// The answer, if a callback added now would run at once.
    pub(crate) fn take_answer(&self) -> Option<Res<T>> {
        if self.state.get() == State::Fired { self.answer.take() } else { None }
    }

    /// Whether [`take_answer`](Self::take_answer) has something to give.
    pub(crate) fn has_answer(&self) -> bool {
        self.state.get() == State::Fired && with(&self.answer, |answer| answer.is_some())
    }

    /// Tells whoever waits. Returns the node to go on with.
    pub(crate) fn hand_on(&self) -> Option<Rc<dyn AnyNode>> {
        self.state.set(State::Fired);
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
                if let Some(answer) = self.answer.take() {
                    unhandled::report_unless_cancelled(answer, self.at());
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
        match self.consumer.get() {
            Consumer::Possible => true,
            Consumer::Gone => false,
            Consumer::Waiting => with(&self.next, |next| !matches!(next, Next::Discard | Next::Ignore)),
        }
    }

    /// Whether somebody waits, but not `task`.
    pub(crate) fn is_awaited_by_other(&self, task: &dyn Resume) -> bool {
        self.consumer.get() == Consumer::Waiting && !self.is_awaited_by(task)
    }

    pub(crate) fn is_awaited_by(&self, task: &dyn Resume) -> bool {
        self.consumer.get() == Consumer::Waiting && with(&self.next, |next| next.belongs_to(task))
    }
}

/// Cancelling.
impl<T: 'static> Core<T> {
    /// Asks the cancellers of this node, the newest first. `None` if none of them answered.
    pub(crate) fn ask(&self, request: &Request) -> Option<Verdict<T>> {
        if !self.state.get().is_open() {
            return Some(Verdict::Stay);
        }
        let insists = match request.mode {
            Mode::Ask => false,
            Mode::Abort => true,
            Mode::Break => return Some(Verdict::Settle(Err(request.failure()))),
        };
        if self.is_deaf() {
            return Some(if insists { Verdict::Settle(Err(request.failure())) } else { Verdict::Stay });
        }
        while let Some(canceller) = self.pop_canceller() {
            if self.hearing.get() == Hearing::Open {
                self.hearing.set(Hearing::Asking);
            }
            let answer = guarded(self.at(), || canceller(&request.cancelled));
            if !self.state.get().is_open() {
                return Some(Verdict::Stay); // it fired the deferred itself, and that wins
            }
            match answer {
                // Whoever is asked next must know that nobody else will answer.
                Ok(Answer::Continue) if self.hearing.get() == Hearing::AskingOrphan => {}
                Ok(Answer::Continue) => self.hearing.set(Hearing::Open),
                Ok(Answer::Reply(answer)) => return Some(Verdict::Settle(answer)),
                Ok(Answer::Later) if insists => return Some(Verdict::Settle(Err(request.failure()))),
                Ok(Answer::Later) if self.hearing.get() == Hearing::AskingOrphan => {
                    return Some(Verdict::Settle(Err(self.abandoned())));
                }
                Ok(Answer::Later) => {
                    self.hearing.set(Hearing::Later);
                    return Some(Verdict::Stay);
                }
                Err(panicked) => return Some(Verdict::Settle(Err(panicked))),
            }
        }
        None
    }

    /// Where a request goes that nobody here has answered: to the node above, or to the end.
    pub(crate) fn pass_up(&self, request: &Request) -> Verdict<T> {
        if self.state.get() == State::Running {
            return self.remember(request);
        }
        match self.upstream() {
            // The answer is on its way, the callback will run: what it returns is cancelled.
            Some(node) if node.state().get() == State::Queued => self.remember(request),
            Some(node) => Verdict::Up(node),
            None => Verdict::Settle(Err(request.failure())),
        }
    }

    fn remember(&self, request: &Request) -> Verdict<T> {
        self.with_extras(|extras| extras.remembered = Some(request.clone()));
        Verdict::Stay
    }

    /// The request that arrived while the callback ran.
    pub(crate) fn take_remembered(&self) -> Option<Request> {
        with(&self.extras, |extras| extras.as_mut().and_then(|extras| extras.remembered.take()))
    }

    /// Whether a request has arrived that is not yet answered.
    pub(crate) fn is_deaf(&self) -> bool {
        self.hearing.get() != Hearing::Open
    }

    /// The producer goes away unfired. Whether its own canceller did that, and so answers for it.
    pub(crate) fn is_orphaned_by_canceller(&self) -> bool {
        let asking = matches!(self.hearing.get(), Hearing::Asking | Hearing::AskingOrphan);
        if asking {
            self.hearing.set(Hearing::AskingOrphan);
        }
        asking
    }

    /// Adds a canceller, to be asked before the ones that are there. Dropped if it comes too late.
    pub(crate) fn add_canceller(&self, canceller: Canceller<T>) {
        if self.state.get().is_open() {
            self.with_extras(|extras| extras.add_canceller(canceller));
        } else {
            drop_quietly(self.at(), canceller);
        }
    }

    fn pop_canceller(&self) -> Option<Canceller<T>> {
        with(&self.extras, |extras| extras.as_mut().and_then(|extras| extras.pop_canceller()))
    }

    pub(crate) fn keep(&self, guard: Box<dyn Any>) {
        if self.state.get().is_open() {
            self.with_extras(|extras| extras.kept.push(guard));
        } else {
            drop_quietly(self.at(), guard);
        }
    }

    fn with_extras(&self, change: impl FnOnce(&mut Extras<T>)) {
        with(&self.extras, |extras| change(extras.get_or_insert_default()));
    }

    /// Notes which node will answer this one.
    pub(crate) fn set_upstream(&self, node: Weak<dyn AnyNode>) {
        self.above.set(Some(node));
    }

    pub(crate) fn upstream(&self) -> Option<Rc<dyn AnyNode>> {
        with(&self.above, |above| above.as_ref().and_then(Weak::upgrade))
    }

    /// Whether nothing but the link to the node above is kept here.
    pub(crate) fn is_plain(&self) -> bool {
        with(&self.extras, |extras| extras.is_none())
    }

    /// The failure of a node whose producer went away.
    pub(crate) fn abandoned(&self) -> Failure {
        Failure::located(Abandoned, self.at())
    }
}

impl<T> Drop for Core<T> {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.answer.get_mut()
            && let Some(Err(failure)) = self.answer.take()
        {
            unhandled::report(failure, self.at());
        }
    }
}

/// Changes what is in a cell. `change` must not run user code.
fn with<X: Default, R>(cell: &Cell<X>, change: impl FnOnce(&mut X) -> R) -> R {
    let mut inside = cell.take();
    let result = change(&mut inside);
    cell.set(inside);
    result
}
