//! Adding to a chain: callbacks, errbacks, cancellers, pauses.
//!
//! Walk: each method makes one node below the last; on a deferred that has its answer it runs the callback at
//! once and makes none.
//! Tests: `tests/suite/chains.rs`, `tests/suite/pausing.rs`.

use std::error::Error;
use std::panic::Location;
use std::rc::Rc;

use crate::answer::IntoAnswer;
use crate::callback::{self, Callback};
use crate::cancelled::Cancelled;
use crate::deferred::Deferred;
use crate::drive;
use crate::failure::{Failure, Trapped};
use crate::gate::{self, Gate, PauseGuard};
use crate::node::{Node, Root, Sink, Source, link};
use crate::outcome::{IntoOutcome, Outcome, Res};

impl<T> Deferred<T> {
    /// Adds what to do with the value. Its result is the value of the deferred that is returned.
    ///
    /// `callback` may return a `Result`, another deferred, whose answer the chain waits for, an [`Outcome`], or
    /// `()`. For a plain value use [`map`](Self::map). If it panics, the chain fails with
    /// [`Panicked`](crate::Panicked).
    ///
    /// # Order
    /// Runs when the deferred fires, in the middle of that call and after what was added before; if it has fired,
    /// before this returns. So do all that are added by the other methods.
    ///
    /// # Cancelling
    /// A cancel of what this returns goes up to this deferred; once the callback has returned another deferred, to that
    /// one.
    ///
    /// ```
    /// use sestina_deferred::succeed;
    ///
    /// let d = succeed("7").add_callback(|text| {
    ///     let n: u32 = text.parse()?;
    ///     Ok(n)
    /// });
    /// assert_eq!(d.try_result().unwrap().unwrap(), 7);
    /// ```
    ///
    /// ```compile_fail,E0277
    /// sestina_deferred::succeed(7).add_callback(|n| n + 1); // a plain value: `map`
    /// ```
    #[track_caller]
    pub fn add_callback<R, F>(self, callback: F) -> Deferred<R::Out>
    where
        R: IntoOutcome,
        F: FnOnce(T) -> R + 'static,
    {
        self.then(Location::caller(), |answer| match answer {
            Ok(value) => callback(value).into_outcome(),
            Err(failure) => Outcome::Now(Err(failure)),
        })
    }

    /// Adds what to do with a failure: recover with a value of the same type, or fail again.
    ///
    /// ```
    /// use sestina_deferred::{Cancelled, Failure, fail};
    ///
    /// let d = fail::<u32>(Failure::msg("no poem"))
    ///     .add_errback(|failure| if failure.is::<Cancelled>() { Ok(0) } else { Err(failure) })
    ///     .add_errback(|_| Ok(1));
    /// assert_eq!(d.try_result().unwrap().unwrap(), 1);
    /// ```
    ///
    /// ```compile_fail,E0271
    /// sestina_deferred::succeed(7).add_errback(|_| Ok("seven")); // not the type of the value
    /// ```
    #[track_caller]
    pub fn add_errback<R, F>(self, errback: F) -> Self
    where
        R: IntoOutcome<Out = T>,
        F: FnOnce(Failure) -> R + 'static,
    {
        self.then(Location::caller(), |answer| match answer {
            Ok(value) => Outcome::Now(Ok(value)),
            Err(failure) => errback(failure).into_outcome(),
        })
    }

    /// Adds a callback and an errback side by side: one of them runs, and the errback does not see what the
    /// callback does.
    #[track_caller]
    pub fn add_callbacks<R, Q, F, G>(self, callback: F, errback: G) -> Deferred<R::Out>
    where
        R: IntoOutcome,
        Q: IntoOutcome<Out = R::Out>,
        F: FnOnce(T) -> R + 'static,
        G: FnOnce(Failure) -> Q + 'static,
    {
        self.then(Location::caller(), |answer| match answer {
            Ok(value) => callback(value).into_outcome(),
            Err(failure) => errback(failure).into_outcome(),
        })
    }

    /// Adds what to do in either case.
    #[track_caller]
    pub fn add_both<R, F>(self, callback: F) -> Deferred<R::Out>
    where
        R: IntoOutcome,
        F: FnOnce(Res<T>) -> R + 'static,
    {
        self.then(Location::caller(), |answer| callback(answer).into_outcome())
    }

    /// Turns the value into another one: a callback that cannot fail and need not wait.
    #[track_caller]
    pub fn map<U, F>(self, change: F) -> Deferred<U>
    where
        F: FnOnce(T) -> U + 'static,
    {
        self.then(Location::caller(), |answer| Outcome::Now(answer.map(change)))
    }

