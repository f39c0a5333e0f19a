//! The error of a deferred that was told to stop.
//!
//! Walk: made by `cancel` and `cancel_because`; shown to cancellers; the answer of whoever has no better one.
//! Tests: `tests/suite/cancelling.rs`.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::failure::Failure;

/// Somebody asked for this to stop, and nobody had a better answer.
///
/// It knows who asked ([`location`](Self::location)) and, if that was said, why ([`reason`](Self::reason),
/// which is also its [`source`](Error::source)): a time limit, a lost connection, a service that stops.
///
/// ```
/// use sestina_deferred::{Cancelled, Failure, deferred};
///
/// let (_resolver, d) = deferred::<u32>();
/// d.cancel_because(Failure::msg("the client hung up"));
/// let failure = d.try_result().unwrap().unwrap_err();
/// let cancelled = failure.check::<Cancelled>().unwrap();
/// assert_eq!(cancelled.to_string(), "cancelled");
/// assert_eq!(cancelled.reason().unwrap().to_string(), "the client hung up");
/// ```
#[derive(Clone)]
pub struct Cancelled {
    reason: Option<Failure>,
    at: &'static Location<'static>,
}

impl Cancelled {
    /// A cancellation without a reason, asked for here.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self { reason: None, at: Location::caller() }
    }

    /// A cancellation that says why.
    #[track_caller]
    #[must_use]
    pub fn because(reason: impl Into<Failure>) -> Self {
        Self { reason: Some(reason.into()), at: Location::caller() }
    }

    /// The same with the place told.
    pub(crate) fn located(reason: Option<Failure>, at: &'static Location<'static>) -> Self {
        Self { reason, at }
    }

    /// Why, if whoever cancelled said so.
    #[must_use]
    pub fn reason(&self) -> Option<&Failure> {
        self.reason.as_ref()
    }

    /// Where the request was made.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.at
    }
}

impl Default for Cancelled {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "Cancelled(because {reason})"),
            None => f.write_str("Cancelled"),
        }
    }
}

impl Error for Cancelled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.as_ref().map(|reason| -> &(dyn Error + 'static) { reason.error() })
    }
}
