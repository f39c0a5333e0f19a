//! Colours, where they are welcome.

use std::env;
use std::io::{self, IsTerminal};

/// Whether to paint, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Colours on a terminal that has some, unless NO_COLOR says otherwise.
    pub(crate) fn of_stdout() -> Self {
        Self { on: io::stdout().is_terminal() && are_welcome() }
    }

    /// The same for the standard error.
    pub(crate) fn of_stderr() -> Self {
        Self { on: io::stderr().is_terminal() && are_welcome() }
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { on: false }
    }

    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn are_welcome() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    !refused && !dumb
}
