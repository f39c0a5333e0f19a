//! Assertions about deferreds. Each failure points at the line of the test that asked.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::panic::Location;

use sestina_deferred::{Deferred, Failure, Trapped};

use crate::outcome::words_of;

/// A deferred did not end as a test said it would.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongOutcome(String);

impl fmt::Display for WrongOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for WrongOutcome {}

/// What a closure of [`assert_failure`] may say: nothing, or whether the error is the expected one.
pub trait Check {
    /// Whether it is.
    fn holds(self) -> bool;
}

impl Check for () {
    fn holds(self) -> bool {
        true
    }
}

impl Check for bool {
    fn holds(self) -> bool {
        self
    }
}

/// Succeeds when `d` fails with an `E` for which `check` holds, and gives the error. Everything else is a failure with the
/// line of this call.
///
/// ```
/// use sestina_reactor::{Address, ConnectError, Endpoint, Protocol, Reactor};
/// use sestina_trial::{TestResult, assert_failure};
///
/// # struct Silent;
/// # impl Protocol for Silent {}
/// #[sestina_trial::test]
/// async fn nobody_listens(reactor: Reactor) -> TestResult {
///     let connected = reactor.connect(&Endpoint::loopback(1), |_: &Address| Silent).connected();
///     assert_failure(connected, |error: &ConnectError| matches!(error, ConnectError::Refused { .. })).await?;
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// # Errors
/// [`WrongOutcome`] if `d` succeeds, fails with something else, or `check` says no.
#[track_caller]
pub fn assert_failure<T: 'static, E: Error + 'static, R: Check>(
    d: Deferred<T>,
    check: impl FnOnce(&E) -> R + 'static,
) -> Deferred<Trapped<E>> {
    let at = Location::caller();
    let wrong = move |words: String| Failure::located(WrongOutcome(words), at);
    d.add_both(move |result| {
        let expected = short_name::<E>();
        let Err(failure) = result else {
            let got = short_name::<T>();
            return Err(wrong(format!("a failure with {expected} was expected, but it succeeded: {got}")));
        };
        let trapped = failure.trap::<E>().map_err(|other| {
            wrong(format!("a failure with {expected} was expected, but it was: {}", words_of(&other)))
        })?;
        if check(&trapped).holds() {
            return Ok(trapped);
        }
        let words = words_of(&trapped.into_failure());
        Err(wrong(format!("it failed with {expected}, but not with the one that was expected: {words}")))
    })
}

/// The value of a deferred that has succeeded.
///
/// # Panics
/// If it has not fired, or has failed.
#[track_caller]
pub fn success_result_of<T: 'static>(d: Deferred<T>) -> T {
    match d.try_result() {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => panic!("a success was expected, but it failed: {}", words_of(&failure)),
        Err(pending) => {
            let words = format!("{pending:?}");
            pending.ignore_errors();
            panic!("a success was expected, but there is no result: {words}");
        }
    }
}

/// The error of a deferred that has failed with an `E`.
///
/// # Panics
/// If it has not fired, has succeeded, or has failed with something else.
///
/// ```
/// use sestina_deferred::fail;
/// use std::num::ParseIntError;
///
/// let failed = fail::<u32>("four".parse::<u32>().unwrap_err());
/// let error = sestina_trial::failure_result_of::<ParseIntError, _>(failed);
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
#[track_caller]
pub fn failure_result_of<E: Error + 'static, T: 'static>(d: Deferred<T>) -> Trapped<E> {
    let expected = short_name::<E>();
    match d.try_result() {
        Ok(Ok(_)) => {
            panic!("a failure with {expected} was expected, but it succeeded: {}", short_name::<T>())
        }
        Ok(Err(failure)) => match failure.trap::<E>() {
            Ok(trapped) => trapped,
            Err(other) => panic!("a failure with {expected} was expected, but it was: {}", words_of(&other)),
        },
        Err(pending) => {
            let words = format!("{pending:?}");
            pending.ignore_errors();
            panic!("a failure with {expected} was expected, but there is no result: {words}");
        }
    }
}

/// That a deferred has not fired.
///
/// # Panics
/// If it has.
#[track_caller]
pub fn assert_no_result<T: 'static>(d: &Deferred<T>) {
    assert!(!d.is_fired(), "no result was expected: {d:?}");
}

/// The name of a type without the path of its crate.
fn short_name<T: ?Sized>() -> &'static str {
    let whole = type_name::<T>();
    let end = whole.find('<').unwrap_or(whole.len());
    whole[..end].rfind("::").map_or(whole, |at| &whole[at + 2..])
}
