//! The log in a file: begun anew when it has become long, and opened again when somebody moved it away.
//!
//! Invariant: lines go to a file that was opened for them. What fails here leaves the file that was open before.
//! Tests: `cli/tests/suite/logs_file.rs`.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, OFlags, Uid, fchown};

/// How many old files can be kept.
pub(crate) const KEEP_MAX: usize = 1_000;
/// Permissions of a new file, unless a umask was asked for: it names peers.
pub(crate) const MODE: u32 = 0o600;
/// Permissions that a file can have.
const MODE_BITS: u32 = 0o777;

/// When a file is long enough, and how many old ones there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rotation {
    /// Bytes; 0 for never.
    pub(crate) bytes: u64,
    pub(crate) keep: usize,
}

/// The file of a log.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    /// Whether the path still leads there: not after the root was changed to another directory.
    is_reachable: bool,
    file: File,
    kind: Kind,
    rotation: Rotation,
    mode: u32,
    /// Whether it was said that rotation fails: once is enough, until it succeeds.
    is_told: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A device or a pipe: it has no length.
    Other,
    Regular {
        id: (u64, u64),
        bytes: u64,
        /// The length at which it is begun anew.
        bytes_max: u64,
    },
}

impl LogFile {
    /// Opens it, and creates it if there is none.
    pub(crate) fn open(path: PathBuf, rotation: Rotation, mode: u32) -> Result<Self, FileError> {
        let (file, kind) = open(&path, rotation, mode)?;
        Ok(Self { path, is_reachable: true, file, kind, rotation, mode, is_told: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line, or a part if there is no room for more and the part cannot be taken back.
    pub(crate) fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let count = self.file.write(line)?;
        if let Kind::Regular { bytes, .. } = &mut self.kind {
            let before = *bytes;
            *bytes = before.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if count < line.len() && self.file.metadata()?.len() == *bytes {
                // Nobody else has written meanwhile: readers shall not find half a line.
                self.file.set_len(before)?;
                *bytes = before;
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        Ok(count)
    }

    /// Before a line: begins a new file if this one is long enough. Says what is wrong with that, once.
    pub(crate) fn before_line(&mut self) -> Option<FileError> {
        if !self.is_long_enough() {
            return None;
        }
        match self.rotate() {
            Ok(()) => {
                self.is_told = false;
                None
            }
            Err(error) => (!std::mem::replace(&mut self.is_told, true)).then_some(error),
        }
    }

    fn is_long_enough(&mut self) -> bool {
        let Kind::Regular { bytes, bytes_max, .. } = &mut self.kind else { return false };
        if *bytes < *bytes_max {
            return false;
        }
        // Somebody may have made it shorter, as logrotate's copytruncate does.
        *bytes = self.file.metadata().map_or(*bytes, |metadata| metadata.len());
        if *bytes < *bytes_max {
            return false;
        }
        // If it fails, it fails for each line: it is tried again after as many bytes.
        *bytes_max = bytes.saturating_add(self.rotation.bytes);
        true
    }

    /// Opens the path again, for whoever moved the file away.
    pub(crate) fn reopen(&mut self) -> Result<(), FileError> {
        self.check_reach()?;
        (self.file, self.kind) = open(&self.path, self.rotation, self.mode)?;
        self.is_told = false;
        Ok(())
    }

    pub(crate) fn give_to(&self, uid: u32, gid: u32) -> Result<(), FileError> {
        let given = match self.kind {
            Kind::Regular { .. } => fchown(&self.file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))),
            Kind::Other => Ok(()), // devices are not ours
        };
        given.map_err(|error| FileError::Give { path: self.path.clone(), source: error.into() })
    }

    /// The root is `root` from now on.
    pub(crate) fn entered_root(&mut self, root: &Path) {
        match self.path.strip_prefix(root) {
            Ok(inside) => self.path = Path::new("/").join(inside),
            Err(_) => self.is_reachable = false,
        }
    }

    fn check_reach(&self) -> Result<(), FileError> {
        match self.is_reachable {
            true => Ok(()),
            false => Err(FileError::OutsideRoot(self.path.clone())),
        }
    }

    /// Moves the file and the older ones on by one, and begins a new one.
    ///
    /// The new one is opened first: when descriptors or permissions are missing, everything stays.
    fn rotate(&mut self) -> Result<(), FileError> {
        self.check_reach()?;
        let Kind::Regular { id, .. } = self.kind else { return Ok(()) };
        if !fs::symlink_metadata(&self.path).is_ok_and(|there| identity(&there) == id) {
            return self.reopen(); // somebody else moved it: it is not ours to move again
        }
        let failed = |source| FileError::Rotate { path: self.path.clone(), source };
        let fresh_path = self.with_suffix("new");
        match fs::remove_file(&fresh_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {} // a run that was killed in the middle left it
        }
        let fresh = options(self.mode).create_new(true).open(&fresh_path).map_err(failed)?;
        let moved = self.permit_as_before(&fresh).and_then(|()| self.shift(&fresh_path));
        if let Err(error) = moved {
            fs::remove_file(&fresh_path).ok();
            return Err(failed(error));
        }
        self.kind = kind(&fresh.metadata().map_err(failed)?, self.rotation);
        self.file = fresh;
        Ok(())
    }

    /// The new file has the owner and the permissions that the old one was given.
    fn permit_as_before(&self, fresh: &File) -> io::Result<()> {
        let before = self.file.metadata()?;
        // Root may, and must: it is not root that opens the file again. For others the file is their own in any case.
        fchown(fresh, Some(Uid::from_raw(before.uid())), Some(Gid::from_raw(before.gid()))).ok();
        fresh.set_permissions(Permissions::from_mode(before.mode() & MODE_BITS))
    }

    fn shift(&self, fresh: &Path) -> io::Result<()> {
        let keep = self.rotation.keep;
        if keep == 0 {
            return fs::rename(fresh, &self.path);
        }
        let is_free = |number: &usize| fs::symlink_metadata(self.old(*number)).is_err();
        let last = (1..=keep).find(is_free).unwrap_or(keep);
        for number in (1..last).rev() {
            fs::rename(self.old(number), self.old(number + 1))?;
        }
        fs::rename(&self.path, self.old(1))?;
        if let Err(error) = fs::rename(fresh, &self.path) {
            fs::rename(self.old(1), &self.path).ok();
            return Err(error);
        }
        // More were kept in another run.
        (keep + 1..=KEEP_MAX).take_while(|number| fs::remove_file(self.old(*number)).is_ok()).count();
        Ok(())
    }

    fn old(&self, number: usize) -> PathBuf {
        self.with_suffix(&number.to_string())
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(".");
        path.push(suffix);
        path.into()
    }
}

/// For appending, never through a link that somebody else may have put there, and never waiting for the reader of a pipe.
fn options(mode: u32) -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.append(true).mode(mode).custom_flags(flags.bits().try_into().unwrap_or_default());
    options
}

fn open(path: &Path, rotation: Rotation, mode: u32) -> Result<(File, Kind), FileError> {
    let failed = |source| FileError::Open { path: path.to_owned(), source };
    let file = options(mode).create(true).open(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
        if is_link { FileError::Link(path.to_owned()) } else { failed(error) }
    })?;
    let kind = kind(&file.metadata().map_err(failed)?, rotation);
    Ok((file, kind))
}

