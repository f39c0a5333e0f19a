//! Processes: their output as upcalls, their end as a deferred.
//!
//! Each of the three pipes is a connection of the reactor's own, with the same flow control; a small protocol on each
//! brings what it hears to the user's. A process is over when it has exited and its pipes are closed.
//! Invariant: the user's protocol is taken out while it runs.
//! Tests: `processes.rs` of the contract, `tests/suite/processes.rs` of reactor-mio.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Answer, Deferred, Resolver, deferred, fail, succeed};

use crate::address::Address;
use crate::conn::{Conn, ConnHandle};
use crate::delayed_call::DelayedCall;
use crate::driver::{Command, ExitStatus, Token};
use crate::errors::Lost;
use crate::inner::{Entry, Listed, Reactor, Role, WeakReactor};
use crate::leftovers::{Origin, Thing};
use crate::protocol::Protocol;
use crate::reactor::Stopped;
use crate::state::{Input, State};

/// How long a process that was asked to end by cancelling [`ProcessHandle::ended`] may take before it is killed, unless
/// [`ProcessHandle::set_kill_after`] said otherwise.
pub const PROCESS_KILL_AFTER: Duration = Duration::from_secs(5);

/// SIGTERM, the same number on every Unix.
const TERMINATE: i32 = 15;
/// SIGKILL, the same number on every Unix.
const KILL: i32 = 9;

/// Why a program could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// There is no such program: is its path right, or is it in the `PATH`?
    NoSuchProgram(PathBuf),
    /// The program's file may not be run: is it executable?
    NotPermitted(PathBuf),
    /// The folder that it should run in does not exist, or is none.
    NoSuchDirectory(PathBuf),
    /// The operating system failed in another way: descriptors, memory or processes may have run out.
    Os {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    fn from_io(command: &Command, error: io::Error) -> Self {
        let program = command.program.clone();
        match (error.kind(), &command.directory) {
            (io::ErrorKind::NotADirectory, Some(directory)) => Self::NoSuchDirectory(directory.clone()),
            (io::ErrorKind::NotFound, _) => Self::NoSuchProgram(program),
            (io::ErrorKind::PermissionDenied, _) => Self::NotPermitted(program),
            _ => Self::Os { program, source: error },
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchProgram(program) => write!(out, "there is no program '{}'", program.display()),
            Self::NotPermitted(program) => {
                write!(out, "no permission to run '{}': is it executable?", program.display())
            }
            Self::NoSuchDirectory(directory) => {
                write!(out, "there is no folder '{}' to run a program in", directory.display())
            }
            Self::Os { program, .. } => write!(out, "cannot start '{}'", program.display()),
        }
    }
}

impl Error for SpawnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What one process does to us. Every method has a default; each is an upcall.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::{Command, ExitStatus, ProcessHandle, ProcessProtocol};
/// use std::cell::RefCell;
/// use std::rc::Rc;
///
/// /// Says a word, and keeps what comes back.
/// struct Talk(Rc<RefCell<Vec<u8>>>);
/// impl ProcessProtocol for Talk {
///     fn started(&mut self, process: &ProcessHandle) {
///         process.stdin().write(b"echo");
///         process.stdin().lose_connection(); // the end of its input
///     }
///     fn output_received(&mut self, _: &ProcessHandle, data: &[u8]) {
///         self.0.borrow_mut().extend_from_slice(data);
///     }
/// }
///
/// let said = Rc::default();
/// let command = Command { program: "cat".into(), ..Command::default() };
/// let process = reactor.spawn_process(&command, Talk(Rc::clone(&said)))?;
/// assert_eq!(reactor.run_until(process.ended()).expect("it ended"), ExitStatus::Code(0));
/// assert_eq!(*said.borrow(), b"echo");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// A panic is logged; the process goes on, and its end is told by [`ProcessHandle::ended`].
pub trait ProcessProtocol: 'static {
    /// The process runs.
    fn started(&mut self, process: &ProcessHandle) {
        let _ = process;
    }

    /// Bytes from its standard output, cut anywhere.
    fn output_received(&mut self, process: &ProcessHandle, data: &[u8]) {
        let _ = (process, data);
    }

    /// Bytes from its standard error, cut anywhere.
    fn error_received(&mut self, process: &ProcessHandle, data: &[u8]) {
        let _ = (process, data);
    }

    /// It has exited. Output may still come: from its pipes, or from its own children that hold them.
    fn exited(&mut self, process: &ProcessHandle, status: ExitStatus) {
        let _ = (process, status);
    }

    /// It has exited and its pipes are closed: nothing comes any more.
    fn ended(&mut self, status: ExitStatus) {
        let _ = status;
    }
}

