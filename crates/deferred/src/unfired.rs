//! How many answers are owed: producers that are alive and have not fired.
//!
//! Walk: `resolver.rs` counts what it makes and what ends.
//! Invariant: a deferred lives on one thread, so a count of the thread's is exact.
//! Tests: `tests/unfired.rs`.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// How many [`Resolver`](crate::Resolver)s on this thread have not fired: answers that somebody still owes.
///
/// For test harnesses: what a test leaves behind is the difference between its end and its beginning. Asynchronous tasks are
/// not counted here but by [`Executor::tasks`](crate::Executor::tasks).
///
/// ```
/// use sestina_deferred::{deferred, unfired};
///
/// let before = unfired();
/// let (resolver, answer) = deferred::<u32>();
/// assert_eq!(unfired() - before, 1);
/// resolver.callback(7);
/// assert_eq!(unfired() - before, 0);
/// # drop(answer);
/// ```
#[must_use]
pub fn unfired() -> usize {
    COUNT.try_with(Cell::get).unwrap_or(0)
}

/// A resolver was made.
pub(crate) fn one_more() {
    COUNT.with(|count| count.set(count.get() + 1));
}

/// A resolver has fired, or was dropped.
pub(crate) fn one_less() {
    COUNT.with(|count| count.set(count.get() - 1));
}
