//! What the process was started with: read once, at the beginning, and never again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// The environment, the directory and the number of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Where it was started. Relative paths of the log and of the pid file begin here.
    pub(crate) directory: PathBuf,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) pid: u32,
    pub(crate) is_root: bool,
}

impl Surroundings {
    /// # Errors
    /// If the directory in which it was started is gone.
    pub(crate) fn read() -> io::Result<Self> {
        Ok(Self {
            directory: std::env::current_dir()?,
            environment: std::env::vars_os().collect(),
            pid: std::process::id(),
            is_root: nix::unistd::geteuid().is_root(),
        })
    }

    /// The value of a variable, if there is one, it is text and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(std::ffi::OsStr::new(name))?;
        value.to_str().filter(|text| !text.is_empty())
    }

    /// Whether somebody watches over the process who wants it to stay where it is: systemd, or whoever has made it the
    /// first process of a container.
    pub(crate) fn is_supervised(&self) -> bool {
        self.pid == 1 || self.text("NOTIFY_SOCKET").is_some() || self.text("INVOCATION_ID").is_some()
    }
}

/// What a service manager says to this process alone. Programs that the service starts must not believe that it was said to
/// them.
pub(crate) const SYSTEMD_VARIABLES: &[&str] = &[
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
];