/// A process, from anywhere on the reactor's thread. Dropping it changes nothing: the process runs on.
#[derive(Clone)]
pub struct ProcessHandle {
    reactor: WeakReactor,
    token: Token,
    pid: u32,
    stdin: ConnHandle,
    stdout: ConnHandle,
    stderr: ConnHandle,
    /// How it ended; shared by all its handles, for it is asked for when the process is long gone.
    end: Rc<Cell<Option<ExitStatus>>>,
}

impl ProcessHandle {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its standard input: write to it, close it with `lose_connection`.
    #[must_use]
    pub fn stdin(&self) -> &ConnHandle {
        &self.stdin
    }

    /// Its standard output, for [`pause_reading`](ConnHandle::pause_reading) and
    /// [`resume_reading`](ConnHandle::resume_reading): a process that writes more than somebody takes has to wait.
    #[must_use]
    pub fn stdout(&self) -> &ConnHandle {
        &self.stdout
    }

    /// Its standard error, as [`stdout`](Self::stdout).
    #[must_use]
    pub fn stderr(&self) -> &ConnHandle {
        &self.stderr
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// If it has ended already, or as the system says.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(TERMINATE)
    }

    /// Ends it (SIGKILL).
    ///
    /// # Errors
    /// If it has ended already, or as the system says.
    pub fn kill(&self) -> io::Result<()> {
        self.signal(KILL)
    }

    /// Sends it a signal by its number.
    ///
    /// # Errors
    /// If it has ended already, or as the system says.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        let reactor = self.reactor.upgrade().ok_or(io::ErrorKind::NotFound)?;
        reactor.inner().driver.borrow_mut().signal_process(self.token, number)
    }

    /// How it ended, when it has exited and its pipes are closed. Can be asked for any number of times, also when it
    /// is over.
    ///
    /// # Errors
    /// [`Stopped`] if the reactor ends first.
    ///
    /// # Cancelling
    /// Asks the process to end, and kills it if it has not after [`PROCESS_KILL_AFTER`]; the answer comes when it has
    /// ended.
    #[track_caller]
    pub fn ended(&self) -> Deferred<ExitStatus> {
        if let Some(status) = self.end.get() {
            return succeed(status);
        }
        let Some(reactor) = self.reactor.upgrade() else { return fail(Stopped) };
        let (resolver, answer) = deferred();
        let process = self.clone();
        resolver.on_cancel(move || match process.terminate() {
            Ok(()) => {
                process.kill_later();
                Answer::Later
            }
            // It has exited, but others hold its pipes: nobody needs to wait for them.
            Err(_) => Answer::Continue,
        });
        let mut resolver = Some(resolver);
        reactor.with_process(self.token, |state| state.waiting.extend(resolver.take()));
        match resolver {
            None => answer,
            Some(resolver) => {
                resolver.errback(Stopped);
                answer
            }
        }
    }

    /// Sets how long the process has from the next cancel of [`ended`](Self::ended) on. Default:
    /// [`PROCESS_KILL_AFTER`].
    pub fn set_kill_after(&self, after: Duration) {
        if let Some(reactor) = self.reactor.upgrade() {
            reactor.with_process(self.token, |state| state.kill_after = after);
        }
    }

    /// Kills it when its time is over, unless it has ended until then.
    fn kill_later(&self) {
        let Some(reactor) = self.reactor.upgrade() else { return };
        let after = reactor.with_process(self.token, |state| state.kill_after);
        let Some(after) = after else { return };
        let process = self.clone();
        let call = reactor.call_later(after, move || {
            tracing::warn!(pid = process.pid, ?after, "a process did not end when asked: killing it");
            process.kill().ok(); // or it has ended just now
        });
        let before = reactor.with_process(self.token, |state| state.killing.replace(call));
        if let Some(Some(before)) = before {
            before.cancel();
        }
    }
}

