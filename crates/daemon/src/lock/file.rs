//! A file that is locked by the system as long as somebody holds it, with the holder's number inside.
//!
//! The lock is an flock: it belongs to the open file, so it passes on with the descriptor and ends with the last one, also
//! when its holder is killed. Therefore a file that nobody has locked is stale, whatever number it holds, and nobody
//! asks whether a process of that number is alive: in containers numbers come back soon.
//!
//! Invariant: who has the lock has it on the file that is at the path now. Without looking again, two may both hold "the"
//! lock: one on the file, and one on the file that was removed between its open and its lock.
//! Tests: below, and `cli/tests/suite/daemon_pid_file.rs`.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

/// How often a lock is tried on a file that is being removed and made again.
const TRIES_MAX: u32 = 64;
/// A number has at most ten digits: more is somebody else's file.
const CONTENT_BYTES_MAX: u64 = 64;
/// Whoever may open the file may lock it, and so keep a service from starting: nobody else may.
const MODE: u32 = 0o600;

/// Why there is no lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody has it.
    Held {
        /// The file.
        path: PathBuf,
        /// The holder's number, if it stands in the file.
        holder: Option<u32>,
    },
    /// What is there is no file that may be used as a lock: a directory, a link, a device, or a file with other content.
    NotALock(PathBuf),
    /// The system said no.
    Os {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, holder: Some(pid) } => {
                write!(out, "the lock '{}' is held by process {pid}", path.display())
            }
            Self::Held { path, holder: None } => write!(out, "the lock '{}' is held", path.display()),
            Self::NotALock(path) => {
                write!(out, "'{}' is not a lock file: something else is in its place", path.display())
            }
            Self::Os { path, .. } => {
                write!(out, "cannot lock '{}': name a file in a folder that can be written", path.display())
            }
        }
    }
}

impl Error for LockError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            Self::Held { .. } | Self::NotALock(_) => None,
        }
    }
}

/// A locked file.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// The number that whoever had it before has left behind: it was killed.
    pub(crate) left_behind: Option<u32>,
}

impl Locked {
    /// Takes the lock, makes the file if it is not there, and writes `pid` into it.
    pub(crate) fn claim(path: &Path, pid: u32) -> Result<Self, LockError> {
        let os = |source: io::Error| LockError::Os { path: path.to_owned(), source };
        for _ in 0..TRIES_MAX {
            let Some(file) = open(path, true)? else { continue };
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let holder =
                        number(&file).map_err(os)?.ok_or_else(|| LockError::NotALock(path.to_owned()))?;
                    return Err(LockError::Held { path: path.to_owned(), holder: holder.pid });
                }
                Err(error) => return Err(os(error.into())),
            }
            if !is_at(path, &file).map_err(os)? {
                continue; // it was removed before it was locked: whoever locks the new one has the lock
            }
            let before = number(&file).map_err(os)?.ok_or_else(|| LockError::NotALock(path.to_owned()))?;
            let locked = Self { path: path.to_owned(), file, left_behind: before.pid };
            locked.write(&format!("{pid}\n")).map_err(os)?;
            return Ok(locked);
        }
        Err(os(io::Error::new(io::ErrorKind::Interrupted, "it is removed and made again all the time")))
    }

    /// What the file holds from now on. Whoever reads it meanwhile reads the old text or the new one, with blanks behind it.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let old = usize::try_from(self.file.metadata()?.len()).unwrap_or(0);
        let over_the_old = format!("{text:old$}");
        self.file.write_all_at(over_the_old.as_bytes(), 0)?;
        self.file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))
    }

    /// Takes the file away, if it is still the one that is locked; empties it where it cannot be taken away. The lock ends
    /// when the last descriptor is closed.
    ///
    /// # Errors
    /// Why it was emptied and not removed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let removed = match is_at(&self.path, &self.file) {
            Ok(true) => fs::remove_file(&self.path),
            Ok(false) => Err(io::Error::new(io::ErrorKind::NotFound, "it is not there any more")),
            Err(error) => Err(error),
        };
        if removed.is_err() {
            self.file.set_len(0)?;
        }
        removed
    }
}

/// Who has a lock.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) pid: Option<u32>,
    /// The last reload or reopening failed: the sign after the number.
    pub(crate) failed: bool,
    /// When the file was written last: seconds and nanoseconds.
    pub(crate) written: (i64, i64),
}

