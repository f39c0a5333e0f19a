//! The error of a deferred whose producer went away.
//!
//! Walk: made when a [`Resolver`](crate::Resolver) or a task is dropped before it has an answer.
//! Tests: `tests/suite/firing.rs`, `tests/suite/tasks.rs`.

use std::error::Error;
use std::fmt;

/// Nobody is left who could give the answer: the [`Resolver`](crate::Resolver) was dropped unfired, or a task
/// can never be woken again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("abandoned: nobody is left to give the answer")
    }
}

impl Error for Abandoned {}
