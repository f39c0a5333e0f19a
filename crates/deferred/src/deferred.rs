//! The consumer's end of an answer that is not there yet.
//!
//! Walk: made here; `chain.rs` adds callbacks, `await_deferred.rs` makes it a future, `consume.rs` ends it.
//! Invariant: a deferred has one owner, so an answer has one consumer.
//! Tests: `tests/chains.rs`, `tests/firing.rs`, `tests/cancelling.rs`.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::abandoned::Abandoned;
use crate::cancel_handle::CancelHandle;
use crate::failure::Failure;
use crate::next::Next;
use crate::node::{Node, Root, Source, weak};
use crate::outcome::Res;
use crate::request::{Mode, Request, climb};
use crate::resolver::Resolver;
use crate::unhandled;

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
    kind: Kind<T>,
}

pub(crate) enum Kind<T: 'static> {
    /// The answer is here, and needs no node.
    Ready(Res<T>),
    Node(Rc<dyn Source<T>>),
    /// The same, polled: dropping it cancels.
    Awaited(Rc<dyn Source<T>>),
    /// The answer was given out by `poll`.
    Taken,
}

/// A deferred and the right to fire it.
///
/// ```
/// let (resolver, d) = sestina_deferred::deferred();
/// resolver.callback("poem");
/// assert_eq!(d.try_result().unwrap().unwrap(), "poem");
/// ```
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
    #[track_caller]
    #[must_use]
    pub fn new() -> (Resolver<T>, Self) {
        let root = Node::<T, Root>::waiting(Location::caller());
        (Resolver::new(Rc::clone(&root)), Self::from_node(root))
    }

    pub(crate) fn ready(answer: Res<T>) -> Self {
        Self { kind: Kind::Ready(answer) }
    }

    pub(crate) fn from_node(node: Rc<dyn Source<T>>) -> Self {
        match node.core().take_answer() {
            Some(answer) => Self::ready(answer),
            None => Self { kind: Kind::Node(node) },
        }
    }

    /// The same for a node that has no answer.
    pub(crate) fn waiting(node: Rc<dyn Source<T>>) -> Self {
        Self { kind: Kind::Node(node) }
    }

    /// What stands in for a deferred while it is rebuilt in place.
    pub(crate) fn taken() -> Self {
        Self { kind: Kind::Taken }
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
    /// Cancellers are asked, but [`Later`](crate::Answer::Later) is not accepted, now or from before; a task's
    /// future is dropped where it stands. What it awaited is cancelled.
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
        match &self.kind {
            Kind::Ready(_) => true,
            Kind::Node(node) | Kind::Awaited(node) => node.core().has_answer(),
            Kind::Taken => false,
        }
    }

    fn send(&self, mode: Mode, reason: Option<Failure>, at: &'static Location<'static>) {
        if let Some(node) = self.node() {
            climb(Rc::<dyn Source<T>>::clone(node), Request::new(mode, reason, at));
        }
    }

    pub(crate) fn node(&self) -> Option<&Rc<dyn Source<T>>> {
        match &self.kind {
            Kind::Node(node) | Kind::Awaited(node) => Some(node),
            Kind::Ready(_) | Kind::Taken => None,
        }
    }

    /// Its node, if it waits, and nobody else's any more. Its answer, if it is here.
    #[track_caller]
    pub(crate) fn into_node(mut self) -> Result<Rc<dyn Source<T>>, Res<T>> {
        match self.take_kind() {
            Kind::Ready(answer) => Err(answer),
            Kind::Node(node) => match node.core().take_answer() {
                Some(answer) => Err(answer),
                None => Ok(node),
            },
            Kind::Awaited(node) => match node.core().take_answer() {
                Some(answer) => Err(answer),
                None => {
                    drop(node.core().next.take()); // whoever polled it gave it away
                    Ok(node)
                }
            },
            Kind::Taken => Err(Err(Failure::new(Abandoned))),
        }
    }

    pub(crate) fn take_kind(&mut self) -> Kind<T> {
        std::mem::replace(&mut self.kind, Kind::Taken)
    }

    pub(crate) fn set_kind(&mut self, kind: Kind<T>) {
        self.kind = kind;
    }
}

/// The answer of a deferred that nobody wants any more: says so to whoever produces it.
pub(crate) fn drop_awaited<T: 'static>(node: Rc<dyn Source<T>>) {
    if let Some(answer) = node.core().take_answer() {
        unhandled::report_unless_cancelled(answer, node.at());
        return;
    }
    drop(node.core().next.replace(Next::Discard));
    let request = Request::new(Mode::Ask, None, node.at());
    climb(node, request);
}

impl<T> Drop for Deferred<T> {
    fn drop(&mut self) {
        match self.take_kind() {
            Kind::Ready(Err(failure)) => {
                let at = failure.location();
                unhandled::report(failure, at);
            }
            Kind::Awaited(node) => drop_awaited(node),
            // A node reports its error when it is dropped itself.
            Kind::Ready(Ok(_)) | Kind::Node(_) | Kind::Taken => {}
        }
    }
}

impl<T> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Ready(Ok(_)) => f.write_str("Deferred(succeeded)"),
            Kind::Ready(Err(failure)) => write!(f, "Deferred(failed: {failure})"),
            Kind::Node(node) | Kind::Awaited(node) => {
                let word = if node.core().has_answer() { "fired" } else { "waiting" };
                write!(f, "Deferred({word}, made at {})", node.at())
            }
            Kind::Taken => f.write_str("Deferred(taken)"),
        }
    }
}
