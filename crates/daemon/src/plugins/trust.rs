//! Which files may be run: those that nobody but root and the caller can change.
//!
//! A path is walked part by part with an open directory in the hand, links included, so what is checked cannot be exchanged
//! between the check and the next step; the file is open when it was found good, and it is that open file that is run.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

/// Links on the way to one file, as many as the system follows.
const LINKS_MAX: usize = 40;
/// Parts of a path, with those that links bring.
const PARTS_MAX: usize = 1_000;

/// A file that may be run, open.
#[derive(Debug)]
pub(crate) struct Trusted {
    file: OwnedFd,
    path: PathBuf,
    /// What identifies its content: bytes, seconds and nanoseconds of the last change.
    pub(super) stamp: Stamp,
    /// Whether it is run by another program, which opens it again.
    is_script: bool,
}

/// What a file's content is known by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) size: i64,
    pub(super) seconds: i64,
    pub(super) nanos: i64,
}

/// Why a file is not run.
#[derive(Debug)]
pub(crate) enum Distrust {
    /// It is not there.
    NotThere,
    /// It is a folder, a device or the like.
    NoFile,
    /// It may not be run.
    NotExecutable,
    /// It, or what stands above it, belongs to somebody else.
    Stranger { path: PathBuf, uid: u32 },
    /// It, or what stands above it, can be written to by others.
    Writable { path: PathBuf },
    /// Links lead around in it.
    Links,
    /// It cannot be looked at.
    System { path: PathBuf, error: io::Error },
}

/// Opens the file at this absolute path if it may be run by a caller with this number.
pub(crate) fn open(path: &Path, caller: u32) -> Result<Trusted, Distrust> {
    let (folder, name, reached) = walk(path, caller)?;
    let name = name.ok_or(Distrust::NoFile)?;
    let at = |error: Errno| Distrust::of(&reached, error);
    let stat = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(at)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Distrust::NoFile);
    }
    let file = open_file(folder.as_fd(), &name).map_err(at)?;
    let stat = fstat(&file).map_err(at)?; // of what was opened, whatever the name means by now
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Distrust::NoFile);
    }
    check_owner(&stat, caller, &reached)?;
    if is_writable(&stat) {
        return Err(Distrust::Writable { path: reached });
    }
    if stat.st_mode & 0o111 == 0 {
        return Err(Distrust::NotExecutable);
    }
    let is_script = begins_like_a_script(&file);
    Ok(Trusted { file, path: path.to_owned(), stamp: stamp(&stat), is_script })
}

/// Opens a folder, if nobody but root and the caller can change what is in it.
pub(super) fn open_folder(path: &Path, caller: u32) -> Result<OwnedFd, Distrust> {
    let (folder, name, reached) = walk(path, caller)?;
    let Some(name) = name else { return Ok(folder) };
    let at = |error: Errno| Distrust::of(&reached, error);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&folder, &name, flags, Mode::empty()).map_err(at)?;
    let stat = fstat(&folder).map_err(at)?;
    check_owner(&stat, caller, &reached)?;
    match is_writable(&stat) {
        true => Err(Distrust::Writable { path: reached }),
        false => Ok(folder),
    }
}

/// Goes to the folder in which the last part of the path is, through all links. That part, if there is one, is no link.
fn walk(path: &Path, caller: u32) -> Result<(OwnedFd, Option<OsString>, PathBuf), Distrust> {
    let mut parts = parts(path);
    let mut reached = PathBuf::from("/");
    let mut folder = open_part(rustix::fs::CWD, OsStr::new("/"), &reached)?;
    check_folder(&folder, caller, &reached)?;
    let (mut links, mut walked) = (0, 0);
    while let Some(part) = parts.pop_front() {
        walked += 1;
        if walked > PARTS_MAX {
            return Err(Distrust::Links);
        }
        if part == ".." {
            reached.pop();
            folder = open_part(folder.as_fd(), &part, &reached)?;
            check_folder(&folder, caller, &reached)?;
            continue;
        }
        let here = reached.join(&part);
        let stat =
            statat(&folder, &part, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| Distrust::of(&here, error))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            // Whoever owns a link says where it leads.
            check_owner(&stat, caller, &here)?;
            links += 1;
            if links > LINKS_MAX {
                return Err(Distrust::Links);
            }
            let target =
                readlinkat(&folder, &part, Vec::new()).map_err(|error| Distrust::of(&here, error))?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                reached = PathBuf::from("/");
                folder = open_part(rustix::fs::CWD, OsStr::new("/"), &reached)?;
            }
            for part in self::parts(&target).into_iter().rev() {
                parts.push_front(part);
            }
            continue;
        }
        reached = here;
        if parts.is_empty() {
            return Ok((folder, Some(part), reached));
        }
        folder = open_part(folder.as_fd(), &part, &reached)?;
        check_folder(&folder, caller, &reached)?;
    }
    Ok((folder, None, reached))
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

