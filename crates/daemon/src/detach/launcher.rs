//! The launching command: starts the detached process and waits for its word.

use std::ffi::OsString;
use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use super::message::{FAILED, Item, READY, encode};
use crate::lock::PidFile;
use crate::sockets::Inherited;
use crate::surroundings::{SYSTEMD_VARIABLES, Surroundings};

/// A failure's text at most: more is cut.
const TEXT_BYTES_MAX: u64 = 64 * 1024;
/// What a launcher waits beyond the time limits of the process: that one has the better words.
const PATIENCE: Duration = Duration::from_secs(2);
/// Variables that remain with `--env-clear`.
const KEPT_VARIABLES: &[&str] = &["PATH", "LANG", "LC_ALL", "TZ"];

/// Variables that the detached process is told of, and programs that it starts are not. Sockets go as such.
const PASSED_VARIABLES: &[&str] = &["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// What is to be started, and for how long it may be waited.
pub(crate) struct Launch<'a> {
    pub(crate) arguments: &'a [OsString],
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) inherited: &'a Inherited,
    pub(crate) env_clear: bool,
    /// The process's own limits, start and clean-up together.
    pub(crate) within: Duration,
}

/// How a failed start is told.
#[derive(Debug)]
pub(crate) struct LaunchError {
    pub(crate) status: u8,
    pub(crate) text: String,
}

impl LaunchError {
    fn new(text: impl Into<String>) -> Self {
        Self { status: 1, text: text.into() }
    }
}

/// Starts the process again, detached, and waits until it serves. The pid file is its own then; after a failure it is gone.
///
/// # Errors
/// What it said, or what became of it.
pub(crate) fn launch(launch: &Launch<'_>, pid_file: Option<PidFile>) -> Result<(), LaunchError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| LaunchError::new(format!("{what}: {error}"))
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed("cannot make a socket pair"))?;
    send(&ours, launch, pid_file.as_ref()).map_err(failed("cannot hand over to a detached process"))?;
    let mut child = start(launch, theirs).map_err(failed("cannot start this program again"))?;
    let answer = wait(ours, &mut child, launch.within + PATIENCE);
    if answer.is_ok()
        && let Some(pid_file) = pid_file
    {
        pid_file.hand_over();
    }
    answer
}

fn send(to: &UnixStream, launch: &Launch<'_>, pid_file: Option<&PidFile>) -> io::Result<()> {
    let mut items = Vec::new();
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    if let Some(pid_file) = pid_file {
        items.push(Item::PidFile(pid_file.left_behind()));
        descriptors.push(pid_file.share()?);
    }
    for (name, socket) in &launch.inherited.named {
        items.push(Item::Named(name.into()));
        descriptors.push(socket.try_clone()?);
    }
    for (number, socket) in &launch.inherited.numbered {
        items.push(Item::Numbered(*number));
        descriptors.push(socket.try_clone()?);
    }
    for name in PASSED_VARIABLES {
        if let Some(value) = launch.surroundings.environment.get(std::ffi::OsStr::new(name)) {
            items.push(Item::Variable(name.into(), value.clone()));
        }
    }
    let bytes = encode(launch.surroundings.pid, &items)?;
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space =
        vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(super::message::DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let sent = rustix::net::sendmsg(to, &[IoSlice::new(&bytes)], &mut control, SendFlags::empty())?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

fn start(launch: &Launch<'_>, stdin: UnixStream) -> io::Result<Child> {
    let mut command = Command::new(executable()?);
    if let Some((name, arguments)) = launch.arguments.split_first() {
        command.arg0(name).args(arguments);
    }
    if launch.env_clear {
        command.env_clear();
        for name in KEPT_VARIABLES {
            let value = launch.surroundings.environment.get(std::ffi::OsStr::new(name));
            command.envs(value.map(|value| (name, value)));
        }
    }
    for name in SYSTEMD_VARIABLES {
        command.env_remove(name);
    }
    // What goes wrong before the log begins (a panic, a missing library) is still seen where the command was given.
    command.stdin(OwnedFd::from(stdin)).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()
}

/// The file that runs, also if another one has taken its name since.
#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn executable() -> io::Result<std::path::PathBuf> {
    Ok("/proc/self/exe".into())
}

#[cfg(not(target_os = "linux"))]
fn executable() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// Waits for the word of the process; one that says nothing in time is killed.
fn wait(from: UnixStream, child: &mut Child, within: Duration) -> Result<(), LaunchError> {
    let deadline = Instant::now() + within;
    let mut said = Vec::new();
    let heard = listen(from, &mut said, deadline);
    if said.first() == Some(&READY) {
        return Ok(());
    }
    if let Err(error) = heard {
        child.kill().ok();
        child.wait().ok();
        let why = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("it did not answer within {}s and was killed", within.as_secs())
            }
            _ => format!("cannot hear it: {error}"),
        };
        return Err(LaunchError::new(why));
    }
    let ended = child.wait();
    match said.as_slice() {
        [FAILED, status, text @ ..] => {
            Err(LaunchError { status: *status, text: String::from_utf8_lossy(text).into_owned() })
        }
        _ => Err(LaunchError::new(match ended {
            Ok(status) => match (status.code(), status.signal()) {
                (_, Some(signal)) => format!("it was killed by signal {signal} before it was ready"),
                (code, None) => {
                    format!("it ended before it was ready, with status {}", code.unwrap_or_default())
                }
            },
            Err(error) => format!("it ended before it was ready: {error}"),
        })),
    }
}

/// Reads up to "ready", or up to the end.
fn listen(mut from: UnixStream, said: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    let mut byte = [0];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        from.set_read_timeout(Some(left))?;
        match from.read(&mut byte) {
            Ok(0) => return Ok(()),
            Ok(_) => said.extend_from_slice(&byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A process that was killed with our message unread resets the socket: an end without a word.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        }
        if said.first() == Some(&READY) || u64::try_from(said.len()).unwrap_or(u64::MAX) > TEXT_BYTES_MAX {
            return Ok(());
        }
    }
}
