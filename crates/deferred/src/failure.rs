//! The one error type of a chain: any error, with the place where it arose.
//!
//! Walk: made by `?`, [`Failure::new`], [`crate::fail`] and [`crate::Resolver::errback`]; travels down a chain
//! until a callback takes it apart with `check`, `trap` or [`crate::Deferred::catch`].
//! Invariant: one word wide, so that a chain of small values stays small.
//! Invariant: `Failure` is not an `Error` itself, because `?` turns every `Error` into a `Failure`.
//! Tests: `tests/suite/failures.rs`.

use std::any::Any;
use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use crate::abandoned::Abandoned;
use crate::cancelled::Cancelled;
use crate::debugging::debugging;
use crate::trace::{History, Trace};

/// What a chain carries when something went wrong: the error, and where it became a failure.
///
/// Any error converts into it with `?`, which notes the line. Cloning is cheap and shares the error, so one
/// failure may be told to many; it may cross threads.
///
/// ```
/// use sestina_deferred::Failure;
/// use std::num::ParseIntError;
///
/// fn parse(text: &str) -> Result<i32, Failure> {
///     Ok(text.parse::<i32>()?) // the failure points at this line
/// }
///
/// let failure = parse("seven").unwrap_err();
/// assert!(failure.is::<ParseIntError>());
/// assert_eq!(failure.to_string(), "invalid digit found in string");
/// assert!(failure.location().file().ends_with(".rs"));
/// ```
#[derive(Clone)]
pub struct Failure {
    inner: Arc<Inner>,
}

struct Inner {
    cause: Cause,
    at: &'static Location<'static>,
    /// Only while debugging is on.
    history: Option<Box<History>>,
}

/// The engine's own errors live in the failure's allocation: cancelling is frequent and must stay cheap.
enum Cause {
    Cancelled(Cancelled),
    Abandoned(Abandoned),
    Other(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Wraps an error where `?` cannot: outside of functions that return a result.
    #[track_caller]
    #[must_use]
    pub fn new<E: Error + Send + Sync + 'static>(error: E) -> Self {
        Self::located(error, Location::caller())
    }

    /// A failure that only has words. Prefer an error type when somebody may want to tell it from others.
    #[track_caller]
    #[must_use]
    pub fn msg(words: impl Into<Cow<'static, str>>) -> Self {
        Self::located(Words(words.into()), Location::caller())
    }

    /// As [`new`](Self::new), with the place told by whoever knows it better than the caller.
    #[must_use]
    pub fn located<E>(error: E, at: &'static Location<'static>) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        let any: &dyn Any = &error;
        let cause = if let Some(cancelled) = any.downcast_ref::<Cancelled>() {
            Cause::Cancelled(cancelled.clone())
        } else if let Some(abandoned) = any.downcast_ref::<Abandoned>() {
            Cause::Abandoned(*abandoned)
        } else {
            Cause::Other(Box::new(error))
        };
        let history = debugging().then(|| Box::new(History::begin()));
        Self { inner: Arc::new(Inner { cause, at, history }) }
    }

    /// Whether the error is an `E`.
    #[must_use]
    pub fn is<E: Error + 'static>(&self) -> bool {
        self.error().is::<E>()
    }

    /// The error as an `E`, if it is one.
    #[must_use]
    pub fn check<E: Error + 'static>(&self) -> Option<&E> {
        self.error().downcast_ref()
    }

    /// Takes the failure if its error is an `E`.
    ///
    /// ```
    /// use sestina_deferred::{Cancelled, Failure, Trapped};
    ///
    /// fn ignore_cancel(failure: Failure) -> Result<(), Failure> {
    ///     let _cancelled: Trapped<Cancelled> = failure.trap()?; // anything else goes on
    ///     Ok(())
    /// }
    /// assert!(ignore_cancel(Failure::new(Cancelled::new())).is_ok());
    /// assert!(ignore_cancel(Failure::msg("disk full")).is_err());
    /// ```
    ///
    /// # Errors
    /// Gives the failure back unchanged if its error is something else.
    pub fn trap<E: Error + 'static>(self) -> Result<Trapped<E>, Self> {
        if self.is::<E>() { Ok(Trapped { failure: self, kind: PhantomData }) } else { Err(self) }
    }

    /// The error itself, for its message and its [`source`](Error::source) chain.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        match &self.inner.cause {
            Cause::Cancelled(error) => error,
            Cause::Abandoned(error) => error,
            Cause::Other(error) => &**error,
        }
    }

    /// Where the error became a failure.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.inner.at
    }

    /// How the program came there, if [`set_debugging`](crate::set_debugging) was on.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.inner.history.as_deref().map(History::arose)
    }

    /// How the program came to make the first deferred that this failure was the answer of. `None` if
    /// [`set_debugging`](crate::set_debugging) was off, or if it has not been the answer of one that waited.
    #[must_use]
    pub fn made(&self) -> Option<&Backtrace> {
        self.trace().map(Trace::made)
    }

    /// How the program came to fire that deferred.
    #[must_use]
    pub fn fired(&self) -> Option<&Backtrace> {
        self.trace().and_then(Trace::fired_by)
    }

    fn trace(&self) -> Option<&Trace> {
        self.inner.history.as_deref().and_then(History::first)
    }

    /// Notes a deferred that this is the answer of. Only the first one stays.
    pub(crate) fn note(&self, trace: &Trace) {
        if let Some(history) = &self.inner.history {
            history.note(trace);
        }
    }

    /// The failure inside of an error that was made from one: `Box::<dyn Error>::from(failure)`. So a failure that
    /// is given to a function for errors, such as a logger, can be told apart there.
    ///
    /// ```
    /// use sestina_deferred::Failure;
    /// use std::error::Error;
    ///
    /// let boxed: Box<dyn Error> = Failure::msg("no poem").into();
    /// assert!(Failure::inside(&*boxed).is_some());
    /// ```
    #[must_use]
    pub fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        error.downcast_ref::<Unwrapped>().map(|unwrapped| &unwrapped.0)
    }

    /// Whether both are clones of one failure.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::located(error, Location::caller())
    }
}