fn kind(metadata: &Metadata, rotation: Rotation) -> Kind {
    let bytes_max = if rotation.bytes == 0 { u64::MAX } else { rotation.bytes };
    match metadata.is_file() {
        true => Kind::Regular { id: identity(metadata), bytes: metadata.len(), bytes_max },
        false => Kind::Other,
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What is wrong with the file of a log.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It cannot be opened.
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be given to the user as whom the process will serve.
    Give {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a symbolic link, which may lead anywhere.
    Link(PathBuf),
    /// It is long enough, but no new one can be begun.
    Rotate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is outside of the directory that has become the root.
    OutsideRoot(PathBuf),
}

impl fmt::Display for FileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, .. } => {
                write!(out, "cannot open the log '{}': name a file that can be written", path.display())
            }
            Self::Give { path, .. } => write!(out, "cannot give the log '{}' away", path.display()),
            Self::Link(path) => {
                write!(out, "the log '{}' is a symbolic link: name the file that it leads to", path.display())
            }
            Self::Rotate { path, .. } => {
                write!(out, "the log '{}' grows on: no new file can be begun", path.display())
            }
            Self::OutsideRoot(path) => write!(
                out,
                "the log '{}' is outside of the root: it can be neither opened again nor begun anew",
                path.display()
            ),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Give { source, .. } | Self::Rotate { source, .. } => {
                Some(source)
            }
            Self::Link(_) | Self::OutsideRoot(_) => None,
        }
    }
}
