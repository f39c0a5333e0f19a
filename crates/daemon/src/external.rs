//! What the runner does with plugins that are programs of their own: it lists them in its help, and becomes one.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::ending::Ending;
use crate::orders::NO_PRIVILEGE;
use crate::plugins::{Missing, Search, State, become_plugin, shown, wrapped};
use crate::surroundings::Surroundings;
use crate::usage;

/// What the list is called in the help.
const HEADING: &str = "Plugins that are programs of their own";
/// The option that says where to look first, by its id.
const PLUGIN_PATH: &str = "plugin_path";

/// The plugins on the plugin path, for a program with this command line.
pub(crate) struct External<'a> {
    pub(crate) program: &'a str,
    pub(crate) command: &'a Command,
    pub(crate) surroundings: &'a Surroundings,
}

impl External<'_> {
    /// Answers what is no order to serve: a mistake, or a question for help, in which the plugins are listed.
    pub(crate) fn answer(&self, error: &clap::Error, arguments: &[OsString]) -> ExitCode {
        let help = [ErrorKind::DisplayHelp, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];
        let list = if help.contains(&error.kind()) { self.list(arguments) } else { None };
        let Some(list) = list else { return usage::answer(error, self.command, arguments) };
        let after = self.command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let command = self.command.clone().after_help(format!("{list}{after}"));
        match command.clone().try_get_matches_from(arguments) {
            Err(error) => usage::answer(&error, &command, arguments),
            Ok(_) => usage::answer(error, &command, arguments),
        }
    }

    /// The list for the help, if these words ask for the help of the program itself.
    fn list(&self, arguments: &[OsString]) -> Option<String> {
        // The same command line, but help is a switch like others, so that what else is said is heard.
        let help = Arg::new("help").short('h').long("help").action(ArgAction::SetTrue);
        let probe = self.command.clone().disable_help_flag(true).arg(help).ignore_errors(true);
        let matches = match probe.arg_required_else_help(false).try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) if error.kind() == ErrorKind::DisplayHelp => return None, // a plugin's own
            Err(_) => return Some(String::new()),
        };
        let is_asked = matches.get_flag("help") || arguments.len() <= 1;
        is_asked.then(|| wrapped(HEADING, &self.search(&matches).list()))
    }

    /// Becomes the plugin of this name, with the same words; if that cannot be, says why.
    pub(crate) fn run(&self, name: &str, matches: &ArgMatches, arguments: &[OsString]) -> Ending {
        let search = self.search(matches);
        match search.find(name) {
            Ok(trusted) => {
                let error =
                    become_plugin(&trusted, name, self.program, arguments.get(1..).unwrap_or_default());
                Ending::failed(&NotRun { path: shown(trusted.path()), error })
            }
            Err(Missing::Distrusted { path, why }) => {
                let words = format!("the plugin '{name}' is not run from '{}': {why}", shown(&path));
                Ending::with_words(NO_PRIVILEGE, words)
            }
            Err(Missing::Unknown { meant }) => {
                let instead = match meant {
                    Some(meant) => format!("did you mean '{meant}'?"),
                    None => format!("there are {}", self.names(&search).join(", ")),
                };
                Ending::usage(&format!(
                    "there is no plugin '{name}': {instead} ('{} --help' says more)",
                    self.program
                ))
            }
        }
    }

    fn search(&self, matches: &ArgMatches) -> Search<'_> {
        let folders = matches.get_many::<OsString>(PLUGIN_PATH).unwrap_or_default();
        let folders: Vec<OsString> = folders.cloned().collect();
        let taken = self.command.get_subcommands().map(Command::get_name).collect();
        Search::new(self.program, taken, &folders, self.surroundings)
    }

    /// What can be run.
    fn names(&self, search: &Search<'_>) -> Vec<String> {
        let linked = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        let mut names: Vec<String> = linked.map(|command| command.get_name().to_owned()).collect();
        let usable = search.list().into_iter().filter(|found| matches!(found.state, State::Usable(_)));
        names.extend(usable.map(|found| found.name));
        names
    }
}

/// A plugin that the system did not run.
#[derive(Debug)]
struct NotRun {
    path: String,
    error: std::io::Error,
}

impl std::fmt::Display for NotRun {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "cannot run the plugin '{}'", self.path)
    }
}

impl std::error::Error for NotRun {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
