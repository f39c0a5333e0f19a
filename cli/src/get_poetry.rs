//! The program `get-poetry`: downloads from many poets at once, and prints each poem when it is complete.
//!
//! A poem is printed whole or not at all. On a terminal it is made harmless (`neutral.rs`); elsewhere it is printed byte
//! for byte. Printing blocks the loop while the reader of our output is slow; the poets wait meanwhile.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use sestina_deferred::{CancelHandle, Deferred, Failure};
use sestina_poetry::{Fetch, Poem};
use sestina_reactor::{Reactor, Signal};
use sestina_reactor_mio::MioDriver;
use tracing::level_filters::LevelFilter;

use crate::address::PoetAddress;
use crate::descriptors;
use crate::duration::parse_time_limit;
use crate::log;
use crate::neutral::Neutral;
use crate::signals;
use crate::usage;
use crate::words;

const NAME: &str = "get-poetry";
const AFTER_HELP: &str = "\
Examples:
  get-poetry 10000                         one poem: its bytes, nothing else
  get-poetry 10001 10002 localhost:10003   several at once, as they arrive
  get-poetry '[::1]:10000' > poem.txt      an IPv6 address is in brackets
  get-poetry --timeout 5 poets.example.org:10000

On a terminal, characters that would control it are shown instead of sent.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.
Exit status: 0 if all poems arrived, 1 if one did not or could not be printed,
2 for wrong usage, 130 after SIGINT, 143 after SIGTERM.";

#[derive(Args)]
struct Options {
    /// The poets; without a host they are on 127.0.0.1
    #[arg(value_name = "[[HOST]:]PORT", required = true, allow_negative_numbers = true)]
    poets: Vec<PoetAddress>,
    /// Give up a poet that does not answer, or sends nothing, for this long; without this, connecting may take 30
    /// seconds, and a silent poet as long as it likes
    #[arg(long, value_name = "DURATION", value_parser = parse_time_limit, allow_hyphen_values = true)]
    timeout: Option<Duration>,
}

pub(crate) fn command() -> Command {
    let command = Command::new(NAME)
        .max_term_width(80)
        .about("Downloads poems, all at once")
        .version(env!("CARGO_PKG_VERSION"))
        .arg_required_else_help(true)
        .after_help(AFTER_HELP);
    Options::augment_args(command)
}

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
    log::begin(LevelFilter::WARN);
    descriptors::raise_limit();
    match download(&options) {
        Ok(exit_code) => exit_code,
        Err(error) => {
            words::say(&format!("{NAME}: {}", words::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// # Errors
/// If there is no reactor to be had.
fn download(options: &Options) -> io::Result<ExitCode> {
    let reactor = Reactor::new(Box::new(MioDriver::new()?));
    let reading = Rc::new(Reading::new(options.poets.len()));
    for signal in [Signal::Interrupt, Signal::Terminate] {
        let reading = Rc::clone(&reading);
        reactor.on_signal(signal, move || reading.end(End::Signal(signal)))?;
    }
    let printed: Vec<Deferred<()>> =
        options.poets.iter().map(|poet| reading.start(&reactor, poet, options.timeout)).collect();
    let all = reactor.spawn(async move {
        for printed in printed {
            printed.await?;
        }
        Ok(())
    });
    if let Err(failure) = reactor.run_until(all) {
        words::say(&format!("{NAME}: {}", words::chain(failure.error())));
        return Ok(ExitCode::FAILURE);
    }
    Ok(match reading.end.get() {
        None => ExitCode::SUCCESS,
        Some(End::Failed | End::NoReader) => ExitCode::FAILURE,
        Some(End::Signal(signal)) => signals::exit_code(signal),
    })
}

/// Why not all is well.
#[derive(Clone, Copy)]
enum End {
    /// A poem did not arrive; the others may.
    Failed,
    /// What we print reaches nobody.
    NoReader,
    Signal(Signal),
}

/// All downloads, and where their poems are printed.
struct Reading {
    stdout: RefCell<io::Stdout>,
    is_terminal: bool,
    /// Several poems: then each ends with its line.
    several: bool,
    end: Cell<Option<End>>,
    cancellers: RefCell<Vec<CancelHandle>>,
}

impl Reading {
    fn new(poets: usize) -> Self {
        let stdout = io::stdout();
        Self {
            is_terminal: stdout.is_terminal(),
            stdout: RefCell::new(stdout),
            several: poets > 1,
            end: Cell::new(None),
            cancellers: RefCell::default(),
        }
    }

    /// Starts one download. Its deferred never fails: what is to be said has been said then.
    fn start(
        self: &Rc<Self>,
        reactor: &Reactor,
        poet: &PoetAddress,
        timeout: Option<Duration>,
    ) -> Deferred<()> {
        let endpoint = poet.endpoint();
        let name = endpoint.peer_name();
        let fetch = match timeout {
            Some(timeout) => Fetch::new(endpoint.with_timeout(timeout)).with_idle_max(timeout),
            None => Fetch::new(endpoint),
        };
        let poem = fetch.start(reactor);
        self.cancellers.borrow_mut().push(poem.canceller());
        let reading = Rc::clone(self);
        poem.add_both(move |result| {
            match result {
                Ok(poem) => reading.print(&poem),
                Err(failure) => reading.complain(&name, &failure),
            }
            Ok(())
        })
    }

    /// Stops all that is still under way.
    fn end(&self, why: End) {
        self.end.set(Some(why));
        let cancellers = std::mem::take(&mut *self.cancellers.borrow_mut());
        for canceller in cancellers {
            canceller.cancel();
        }
    }

    fn print(&self, poem: &Poem) {
        match self.write(poem.as_bytes()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.end(End::NoReader),
            Err(error) => {
                words::say(&format!("{NAME}: cannot write to the standard output: {error}"));
                self.end(End::NoReader);
            }
        }
    }

    fn write(&self, poem: &[u8]) -> io::Result<()> {
        let mut stdout = self.stdout.borrow_mut();
        if self.is_terminal {
            let mut neutral = Neutral::default();
            stdout.write_all(neutral.bytes_in(poem).as_bytes())?;
            stdout.write_all(neutral.finish().as_bytes())?;
        } else {
            stdout.write_all(poem)?;
        }
        if self.several && !poem.ends_with(b"\n") {
            stdout.write_all(b"\n")?;
        }
        stdout.flush()
    }

    /// One line for one poet; none for downloads that we ended ourselves.
    fn complain(&self, name: &str, failure: &Failure) {
        if matches!(self.end.get(), Some(End::NoReader | End::Signal(_))) {
            return;
        }
        self.end.set(Some(End::Failed));
        let why = words::chain(failure.error());
        // Most errors begin with whom they are about; those of a name do not.
        let line = if why.starts_with(name) { why } else { format!("{name}: {why}") };
        words::say(&format!("{NAME}: {line}"));
    }
}
