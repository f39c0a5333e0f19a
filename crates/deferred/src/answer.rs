//! What a canceller may answer.
//!
//! Walk: `on_cancel` of [`crate::Resolver`] and [`crate::Deferred`] turn what the closure returned into an
//! [`Answer`].
//! Tests: `tests/suite/cancellers.rs`.

use crate::failure::Failure;
use crate::outcome::Res;

/// What a canceller says to "please stop".
///
/// `on_cancel` also takes closures that return `()` (stop: [`Answer::Continue`]), a [`Failure`] or a
/// `Result` ([`Answer::Reply`]).
///
/// ```
/// use sestina_deferred::{Answer, Failure, deferred};
///
/// let (resolver, d) = deferred::<&str>();
/// resolver.on_cancel(|| Answer::Later); // the clean-up takes a while
/// d.cancel();
/// assert!(!d.is_fired());
/// assert!(resolver.is_cancelled());
/// resolver.callback("rolled back"); // and now it is done
/// assert_eq!(d.try_result().unwrap().unwrap(), "rolled back");
/// ```
#[derive(Debug)]
pub enum Answer<T> {
    /// Nothing to say: the request goes on, to an older canceller, upstream, or to the end, which is
    /// [`Cancelled`](crate::Cancelled).
    Continue,
    /// This is the answer instead: another failure, or an alternative result.
    Reply(Res<T>),
    /// Keep waiting: whoever produces the answer will give it when the clean-up is done. Later requests are
    /// not heard, except for [`abort`](crate::CancelHandle::abort).
    Later,
}

/// The types that a canceller may return: `()`, [`Failure`], `Result<T, Failure>` and [`Answer<T>`].
#[diagnostic::on_unimplemented(
    message = "a canceller cannot return `{Self}`",
    note = "return `()` to stop, a `Failure` or `Result<T, Failure>` to answer, or an `Answer<T>`"
)]
pub trait IntoAnswer<T> {
    /// The answer that the engine acts on.
    fn into_answer(self) -> Answer<T>;
}

impl<T> IntoAnswer<T> for () {
    fn into_answer(self) -> Answer<T> {
        Answer::Continue
    }
}

impl<T> IntoAnswer<T> for Failure {
    fn into_answer(self) -> Answer<T> {
        Answer::Reply(Err(self))
    }
}

impl<T> IntoAnswer<T> for Res<T> {
    fn into_answer(self) -> Answer<T> {
        Answer::Reply(self)
    }
}

impl<T> IntoAnswer<T> for Answer<T> {
    fn into_answer(self) -> Self {
        self
    }
}
