//! Errors that nobody looked at.
//!
//! Walk: `Core` and `Deferred` report here when they are dropped with an error inside; the report goes to the
//! collector of this thread, else to the hook of the executor that is entered, else to stderr.
//! Invariant: reporting never panics and never fires anything.
//! Tests: `tests/suite/unhandled_errors.rs`.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::panic::Location;

use crate::cancelled::Cancelled;
use crate::executor;
use crate::failure::{Failure, write_backtraces, write_causes};
use crate::outcome::Res;
use crate::panicked::guarded;
use crate::trace::Trace;

/// An error that was dropped without anybody looking at it.
///
/// ```
/// use sestina_deferred::{Failure, collect_unhandled, fail};
///
/// let ((), errors) = collect_unhandled(|| drop(fail::<()>(Failure::msg("no poem"))));
/// assert_eq!(errors[0].failure().to_string(), "no poem");
/// ```
#[derive(Clone, Debug)]
pub struct Unhandled {
    failure: Failure,
    made_at: &'static Location<'static>,
    trace: Option<Trace>,
}

impl Unhandled {
    /// The error.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// Where the deferred was made that had the error. For a deferred that never waited (such as one from
    /// [`fail`](crate::fail)), where the error arose.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.made_at
    }

    /// How the program came to make the deferred, if [`set_debugging`](crate::set_debugging) was on then.
    #[must_use]
    pub fn made(&self) -> Option<&Backtrace> {
        self.trace.as_ref().map(Trace::made).filter(is_captured)
    }

    /// How the program came to fire it.
    #[must_use]
    pub fn fired(&self) -> Option<&Backtrace> {
        self.trace.as_ref().and_then(Trace::fired_by).filter(is_captured)
    }
}

fn is_captured(backtrace: &&Backtrace) -> bool {
    backtrace.status() == BacktraceStatus::Captured
}

impl fmt::Display for Unhandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Unhandled error in the Deferred made at {}:", self.made_at)?;
        write!(f, "  {} (failed at {})", self.failure, self.failure.location())?;
        write_causes(f, &self.failure)?;
        let failed = ("failed", self.failure.backtrace());
        write_backtraces(f, [failed, ("made", self.made()), ("fired", self.fired())])
    }
}

/// Runs `f`, and returns the errors that went unhandled meanwhile on this thread instead of reporting them.
///
/// For test harnesses. Calls nest; the innermost collects.
///
/// # Limits
/// An error counts when its last owner drops it: one that a deferred still holds when `f` returns is not here.
pub fn collect_unhandled<R>(f: impl FnOnce() -> R) -> (R, Vec<Unhandled>) {
    let collector = Collector::open();
    let result = f();
    (result, collector.close())
}

/// Takes what the innermost [`collect_unhandled`] of this thread has collected so far: errors that a test expects.
///
/// ```
/// use sestina_deferred::{Failure, collect_unhandled, fail, take_unhandled};
///
/// let ((), left) = collect_unhandled(|| {
///     drop(fail::<()>(Failure::msg("no poem")));
///     assert_eq!(take_unhandled().len(), 1);
/// });
/// assert!(left.is_empty());
/// ```
#[must_use]
pub fn take_unhandled() -> Vec<Unhandled> {
    COLLECTORS.with_borrow_mut(|stack| stack.last_mut().map(std::mem::take)).unwrap_or_default()
}

thread_local! {
    /// One vector for each `collect_unhandled` that is running.
    static COLLECTORS: RefCell<Vec<Vec<Unhandled>>> = const { RefCell::new(Vec::new()) };
}

/// Takes its vector off the stack, also when the code under test panics.
struct Collector;

impl Collector {
    fn open() -> Self {
        COLLECTORS.with_borrow_mut(|stack| stack.push(Vec::new()));
        Self
    }

    fn close(self) -> Vec<Unhandled> {
        let found = COLLECTORS.with_borrow_mut(Vec::pop).unwrap_or_default();
        std::mem::forget(self);
        found
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(COLLECTORS.with_borrow_mut(Vec::pop));
    }
}

/// Reports the error of an answer that was not wanted, unless it only says that it was cancelled.
pub(crate) fn report_unless_cancelled<T>(answer: Res<T>, made_at: &'static Location<'static>) {
    if let Err(failure) = answer
        && !failure.is::<Cancelled>()
    {
        report(failure, made_at);
    }
}

/// Reports an error that nobody looked at.
pub(crate) fn report(failure: Failure, made_at: &'static Location<'static>) {
    report_traced(failure, made_at, None);
}

/// The same with what debugging knows about the deferred.
#[cold]
pub(crate) fn report_traced(failure: Failure, made_at: &'static Location<'static>, trace: Option<Trace>) {
    let Some(unhandled) = collect(Unhandled { failure, made_at, trace }) else { return };
    if let Some(hook) = executor::unhandled_hook()
        && guarded(made_at, || hook(&unhandled)).is_ok()
    {
        return;
    }
    write_to_stderr(&unhandled);
}

/// Gives it to the innermost collector. Returns it if there is none.
fn collect(unhandled: Unhandled) -> Option<Unhandled> {
    let mut unhandled = Some(unhandled);
    // Out of reach means that the thread ends and has dropped its collectors.
    COLLECTORS
        .try_with(|stack| {
            if let Some(found) = stack.borrow_mut().last_mut() {
                found.extend(unhandled.take());
            }
        })
        .ok();
    unhandled
}

/// The one place where this crate prints: an error must not vanish only because nobody installed a hook.
fn write_to_stderr(unhandled: &Unhandled) {
    let made_at = unhandled.made_at;
    let text = guarded(made_at, || unhandled.to_string()).unwrap_or_else(|panicked| {
        format!("Unhandled error in the Deferred made at {made_at}: showing it {panicked}")
    });
    // Nobody is left to tell if stderr is closed.
    writeln!(std::io::stderr().lock(), "{text}").ok();
}
