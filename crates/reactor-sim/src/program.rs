//! A simulated program, from the inside: what it was started with, what it reads, writes and ends with.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sestina_reactor::{Command, ExitStatus, Time};

/// What happens to a running program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProcessEvent<'a> {
    /// It was started.
    Started,
    /// These bytes came on its standard input; [`Run::input`] has all of them.
    Input(&'a [u8]),
    /// Its standard input is at its end.
    InputEnded,
    /// The time of [`Run::wake_after`] has passed.
    Woken,
    /// A signal of this number; it ends the program unless [`Run::catch_signal`] is called. 9 is never seen.
    Signal(i32),
}

/// One run of a simulated program: see [`Simulation::program`](crate::Simulation::program).
pub struct Run {
    command: Command,
    input: Vec<u8>,
    now: Time,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
    pub(crate) status: Option<ExitStatus>,
    pub(crate) wake: Option<Duration>,
    pub(crate) caught: bool,
}

impl Run {
    pub(crate) fn new(command: Command) -> Self {
        Self {
            command,
            input: Vec::new(),
            now: Time::ZERO,
            output: Vec::new(),
            errors: Vec::new(),
            status: None,
            wake: None,
            caught: false,
        }
    }

    pub(crate) fn begin(&mut self, now: Time, input: &[u8]) {
        self.now = now;
        self.caught = false;
        self.input.extend_from_slice(input);
    }

    /// Its arguments, without its own name.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.command.arguments
    }

    /// Its whole environment.
    #[must_use]
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.command.environment
    }

    /// The directory in which it was started, if it was told one.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.command.directory.as_deref()
    }

    /// Everything that came on its standard input so far.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// The clock of its host.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Writes to its standard output.
    pub fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Writes to its standard error.
    pub fn write_error(&mut self, bytes: &[u8]) {
        self.errors.extend_from_slice(bytes);
    }

    /// Ends with this number, after what was written. The first end counts.
    pub fn exit(&mut self, code: i32) {
        self.status.get_or_insert(ExitStatus::Code(code));
    }

    /// Has [`ProcessEvent::Woken`] come after this time.
    pub fn wake_after(&mut self, time: Duration) {
        self.wake = Some(time);
    }

    /// The signal that is told now does not end the program.
    pub fn catch_signal(&mut self) {
        self.caught = true;
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Run")
            .field("program", &self.command.program)
            .field("arguments", &self.command.arguments)
            .field("input_bytes", &self.input.len())
            .finish_non_exhaustive()
    }
}

/// The name under which a program is looked for: its path, or the last part of it.
pub(crate) fn names(program: &Path) -> impl Iterator<Item = PathBuf> {
    let last = program.file_name().map(PathBuf::from);
    std::iter::once(program.to_owned()).chain(last)
}
