//! The program `get-poetry`: downloads from many poets at once.
//!
//! | file | noun |
//! |---|---|
//! | `arguments.rs` | the command line, word for word |
//! | `plan.rs` | what will be done: arguments that go together |
//! | `session.rs` | one run |
//! | `voice.rs`, `screen.rs` | what is printed and told, and the progress |
//! | `store.rs`, `report.rs` | poems as files, a download as a line of JSON |
//!
//! What is printed when, retries, limits, the hash: all of that is `sestina-poetry`'s.

mod arguments;
mod plan;
mod report;
mod screen;
mod session;
mod store;
mod voice;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;

use clap::FromArgMatches;
use sestina_reactor::{Reactor, Signal};
use sestina_reactor_mio::{MioDriver, Options as DriverOptions, raise_descriptor_limit};
use tracing::level_filters::LevelFilter;

pub use self::arguments::command;
use self::arguments::{NAME, Options};
use self::plan::Plan;
use self::session::Session;
use self::voice::Voice;
use sestina_daemon::logs;
use sestina_daemon::usage;
use sestina_daemon::words;

/// Runs the program with these arguments, the program's own name first.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let command = command();
    let parsed = command.clone().try_get_matches_from(&arguments);
    let options = match parsed.and_then(|matches| Options::from_arg_matches(&matches)) {
        Ok(options) => options,
        Err(error) => return usage::answer(&error, &command, &arguments),
    };
    logs::begin(LevelFilter::WARN);
    let descriptors = raise_descriptor_limit().unwrap_or(DESCRIPTORS);
    let plan = match Plan::check(options, descriptors) {
        Ok(plan) => plan,
        Err(error) => {
            words::say(&format!("{NAME}: {}", words::chain(&error)));
            return ExitCode::from(error.exit_code());
        }
    };
    match download(plan) {
        Ok(exit_code) => exit_code,
        Err(error) => {
            words::say(&format!("{NAME}: {}", words::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// How many descriptors there are when the system does not let us ask for more: what is usual.
const DESCRIPTORS: u64 = 1024;

/// # Errors
/// If there is no reactor to be had.
fn download(plan: Plan) -> io::Result<ExitCode> {
    // A name lookup for each, and a job for the files.
    let driver = DriverOptions::default().with_queued_jobs_max(plan.poets.len() + 1);
    let reactor = Reactor::new(Box::new(MioDriver::with_options(driver)?));
    let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
    let is_poem_watched = plan.is_streaming && io::IsTerminal::is_terminal(&io::stdout());
    let mut voice = Voice::new(is_terminal && !plan.showing.quiet && !is_poem_watched)?;
    if let Some(note) = plan.note.as_ref().filter(|_| !plan.showing.quiet) {
        voice.line(&format!("{NAME}: {note}"), voice::Tone::Plain);
    }
    // Before anybody is connected to: a signal that comes then must not end us unheard.
    let hearing: Rc<OnceCell<Rc<Session>>> = Rc::default();
    for signal in [Signal::Interrupt, Signal::Terminate] {
        let hearing = Rc::clone(&hearing);
        reactor.on_signal(signal, move || {
            if let Some(session) = hearing.get() {
                session.signal(signal);
            }
        })?;
    }
    let session = hearing.get_or_init(|| Session::start(&reactor, plan, voice));
    let running = Rc::clone(session);
    let all = reactor.spawn(async move { running.run().await });
    match reactor.run_until(all) {
        Err(failure) if !session.is_signalled() => {
            words::say(&format!("{NAME}: {}", words::chain(failure.error())));
            Ok(ExitCode::FAILURE)
        }
        // After a signal nobody waits for the standard error any more.
        _ => Ok(session.exit_code()),
    }
}
