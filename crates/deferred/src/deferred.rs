//! The consumer's end of an answer that is not there yet.
//!
//! Walk: made here; `chain.rs` adds callbacks, `await_deferred.rs` makes it a future, `consume.rs` ends it.
//! Invariant: a deferred has one owner, so an answer has one consumer.
//! Tests: `tests/suite/chains.rs`, `tests/suite/firing.rs`, `tests/suite/cancelling.rs`.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::abandoned::Abandoned;
use crate::cancel_handle::CancelHandle;
use crate::failure::Failure;
use crate::holding::{Holding, Owned, Polled, Unread};
use crate::node::{Node, Root, Source, weak};
use crate::outcome::Res;
use crate::request::{Mode, Request, climb};
use crate::resolver::Resolver;
use crate::status::State;

/// An answer that may not be there yet, and what will be done with it.
///
/// Callbacks are added in a chain and run in order, each on what the one before returned; a failure skips
/// to the next errback. They run on the thread that fires, while it fires; on a deferred that has fired they
/// run as soon as they are added. A callback that returns another deferred makes the chain wait for it. It is
/// also a future.
///
/// ```
/// use sestina_deferred::{Deferred, Failure, deferred};
///
/// fn report(poem: Deferred<String>) -> Deferred<usize> {
///     poem.map(|poem| poem.lines().count()).add_errback(|failure| {
///         eprintln!("no poem: {failure}");
///         Ok(0)
///     })
/// }
///
/// let (resolver, poem) = deferred();
/// let lines = report(poem);
/// resolver.callback("a\nb".to_owned());
/// assert_eq!(lines.try_result().unwrap().unwrap(), 2);
///
/// let (resolver, poem) = deferred();
/// let lines = report(poem);
/// resolver.errback(Failure::msg("the server is down"));
/// assert_eq!(lines.try_result().unwrap().unwrap(), 0);
/// ```
///
/// # Cancelling
/// [`cancel`](Self::cancel) asks whoever produces the answer to stop. Dropping it does not: the callbacks still
/// run, and only the result of the last one is dropped. But dropping one that was polled (the loser of a
/// `select!`) cancels it, as futures do.
///
/// # Errors
/// An error that is dropped with it is reported: see [`Executor::on_unhandled`](crate::Executor::on_unhandled).
pub struct Deferred<T: 'static> {
    holding: Holding<T>,
}

/// A deferred and the right to fire it.
///
/// ```
/// let (resolver, d) = sestina_deferred::deferred();
/// resolver.callback("poem");
/// assert_eq!(d.try_result().unwrap().unwrap(), "poem");
/// ```
#[inline]
#[track_caller]
#[must_use]
pub fn deferred<T>() -> (Resolver<T>, Deferred<T>) {
    Deferred::new()
}

/// A deferred that has its value. Costs no allocation, nor do callbacks that are added to it.
#[must_use]
pub fn succeed<T>(value: T) -> Deferred<T> {
    Deferred::ready(Ok(value))
}

/// A deferred that has failed.
#[track_caller]
#[must_use]
pub fn fail<T>(error: impl Into<Failure>) -> Deferred<T> {
    Deferred::ready(Err(error.into()))
}

impl<T> Deferred<T> {
    /// A deferred and the right to fire it: the same as [`deferred()`].
    #[inline]
    #[track_caller]
    #[must_use]
    pub fn new() -> (Resolver<T>, Self) {
        let root = Node::<T, Root>::waiting(Location::caller());
        (Resolver::new(Rc::clone(&root)), Self::waiting(root))
    }

    pub(crate) fn ready(answer: Res<T>) -> Self {
        match answer {
            Ok(value) => Self { holding: Holding::Value(value) },
            Err(failure) => Self { holding: Holding::Failed(Unread::new(failure)) },
        }
    }

    pub(crate) fn from_node(node: Rc<dyn Source<T>>) -> Self {
        match node.core().take_answer() {
            Some(answer) => Self::ready(answer),
            None => Self::waiting(node),
        }
    }

    /// The same for a node that has no answer.
    pub(crate) fn waiting(node: Rc<dyn Source<T>>) -> Self {
        Self { holding: Holding::Node(Owned::new(node)) }
    }

    /// What stands in for a deferred while it is rebuilt in place.
    pub(crate) fn taken() -> Self {
        Self { holding: Holding::Taken }
    }

