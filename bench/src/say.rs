//! What the program prints: results on the standard output, progress on the standard error.

use std::io::Write;

pub(crate) fn line(text: &str) {
    writeln!(std::io::stdout(), "{text}").ok();
}

pub(crate) fn progress(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}