impl fmt::Debug for ProcessHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProcessHandle({})", self.pid)
    }
}

pub(crate) struct ProcessState {
    handle: ProcessHandle,
    protocol: Option<Box<dyn ProcessProtocol>>,
    status: Option<ExitStatus>,
    /// Pipes that are not closed.
    open_pipes: u32,
    waiting: Vec<Resolver<ExitStatus>>,
    /// What kills it, if it was asked to end.
    killing: Option<DelayedCall>,
    kill_after: Duration,
    starting: bool,
    told_exit: bool,
    pub(crate) listed: Listed,
}

impl ProcessState {
    pub(crate) fn words(&self) -> String {
        format!("process {}", self.handle.pid)
    }
}

#[derive(Clone, Copy)]
enum Pipe {
    Stdin,
    Stdout,
    Stderr,
}

/// One end of a pipe, which brings what it hears to the process's protocol.
struct PipeEnd {
    process: Token,
    pipe: Pipe,
}

impl Protocol for PipeEnd {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        let pipe = self.pipe;
        conn.reactor().process_upcall(self.process, |protocol, process| match pipe {
            Pipe::Stdout => protocol.output_received(process, data),
            Pipe::Stderr => protocol.error_received(process, data),
            Pipe::Stdin => {}
        });
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, _: Lost) {
        conn.reactor().with_process(self.process, |state| state.open_pipes -= 1);
        conn.reactor().mark_dirty(self.process);
    }
}