/// Looks who has the lock, without waiting and without taking it. `None` if nobody has.
pub(crate) fn look(path: &Path) -> Result<Option<Holder>, LockError> {
    let os = |source: io::Error| LockError::Os { path: path.to_owned(), source };
    let file = match open(path, false) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(error) => return Err(error),
    };
    // A shared lock, for a moment: who starts just now tries more than once.
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            number(&file).map_err(os)?.map(Some).ok_or_else(|| LockError::NotALock(path.to_owned()))
        }
        Err(error) => Err(os(error.into())),
    }
}

/// `None` if it is not there (any more): where it is made, that is a race that is lost, and run again.
fn open(path: &Path, make: bool) -> Result<Option<File>, LockError> {
    let flags = OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("flags of open are small numbers");
    let mut options = OpenOptions::new();
    options.read(true).write(make).create(make).mode(MODE).custom_flags(flags);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
        Err(error) if is_link(&error) || error.kind() == io::ErrorKind::IsADirectory => {
            return Err(LockError::NotALock(path.to_owned()));
        }
        Err(source) => return Err(LockError::Os { path: path.to_owned(), source }),
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(file)),
        Ok(_) => Err(LockError::NotALock(path.to_owned())),
        Err(source) => Err(LockError::Os { path: path.to_owned(), source }),
    }
}

fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether this open file is what the path names now.
fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(there.dev() == ours.dev() && there.ino() == ours.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number in the file; the outer `None` if there is something else.
fn number(file: &File) -> io::Result<Option<Holder>> {
    let mut text = String::new();
    let mut reader = file;
    reader.rewind()?;
    let metadata = file.metadata()?;
    let written = (metadata.mtime(), metadata.mtime_nsec());
    if metadata.len() > CONTENT_BYTES_MAX {
        return Ok(None);
    }
    match reader.take(CONTENT_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        Err(error) => return Err(error),
    }
    let failed = text.ends_with(FAILED);
    let text = text.trim();
    if text.is_empty() {
        return Ok(Some(Holder { pid: None, failed, written }));
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(text.parse().ok().filter(|_| digits).map(|pid| Holder { pid: Some(pid), failed, written }))
}

/// What stands behind the number if the last order could not be carried out: blanks, which `kill $(cat FILE)` does not see.
pub(crate) const FAILED: &str = "\n\n";

/// Another descriptor of the same lock.
pub(crate) fn share(file: &File) -> io::Result<std::os::fd::OwnedFd> {
    file.as_fd().try_clone_to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("sestina-lock-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        directory.join("pid")
    }

    #[test]
    fn one_has_the_lock_and_the_others_are_told_who() {
        let path = scratch("one");
        let locked = Locked::claim(&path, 41).unwrap();
        let error = Locked::claim(&path, 42).expect_err("it is held");
        assert!(matches!(error, LockError::Held { holder: Some(41), .. }), "{error:?}");
        assert_eq!(look(&path).unwrap().unwrap().pid, Some(41));
        locked.remove().unwrap();
        assert!(!path.exists());
        assert!(look(&path).unwrap().is_none());
    }

    #[test]
    fn what_nobody_has_locked_is_stale_whatever_it_says() {
        let path = scratch("stale");
        fs::write(&path, "1").unwrap(); // a process that surely lives
        assert!(look(&path).unwrap().is_none());
        let locked = Locked::claim(&path, 42).unwrap();
        assert_eq!(locked.left_behind, Some(1));
        assert_eq!(fs::read_to_string(&path).unwrap(), "42\n");
        locked.remove().unwrap();
    }

    #[test]
    fn files_with_other_content_links_and_directories_are_left_alone() {
        let path = scratch("other");
        fs::write(&path, "my diary").unwrap();
        assert!(matches!(Locked::claim(&path, 42), Err(LockError::NotALock(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "my diary");
        let link = path.with_extension("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Locked::claim(&link, 42), Err(LockError::NotALock(_))));
        assert!(matches!(Locked::claim(path.parent().unwrap(), 42), Err(LockError::NotALock(_))));
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn the_lock_is_not_taken_away_from_its_next_holder() {
        let path = scratch("next");
        let first = Locked::claim(&path, 41).unwrap();
        fs::remove_file(&path).unwrap(); // somebody tidied up
        let second = Locked::claim(&path, 42).unwrap();
        assert!(first.remove().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "42\n");
        second.remove().unwrap();
    }

    #[test]
    fn the_sign_of_a_failure_does_not_hide_the_number() {
        let path = scratch("sign");
        let locked = Locked::claim(&path, 41).unwrap();
        assert!(!look(&path).unwrap().unwrap().failed);
        locked.write(&format!("41{FAILED}")).unwrap();
        let holder = look(&path).unwrap().unwrap();
        assert!(holder.failed && holder.pid == Some(41));
        locked.remove().unwrap();
    }
}
