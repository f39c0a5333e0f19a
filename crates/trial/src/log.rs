//! The log of one test: a subscriber for its thread and for the jobs that it gives to other threads.
//!
//! Every event is a line in the test's file, as it comes; the last ones are kept to be shown when the test fails. Events
//! of the level ERROR are kept until somebody flushes them.
//! Invariant: bounded: the file, what is kept of it, and the errors.
//! Tests: `tests/suite/logs.rs`, `tests/stranger.rs`.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sestina_deferred::{Cancelled, Failure, Unhandled};
use sestina_reactor::{ConnectError, Lost, Stopped};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The file of a log takes no more bytes; what comes later is in its end, as far as that is kept.
pub const LOG_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// This many bytes of the end of a log are kept and shown.
pub const LOG_SHOWN_BYTES_MAX: usize = 16 * 1024;
/// A longer line is cut.
const LINE_BYTES_MAX: usize = 4096;
/// More errors are counted, not kept.
const ERRORS_MAX: usize = 100;

/// An error that a test has logged, or that went unhandled in a deferred.
#[derive(Clone, Debug)]
pub struct LoggedError {
    text: String,
    failure: Option<Failure>,
    /// How its `Debug` begins, if it was logged as an error of a type that is not known here.
    name: Option<String>,
}

impl LoggedError {
    pub(crate) fn unhandled(unhandled: &Unhandled) -> Self {
        Self { text: unhandled.failure().to_string(), failure: Some(unhandled.failure().clone()), name: None }
    }

    /// What was logged: target, message and fields.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The failure, if it is known.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether it is an `E`. A type that is not known here goes by its name: its `Debug` begins with that.
    #[must_use]
    pub fn is<E: Error + 'static>(&self) -> bool {
        match &self.name {
            Some(name) => name == plain_name::<E>(),
            None => self.failure.as_ref().is_some_and(Failure::is::<E>),
        }
    }
}

/// What time the lines have.
#[derive(Debug)]
pub(crate) enum LogClock {
    /// Nanoseconds of virtual time, as the harness tells them.
    Virtual(AtomicU64),
    Real(Instant),
}

#[derive(Debug)]
pub(crate) struct Log {
    clock: LogClock,
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    written: usize,
    end: VecDeque<String>,
    end_bytes: usize,
    lines: u64,
    errors: Vec<LoggedError>,
    more_errors: u64,
}

