//! The harness.
#![forbid(unsafe_code)]

mod assertions;
mod doubles;
mod drive;
mod fixture;
mod log;
mod outcome;
mod place;
mod report;
#[doc(hidden)]
pub mod runtime;
mod stages;
mod supervisor;
mod trial;
mod world;

use std::time::Duration;

pub use assertions::{
    Check, WrongOutcome, assert_failure, assert_no_result, failure_result_of, success_result_of,
};
pub use doubles::{Clock, Ending, Listening, PUMP_ROUNDS_MAX, Pump, PumpEnd, StringTransport, each_cut};
pub use fixture::Fixture;
pub use log::{LOG_FILE_BYTES_MAX, LOG_SHOWN_BYTES_MAX, LoggedError};
pub use outcome::TestResult;
#[doc(hidden)]
pub use sestina_trial_macros::facade_test;
pub use sestina_trial_macros::test;
pub use trial::{Trial, add_cleanup, flush_errors, flush_logged_errors, listening, skip};

/// How long a test may take in real time, unless `timeout` (on the real reactor) or `real_timeout` says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(120);
/// How long a test may take in virtual time, unless `timeout` says otherwise. A day of virtual time takes no time, and
/// a test that waits for an hour is no mistake.
pub const TIMEOUT_VIRTUAL: Duration = Duration::from_secs(24 * 3600);
