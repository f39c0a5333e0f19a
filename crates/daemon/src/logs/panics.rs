//! Panics land in the log, as one line each, wherever the standard error leads.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;

/// How many lines of a backtrace are told.
const BACKTRACE_LINES_MAX: usize = 200;

/// From now on the process's panics go to the log. A backtrace follows if the environment asks for one, as always.
pub(crate) fn tell_in_log() {
    panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "sestina", "panic in thread '{name}' at {place}: {}", message(panic.payload()));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            for line in backtrace.to_string().lines().take(BACKTRACE_LINES_MAX) {
                tracing::error!(target: "sestina", "{line}");
            }
        }
    }));
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref().map(String::as_str)).unwrap_or("a panic without words")
}
