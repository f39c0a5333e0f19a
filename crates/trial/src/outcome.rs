//! How a piece of a test ended: its set-up, its body, a clean-up.
//!
//! Walk: made from what the user's function returned, or from a panic; taken apart by the report.
//! Tests: `tests/stranger.rs`.

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Write};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Panicked};

/// What a test may return, so that `?` works in it: each `?` notes its line.
///
/// ```
/// use sestina_trial::TestResult;
///
/// fn parse() -> TestResult {
///     assert_eq!("14".parse::<u32>()?, 14);
///     Ok(())
/// }
/// # parse().unwrap();
/// ```
pub type TestResult = Result<(), Failure>;

pub(crate) type Ended = Result<(), Fault>;

/// Why a piece of a test did not end well.
#[derive(Debug)]
pub enum Fault {
    /// It returned a failure, which has its place.
    Failed(String),
    /// It returned an error of its own that knows no place.
    Returned(String),
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
    /// There was no result in time.
    TimedOut {
        /// The limit.
        after: Duration,
        /// Whose time that was.
        whose: &'static str,
        /// Deferreds that have not fired.
        waiting: Vec<String>,
    },
    /// Nothing will ever happen again.
    Deadlock {
        /// What the simulation says.
        words: String,
        /// Deferreds that have not fired.
        waiting: Vec<String>,
    },
    /// It does not want to run here.
    Skipped(String),
}

/// What [`skip`](crate::skip) panics with.
pub(crate) struct Skip(pub(crate) String);

impl Fault {
    pub(crate) fn from_panic(payload: Box<dyn Any + Send>) -> Self {
        match payload.downcast::<Skip>() {
            Ok(skip) => Self::Skipped(skip.0),
            Err(payload) => Self::Panicked(payload),
        }
    }

    pub(crate) fn from_failure(failure: &Failure) -> Self {
        match failure.check::<Panicked>().and_then(Panicked::take_payload) {
            Some(payload) => Self::from_panic(payload),
            None => Self::Failed(words_of(failure)),
        }
    }

    /// What an error of an unknown type says.
    fn from_error<E: Debug + 'static>(error: &E) -> Self {
        let any: &dyn Any = error;
        if let Some(failure) = any.downcast_ref::<Failure>() {
            return Self::from_failure(failure);
        }
        let boxed: Option<&dyn Error> = match any.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            Some(boxed) => Some(&**boxed),
            None => any.downcast_ref::<Box<dyn Error>>().map(|boxed| &**boxed),
        };
        match boxed {
            Some(boxed) => match Failure::inside(boxed) {
                Some(failure) => Self::from_failure(failure),
                None => Self::Returned(format!("{boxed}{}", causes(boxed))),
            },
            None => Self::Returned(format!("{error:?}")),
        }
    }
}

/// A failure with its place and what caused it.
pub(crate) fn words_of(failure: &Failure) -> String {
    format!("{failure} (failed at {}){}", failure.location(), causes(failure.error()))
}

fn causes(error: &(dyn Error + 'static)) -> String {
    let (mut words, mut source) = (String::new(), error.source());
    while let Some(error) = source {
        write!(words, "\n  because: {error}").expect("a string takes every line");
        source = error.source();
    }
    words
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text")
}

/// A piece of a test that has begun.
pub enum Running {
    /// It has ended.
    Done(Ended),
    /// It ends with this deferred.
    Later(Deferred<Ended>),
    /// It is this future.
    Future(Pin<Box<dyn Future<Output = Ended>>>),
}

impl Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Done(_) => "Running::Done",
            Self::Later(_) => "Running::Later",
            Self::Future(_) => "Running::Future",
        })
    }
}

/// What an `async fn` may return to be a test: nothing, or a `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "an async test returns nothing or `Result<(), E>` where `E: Debug`, not `{Self}`",
    label = "no result of an async test"
)]
pub trait Outcome: 'static {
    /// Whether that is good.
    #[doc(hidden)]
    fn ended(self) -> Ended;
}

impl Outcome for () {
    fn ended(self) -> Ended {
        Ok(())
    }
}

impl<E: Debug + 'static> Outcome for Result<(), E> {
    fn ended(self) -> Ended {
        self.map_err(|error| Fault::from_error(&error))
    }
}

/// What a function that is not async may return to be a test: nothing, a `Result<(), E>`, or a `Deferred<()>`.
#[diagnostic::on_unimplemented(
    message = "a test returns nothing, `Result<(), E>` where `E: Debug`, or `Deferred<()>`, not `{Self}`",
    label = "no result of a test"
)]
pub trait Begun: 'static {
    /// What is to be waited for.
    #[doc(hidden)]
    fn running(self) -> Running;
}

impl Begun for () {
    fn running(self) -> Running {
        Running::Done(Ok(()))
    }
}

impl<E: Debug + 'static> Begun for Result<(), E> {
    fn running(self) -> Running {
        Running::Done(self.ended())
    }
}

impl Begun for Deferred<()> {
    fn running(self) -> Running {
        Running::Later(self.map(Ok))
    }
}
