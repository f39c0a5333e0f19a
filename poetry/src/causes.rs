//! An error and its causes, in one line: for the log, and for operators.

use std::error::Error;

/// `the proxy cannot serve this now: 64 upstream connections are open`.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
