//! The error of a list that does not wait for the others when one fails.
//!
//! Tests: `tests/suite/lists.rs`, `tests/suite/maps.rs`.

use std::error::Error;
use std::fmt;

use crate::failure::Failure;

/// The first failure among many, and whose it was.
///
/// `K` is the member's index in a [`DeferredList`](crate::DeferredList), or its key in a
/// [`DeferredMap`](crate::DeferredMap).
///
/// ```
/// use sestina_deferred::{Failure, FirstError, fail, gather_results, succeed};
///
/// let d = gather_results([succeed(1), fail(Failure::msg("no poem"))]);
/// let failure = d.try_result().unwrap().unwrap_err();
/// let first = failure.check::<FirstError>().unwrap();
/// assert_eq!(*first.key(), 1);
/// assert_eq!(first.failure().to_string(), "no poem");
/// ```
#[derive(Clone)]
pub struct FirstError<K = usize> {
    key: K,
    failure: Failure,
}

impl<K> FirstError<K> {
    pub(crate) fn new(key: K, failure: Failure) -> Self {
        Self { key, failure }
    }

    /// Whose failure it is.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The failure.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl FirstError {
    /// The place of the failed member in the list.
    #[must_use]
    pub fn index(&self) -> usize {
        self.key
    }
}

impl<K: fmt::Debug> fmt::Display for FirstError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "member {:?} failed", self.key)
    }
}

impl<K: fmt::Debug> fmt::Debug for FirstError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FirstError({:?}, {:?})", self.key, self.failure)
    }
}

impl<K: fmt::Debug> Error for FirstError<K> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.failure.error())
    }
}
