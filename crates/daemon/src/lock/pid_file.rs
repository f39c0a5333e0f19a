//! The pid file: who runs, and the proof that nobody else does.
//!
//! Claimed by the launching command, so that "already running" is said at once; passed on with its lock to the detached
//! process, which writes its own number. Kept open for life.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::file::{FAILED, LockError, Locked, share};

/// How long a loser waits for the number of the winner, which locks first and writes then.
const NUMBER_PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks.
const NUMBER_LOOK: Duration = Duration::from_millis(10);
/// A lock may be held for a moment by somebody who only looks (`--status`).
const GLANCES_MAX: u32 = 3;

/// Proof that this process is the one. Dropping it takes the file away.
#[derive(Debug)]
pub(crate) struct PidFile {
    locked: Option<Locked>,
    pid: u32,
}

/// Why it is not.
#[derive(Debug)]
pub(crate) enum ClaimError {
    /// Another one runs.
    Running { path: PathBuf, pid: Option<u32> },
    /// The file cannot be used.
    Lock(LockError),
}

impl fmt::Display for ClaimError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { path, pid: Some(pid) } => write!(
                out,
                "another one is running, process {pid}, says '{}': end it with --stop, or give this one a --pidfile of its own",
                path.display()
            ),
            Self::Running { path, pid: None } => {
                write!(out, "another one is running: it has locked '{}'", path.display())
            }
            Self::Lock(error) => write!(out, "{error}"),
        }
    }
}

impl Error for ClaimError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Running { .. } => None,
            Self::Lock(error) => error.source(),
        }
    }
}

impl PidFile {
    /// Claims the file for this process.
    pub(crate) fn claim(path: &Path, pid: u32) -> Result<Self, ClaimError> {
        let looks = NUMBER_PATIENCE.as_millis() / NUMBER_LOOK.as_millis();
        let mut glances = 0;
        let mut held = None;
        for _ in 0..looks {
            match Locked::claim(path, pid) {
                Ok(locked) => return Ok(Self { locked: Some(locked), pid }),
                Err(LockError::Held { holder, .. }) => {
                    held = holder;
                    glances += u32::from(holder.is_some());
                    if glances >= GLANCES_MAX {
                        break;
                    }
                }
                Err(error) => return Err(ClaimError::Lock(error)),
            }
            thread::sleep(NUMBER_LOOK);
        }
        Err(ClaimError::Running { path: path.to_owned(), pid: held })
    }

    /// Takes over a claim from the process that started this one, and what that has found.
    pub(crate) fn adopt(
        path: PathBuf,
        (descriptor, left_behind): (OwnedFd, Option<u32>),
        pid: u32,
    ) -> io::Result<Self> {
        let locked = Locked { path, file: File::from(descriptor), left_behind };
        locked.write(&format!("{pid}\n"))?;
        Ok(Self { locked: Some(locked), pid })
    }

    /// The number that a process which was killed has left in the file.
    pub(crate) fn left_behind(&self) -> Option<u32> {
        self.locked.as_ref().and_then(|locked| locked.left_behind)
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.locked.as_ref().map(|locked| locked.path.as_path())
    }

    /// Another descriptor of the lock, for the process that takes over.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        self.locked.as_ref().map_or_else(|| Err(io::ErrorKind::NotFound.into()), |locked| share(&locked.file))
    }

    /// The claim is another process's now: this one leaves the file alone.
    pub(crate) fn hand_over(mut self) {
        self.locked = None;
    }

    /// An order of a signal was carried out, or not: whoever gave it waits for the file to be written.
    pub(crate) fn tell_order_done(&self, failed: bool) {
        let end = if failed { FAILED } else { "\n" };
        let told = self.locked.as_ref().map_or(Ok(()), |locked| locked.write(&format!("{}{end}", self.pid)));
        if let Err(error) = told {
            tracing::warn!(target: "sestina", "cannot write the pid file: {error}");
        }
    }

    /// Takes the file away, or empties it where the directory does not allow that.
    ///
    /// # Errors
    /// Why it was only emptied.
    pub(crate) fn release(mut self) -> Result<(), (PathBuf, io::Error)> {
        match self.locked.take() {
            None => Ok(()),
            Some(locked) => locked.remove().map_err(|error| (locked.path.clone(), error)),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Some(locked) = self.locked.take() {
            locked.remove().ok();
        }
    }
}
