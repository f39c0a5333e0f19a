//! The trace: one line for each effect, with the virtual time.
//!
//! Invariant: nothing in a line depends on anything but the seed and the program: no address of memory, no real clock,
//! no order of a hash table. Invariant: whether the trace is kept changes nothing else.
//! Tests: `tests/suite/traces.rs`.

use std::fmt::Write;

use sestina_reactor::Time;

#[derive(Debug)]
pub(crate) struct Trace {
    text: String,
    kept: bool,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { text: String::new(), kept: true }
    }

    pub(crate) fn keep(&mut self, kept: bool) {
        self.kept = kept;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Writes a line, if lines are kept.
    pub(crate) fn note(&mut self, now: Time, line: &str) {
        if self.kept {
            let (seconds, rest) = (now.as_nanos() / NANOS_PER_S, now.as_nanos() % NANOS_PER_S);
            writeln!(self.text, "{seconds}.{rest:09} {line}").expect("a string takes every line");
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

const NANOS_PER_S: u64 = 1_000_000_000;
