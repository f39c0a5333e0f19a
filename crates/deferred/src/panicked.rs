//! The error of a deferred whose callback panicked, and the one place where panics are caught.
//!
//! Walk: every callback, canceller, future and waker of the user's runs through here, and so do their destructors.
//! Invariant: a panic in one of these never unwinds through the engine. Only the destructor of an answer may do that:
//! the answer belongs to whoever fires it or drops it.
//! Tests: `tests/suite/panics.rs`.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;
use crate::unhandled;

/// A callback, canceller or task panicked. Keeps what it panicked with, so that a test can panic again.
///
/// ```
/// use sestina_deferred::{Panicked, deferred};
///
/// let (resolver, d) = deferred::<u32>();
/// let d = d.map(|n| 100 / n);
/// resolver.callback(0);
/// let failure = d.try_result().unwrap().unwrap_err();
/// assert_eq!(failure.check::<Panicked>().unwrap().message(), "attempt to divide by zero");
/// ```
pub struct Panicked {
    message: String,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panicked {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "a value that is not text".to_owned(),
        };
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// What the panic said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Takes what the panic carried. `None` if somebody took it before: a payload cannot be copied.
    #[must_use]
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.payload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Panics again with the payload, as if the panic had not been caught.
    ///
    /// # Panics
    /// Always; with the message alone if the payload has been taken.
    pub fn resume(&self) -> ! {
        match self.take_payload() {
            Some(payload) => resume_unwind(payload),
            None => resume_unwind(Box::new(self.message.clone())),
        }
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panicked({:?})", self.message)
    }
}

impl Error for Panicked {}

/// Runs user code; a panic becomes a failure that points at `at`.
pub(crate) fn guarded<R>(at: &'static Location<'static>, user: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(user)).map_err(|payload| Failure::located(Panicked::new(payload), at))
}

/// Drops what belongs to the user. A panicking destructor has nobody to tell, so it is reported.
pub(crate) fn drop_quietly<X>(at: &'static Location<'static>, garbage: X) {
    if let Err(failure) = guarded(at, || drop(garbage)) {
        unhandled::report(failure, at);
    }
}