impl Log {
    /// A log that is also written to this file, if it can be made.
    pub(crate) fn new(is_virtual: bool, path: Option<PathBuf>) -> Self {
        let file = path.as_ref().and_then(|path| {
            std::fs::create_dir_all(path.parent()?).ok()?;
            File::create(path).ok()
        });
        let clock =
            if is_virtual { LogClock::Virtual(AtomicU64::new(0)) } else { LogClock::Real(Instant::now()) };
        let path = path.filter(|_| file.is_some());
        Self { clock, path, state: Mutex::new(State { file, ..State::default() }) }
    }

    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    pub(crate) fn set_time(&self, now: Duration) {
        if let LogClock::Virtual(nanoseconds) = &self.clock {
            nanoseconds.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    fn time(&self) -> Duration {
        match &self.clock {
            LogClock::Virtual(nanoseconds) => Duration::from_nanos(nanoseconds.load(Ordering::Relaxed)),
            LogClock::Real(began) => began.elapsed(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the errors that are wanted.
    pub(crate) fn flush(&self, wanted: &mut impl FnMut(&LoggedError) -> bool) -> Vec<LoggedError> {
        let all = std::mem::take(&mut self.lock().errors);
        let (flushed, left): (Vec<_>, Vec<_>) = all.into_iter().partition(wanted); // user code: not locked
        self.lock().errors.splice(0..0, left);
        flushed
    }

    /// The errors that nobody has flushed.
    pub(crate) fn errors(&self) -> Vec<String> {
        let state = self.lock();
        let mut all: Vec<String> = state.errors.iter().map(|error| error.text.clone()).collect();
        if state.more_errors > 0 {
            all.push(format!("and {} more", state.more_errors));
        }
        all
    }

    /// The last lines, and how many came before them.
    pub(crate) fn end(&self) -> (Vec<String>, u64) {
        let state = self.lock();
        let kept: Vec<String> = state.end.iter().cloned().collect();
        let before = state.lines - u64::try_from(kept.len()).unwrap_or(0);
        (kept, before)
    }

    /// The test is over: what the file did not take any more goes there now, as far as it was kept.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.written > LOG_FILE_BYTES_MAX
            && let Some(mut file) = state.file.take()
        {
            let mut end = "... (the file is full; this is the end of the log)\n".to_owned();
            for line in &state.end {
                end.push_str(line);
                end.push('\n');
            }
            // Nobody can be told that a disk is full: the test's result does not depend on it.
            file.write_all(end.as_bytes()).ok();
        }
    }

    fn note(&self, mut line: String, error: Option<LoggedError>) {
        if cut(&mut line, LINE_BYTES_MAX) {
            line.push_str("...");
        }
        let mut state = self.lock();
        state.lines += 1;
        if state.written <= LOG_FILE_BYTES_MAX {
            state.written += line.len() + 1;
            if let Some(file) = &mut state.file {
                let mut bytes = line.clone().into_bytes();
                bytes.push(b'\n');
                file.write_all(&bytes).ok();
            }
        }
        state.end_bytes += line.len();
        state.end.push_back(line);
        while state.end_bytes > LOG_SHOWN_BYTES_MAX {
            let first = state.end.pop_front();
            state.end_bytes -= first.map_or(0, |line| line.len());
        }
        match error {
            Some(error) if state.errors.len() < ERRORS_MAX => state.errors.push(error),
            Some(_) => state.more_errors += 1,
            None => {}
        }
    }
}

/// The log as a subscriber. Spans are not kept.
#[derive(Debug)]
pub(crate) struct Collector(pub(crate) std::sync::Arc<Log>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let metadata = event.metadata();
        let text = format!("{}: {}{}", metadata.target(), words.message, words.fields);
        let time = self.0.time();
        let line = format!(
            "{:>6}.{:06} {:5} {text}",
            time.as_secs(),
            time.subsec_micros(),
            metadata.level().as_str()
        );
        let is_error = *metadata.level() == Level::ERROR;
        let error = is_error.then(|| LoggedError { text, failure: words.failure, name: words.name });
        self.0.note(line, error);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1) // never asked for: no span is enabled
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What an event says.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
    failure: Option<Failure>,
    name: Option<String>,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
        if written.is_err() {
            self.fields.push_str(" (a value that cannot be shown)");
        }
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.failure = Failure::inside(error).cloned().or_else(|| known(error));
        self.name = if self.failure.is_none() { name_in_debug(error) } else { None };
        self.record_debug(field, &format_args!("{error}"));
        let mut source = error.source();
        while let Some(cause) = source {
            self.record_debug(field, &format_args!("because: {cause}"));
            source = cause.source();
        }
    }
}

/// The name that a derived `Debug` of a struct begins with.
fn name_in_debug(error: &(dyn Error + 'static)) -> Option<String> {
    let text = format!("{error:?}");
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name of a type as its `Debug` writes it: without path and parameters.
fn plain_name<E>() -> &'static str {
    let whole = std::any::type_name::<E>();
    let whole = whole.split('<').next().unwrap_or(whole);
    whole.rsplit("::").next().unwrap_or(whole)
}

/// Errors that can be copied, as failures. Of others only the words are kept.
fn known(error: &(dyn Error + 'static)) -> Option<Failure> {
    fn copy<E: Error + Clone + Send + Sync + 'static>(error: &(dyn Error + 'static)) -> Option<Failure> {
        error.downcast_ref::<E>().map(|error| Failure::new(error.clone()))
    }
    copy::<ConnectError>(error)
        .or_else(|| copy::<Lost>(error))
        .or_else(|| copy::<Cancelled>(error))
        .or_else(|| copy::<Stopped>(error))
        .or_else(|| {
            let error = error.downcast_ref::<std::io::Error>()?;
            Some(Failure::new(std::io::Error::new(error.kind(), error.to_string())))
        })
}

/// Takes away what is more than so many bytes. A character stays whole or goes. Says whether there was more.
pub(crate) fn cut(text: &mut String, bytes_max: usize) -> bool {
    let is_longer = text.len() > bytes_max;
    if is_longer {
        let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    is_longer
}