impl From<Failure> for Box<dyn Error + Send + Sync> {
    /// Lets `?` carry a failure out of a `main` that returns `Box<dyn Error>`.
    fn from(failure: Failure) -> Self {
        Box::new(Unwrapped(failure))
    }
}

impl From<Failure> for Box<dyn Error> {
    fn from(failure: Failure) -> Self {
        Box::new(Unwrapped(failure))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

/// `{:#?}` also shows the causes, and the backtraces that debugging has taken.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?} at {})", self.error(), self.inner.at)?;
        if f.alternate() {
            write_causes(f, self)?;
            write_backtraces(
                f,
                [("failed", self.backtrace()), ("made", self.made()), ("fired", self.fired())],
            )?;
        }
        Ok(())
    }
}

/// What an error says it was caused by, a line each.
pub(crate) fn write_causes(f: &mut fmt::Formatter<'_>, failure: &Failure) -> fmt::Result {
    let mut source = failure.error().source();
    while let Some(error) = source {
        write!(f, "\n  because: {error}")?;
        source = error.source();
    }
    Ok(())
}

/// How the program came to do what the words say.
pub(crate) fn write_backtraces(
    f: &mut fmt::Formatter<'_>,
    backtraces: [(&str, Option<&Backtrace>); 3],
) -> fmt::Result {
    for (what, backtrace) in backtraces {
        if let Some(backtrace) = backtrace {
            write!(f, "\n  {what} by:\n{backtrace}")?;
        }
    }
    Ok(())
}

/// A failure whose error is known to be an `E`, which it lends by dereferencing.
#[derive(Clone)]
pub struct Trapped<E> {
    failure: Failure,
    kind: PhantomData<fn() -> E>,
}

impl<E> Trapped<E> {
    /// The failure again, to let it travel on with its place.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        self.failure
    }

    /// Where the error became a failure.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.failure.location()
    }
}

impl<E: Error + 'static> Deref for Trapped<E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.failure.check().expect("only `trap` makes a `Trapped`, after it looked at the type")
    }
}

impl<E> From<Trapped<E>> for Failure {
    fn from(trapped: Trapped<E>) -> Self {
        trapped.failure
    }
}

impl<E> fmt::Debug for Trapped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trapped({:?} at {})", self.failure.error(), self.failure.location())
    }
}

impl<E> fmt::Display for Trapped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.failure, f)
    }
}

/// The error of [`Failure::msg`].
struct Words(Cow<'static, str>);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Words {}

/// A failure in the shape that the rest of the world knows.
struct Unwrapped(Failure);

impl fmt::Display for Unwrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Unwrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Unwrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error().source()
    }
}
