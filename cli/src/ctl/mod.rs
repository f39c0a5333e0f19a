//! `sestina ctl SOCKET COMMAND`: asks a running service at its control socket.
//!
//! Walk: `arguments.rs` makes a line of the command line, `conversation.rs` says it and reads the answer, this file prints
//! it. Tests: `tests/suite/operators.rs`.

mod arguments;
mod conversation;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use sestina_reactor::{Endpoint, Reactor};
use sestina_reactor_mio::MioDriver;
use tracing::level_filters::LevelFilter;

use self::arguments::Arguments;
use self::conversation::{CtlError, converse};
use sestina_daemon::logs;
use sestina_daemon::words;

/// The command's name.
pub(crate) const NAME: &str = "ctl";
/// One line for the help.
pub(crate) const DESCRIPTION: &str = "Asks a running service at its control socket";

const EXAMPLES: &str = "\
Examples, for a proxy that was started with --control proxy.sock:
  sestina ctl proxy.sock entries
  sestina ctl proxy.sock purge --all --hard
  sestina ctl proxy.sock stats --json

Exit status: 0 if it was done, 1 if it was not, 2 for wrong usage.";

/// The command and its options.
pub(crate) fn command() -> Command {
    Arguments::augment_args(Command::new(NAME).max_term_width(80))
        .about(DESCRIPTION)
        .override_usage("sestina ctl [OPTIONS] SOCKET COMMAND [ARGUMENTS]")
        .subcommand_value_name("COMMAND")
        .subcommand_help_heading("Commands")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(EXAMPLES)
}

/// Asks, and prints the answer.
pub(crate) fn main(matches: &ArgMatches) -> ExitCode {
    logs::begin(LevelFilter::ERROR);
    let arguments = Arguments::from_arg_matches(matches).expect("the parser has checked them");
    match ask(&arguments) {
        Ok(lines) => print(&lines, arguments.json),
        Err(error) => fail(&words::chain(&error)),
    }
}

fn fail(why: &str) -> ExitCode {
    words::say(&format!("sestina {NAME}: {why}"));
    ExitCode::FAILURE
}

fn ask(arguments: &Arguments) -> Result<Vec<String>, CtlError> {
    let reactor = Reactor::new(Box::new(MioDriver::new().map_err(CtlError::NoReactor)?));
    let socket = Endpoint::unix(&arguments.socket).with_timeout(arguments.timeout);
    let answer = converse(&reactor, &socket, arguments.request(), arguments.timeout);
    let answered = reactor.run_until(answer);
    answered.map_err(|failure| CtlError::of(&failure, &socket.peer_name(), arguments.timeout))
}

/// Prints an answer. Lines for people are made harmless once more: who knows who answered.
fn print(lines: &[String], json: bool) -> ExitCode {
    let text: String = lines
        .iter()
        .flat_map(|line| [if json { line.clone() } else { words::one_line(line) }, "\n".to_owned()])
        .collect();
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("cannot write to the standard output: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}
