//! What a callback may return.
//!
//! Walk: every `add_*` method turns what the callback returned into an [`Outcome`]; the engine looks at that only.
//! Invariant: `Result<_, Failure>` is the only `Result` here. That is what lets rustc infer the error type of
//! closures that use `?`, so do not add another.
//! Tests: `tests/suite/chains.rs`, `crates/mistakes/tests/deferred.rs`.

use crate::deferred::Deferred;
use crate::failure::Failure;

/// An answer: a value, or why there is none.
pub type Res<T> = Result<T, Failure>;

/// What a callback came to: an answer now, or a deferred that will have it.
///
/// Return it from a callback of which some paths answer at once and others do not.
///
/// ```
/// use sestina_deferred::{Outcome, deferred, succeed};
///
/// let cached = true;
/// let d = succeed(20).add_callback(move |n| {
///     if cached { Outcome::Now(Ok(n + 1)) } else { Outcome::Later(deferred().1) }
/// });
/// assert_eq!(d.try_result().unwrap().unwrap(), 21);
/// ```
#[derive(Debug)]
pub enum Outcome<T: 'static> {
    /// The chain goes on at once.
    Now(Res<T>),
    /// The chain waits for this one, and goes on with its answer.
    Later(Deferred<T>),
}

/// The types that a callback may return: `Result<T, Failure>`, `Deferred<T>`, [`Outcome<T>`], and `()`.
///
/// A plain value is not among them, so that rustc can infer the others: use [`Deferred::map`] for that.
#[diagnostic::on_unimplemented(
    message = "a Deferred callback cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return `Ok(value)`, `Err(failure)`, a `Deferred<_>` or `()`",
    note = "for a plain value that cannot fail, use `.map(..)`",
    note = "for a `Result` with another error type, write `Ok(result?)`"
)]
pub trait IntoOutcome {
    /// What the deferred carries after the callback.
    type Out: 'static;

    /// The outcome that the engine acts on.
    fn into_outcome(self) -> Outcome<Self::Out>;
}

impl<T: 'static> IntoOutcome for Res<T> {
    type Out = T;

    fn into_outcome(self) -> Outcome<T> {
        Outcome::Now(self)
    }
}

impl<T: 'static> IntoOutcome for Deferred<T> {
    type Out = T;

    fn into_outcome(self) -> Outcome<T> {
        Outcome::Later(self)
    }
}

impl<T: 'static> IntoOutcome for Outcome<T> {
    type Out = T;

    fn into_outcome(self) -> Self {
        self
    }
}

impl IntoOutcome for () {
    type Out = ();

    fn into_outcome(self) -> Outcome<()> {
        Outcome::Now(Ok(()))
    }
}