fn open_part(folder: BorrowedFd<'_>, part: &OsStr, reached: &Path) -> Result<OwnedFd, Distrust> {
    let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, part, flags, Mode::empty()).map_err(|error| Distrust::of(reached, error))
}

/// A folder may be above a file: only root and the caller can exchange what is in it, or, if it is sticky, only they can
/// exchange what is theirs. What comes next must be theirs in any case.
fn check_folder(folder: &OwnedFd, caller: u32, path: &Path) -> Result<(), Distrust> {
    let stat = fstat(folder).map_err(|error| Distrust::of(path, error))?;
    check_owner(&stat, caller, path)?;
    let is_sticky = Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX);
    match is_writable(&stat) && !is_sticky {
        true => Err(Distrust::Writable { path: path.to_owned() }),
        false => Ok(()),
    }
}

fn check_owner(stat: &Stat, caller: u32, path: &Path) -> Result<(), Distrust> {
    match stat.st_uid == 0 || stat.st_uid == caller {
        true => Ok(()),
        false => Err(Distrust::Stranger { path: path.to_owned(), uid: stat.st_uid }),
    }
}

/// By the group or by others.
fn is_writable(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

/// Opens the file to be read; one that may only be run is a program, and is opened so that it can be.
fn open_file(folder: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let always = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(folder, name, OFlags::RDONLY | OFlags::NONBLOCK | always, Mode::empty()) {
        Err(Errno::ACCESS) => openat(folder, name, LOOK | always, Mode::empty()),
        other => other,
    }
}

fn begins_like_a_script(file: &OwnedFd) -> bool {
    let Ok(file) = file.try_clone() else { return false };
    let mut begin = [0; 2];
    File::from(file).read_exact(&mut begin).is_ok() && begin == *b"#!"
}

fn stamp(stat: &Stat) -> Stamp {
    let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or(i64::MAX);
    Stamp { size: stat.st_size, seconds: stat.st_mtime, nanos }
}

impl Trusted {
    /// A command that runs this very file.
    ///
    /// # Errors
    /// If the system does not let go of the mark that closes it.
    pub(super) fn command(&self) -> io::Result<Command> {
        if self.is_script {
            // Its interpreter opens it again by the number, so it must stay open.
            fcntl_setfd(&self.file, FdFlags::empty())?;
        }
        Ok(Command::new(self.name_to_run()))
    }

    /// What is started from now on does not get it.
    pub(super) fn close_on_exec(&self) {
        fcntl_setfd(&self.file, FdFlags::CLOEXEC).ok();
    }

    /// Whether its content is what it was when it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| stamp(&stat) == self.stamp)
    }

    /// Where it was found.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A name of the open file, and of no other.
    #[cfg(target_os = "linux")]
    fn name_to_run(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// There is no name of an open file here: its path, which nobody but root and the caller can change.
    #[cfg(not(target_os = "linux"))]
    fn name_to_run(&self) -> PathBuf {
        let _ = self.file.as_raw_fd();
        self.path.clone()
    }
}

/// How something is opened that is only looked at.
#[cfg(target_os = "linux")]
const LOOK: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const LOOK: OFlags = OFlags::RDONLY;

impl Distrust {
    fn of(path: &Path, error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR => Self::NotThere,
            error => Self::System { path: path.to_owned(), error: error.into() },
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => out.write_str("it is not there"),
            Self::NoFile => out.write_str("it is no regular file"),
            Self::NotExecutable => out.write_str("it is not executable"),
            Self::Stranger { path, uid } => {
                write!(out, "'{}' belongs to user {uid}, neither to root nor to you", path.display())
            }
            Self::Writable { path } => write!(out, "others can write to '{}'", path.display()),
            Self::Links => out.write_str("too many links lead to it"),
            Self::System { path, error } => write!(out, "'{}': {error}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sestina-trust-{}-{name}", std::process::id()));
            std::fs::create_dir(&path).expect("nobody else has it");
            Self(path.canonicalize().expect("it is there"))
        }

        /// A program that says this.
        fn says(&self, name: &str, words: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, format!("#!/bin/sh\necho {words}\n")).expect("it can be written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn run(trusted: &Trusted) -> String {
        let output = trusted.command().expect("it can be run").output().expect("it runs");
        String::from_utf8(output.stdout).expect("it is text").trim().to_owned()
    }

    #[test]
    fn what_was_checked_is_what_is_run() {
        let folder = Folder::new("exchanged");
        let path = folder.says("plugin", "checked");
        let trusted = open(&path, me()).expect("it is ours alone");
        assert!(trusted.is_unchanged());
        let other = folder.says("other", "exchanged");
        std::fs::rename(other, &path).expect("it is ours");
        assert_eq!(run(&trusted), "checked");
        let again = open(&path, me()).expect("it is ours alone");
        assert_eq!(run(&again), "exchanged");
        assert!(again.stamp != trusted.stamp);
    }

    #[test]
    fn a_program_is_run_without_its_own_descriptor_and_a_change_is_seen() {
        let folder = Folder::new("program");
        let path = folder.0.join("plugin");
        std::fs::copy("/bin/echo", &path).expect("there is an echo");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        let trusted = open(&path, me()).expect("it is ours alone");
        assert!(!trusted.is_script);
        let output = trusted.command().expect("it can be run").arg("hi").output().expect("it runs");
        assert_eq!(output.stdout, b"hi\n");
        let file = std::fs::OpenOptions::new().append(true).open(&path).expect("it is ours");
        (&file).write_all(b"more").expect("it can be written");
        assert!(!trusted.is_unchanged());
    }

    #[test]
    fn links_are_followed_if_their_owners_and_all_folders_on_the_way_are_trusted() {
        let folder = Folder::new("links");
        let path = folder.says("plugin", "here");
        let link = |name: &str, target: &Path| {
            let link = folder.0.join(name);
            symlink(target, &link).expect("it is ours");
            link
        };
        assert_eq!(run(&open(&link("absolute", &path), me()).expect("it is trusted")), "here");
        assert_eq!(
            run(&open(&link("relative", Path::new("./plugin")), me()).expect("it is trusted")),
            "here"
        );
        let around = PathBuf::from("..").join(folder.0.file_name().expect("it has one")).join("absolute");
        assert_eq!(run(&open(&link("around", &around), me()).expect("it is trusted")), "here");
        let round = link("round", Path::new("round"));
        assert!(matches!(open(&round, me()), Err(Distrust::Links)));
        assert!(matches!(open(&link("nowhere", Path::new("gone")), me()), Err(Distrust::NotThere)));

        let open_to_all = folder.0.join("open");
        std::fs::create_dir(&open_to_all).expect("it is ours");
        symlink(&path, open_to_all.join("step")).expect("it is ours");
        std::fs::set_permissions(&open_to_all, PermissionsExt::from_mode(0o777)).expect("it is ours");
        let through = link("through", &open_to_all.join("step"));
        assert!(matches!(open(&through, me()), Err(Distrust::Writable { path }) if path == open_to_all));
        std::fs::set_permissions(&open_to_all, PermissionsExt::from_mode(0o1777)).expect("it is ours");
        assert!(open(&through, me()).is_ok(), "what is ours in a sticky folder is ours");
    }

    #[test]
    fn only_files_that_nobody_else_can_write_are_run() {
        let folder = Folder::new("modes");
        let path = folder.says("plugin", "x");
        for (mode, is_good) in [(0o755, true), (0o700, true), (0o775, false), (0o757, false), (0o644, false)]
        {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("it is ours");
            assert_eq!(open(&path, me()).is_ok(), is_good, "{mode:o}");
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        if me() != 0 {
            assert!(matches!(open(&path, me() + 1), Err(Distrust::Stranger { .. })));
        }
        assert!(matches!(open(&folder.0, me()), Err(Distrust::NoFile)));
        assert!(matches!(open(Path::new("/dev/null"), me()), Err(Distrust::NoFile)));
        assert!(matches!(open(&path.join("below"), me()), Err(Distrust::NotThere)));
        std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o777)).expect("it is ours");
        assert!(matches!(open(&path, me()), Err(Distrust::Writable { path }) if path == folder.0));
    }
}
