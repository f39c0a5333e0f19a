//! The error of a race that everybody lost.
//!
//! Tests: `tests/suite/races.rs`.

use std::error::Error;
use std::fmt;

use crate::failure::Failure;

/// All of them failed: what each said, in their order.
///
/// ```
/// use sestina_deferred::{Failure, FailureGroup, fail, race};
///
/// let d = race([fail::<u32>(Failure::msg("down")), fail(Failure::msg("slow"))]);
/// let failure = d.try_result().unwrap().unwrap_err();
/// let said: Vec<_> = failure.check::<FailureGroup>().unwrap().failures().iter().map(|f| f.to_string()).collect();
/// assert_eq!(said, ["down", "slow"]);
/// ```
#[derive(Clone)]
pub struct FailureGroup {
    failures: Vec<Failure>,
}

impl FailureGroup {
    pub(crate) fn new(failures: Vec<Failure>) -> Self {
        Self { failures }
    }

    /// What each of them said, in their order. Empty if there was nobody in the race.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

impl fmt::Display for FailureGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.len() {
            0 => f.write_str("there was nobody to succeed"),
            1 => f.write_str("the only one failed"),
            count => write!(f, "all {count} failed"),
        }
    }
}

impl fmt::Debug for FailureGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailureGroup")?;
        f.debug_list().entries(&self.failures).finish()
    }
}

impl Error for FailureGroup {
    /// The first of them.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failures.first().map(|failure| -> &(dyn Error + 'static) { failure.error() })
    }
}
