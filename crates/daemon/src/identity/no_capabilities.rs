//! Where the system has no capabilities.

use std::io;

use nix::unistd::Uid;

use crate::service_maker::UsageError;

/// None are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capabilities;

impl Capabilities {
    pub(super) fn named(names: &[String]) -> Result<Self, UsageError> {
        match names.is_empty() {
            true => Ok(Self),
            false => Err(UsageError::new("--keep-cap is for Linux: this system has no capabilities")),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        true
    }

    pub(super) fn allow_other_users(&self) -> bool {
        false
    }

    pub(super) fn reduce_to(self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Display for Capabilities {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("none")
    }
}

pub(super) fn keep_over_the_change() -> io::Result<()> {
    Ok(())
}

/// Here, nothing forbids it.
pub(super) fn forbid_new_privileges() -> io::Result<()> {
    tracing::warn!(target: "sestina", "this system cannot forbid new privileges");
    Ok(())
}

pub(super) fn verify(_: Option<Uid>, _: bool, _: &Capabilities) -> Result<(), String> {
    Ok(())
}
