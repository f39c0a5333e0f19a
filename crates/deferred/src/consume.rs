//! Ending a chain: hand the answer to another deferred, look at it, or do without it.
//!
//! Tests: `tests/suite/firing.rs`, `tests/suite/unhandled_errors.rs`, `tests/suite/cancelling.rs`.

use std::panic::Location;

use crate::deferred::Deferred;
use crate::next::Next;
use crate::outcome::{IntoOutcome, Outcome, Res};
use crate::panicked::guarded;
use crate::request::{Mode, Request, climb};
use crate::resolver::Resolver;
use crate::unhandled;

impl<T> Deferred<T> {
    /// Fires `to` with the answer of this one.
    ///
    /// # Cancelling
    /// A cancel of `to` comes up here. If `to` was cancelled before, this one is cancelled now; but not if a canceller
    /// has said [`Later`](crate::Answer::Later): then this is the answer that was promised.
    #[track_caller]
    pub fn chain_to(self, to: Resolver<T>) {
        to.follow(self);
    }

    /// The answer, if it is here.
    ///
    /// # Errors
    /// Gives the deferred back if it has none yet.
    pub fn try_result(self) -> Result<Res<T>, Self> {
        self.into_node().map_or_else(Ok, |node| Err(Self::waiting(node)))
    }

    /// Cancels this and drops whatever comes of it. An error other than
    /// [`Cancelled`](crate::Cancelled) is still reported.
    ///
    /// # Cancelling
    /// As [`cancel`](Self::cancel): who is asked may refuse, or take its time.
    #[track_caller]
    pub fn discard(self) {
        self.discard_at(Location::caller());
    }

    /// The same for the user's line `at`.
    pub(crate) fn discard_at(self, at: &'static Location<'static>) {
        match self.into_node() {
            Err(answer) => unhandled::report_unless_cancelled(answer, at),
            Ok(node) => {
                node.core().set_next(Next::Discard);
                climb(node, Request::new(Mode::Ask, None, at));
            }
        }
    }

    /// Lets it go on, and says that its errors do not matter.
    pub fn ignore_errors(self) {
        match self.into_node() {
            Err(answer) => drop(answer),
            Ok(node) => node.core().set_next(Next::Ignore),
        }
    }
}

/// Calls a function that may answer at once, later, or panic, and always gives a deferred.
///
/// ```
/// use sestina_deferred::{Outcome, maybe_deferred, succeed};
///
/// assert_eq!(maybe_deferred(|| Ok(1)).try_result().unwrap().unwrap(), 1);
/// assert_eq!(maybe_deferred(|| succeed(2)).try_result().unwrap().unwrap(), 2);
/// assert!(maybe_deferred(|| -> Outcome<u32> { panic!("no poem") }).try_result().unwrap().is_err());
/// ```
#[track_caller]
#[must_use = "an error of the function is lost with it"]
pub fn maybe_deferred<R: IntoOutcome>(f: impl FnOnce() -> R) -> Deferred<R::Out> {
    match guarded(Location::caller(), || f().into_outcome()) {
        Ok(Outcome::Now(answer)) => Deferred::ready(answer),
        Ok(Outcome::Later(deferred)) => deferred,
        Err(panicked) => Deferred::ready(Err(panicked)),
    }
}