    /// Asks whoever produces the answer to stop.
    ///
    /// The request goes up the chain to what it waits for now. On its way the cancellers are asked, see
    /// [`on_cancel`](Self::on_cancel); the nearest that has an answer decides. If nobody has one, the deferred
    /// fires [`Cancelled`](crate::Cancelled). Always allowed; without effect if the answer is here.
    ///
    /// # Order
    /// - A chain that waits for a deferred that one of its callbacks returned: that one is cancelled.
    /// - A callback runs right now: the request waits for what it returns.
    /// - A task: what it awaits right now is cancelled, and the task sees it. See [`spawn`](crate::spawn).
    #[track_caller]
    pub fn cancel(&self) {
        self.send(Mode::Ask, None, Location::caller());
    }

    /// The same, and says why: [`Cancelled::reason`](crate::Cancelled::reason).
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Failure>) {
        self.send(Mode::Ask, Some(reason.into()), Location::caller());
    }

    /// Stops it without waiting for anybody.
    ///
    /// Cancellers are asked, but [`Later`](crate::Answer::Later) is not accepted, now or from before: where one says it, the
    /// answer is [`Cancelled`](crate::Cancelled), and nobody above is asked. A task's future is dropped where it stands. What
    /// it awaited is cancelled.
    #[track_caller]
    pub fn abort(&self) {
        self.send(Mode::Abort, None, Location::caller());
    }

    /// A handle that can cancel this while somebody else owns it.
    #[must_use]
    pub fn canceller(&self) -> CancelHandle {
        match self.node() {
            Some(node) => CancelHandle::new(weak(node)),
            None => CancelHandle::idle(),
        }
    }

    /// Whether the answer is here: a callback added now would run at once.
    #[must_use]
    pub fn is_fired(&self) -> bool {
        match &self.holding {
            Holding::Value(_) | Holding::Failed(_) => true,
            Holding::Node(owned) => owned.node().core().has_answer(),
            Holding::Awaited(polled) => polled.node().core().has_answer(),
            Holding::Taken => false,
        }
    }

    fn send(&self, mode: Mode, reason: Option<Failure>, at: &'static Location<'static>) {
        if let Some(node) = self.node() {
            climb(Rc::<dyn Source<T>>::clone(node), Request::new(mode, reason, at));
        }
    }

    pub(crate) fn node(&self) -> Option<&Rc<dyn Source<T>>> {
        match &self.holding {
            Holding::Node(owned) => Some(owned.node()),
            Holding::Awaited(polled) => Some(polled.node()),
            Holding::Value(_) | Holding::Failed(_) | Holding::Taken => None,
        }
    }

    /// Its node, in the frequent case that it has one, which waits. Otherwise gives itself back.
    ///
    /// Inlined, because what passes through memory costs more than everything else here.
    #[inline(always)]
    pub(crate) fn into_waiting(self) -> Result<Rc<dyn Source<T>>, Self> {
        match self.holding {
            Holding::Node(owned) if owned.node().status().state() != State::Fired => Ok(owned.into_waiting()),
            holding => Err(Self { holding }),
        }
    }

    /// Its node, if it waits, and nobody else's any more. Its answer, if it is here.
    #[track_caller]
    pub(crate) fn into_node(self) -> Result<Rc<dyn Source<T>>, Res<T>> {
        match self.holding {
            Holding::Value(value) => Err(Ok(value)),
            Holding::Failed(unread) => Err(Err(unread.read())),
            Holding::Node(owned) => match owned.node().core().take_answer() {
                Some(answer) => Err(answer),
                None => Ok(owned.into_waiting()),
            },
            Holding::Awaited(polled) => {
                let node = polled.into_node();
                node.core().forget_poller();
                node.core().take_answer().map_or(Ok(node), Err)
            }
            Holding::Taken => Err(Err(Failure::new(Abandoned))),
        }
    }

    /// What it holds, when that is all that is left to take.
    pub(crate) fn take_holding(&mut self) -> Holding<T> {
        std::mem::replace(&mut self.holding, Holding::Taken)
    }

    /// It gave its answer to whoever polled it.
    pub(crate) fn finish_polling(&mut self) {
        if let Holding::Awaited(polled) = self.take_holding() {
            polled.finish();
        }
    }

    /// It was polled, and has no answer.
    pub(crate) fn become_awaited(&mut self) {
        if matches!(self.holding, Holding::Node(_))
            && let Holding::Node(owned) = self.take_holding()
        {
            self.holding = Holding::Awaited(Polled::new(owned.into_waiting()));
        }
    }
}

impl<T> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.holding, self.node()) {
            (Holding::Value(_), _) => f.write_str("Deferred(succeeded)"),
            (Holding::Failed(unread), _) => write!(f, "Deferred(failed: {:?})", unread.peek()),
            (_, Some(node)) => {
                let word = if node.core().has_answer() { "fired" } else { "waiting" };
                write!(f, "Deferred({word}, made at {})", node.at())
            }
            (_, None) => f.write_str("Deferred(taken)"),
        }
    }
}
