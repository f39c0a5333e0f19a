//! The producer's end of a deferred.
//!
//! Walk: made by [`deferred()`](crate::deferred()); firing it settles the root and starts the drive loop.
//! Invariant: a resolver is used up by firing, so a deferred fires once; rustc checks that.
//! Tests: `tests/suite/firing.rs`, `tests/suite/cancellers.rs`.

use std::fmt;
use std::rc::Rc;

use crate::answer::IntoAnswer;
use crate::callback::wait_for;
use crate::cancelled::Cancelled;
use crate::deferred::Deferred;
use crate::drive;
use crate::failure::Failure;
use crate::next::Next;
use crate::node::{Node, Root};
use crate::outcome::Res;
use crate::status::{Consumer, State};

/// The right to fire a [`Deferred`], once.
///
/// Firing takes it by value: firing twice does not compile. Dropped unfired, it fires
/// [`Abandoned`](crate::Abandoned), so that nobody waits for ever.
///
/// ```
/// use sestina_deferred::deferred;
///
/// let (resolver, d) = deferred();
/// let d = d.map(|n: u32| n + 1);
/// resolver.callback(1);
/// assert_eq!(d.try_result().unwrap().unwrap(), 2);
/// ```
///
/// ```compile_fail,E0382
/// let (resolver, d) = sestina_deferred::deferred();
/// resolver.callback(1);
/// resolver.callback(2);
/// ```
pub struct Resolver<T: 'static> {
    /// Invariant: `None` only while it is taken apart.
    root: Option<Rc<Node<T, Root>>>,
}

impl<T> Resolver<T> {
    pub(crate) fn new(root: Rc<Node<T, Root>>) -> Self {
        Self { root: Some(root) }
    }

    /// Fires with a value: the callbacks run now, in order.
    ///
    /// # Order
    /// All callbacks have run when this returns. If calls nest deeper than 32 levels, the outermost one runs
    /// what is left before it returns.
    ///
    /// # Cancelling
    /// After a cancel this does nothing; [`try_callback`](Self::try_callback) gives the value back instead.
    pub fn callback(self, value: T) {
        self.resolve(Ok(value));
    }

    /// Fires with a failure: the errbacks run now, in order.
    #[track_caller]
    pub fn errback(self, error: impl Into<Failure>) {
        self.resolve(Err(error.into()));
    }

    /// Fires with a value or a failure.
    #[inline]
    pub fn resolve(self, answer: Res<T>) {
        if let Some(root) = self.into_root() {
            fire(&root, answer);
        }
    }

    /// Fires with a value if anybody can still see it.
    ///
    /// # Errors
    /// Gives the value back if the deferred was cancelled, or dropped with nothing attached to it. Locks and
    /// queues use this to offer the value to the next in line.
    pub fn try_callback(self, value: T) -> Result<(), T> {
        let Some(root) = self.into_root() else { return Err(value) };
        if root.core.status.state() != State::Waiting || !root.core.is_wanted() {
            return Err(value);
        }
        fire(&root, Ok(value));
        Ok(())
    }

    /// Whether somebody asked for this to stop. Firing has no effect then, unless a canceller said
    /// [`Later`](crate::Answer::Later).
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.root.as_ref().is_none_or(|root| !root.core.status.state().is_open() || root.core.is_deaf())
    }

    /// Says how to stop what produces the answer, and what to answer then.
    ///
    /// `canceller` may return `()` (the deferred fires [`Cancelled`]), a [`Failure`], a `Result` with
    /// another answer, or an [`Answer`](crate::Answer). It may also fire this resolver itself, if it can get
    /// at it. A panic becomes [`Panicked`](crate::Panicked). A canceller that drops the resolver, because it drops
    /// the operation that holds it, answers for it all the same: not [`Abandoned`](crate::Abandoned).
    ///
    /// # Order
    /// Of several cancellers the newest is asked first; `()` goes on to the older. They are dropped when the
    /// deferred fires.
    pub fn on_cancel<A: IntoAnswer<T>>(&self, canceller: impl FnOnce() -> A + 'static) {
        self.on_cancel_with(move |_| canceller());
    }

    /// The same for a canceller that wants to know who asks, and why.
    pub fn on_cancel_with<A: IntoAnswer<T>>(&self, canceller: impl FnOnce(&Cancelled) -> A + 'static) {
        if let Some(root) = &self.root {
            root.core.add_canceller(Box::new(move |cancelled| canceller(cancelled).into_answer()));
        }
    }

    /// Gives up the right to fire: only a cancel can answer the deferred then.
    pub(crate) fn disarm(self) {
        drop(self.into_root());
    }

    /// Takes it apart; then it has nothing to do when it is dropped, and is not asked.
    #[inline]
    fn into_root(mut self) -> Option<Rc<Node<T, Root>>> {
        let root = self.root.take();
        std::mem::forget(self);
        root
    }

    /// Hands the duty to answer over to another deferred: see [`Deferred::chain_to`].
    #[track_caller]
    pub(crate) fn follow(self, other: Deferred<T>) {
        let Some(root) = self.into_root() else { return };
        if root.core.status.state() == State::Waiting {
            if let Some(root) = wait_for(root, other) {
                drive::start(root);
            }
        } else {
            other.discard(); // cancelled before: nobody is left who wants the answer
        }
    }
}

/// Settles a root and tells whoever waits. Without effect if it was cancelled before.
fn fire<T>(root: &Rc<Node<T, Root>>, answer: Res<T>) {
    let core = &root.core;
    if core.status.state() != State::Waiting {
        return;
    }
    let answer = core.close(answer);
    if core.status.consumer() != Consumer::Waiting {
        core.rest(answer);
    } else if let Some(_level) = drive::enter_unless_deep() {
        match core.take_next() {
            // The first callback is fed directly: no answer is stored and loaded again.
            Next::Node(sink) => drive::run(sink.receive(answer)),
            Next::Task(task) => {
                core.put_answer(answer);
                drive::run(Some(task));
            }
            next => {
                core.set_next(next);
                core.put_answer(answer);
                drive::run(core.hand_on());
            }
        }
    } else {
        core.put_answer(answer);
        drive::start(Rc::<Node<T, Root>>::clone(root));
    }
}

impl<T> Drop for Resolver<T> {
    fn drop(&mut self) {
        let Some(root) = self.root.take() else { return };
        if root.core.status.state() == State::Waiting && !root.core.is_orphaned_by_canceller() {
            let abandoned = root.core.abandoned();
            if root.core.settle(Err(abandoned)) {
                drive::start_from_drop(root);
            }
        }
    }
}

impl<T> fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => write!(f, "Resolver(made at {})", root.core.at()),
            None => f.write_str("Resolver"),
        }
    }
}
