//! A program as a service.
//!
//! Tests: `tests/suite/work.rs`.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Answer, Deferred, Failure, succeed};
use sestina_reactor::{Command, ExitStatus, ProcessHandle, ProcessProtocol, Stopped};

use crate::context::ServiceContext;
use crate::service::{Details, Service};

/// How much of one line of a program's output is logged; the rest of the line is left out.
pub const OUTPUT_LINE_BYTES_MAX: usize = 4096;

/// The program of a [`ProcessService`] ended with something other than 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcessEnded(pub ExitStatus);

impl fmt::Display for ProcessEnded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ExitStatus::Code(code) => write!(out, "the program exited with status {code}"),
            ExitStatus::Signal(signal) => write!(out, "the program was killed by signal {signal}"),
        }
    }
}

impl Error for ProcessEnded {}

/// Runs a program from its start to its stop. What it prints goes to the log, line by line.
///
/// Its stop asks the program to end (SIGTERM) and waits for it; when that takes too long it is killed.
///
/// # Errors
/// A start fails if the program cannot be started; afterwards every end but exit status 0 is a failure
/// ([`ProcessEnded`]).
///
/// ```
/// use sestina_reactor::Command;
/// use sestina_service::{Child, ProcessService};
///
/// let helper = Child::new("helper", || {
///     ProcessService::new(Command { program: "/usr/bin/helper".into(), ..Command::default() })
/// });
/// # drop(helper);
/// ```
#[derive(Debug)]
pub struct ProcessService {
    command: Command,
    process: RefCell<Option<ProcessHandle>>,
}

impl ProcessService {
    /// Runs this program.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self { command, process: RefCell::new(None) }
    }

    /// The process, while there is one.
    #[must_use]
    pub fn process(&self) -> Option<ProcessHandle> {
        self.process.borrow().clone()
    }
}

impl Service for ProcessService {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let output = Output { span: cx.span().clone(), out: Line::default(), error: Line::default() };
        let command = self.command.clone();
        sestina_deferred::maybe_deferred(|| {
            let process = cx.reactor().spawn_process(&command, output)?;
            tracing::info!("{} runs as process {}", command.program.display(), process.pid());
            *self.process.borrow_mut() = Some(process);
            Ok(())
        })
    }

    fn failed(&self) -> Option<Deferred<()>> {
        let process = self.process()?;
        let ended = process.ended().add_both(|end| match end {
            Ok(ExitStatus::Code(0)) => Ok(()),
            Ok(status) => Err(Failure::new(ProcessEnded(status))),
            Err(failure) => Err(failure),
        });
        Some(ended)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        let Some(process) = self.process.borrow_mut().take() else { return succeed(()) };
        // Whoever has ended already is not there to be asked.
        process.terminate().ok();
        let kill = process.clone();
        let ended = process.ended().on_cancel(move || {
            kill.kill().ok();
            Answer::Continue
        });
        ended.add_both(|end| match end {
            Ok(_) => Ok(()),
            Err(failure) if failure.is::<Stopped>() => Ok(()),
            Err(failure) => Err(failure),
        })
    }

    fn details(&self) -> Details {
        match self.process() {
            Some(process) => Details::default().with_note(format!("process {}", process.pid())),
            None => Details::default(),
        }
    }
}

/// Logs what a program prints.
struct Output {
    span: tracing::Span,
    out: Line,
    error: Line,
}

impl ProcessProtocol for Output {
    fn output_received(&mut self, _: &ProcessHandle, data: &[u8]) {
        self.span.in_scope(|| self.out.take(data, |line| tracing::info!("{line}")));
    }

    fn error_received(&mut self, _: &ProcessHandle, data: &[u8]) {
        self.span.in_scope(|| self.error.take(data, |line| tracing::warn!("{line}")));
    }

    fn ended(&mut self, _: ExitStatus) {
        self.span.in_scope(|| {
            self.out.end(|line| tracing::info!("{line}"));
            self.error.end(|line| tracing::warn!("{line}"));
        });
    }
}

/// A line that is not complete yet. Invariant: at most [`OUTPUT_LINE_BYTES_MAX`] bytes.
#[derive(Default)]
struct Line(Vec<u8>);

impl Line {
    fn take(&mut self, data: &[u8], log: impl Fn(&str)) {
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = OUTPUT_LINE_BYTES_MAX - self.0.len();
            self.0.extend_from_slice(text.get(..room).unwrap_or(text));
            if ends {
                log(&self.words());
            }
        }
    }

    fn end(&mut self, log: impl Fn(&str)) {
        if !self.0.is_empty() {
            log(&self.words());
        }
    }

    /// The line, as text that moves no cursor.
    fn words(&mut self) -> String {
        let bytes = std::mem::take(&mut self.0);
        crate::status::escaped(&String::from_utf8_lossy(&bytes))
    }
}
