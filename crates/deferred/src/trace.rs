//! What debugging knows about one deferred, and about one failure.
//!
//! Tests: `tests/debugging.rs`.

use std::backtrace::Backtrace;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::debugging::debugging;

/// How a deferred came to be, and how it came to be fired.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    made: Arc<Backtrace>,
    fired: Option<Arc<Backtrace>>,
    since: Duration,
}

impl Trace {
    /// Made here, at that time; with a backtrace only if debugging is on.
    pub(crate) fn made_now(since: Duration) -> Self {
        Self { made: Arc::new(backtrace()), fired: None, since }
    }

    /// Fired here.
    pub(crate) fn fired(self) -> Self {
        Self { fired: Some(Arc::new(backtrace())), ..self }
    }

    pub(crate) fn made(&self) -> &Backtrace {
        &self.made
    }

    pub(crate) fn fired_by(&self) -> Option<&Backtrace> {
        self.fired.as_deref()
    }

    pub(crate) fn since(&self) -> Duration {
        self.since
    }
}

fn backtrace() -> Backtrace {
    if debugging() { Backtrace::force_capture() } else { Backtrace::disabled() }
}

/// Where a failure arose, and the first deferred that it was the answer of.
pub(crate) struct History {
    arose: Backtrace,
    first: OnceLock<Trace>,
}

impl History {
    /// It arises here.
    pub(crate) fn begin() -> Self {
        Self { arose: Backtrace::force_capture(), first: OnceLock::new() }
    }

    pub(crate) fn arose(&self) -> &Backtrace {
        &self.arose
    }

    pub(crate) fn first(&self) -> Option<&Trace> {
        self.first.get()
    }

    /// Notes a deferred. Another one is known already if clones of the failure took several ways.
    pub(crate) fn note(&self, trace: &Trace) {
        self.first.get_or_init(|| trace.clone());
    }
}
