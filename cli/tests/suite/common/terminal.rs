//! A terminal for the program under test, and what it would have shown.
#![expect(
    clippy::disallowed_methods,
    reason = "the terminal is read by a thread, so that the wait has a deadline"
)]

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{DEADLINE, Ended, Program};

/// What becomes of the standard error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandardError {
    Terminal,
    Collected,
}

/// Runs it with a terminal as its standard output. Gives how it ended and what the terminal got; a terminal's driver
/// has put a carriage return before each line feed.
pub(crate) fn run_on_terminal(mut command: Command, stderr: StandardError) -> (Ended, String) {
    let (ours, theirs) = open_terminal();
    match stderr {
        StandardError::Terminal => command.stderr(theirs.try_clone().expect("a descriptor can be copied")),
        StandardError::Collected => command.stderr(Stdio::piped()),
    };
    command.stdin(Stdio::null()).stdout(theirs);
    let program = Program::of(command.spawn().expect("the program starts"));
    drop(command); // and our copies of their end
    let (sender, shown) = channel();
    thread::spawn(move || sender.send(read_terminal(ours)));
    let ended = program.wait();
    (ended, shown.recv_timeout(DEADLINE).expect("nobody else holds the terminal"))
}

fn open_terminal() -> (OwnedFd, OwnedFd) {
    let ours =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("there are terminals");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("the terminal is ours");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let theirs =
        open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("it can be opened");
    (ours, theirs)
}

/// Everything until the other end is closed, which Linux reports as an error.
fn read_terminal(ours: OwnedFd) -> String {
    let (mut terminal, mut bytes) = (File::from(ours), Vec::new());
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = terminal.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(bytes).expect("a terminal is sent valid text only")
}
