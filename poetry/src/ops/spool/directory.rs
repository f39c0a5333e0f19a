//! The directory of the copies: calls of the operating system that may block, for threads that may wait.
//!
//! Everything happens relative to the open directory, and no symbolic link is followed: neither the directory's own name
//! nor a file's. A file is written aside and renamed, so that whoever looks sees the old one or the new one. It is not
//! synced: what a power failure tears is noticed by its hash when it is read, and the loss of a copy costs one fetch.
//!
//! Invariant: one process at a time writes here (a lock of the kernel's, which goes with its process).
//! Invariant: only files with names of ours are touched.
//! Tests: below, and `tests/suite/spool.rs`.

use std::error::Error;
use std::fmt;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::disk_copy::is_file_name;

/// The file that the lock is on. It stays.
const LOCK: &str = "lock";
/// What the names of files end with that are being written.
const ASIDE_ENDING: &str = ".new";
/// How many names in the directory are looked at; more are somebody else's.
const NAMES_MAX: usize = 100_000;
/// What group and others may do with our directory: nothing.
const OTHERS: u32 = 0o077;
/// What may be done with the bits of a mode that are permissions.
const PERMISSIONS: u32 = 0o7777;

/// Why a directory cannot be used for copies.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpoolError {
    /// Another process keeps its copies there.
    InUse(PathBuf),
    /// It is not a directory; a symbolic link to one does not count.
    NoDirectory(PathBuf),
    /// It belongs to another user.
    NotOurs(PathBuf),
    /// Others may look into it, or write there.
    OpenToOthers {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The operating system said no for another reason.
    Os {
        /// The directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl SpoolError {
    /// Whether it was a mistake to name this directory, and not its disk that is ill.
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Os { .. })
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => {
                write!(out, "another proxy keeps its copies in '{}': give each its own", path.display())
            }
            Self::NoDirectory(path) => {
                write!(out, "'{}' is no directory (links are not followed): name one", path.display())
            }
            Self::NotOurs(path) => {
                write!(out, "the directory '{}' belongs to another user: name another one", path.display())
            }
            Self::OpenToOthers { path, mode } => write!(
                out,
                "the directory '{}' is open to others (mode {mode:04o}): name one for this alone, or 'chmod 700' it",
                path.display()
            ),
            Self::Os { path, .. } => write!(out, "the directory '{}' cannot be used", path.display()),
        }
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// An open directory, locked.
#[derive(Debug)]
pub(crate) struct Directory {
    directory: OwnedFd,
    _lock: OwnedFd,
}

/// What is in a directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Our files and their sizes, the one written first in front.
    pub(crate) files: Vec<(String, u64)>,
    /// How many other things are there.
    pub(crate) foreign: usize,
}

impl Directory {
    /// Opens a directory, and makes it if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, SpoolError> {
        let os = |source: io::Error| SpoolError::Os { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                SpoolError::NoDirectory(path.to_owned())
            }
            _ => os(error),
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => SpoolError::NoDirectory(path.to_owned()),
            _ => os(error.into()),
        })?;
        let found = rustix::fs::fstat(&directory).map_err(|error| os(error.into()))?;
        if found.st_uid != rustix::process::geteuid().as_raw() {
            return Err(SpoolError::NotOurs(path.to_owned()));
        }
        if found.st_mode & OTHERS != 0 {
            let mode = found.st_mode & PERMISSIONS;
            return Err(SpoolError::OpenToOthers { path: path.to_owned(), mode });
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let lock = rustix::fs::openat(&directory, LOCK, flags, Mode::RUSR | Mode::WUSR);
        let lock = lock.map_err(|error| os(error.into()))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(SpoolError::InUse(path.to_owned())),
            Err(error) => Err(os(error.into())),
            Ok(()) => Ok(Self { directory, _lock: lock }),
        }
    }

    /// What is there. Removes what a process that was killed had begun to write.
    pub(crate) fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let mut dated = Vec::new();
        for entry in Dir::read_from(&self.directory)?.take(NAMES_MAX) {
            let entry = entry?;
            let name = entry.file_name();
            let name = match name.to_str() {
                Ok("." | ".." | LOCK) => continue,
                Ok(name) => name,
                Err(_) => {
                    listing.foreign += 1;
                    continue;
                }
            };
            let begun = name.strip_suffix(ASIDE_ENDING);
            if begun.is_some_and(is_file_name) {
                rustix::fs::unlinkat(&self.directory, name, AtFlags::empty())?;
                continue;
            }
            match rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) if is_file_name(name) && is_file(&found) => {
                    dated.push(((found.st_mtime, found.st_mtime_nsec), name.to_owned(), size(&found)));
                }
                Ok(_) => listing.foreign += 1,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        dated.sort();
        listing.files = dated.into_iter().map(|(_, name, bytes)| (name, bytes)).collect();
        Ok(listing)
    }

    /// The whole of a file; nothing if there is none, if it is no file, or if it is longer than this.
    pub(crate) fn read(&self, name: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        // Not blocking: to open a pipe would wait for somebody who writes.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let found = rustix::fs::fstat(&file)?;
        if !is_file(&found) || size(&found) > bytes_max {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::from(file).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        let whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max);
        Ok(whole.then_some(bytes))
    }

    /// Writes a file, in the place of one that is there.
    pub(crate) fn write(&self, name: &str, pieces: &[&[u8]]) -> io::Result<()> {
        let aside = format!("{name}{ASIDE_ENDING}");
        let written = self.write_aside(&aside, pieces);
        let renamed =
            written.and_then(|()| Ok(rustix::fs::renameat(&self.directory, &*aside, &self.directory, name)?));
        if renamed.is_err() {
            self.remove(&aside).ok();
        }
        renamed
    }

    fn write_aside(&self, aside: &str, pieces: &[&[u8]]) -> io::Result<()> {
        self.remove(aside)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, aside, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        pieces.iter().try_for_each(|piece| file.write_all(piece))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_file(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
}

fn size(found: &Stat) -> u64 {
    u64::try_from(found.st_size).unwrap_or(0)
}
