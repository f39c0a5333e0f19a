//! The detached process: knows itself, and tells the command that started it how it went.

use std::ffi::{CString, OsString};
use std::fs::OpenOptions;
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::message::{BYTES_MAX, DESCRIPTORS_MAX, FAILED, Item, MAGIC, READY, decode};
use crate::sockets::Inherited;
use crate::surroundings::Surroundings;

/// The name of a process has so many bytes on Linux; the rest is cut.
const NAME_BYTES_MAX: usize = 15;

/// A process that was started detached, and has not said yet how it went. Dropped without a word it has failed.
#[derive(Debug)]
pub(crate) struct Detached {
    launcher: UnixStream,
    /// Opened before the root directory changes: in the new one there may be none.
    null: std::fs::File,
    /// The lock of the pid file, and what a process that was killed had left in it.
    pub(crate) pid_lock: Option<(OwnedFd, Option<u32>)>,
    pub(crate) inherited: Inherited,
}

impl Detached {
    /// Whether this is one: its standard input is a socket whose other end belongs to its parent, with the message in it.
    /// Then it has a session of its own and no terminal, and `surroundings` get what the environment does not say.
    ///
    /// # Errors
    /// If it is one, and cannot be.
    pub(crate) fn recognise(
        arguments: &[OsString],
        surroundings: &mut Surroundings,
    ) -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        let mut beginning = [0; MAGIC.len()];
        let peeked = rustix::net::recv(&stdin, &mut beginning, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        if peeked.is_err() || beginning != *MAGIC || !is_of_parent(&stdin) {
            return Ok(None);
        }
        let launcher = UnixStream::from(stdin.as_fd().try_clone_to_owned()?);
        let (items, mut descriptors) = receive(&launcher)?;
        // From here on there is no way to the launcher's terminal but the standard error, which goes when all is well.
        rustix::process::setsid()?;
        let null = null()?;
        rustix::stdio::dup2_stdin(&null)?;
        end_with_launcher(true)?;
        name_process(arguments);
        let parent = std::os::unix::process::parent_id().to_string();
        let mut detached = Self { launcher, null, pid_lock: None, inherited: Inherited::default() };
        for item in items {
            match item {
                Item::PidFile(left) => detached.pid_lock = descriptors.next().map(|lock| (lock, left)),
                Item::Named(name) => {
                    let name = name.to_string_lossy().into_owned();
                    detached.inherited.named.extend(descriptors.next().map(|socket| (name, socket)));
                }
                Item::Numbered(number) => {
                    detached.inherited.numbered.extend(descriptors.next().map(|socket| (number, socket)));
                }
                // It means the process that serves, and was the launcher's.
                Item::Variable(name, value) if name == "WATCHDOG_PID" && value == *parent.as_str() => {
                    surroundings.environment.insert(name, surroundings.pid.to_string().into());
                }
                Item::Variable(name, value) => {
                    surroundings.environment.insert(name, value);
                }
            }
        }
        Ok(Some(detached))
    }

    /// Says that all is well. The launching command ends, with success, and from now on the standard error is nowhere.
    ///
    /// # Errors
    /// If the launching command is gone: then nobody wants this process.
    pub(crate) fn ready(mut self) -> io::Result<()> {
        end_with_launcher(false)?;
        rustix::stdio::dup2_stderr(&self.null)?;
        self.launcher.write_all(&[READY])
    }

    /// Says what went wrong.
    pub(crate) fn failed(mut self, status: u8, text: &str) {
        let mut word = vec![FAILED, status];
        word.extend_from_slice(text.as_bytes());
        self.launcher.write_all(&word).ok(); // nobody there: nobody to tell
    }
}

fn null() -> io::Result<std::fs::File> {
    OpenOptions::new().read(true).write(true).open(Path::new("/dev/null"))
}

/// Whether the other end of the socket is our parent's, of our own user.
#[cfg(target_os = "linux")]
fn is_of_parent(socket: impl AsFd) -> bool {
    let Ok(peer) = rustix::net::sockopt::socket_peercred(socket) else { return false };
    Some(peer.pid) == rustix::process::getppid() && peer.uid == rustix::process::geteuid()
}

/// The message says the launcher's number, which is looked at where it is read.
#[cfg(not(target_os = "linux"))]
fn is_of_parent(_: impl AsFd) -> bool {
    true
}

fn receive(launcher: &UnixStream) -> io::Result<(Vec<Item>, std::vec::IntoIter<OwnedFd>)> {
    let mut bytes = vec![0; BYTES_MAX];
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let received = rustix::net::recvmsg(launcher, &mut slices, &mut control, CLOSE_ON_EXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            descriptors.extend(passed);
        }
    }
    for descriptor in &descriptors {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    let understood = bytes.get(..received.bytes).and_then(decode);
    let (pid, items) = understood.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the program was replaced while it was being started: start it again",
        )
    })?;
    let wanted = items.iter().filter(|item| item.has_descriptor()).count();
    if descriptors.len() != wanted || pid != std::os::unix::process::parent_id() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the message of the launching command is not for this process",
        ));
    }
    Ok((items, descriptors.into_iter()))
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// While it starts, a process whose launcher is killed is told to end.
#[cfg(target_os = "linux")]
fn end_with_launcher(yes: bool) -> io::Result<()> {
    let signal = yes.then_some(rustix::process::Signal::TERM);
    Ok(rustix::process::set_parent_process_death_signal(signal)?)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn end_with_launcher(_: bool) -> io::Result<()> {
    Ok(())
}

/// `ps` shows the name of the executable's file, and that was /proc/self/exe, or a number below /proc/self/fd.
pub(crate) fn name_process(arguments: &[OsString]) {
    #[cfg(target_os = "linux")]
    if let Some(name) = arguments.first().and_then(|name| Path::new(name).file_name()) {
        let bytes = name.as_bytes();
        let name = CString::new(bytes.get(..NAME_BYTES_MAX).unwrap_or(bytes)).unwrap_or_default();
        rustix::thread::set_name(&name).ok();
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (arguments, CString::default(), NAME_BYTES_MAX, std::ffi::OsStr::new("").as_bytes());
}