impl Reactor {
    /// Starts a program. Its output comes to the protocol, from a later turn on; its end by [`ProcessHandle::ended`].
    ///
    /// # Errors
    /// If the program cannot be started: it is missing or must not be run, or its folder is missing.
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// use sestina_reactor::{Command, ExitStatus, ProcessProtocol};
    ///
    /// struct Quiet;
    /// impl ProcessProtocol for Quiet {}
    /// let command = Command { program: "true".into(), ..Command::default() };
    /// let process = reactor.spawn_process(&command, Quiet)?;
    /// assert_eq!(reactor.run_until(process.ended()).expect("it ended"), ExitStatus::Code(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_process(
        &self,
        command: &Command,
        protocol: impl ProcessProtocol,
    ) -> Result<ProcessHandle, SpawnError> {
        let here = Location::caller();
        // The place comes first: the driver wants its token.
        let placeholder = Entry::Placeholder(Listed::default());
        let token = Token(self.inner().entries.borrow_mut().insert(placeholder));
        let started = self.inner().driver.borrow_mut().spawn_process(command, token);
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                drop(self.inner().entries.borrow_mut().remove(token.0));
                return Err(SpawnError::from_io(command, error));
            }
        };
        let pipes =
            [(Pipe::Stdin, started.stdin), (Pipe::Stdout, started.stdout), (Pipe::Stderr, started.stderr)];
        let ends = pipes.map(|(pipe, sock)| {
            let end = PipeEnd { process: token, pipe };
            let state = State::new(false, Input::Quiet);
            let connection =
                self.new_connection(sock, Address::Unix(None), Role::Waiting(Box::new(end)), state);
            let end = Token(self.inner().entries.borrow_mut().insert(Entry::Connection(connection)));
            self.note_place(Thing::Entry(end.0), here, Origin::OfProcess);
            self.mark_dirty(end);
            end
        });
        let [stdin, stdout, stderr] = ends.map(|end| ConnHandle::new(self, end));
        let (reactor, pid, end) = (self.downgrade(), started.pid, Rc::default());
        let handle = ProcessHandle { reactor, token, pid, stdin, stdout, stderr, end };
        let state = ProcessState {
            handle: handle.clone(),
            protocol: Some(Box::new(protocol)),
            status: None,
            open_pipes: 3,
            waiting: Vec::new(),
            killing: None,
            kill_after: PROCESS_KILL_AFTER,
            starting: true,
            told_exit: false,
            listed: Listed::default(),
        };
        self.with_entry(token, |entry| *entry = Entry::Process(Box::new(state)));
        self.note_place(Thing::Entry(token.0), here, Origin::Made);
        self.mark_dirty(token);
        Ok(handle)
    }

    /// Processes that have not ended.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.inner().entries.borrow().iter().filter(|entry| matches!(entry, Entry::Process(_))).count()
    }

    fn with_process<R>(&self, token: Token, f: impl FnOnce(&mut ProcessState) -> R) -> Option<R> {
        self.with_entry(token, |entry| match entry {
            Entry::Process(state) => Some(f(state)),
            _ => None,
        })
        .flatten()
    }

    fn process_upcall(&self, token: Token, f: impl FnOnce(&mut dyn ProcessProtocol, &ProcessHandle)) {
        let taken = self.with_process(token, |state| (state.protocol.take(), state.handle.clone()));
        let Some((Some(mut protocol), handle)) = taken else { return };
        self.count(|statistics| statistics.upcalls += 1);
        self.guard("a process protocol", || f(&mut *protocol, &handle));
        self.with_process(token, |state| state.protocol = Some(protocol));
    }

    pub(crate) fn process_exited(&self, token: Token, status: ExitStatus) {
        self.with_process(token, |state| state.status = Some(status));
        self.mark_dirty(token);
    }

    /// Tells the start, the exit and the end.
    pub(crate) fn flush_process(&self, token: Token) {
        if self.with_process(token, |state| std::mem::take(&mut state.starting)) == Some(true) {
            self.process_upcall(token, |protocol, process| protocol.started(process));
        }
        let exit = self.with_process(token, |state| {
            let news =
                state.status.is_some() && !std::mem::replace(&mut state.told_exit, state.status.is_some());
            state.status.filter(|_| news)
        });
        if let Some(Some(status)) = exit {
            self.process_upcall(token, |protocol, process| protocol.exited(process, status));
            // Nobody reads its input any more.
            self.with_process(token, |state| state.handle.stdin.clone()).inspect(ConnHandle::lose_connection);
        }
        let over = self.with_process(token, |state| state.status.filter(|_| state.open_pipes == 0));
        if let Some(Some(status)) = over {
            self.end_process(token, Ok(status));
        }
    }

    fn end_process(&self, token: Token, end: Result<ExitStatus, Stopped>) {
        let entry = self.inner().entries.borrow_mut().remove(token.0);
        let Some(Entry::Process(state)) = entry else { return };
        let ProcessState { handle, protocol, waiting, killing, .. } = *state;
        handle.end.set(end.ok());
        if let Some(call) = killing {
            call.cancel();
        }
        if let Some(mut protocol) = protocol {
            if let Ok(status) = end {
                self.guard("a process protocol", || protocol.ended(status));
            }
            self.guard("the drop of a process protocol", move || drop(protocol));
        }
        for resolver in waiting {
            resolver.resolve(end.map_err(Into::into));
        }
    }

    /// The reactor ends: the process is killed, and those who wait are told.
    pub(crate) fn abandon_process(&self, token: Token) {
        if let Some(handle) = self.with_process(token, |state| state.handle.clone()) {
            handle.kill().ok();
        }
        self.end_process(token, Err(Stopped));
    }
}
