//! The log: `2026-11-22T17:21:27+0000 [sestina#info] fastpoetry listening on 127.0.0.1:10000`.
//!
//! Whatever uses `tracing` logs into it: this house, and users' libraries. One event is one line, whatever strangers put
//! into names and bytes: what would end a line or move a cursor is escaped, and a field has at most 1 KiB.
//! A line is written whole or lost whole. What cannot be written stops nothing: it is counted, and the log says how many
//! lines are missing when it can be written again.
//!
//! Walk: `layer.rs` makes lines of events (`record.rs`, `capped.rs`, `line.rs`), without a lock; `writer.rs` takes them in
//! order (`repeats.rs`); `outbox.rs` gives them to `file.rs`, `stream.rs` or `syslog.rs`.
//!
//! Files are written at once, as everywhere: a disk that hangs stops the service. Streams and the syslog never wait for
//! their readers. So use a file on a local disk, or a stream.
//!
//! Tests: `cli/tests/suite/logs_*.rs`, and in the files.

mod capped;
mod file;
mod layer;
mod levels;
mod line;
mod options;
mod outbox;
mod panics;
mod record;
mod repeats;
mod stream;
mod syslog;
mod tending;
#[cfg(test)]
mod tests;
mod writer;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sestina_reactor::Reactor;
use signal_hook::consts::SIGXFSZ;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::words;
use layer::LogLayer;
use line::{Envelope, OWN, Origin, Shape};
use outbox::{Outbox, Output};
use repeats::Repeats;
use writer::Writer;

use file::FileError;
use options::Target;
use syslog::SyslogError;

pub(crate) use options::{LogOptions, LogPlan};

/// Sends what is at least this important to the standard error, from now on and from everywhere. For programs that are no
/// services: those have options for it.
///
/// # Panics
/// If the process has a log already.
pub fn begin(level: LevelFilter) {
    let (subscriber, _) =
        subscriber(&LogPlan::simple(level)).expect("a stream needs nothing that could fail");
    tracing::subscriber::set_global_default(subscriber).expect("a program begins its log once");
}

fn subscriber(plan: &LogPlan) -> Result<(impl tracing::Subscriber + Send + Sync, Log), LogError> {
    let (output, waiting_max) = match &plan.target {
        Target::Standard(standard) => (Output::Stream(stream::Stream::new(*standard)), plan.backlog),
        Target::File(path) => (Output::File(open(path, plan)?), 0),
        Target::Syslog(path) => {
            (Output::Syslog(syslog::Syslog::connect(path.clone()).map_err(LogError::Syslog)?), 0)
        }
    };
    let envelope = match &output {
        Output::Syslog(_) => Envelope::Syslog(plan.prefix.clone(), std::process::id()),
        Output::Stream(_) | Output::File(_) => Envelope::None,
    };
    let shape = Shape { format: plan.format, envelope };
    let log = Writer::new(shape, Outbox::new(output, waiting_max), Repeats::new(plan.repeats));
    let layer = LogLayer { log: Arc::clone(&log), levels: plan.levels.clone() };
    Ok((Registry::default().with(layer.boxed()), Log(log)))
}

fn open(path: &Path, plan: &LogPlan) -> Result<file::LogFile, LogError> {
    // A file that has become too long for the limits of the process is an error of the write, not the end.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(LogError::Signal)?;
    file::LogFile::open(path.to_owned(), plan.rotation, plan.mode).map_err(LogError::File)
}

/// To whom the log's file belongs: the user and the group that the process will have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The log, for whoever has to look after it. The log goes on when this is dropped.
#[derive(Clone)]
pub(crate) struct Log(Arc<Writer>);

impl Log {
    /// Opens what the plan says, and sends everything there from now on, from everywhere, panics too. New files belong to
    /// `owner`. Called in the process that will serve, before it gives up privileges, changes its root or starts a thread.
    ///
    /// # Errors
    /// If the file cannot be opened or given away, nobody listens to the syslog, or the process has a log already. Nothing
    /// has begun then.
    pub(crate) fn begin(plan: &LogPlan, owner: Option<Owner>) -> Result<Self, LogError> {
        let (subscriber, log) = subscriber(plan)?;
        if let Some(owner) = owner {
            log.give_to(owner)?;
        }
        tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Begun)?;
        panics::tell_in_log();
        Ok(log)
    }

    /// Opens the file again, by its path, and the way to the syslog; for `logrotate`, which moves the file away and then
    /// sends SIGUSR1. Says so in the log, and also if it fails: then the log goes on where it was.
    /// Gives whether it succeeded.
    pub(crate) fn reopen(&self) -> bool {
        let result: Result<(), Box<dyn Error>> = {
            let mut state = self.0.lock();
            let result = match state.outbox.output() {
                Output::File(file) => file.reopen().map_err(Into::into),
                Output::Syslog(syslog) => syslog.reconnect().map_err(Into::into),
                Output::Stream(_) => return true, // it is the same for ever
            };
            if result.is_ok() {
                state.outbox.is_renewed();
            }
            result
        };
        match result {
            Ok(()) => {
                let origin = Origin { level: tracing::Level::INFO, ..OWN };
                self.0.say(origin, "the log was opened again");
                true
            }
            Err(error) => {
                let words = format!("{}; it goes on where it was", words::chain(&*error));
                self.0.say(OWN, &words);
                false
            }
        }
    }

    /// Writes what is held back, and gives a slow reader a last chance of a second. For the end of the process.
    pub(crate) fn flush(&self) {
        self.0.flush();
    }

    /// Has the reactor look after lines that wait for a slow reader, and repetitions that were counted.
    pub(crate) fn attend(&self, reactor: &Reactor) {
        self.0.tending.begin(reactor);
    }

    fn give_to(&self, owner: Owner) -> Result<(), LogError> {
        match self.0.lock().outbox.output() {
            Output::File(file) => file.give_to(owner.uid, owner.gid).map_err(LogError::File),
            Output::Stream(_) | Output::Syslog(_) => Ok(()),
        }
    }

    /// The process has made `root` its root: paths begin there now. A file outside of it is written on, but can be neither
    /// opened again nor begun anew.
    pub(crate) fn entered_root(&self, root: &Path) {
        if let Output::File(file) = self.0.lock().outbox.output() {
            file.entered_root(root);
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.lock().outbox.output() {
            Output::File(file) => write!(out, "Log({})", file.path().display()),
            Output::Syslog(syslog) => write!(out, "Log(syslog at {})", syslog.path().display()),
            Output::Stream(_) => out.write_str("Log(stream)"),
        }
    }
}

/// Why there is no log.
#[derive(Debug)]
pub(crate) enum LogError {
    /// The process has one already.
    Begun,
    /// The file cannot be used.
    File(FileError),
    /// Nobody takes it.
    Syslog(SyslogError),
    /// The signal for files that are too long cannot be taken.
    Signal(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun => out.write_str("the process has a log already"),
            Self::File(error) => write!(out, "{error}"),
            Self::Syslog(error) => write!(out, "{error}"),
            Self::Signal(_) => out.write_str("SIGXFSZ cannot be handled"),
        }
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Begun => None,
            Self::File(error) => error.source(),
            Self::Syslog(error) => error.source(),
            Self::Signal(error) => Some(error),
        }
    }
}
