//! Processes: closures behind three pipes.
//!
//! A program is called each time something happens to it, with nothing borrowed; what it wrote and whether it ended is
//! settled afterwards. Its input has the bound of a pipe; its output is not slowed down by a reader that is slow.
//! Invariant: while a program runs its [`Run`] is out of the world, and there is no other call of it.
//! Tests: `tests/suite/processes.rs`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Command, Event, ExitStatus, Key, Received, Slab, Token, WriteQueue};

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::machine::{HostId, Life};
use crate::program::{ProcessEvent, Run, names};
use crate::socket::{FromProcess, Kind, Socket, ToProcess, misuse};
use crate::world::World;

pub(crate) type Program = Rc<dyn Fn(&mut Run, ProcessEvent<'_>)>;

#[derive(Default)]
pub(crate) struct Processes {
    pub(crate) programs: BTreeMap<PathBuf, Program>,
    running: Slab<Process>,
    started: u32,
}

struct Process {
    life: Life,
    token: Token,
    program: Program,
    /// Out while the program runs.
    run: Option<Run>,
    pid: u32,
    stdin: Key,
    stdout: Key,
    stderr: Key,
}

/// Something that happens to a process.
#[derive(Debug)]
pub(crate) enum Step {
    Started,
    Input(Vec<u8>),
    InputEnded,
    Woken,
    Signal(i32),
}

impl Processes {
    pub(crate) fn is_running(&self, process: Key) -> bool {
        self.running.get(process).is_some()
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    fn with_token(&self, life: Life, token: Token) -> Option<Key> {
        let is_it = |key: &Key| {
            self.running.get(*key).is_some_and(|process| process.life == life && process.token == token)
        };
        self.running.keys().into_iter().find(is_it)
    }
}

impl World {
    pub(crate) fn spawn_process(
        &mut self,
        life: Life,
        command: &Command,
        token: Token,
    ) -> io::Result<sestina_reactor::Process> {
        let known = |name: PathBuf| self.processes.programs.get(&name).cloned();
        let program = names(&command.program).find_map(known).ok_or(io::ErrorKind::NotFound)?;
        if self.processes.with_token(life, token).is_some() {
            return Err(misuse("this token has a process already"));
        }
        self.take_descriptor(life.host)?;
        let output = || Kind::FromProcess(FromProcess::default());
        let add =
            |world: &mut Self, kind| world.sockets.insert(Socket { host: life.host, token: None, kind });
        let (stdout, stderr) = (add(self, output()), add(self, output()));
        self.processes.started += 1;
        let pid = FIRST_PID + self.processes.started;
        let run = Some(Run::new(command.clone()));
        let process = Process { life, token, program, run, pid, stdin: stdout, stdout, stderr };
        let key = self.processes.running.insert(process);
        let input = ToProcess { process: key, under_way: 0, blocked: false, ended: false };
        let stdin = add(self, Kind::ToProcess(input));
        if let Some(process) = self.processes.running.get_mut(key) {
            process.stdin = stdin;
        }
        self.note(|world| {
            format!("{} starts {} as {pid}", world.machine(life.host).name, command.program.display())
        });
        self.step_process(key, Step::Started);
        let [stdin, stdout, stderr] = [stdin, stdout, stderr].map(sestina_reactor::Sock);
        Ok(sestina_reactor::Process { pid, stdin, stdout, stderr })
    }

    /// Has this happen to a process in a moment; in the order of the calls.
    fn step_process(&mut self, process: Key, step: Step) {
        self.agenda.add(self.now + STEP_AFTER, Happening::Process { process, step });
    }

    pub(crate) fn signal_process(&mut self, life: Life, token: Token, number: i32) -> io::Result<()> {
        let Some(process) = self.processes.with_token(life, token) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the process has ended"));
        };
        if !(0..=SIGNAL_MAX).contains(&number) {
            return Err(misuse("no such signal"));
        }
        if number > 0 {
            self.step_process(process, Step::Signal(number));
        }
        Ok(())
    }

    pub(crate) fn send_to_process(&mut self, sock: Key, queue: &WriteQueue) -> io::Result<usize> {
        if self.would_block(sock, false, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let now = self.now;
        let Kind::ToProcess(pipe) = &mut self.socket_mut(sock)?.kind else {
            return Err(misuse("no pipe to write to"));
        };
        if pipe.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = PIPE_BYTES.saturating_sub(pipe.under_way);
        if room == 0 {
            pipe.blocked = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let process = pipe.process;
        let count = self.dice.cuts(Fault::ShortWrites, now, room.min(queue.len()));
        let bytes: Vec<u8> = queue.pieces().flatten().copied().take(count).collect();
        if let Kind::ToProcess(pipe) = &mut self.socket_mut(sock)?.kind {
            pipe.under_way += count;
        }
        self.step_process(process, Step::Input(bytes));
        Ok(count)
    }

    /// Ends a process's standard input.
    pub(crate) fn finish_input(&mut self, sock: Key) {
        let Some(Socket { kind: Kind::ToProcess(pipe), .. }) = self.sockets.get_mut(sock) else { return };
        if !std::mem::replace(&mut pipe.ended, true) {
            let process = pipe.process;
            self.step_process(process, Step::InputEnded);
        }
        self.tell(sock, true, false);
    }

    /// Reads what a process wrote; its standard input has nothing but its end.
    pub(crate) fn receive_from_process(&mut self, sock: Key, buffer: &mut [u8]) -> io::Result<Received> {
        let (readable, _) = self.socket(sock)?.readiness();
        if !readable || self.would_block(sock, true, false) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let now = self.now;
        let Kind::FromProcess(pipe) = &mut self.socket_mut(sock)?.kind else {
            return Ok(Received { count: 0, more: false });
        };
        let wanted = pipe.bytes.len().min(buffer.len());
        let count = self.dice.cuts(Fault::ShortReads, now, wanted);
        let Kind::FromProcess(pipe) = &mut self.socket_mut(sock)?.kind else { return Err(misuse("no pipe")) };
        pipe.bytes.read(&mut buffer[..count]);
        Ok(Received { count, more: count > 0 && (pipe.ended || !pipe.bytes.is_empty()) })
    }

    /// The program that this step calls, and what it is called with.
    fn begin_step(&mut self, process: Key, step: &Step) -> Option<(Program, Run)> {
        let now = self.processes.running.get(process).map(|process| self.host_time(process.life.host))?;
        if let Step::Input(bytes) = step {
            self.input_was_read(process, bytes.len());
        }
        let process = self.processes.running.get_mut(process)?;
        let mut run = process.run.take()?;
        run.begin(now, if let Step::Input(bytes) = step { bytes } else { &[] });
        Some((Rc::clone(&process.program), run))
    }

    fn input_was_read(&mut self, process: Key, count: usize) {
        let Some(stdin) = self.processes.running.get(process).map(|process| process.stdin) else { return };
        let Some(Socket { kind: Kind::ToProcess(pipe), .. }) = self.sockets.get_mut(stdin) else { return };
        pipe.under_way -= count;
        if std::mem::take(&mut pipe.blocked) {
            self.tell(stdin, false, true);
        }
    }

    fn end_step(&mut self, key: Key, step: &Step, mut run: Run) {
        let Some(process) = self.processes.running.get(key) else { return };
        let (stdout, stderr) = (process.stdout, process.stderr);
        for (sock, bytes) in
            [(stdout, std::mem::take(&mut run.output)), (stderr, std::mem::take(&mut run.errors))]
        {
            match self.sockets.get_mut(sock) {
                Some(Socket { kind: Kind::FromProcess(pipe), .. }) if !bytes.is_empty() => {
                    pipe.bytes.push(bytes);
                    self.tell(sock, true, false);
                }
                None if !bytes.is_empty() => run.status = run.status.or(Some(ExitStatus::Signal(SIGPIPE))),
                _ => {}
            }
        }
        if let Some(time) = run.wake.take() {
            // Not at once: a program that is woken again and again would have no time pass.
            let at = self.now + time.max(STEP_AFTER);
            self.agenda.add(at, Happening::Process { process: key, step: Step::Woken });
        }
        let killed = match step {
            Step::Signal(number) if !run.caught || *number == SIGKILL => Some(ExitStatus::Signal(*number)),
            _ => None,
        };
        match run.status.or(killed) {
            Some(status) => self.end_process(key, status),
            None => {
                if let Some(process) = self.processes.running.get_mut(key) {
                    process.run = Some(run);
                }
            }
        }
    }

    fn end_process(&mut self, key: Key, status: ExitStatus) {
        let Some(Process { life, token, pid, stdin, stdout, stderr, .. }) =
            self.processes.running.remove(key)
        else {
            return;
        };
        self.note(|world| format!("{} process {pid} ended {status:?}", world.machine(life.host).name));
        for sock in [stdin, stdout, stderr] {
            match self.sockets.get_mut(sock).map(|socket| &mut socket.kind) {
                Some(Kind::ToProcess(pipe)) => pipe.ended = true,
                Some(Kind::FromProcess(pipe)) => pipe.ended = true,
                _ => {}
            }
            self.tell(sock, true, true);
        }
        if self.is_alive(life) {
            self.machine_mut(life.host).tell_event(Event::Exited { token, status });
        }
    }

    /// The host goes, and its processes with it.
    pub(crate) fn kill_processes(&mut self, host: HostId) {
        for key in self.processes.running.keys() {
            if self.processes.running.get(key).is_some_and(|process| process.life.host == host) {
                self.processes.running.remove(key);
            }
        }
    }
}

/// Calls a program for what happens to it. A panic of it is its exit with 101, as Rust programs have it.
pub(crate) fn run_step(world: &RefCell<World>, process: Key, step: &Step) {
    let begun = world.borrow_mut().begin_step(process, step);
    let Some((program, mut run)) = begun else { return };
    let event = match step {
        Step::Started => Some(ProcessEvent::Started),
        Step::Input(bytes) => Some(ProcessEvent::Input(bytes)),
        Step::InputEnded => Some(ProcessEvent::InputEnded),
        Step::Woken => Some(ProcessEvent::Woken),
        Step::Signal(SIGKILL) => None,
        Step::Signal(number) => Some(ProcessEvent::Signal(*number)),
    };
    if let Some(event) = event
        && catch_unwind(AssertUnwindSafe(|| program(&mut run, event))).is_err()
    {
        run.status = Some(ExitStatus::Code(PANICKED));
    }
    world.borrow_mut().end_step(process, step, run);
    drop(program);
}

/// How long after its cause something happens to a process.
const STEP_AFTER: Duration = Duration::from_micros(50);
/// What a pipe holds on Linux.
const PIPE_BYTES: usize = 64 * 1024;
/// The process before the first one.
const FIRST_PID: u32 = 1000;
const SIGNAL_MAX: i32 = 64;
const SIGKILL: i32 = 9;
const SIGPIPE: i32 = 13;
const PANICKED: i32 = 101;