    /// Adds an errback for one type of error; others pass by.
    ///
    /// ```
    /// use sestina_deferred::{Trapped, succeed};
    /// use std::num::ParseIntError;
    ///
    /// let d = succeed("seven")
    ///     .add_callback(|text| Ok(text.parse::<u32>()?))
    ///     .catch(|_: Trapped<ParseIntError>| Ok(7));
    /// assert_eq!(d.try_result().unwrap().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn catch<E, R, F>(self, errback: F) -> Self
    where
        E: Error + 'static,
        R: IntoOutcome<Out = T>,
        F: FnOnce(Trapped<E>) -> R + 'static,
    {
        self.then(Location::caller(), |answer| match answer.map_err(Failure::trap::<E>) {
            Ok(value) => Outcome::Now(Ok(value)),
            Err(Ok(trapped)) => errback(trapped).into_outcome(),
            Err(Err(failure)) => Outcome::Now(Err(failure)),
        })
    }

    /// Looks at the answer and lets it pass.
    #[track_caller]
    pub fn inspect<F>(self, look: F) -> Self
    where
        F: FnOnce(&Res<T>) + 'static,
    {
        self.then(Location::caller(), |answer| {
            look(&answer);
            Outcome::Now(answer)
        })
    }

    /// Says what to do when a cancel comes by on its way up, at this point of the chain.
    ///
    /// What the canceller may return is said at [`Resolver::on_cancel`](crate::Resolver::on_cancel); here `()`
    /// passes the request on to what this point waits for. An answer takes the place of what the chain would
    /// have come to here; what stands above it is not stopped.
    ///
    /// # Order
    /// Of several at one point the newest is asked first. They are dropped when this point has its answer; on
    /// a deferred that has fired, at once.
    ///
    /// # Limits
    /// A canceller that drops the resolver answers for it only at the resolver's own point. Further down its `()` does
    /// not count: [`Abandoned`](crate::Abandoned) comes from above.
    #[must_use]
    pub fn on_cancel<A, F>(self, canceller: F) -> Self
    where
        A: IntoAnswer<T>,
        F: FnOnce() -> A + 'static,
    {
        self.on_cancel_with(move |_| canceller())
    }

    /// The same for a canceller that wants to know who asks, and why.
    #[must_use]
    pub fn on_cancel_with<A, F>(self, canceller: F) -> Self
    where
        A: IntoAnswer<T>,
        F: FnOnce(&Cancelled) -> A + 'static,
    {
        if let Some(node) = self.node() {
            node.core().add_canceller(Box::new(move |cancelled| canceller(cancelled).into_answer()));
        }
        self
    }

    /// Holds the chain back at this point: callbacks that are added later wait until the guard is dropped, also
    /// if the answer comes.
    ///
    /// Pauses count: with several guards the last one lets go. Callbacks that were added before still run.
    ///
    /// # Cancelling
    /// A cancel passes by on its way up. What it is answered waits here, as any answer does.
    #[track_caller]
    pub fn pause(&mut self) -> PauseGuard {
        let gate = Node::<T, Gate>::waiting(Location::caller());
        match std::mem::replace(self, Self::taken()).into_node() {
            Ok(node) => link(&node, &gate),
            Err(answer) => drop(Rc::clone(&gate).receive(answer)),
        }
        let guard = gate::guard(&gate);
        *self = Self::waiting(gate);
        guard
    }

    /// The one way in which something is added.
    pub(crate) fn then<U, F>(self, at: &'static Location<'static>, callback: F) -> Deferred<U>
    where
        F: FnOnce(Res<T>) -> Outcome<U> + 'static,
    {
        let answer = match self.into_waiting() {
            Ok(node) => return append(node, at, callback),
            Err(other) => match other.into_node() {
                Ok(node) => return append(node, at, callback),
                Err(answer) => answer,
            },
        };
        let Some(_level) = drive::enter_unless_deep() else { return queue_callback(at, answer, callback) };
        match callback::run(at, callback, answer) {
            Outcome::Now(answer) => Deferred::ready(answer),
            Outcome::Later(inner) => inner,
        }
    }
}

/// Hangs a callback below a node that waits.
fn append<T: 'static, U, F>(
    node: Rc<dyn Source<T>>,
    at: &'static Location<'static>,
    callback: F,
) -> Deferred<U>
where
    F: FnOnce(Res<T>) -> Outcome<U> + 'static,
{
    let next = Node::<U, Callback<F>>::waiting(at);
    next.part.set(callback);
    link(&node, &next);
    Deferred::waiting(next)
}

/// A callback on an answer that is here, when loops nest too deep to run it now.
fn queue_callback<T: 'static, U, F>(
    at: &'static Location<'static>,
    answer: Res<T>,
    callback: F,
) -> Deferred<U>
where
    F: FnOnce(Res<T>) -> Outcome<U> + 'static,
{
    let root = Node::<T, Root>::waiting(at);
    let next = Node::<U, Callback<F>>::waiting(at);
    next.part.set(callback);
    let node: Rc<dyn Source<T>> = root;
    link(&node, &next);
    node.core().settle(answer);
    drive::queue(node);
    Deferred::waiting(next)
}
