//! The program `sestina`: options of the runner, the name of a plugin, options of the plugin.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Args, Command};
use sestina_reactor::Reactor;
use sestina_reactor_mio::MioDriver;
use tracing::level_filters::LevelFilter;

use crate::demo;
use crate::descriptors;
use crate::log;
use crate::plugin::{BUILT_IN, Plugin};
use crate::usage;
use crate::words;

const AFTER_HELP: &str = "\
Commands:
  demo         Shows the system at work on real sockets, and checks its claims

'sestina PLUGIN --help' shows a plugin's own options. SIGINT and SIGTERM end a
service cleanly. A server takes at most 100,000 connections, and 256 from one
address that is not the loopback.
Exit status: 0 for a clean end, 1 if it failed, 2 for wrong usage.";

/// The runner's own options: they come before the name of the plugin.
#[derive(Args)]
struct RunnerOptions {
    /// Stay in the foreground, with the log on the standard error. Today there is no other way; say it all the same
    /// where you want it, because a later version detaches without it
    #[arg(short, long)]
    nodaemon: bool,
}

/// Runs the program with these arguments, the program's own name first.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let command = command();
    let matches = match command.clone().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return usage::answer(&error, &command, &arguments),
    };
    match matches.subcommand() {
        Some((demo::NAME, _)) => demo::main(),
        Some((name, options)) => match BUILT_IN.iter().find(|plugin| plugin.name() == name) {
            Some(plugin) => run(*plugin, options),
            None => unreachable!("the parser accepts names of plugins only"),
        },
        None => unreachable!("the parser demands the name of a plugin"),
    }
}

/// The definition of the command line: for the parser, `--help` and the reference.
#[must_use]
pub fn command() -> Command {
    // The options come first: their own comment would take the place of the description.
    let command = RunnerOptions::augment_args(Command::new("sestina").max_term_width(80))
        .about("Runs services: servers of poetry, for now")
        .version(env!("CARGO_PKG_VERSION"))
        .override_usage("sestina [OPTIONS] PLUGIN [PLUGIN OPTIONS]\n       sestina demo")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand_value_name("PLUGIN")
        .subcommand_help_heading("Plugins")
        .after_help(AFTER_HELP);
    let demo = Command::new(demo::NAME).about(demo::DESCRIPTION).hide(true);
    let plugins = BUILT_IN.iter().map(|plugin| plugin.command());
    command.subcommands(plugins).subcommand(demo)
}

/// Runs a plugin until a signal comes.
///
/// The service is made before signals are watched: reading a file may block (a pipe that nobody writes to), and until
/// something is open, a signal may simply end the program.
fn run(plugin: &dyn Plugin, options: &ArgMatches) -> ExitCode {
    let fail = |exit_code: u8, error: &(dyn Error + 'static)| {
        words::say(&format!("sestina {}: {}", plugin.name(), words::chain(error)));
        ExitCode::from(exit_code)
    };
    if let Some(text) = plugin.prints(options) {
        return match io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, &error),
        };
    }
    let service = match plugin.make_service(options) {
        Ok(service) => service,
        Err(error) => return fail(error.exit_code(), &error),
    };
    log::begin(LevelFilter::INFO);
    let descriptors = descriptors::raise_limit();
    let reactor = match reactor_with_signals() {
        Ok(reactor) => reactor,
        Err(error) => return fail(1, &error),
    };
    let port = match (service.start)(&reactor) {
        Ok(port) => port,
        Err(error) => return fail(1, &error),
    };
    if let Some(made_of) = service.made_of {
        tracing::info!(target: "sestina", "loaded {made_of}");
    }
    tracing::info!(target: "sestina", "{} listening on {}", plugin.name(), port.local_addr());
    tracing::info!(target: "sestina", "{descriptors}");
    let ended = reactor.run();
    tracing::info!(target: "sestina", "{} stopped", plugin.name());
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

/// Signals are watched before anything is opened, so that none of them finds a port open and nobody prepared.
fn reactor_with_signals() -> io::Result<Reactor> {
    let reactor = Reactor::new(Box::new(MioDriver::new()?));
    reactor.stop_on_signals()?;
    Ok(reactor)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_does_not_contradict_itself() {
        super::command().debug_assert();
        crate::get_poetry::command().debug_assert();
    }
}
