//! Child processes: their pipes, their end, and signals for them.
//!
//! Walk: `driver.rs` starts them and puts the pipes among its sockets; on SIGCHLD every child is asked, without
//! waiting, whether it has ended.
//! Why SIGCHLD and not a thread a child: the loop alone reaps, so until [`Processes::reap`] has told the end of a
//! child its pid belongs to nobody else, and [`Processes::signal`] cannot hit a stranger. It costs one call a child
//! and death; signals that the kernel merges lose nothing, because all children are asked.
//! A program that was started with SIGCHLD blocked has to unblock it: nobody hears a blocked signal.
//! Invariant: SIGCHLD is watched before the first child is started.
//! Tests: `tests/suite/process.rs`.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Child, Stdio};

use mio::unix::pipe;
use rustix::process::{Pid, kill_process};
use sestina_reactor::{Command, Event, ExitStatus, Token};

use crate::socket::Socket;

/// What a child's end is said to be when its status went to somebody else's `waitpid`, as in other libraries.
const STATUS_UNKNOWN: ExitStatus = ExitStatus::Code(255);

#[derive(Debug, Default)]
pub(crate) struct Processes {
    children: BTreeMap<Token, Child>,
}

/// A process just started: its pid and our ends of its three pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) pid: u32,
    pub(crate) stdin: Socket,
    pub(crate) stdout: Socket,
    pub(crate) stderr: Socket,
}

impl Processes {
    pub(crate) fn start(&mut self, command: &Command, token: Token) -> io::Result<Started> {
        if self.children.contains_key(&token) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this token has a process already"));
        }
        let mut child = spawn(command)?;
        let started = match pipes_of(&mut child) {
            Ok((stdin, stdout, stderr)) => Started { pid: child.id(), stdin, stdout, stderr },
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        self.children.insert(token, child);
        Ok(started)
    }

    /// Tells which children have ended, and forgets them.
    pub(crate) fn reap(&mut self, events: &mut Vec<Event>) {
        self.children.retain(|&token, child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                events.push(Event::Exited { token, status: status_of(status) });
                false
            }
            Err(error) => {
                tracing::warn!(pid = child.id(), %error, "somebody else waited for a child of ours: its status is lost");
                events.push(Event::Exited { token, status: STATUS_UNKNOWN });
                false
            }
        });
    }

    pub(crate) fn signal(&self, token: Token, number: i32) -> io::Result<()> {
        let Some(child) = self.children.get(&token) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the process has ended"));
        };
        let Some(signal) = rustix::process::Signal::from_named_raw(number) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such signal"));
        };
        Ok(kill_process(Pid::from_child(child), signal)?)
    }
}

fn spawn(command: &Command) -> io::Result<Child> {
    let mut child = process::Command::new(&command.program);
    child
        .args(&command.arguments)
        .env_clear()
        .envs(command.environment.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &command.directory {
        child.current_dir(directory);
    }
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    // The system says the same of a missing program and of a missing folder.
    let folder_is_missing = || command.directory.as_ref().is_some_and(|folder| !folder.is_dir());
    child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if folder_is_missing() => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
}

/// Our ends of the pipes, non-blocking. The child's own ends stay blocking, as programs expect.
fn pipes_of(child: &mut Child) -> io::Result<(Socket, Socket, Socket)> {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (stdin, stdout, stderr) =
        (pipe::Sender::from(stdin), pipe::Receiver::from(stdout), pipe::Receiver::from(stderr));
    stdin.set_nonblocking(true)?;
    stdout.set_nonblocking(true)?;
    stderr.set_nonblocking(true)?;
    Ok((Socket::ToChild(Some(stdin)), Socket::FromChild(stdout), Socket::FromChild(stderr)))
}

fn status_of(status: process::ExitStatus) -> ExitStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => STATUS_UNKNOWN,
    }
}
