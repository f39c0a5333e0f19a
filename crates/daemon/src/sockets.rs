//! Sockets that the process was started with: by name from systemd, or by number.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use sestina_reactor_mio::handed_over;

use crate::options::parse::Listen;
use crate::service_maker::UsageError;
use crate::surroundings::Surroundings;

/// The first descriptor that systemd hands over (sd_listen_fds(3)).
const FIRST: i32 = 3;
/// Descriptors above the standard streams.
const ABOVE_STANDARD: i32 = 3;

/// Listening sockets of others.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) named: Vec<(String, OwnedFd)>,
    pub(crate) numbered: BTreeMap<i32, OwnedFd>,
}

impl Inherited {
    /// Takes what systemd handed over, and what `--listen NAME=fd:N` names, before anything else is opened.
    ///
    /// # Errors
    /// [`UsageError`] if there is nothing under a number that was named.
    pub(crate) fn take(surroundings: &Surroundings, listen: &[Listen]) -> Result<Self, UsageError> {
        let names = handed_over(
            surroundings.pid,
            surroundings.text("LISTEN_PID"),
            surroundings.text("LISTEN_FDS"),
            surroundings.text("LISTEN_FDNAMES"),
        );
        let names = names.map_err(|error| UsageError::new(error.to_string()))?;
        let mut inherited = Self::default();
        for (name, number) in names.into_iter().zip(FIRST..) {
            inherited.named.push((name, duplicate(number)?));
        }
        for listen in listen {
            let number = listen.at.to_string().strip_prefix("fd:").and_then(|number| number.parse().ok());
            if let Some(number) = number {
                inherited.numbered.insert(number, duplicate(number)?);
            }
        }
        Ok(inherited)
    }
}

fn duplicate(number: i32) -> Result<OwnedFd, UsageError> {
    sestina_sys::duplicate(number).map_err(|error| {
        UsageError::new(format!(
            "no socket is open as descriptor {number}: whoever starts this opens it: {error}"
        ))
    })
}

/// Nothing that happens to be open goes to programs that are started from now on.
pub(crate) fn close_others_on_exec() {
    let Ok(open) = std::fs::read_dir("/dev/fd") else { return };
    let numbers: Vec<i32> =
        open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number >= ABOVE_STANDARD) {
        // The directory's own is among them, and closed by now.
        let marked: io::Result<()> = sestina_sys::close_on_exec(number);
        marked.ok();
    }
}
