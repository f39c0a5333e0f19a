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

/// One run of a simulated program: see [`Simulation::program`](crate::Simulation::program), which makes one for each start.
///
/// ```
/// use sestina_reactor_sim::{ProcessEvent, Run};
///
/// /// Sorts the lines of its input, when that is at its end; cannot be hurried.
/// fn sort(run: &mut Run, event: ProcessEvent<'_>) {
///     match event {
///         ProcessEvent::InputEnded => {
///             let text = String::from_utf8_lossy(run.input()).into_owned();
///             let mut lines: Vec<&str> = text.lines().collect();
///             lines.sort_unstable();
///             run.write(lines.join("\n").as_bytes());
///             run.exit(0);
///         }
///         ProcessEvent::Signal(15) => run.catch_signal(),
///         _ => {}
///     }
/// }
/// # use sestina_reactor::{Command, ProcessHandle, ProcessProtocol};
/// # struct Expect(Vec<u8>);
/// # impl ProcessProtocol for Expect {
/// #     fn started(&mut self, process: &ProcessHandle) {
/// #         process.stdin().write(b"pear\napple");
/// #         process.stdin().lose_connection();
/// #     }
/// #     fn output_received(&mut self, _: &ProcessHandle, data: &[u8]) { self.0.extend_from_slice(data); }
/// #     fn ended(&mut self, _: sestina_reactor::ExitStatus) { assert_eq!(self.0, b"apple\npear"); }
/// # }
///
/// let simulation = sestina_reactor_sim::Simulation::seeded(1);
/// simulation.program("sort", sort);
/// # let command = Command { program: "sort".into(), ..Command::default() };
/// # let process = simulation.reactor().spawn_process(&command, Expect(Vec::new())).expect("there is one");
/// # simulation.run_until(process.ended()).expect("it ended");
/// # assert_eq!(simulation.panics(), 0);
/// ```
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

    /// Has [`ProcessEvent::Woken`] come after this time, or after a moment if that is longer. Of several calls for one event
    /// the last one counts.
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
