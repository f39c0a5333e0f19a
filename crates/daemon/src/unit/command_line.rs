//! The command line again, without what a unit says better.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// Options of the runner that units have words for, or that make no sense under systemd.
const LEFT_OUT: [&str; 20] = [
    "emit_unit",
    "nodaemon",
    "daemon",
    "pidfile",
    "umask",
    "env_clear",
    "nofile",
    "core",
    "uid",
    "gid",
    "keep_groups",
    "no_new_privs",
    "keep_cap",
    "listen",
    "logfile",
    "syslog",
    "prefix",
    "log_rotate",
    "log_keep",
    "notify",
];
/// Those that say where the log goes.
const LOG_TARGETS: [&str; 2] = ["logfile", "syslog"];

/// What was given.
pub(crate) struct CommandLine<'a> {
    pub(crate) command: &'a Command,
    pub(crate) matches: &'a ArgMatches,
    pub(crate) arguments: &'a [OsString],
}

impl CommandLine<'_> {
    /// The runner's own options, one word each.
    pub(crate) fn runner(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        for option in self.command.get_arguments() {
            let id = option.get_id().as_str();
            let (Some(long), true) = (option.get_long(), self.is_given(id)) else { continue };
            if LEFT_OUT.contains(&id) {
                continue;
            }
            if !option.get_action().takes_values() {
                words.push(format!("--{long}").into());
                continue;
            }
            for value in self.matches.get_raw(id).into_iter().flatten() {
                words.push(option_word(long, value));
            }
        }
        words
    }

    /// The plugin and its options, as they were given.
    pub(crate) fn plugin(&self) -> Vec<OsString> {
        let Some((name, _)) = self.matches.subcommand() else { return Vec::new() };
        let name = OsStr::new(name);
        // The same word may be the value of an option before: the name stands where the options before it are complete.
        let place = (1..self.arguments.len()).find(|place| {
            let before = &self.arguments[..*place];
            self.arguments[*place] == name
                && (*place == 1 || self.command.clone().try_get_matches_from(before).is_ok())
        });
        place.map(|place| self.arguments[place..].to_vec()).unwrap_or_default()
    }

    /// Whether it was said where the log goes.
    pub(crate) fn has_log_target(&self) -> bool {
        LOG_TARGETS.iter().any(|id| self.is_given(id))
    }

    fn is_given(&self, id: &str) -> bool {
        let is_known = self.command.get_arguments().any(|option| option.get_id() == id);
        is_known && self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }
}

fn option_word(long: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(format!("--{long}="));
    word.push(value);
    word
}
