//! What the parser of the command line has to say, in one line that names the thing and the fix.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::words;

/// The exit status of wrong usage.
pub const WRONG_USAGE: u8 = 2;

/// Answers for the parser: help and version on the standard output, everything else as one line on the standard error.
#[must_use]
pub fn answer(error: &clap::Error, command: &Command, arguments: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render().to_string();
            match io::stdout().lock().write_all(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        let program = program(command, arguments);
                        words::say(&format!("{program}: cannot write to the standard output: {error}"));
                    }
                    ExitCode::FAILURE
                }
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            words::say_raw(&error.render().to_string());
            ExitCode::from(WRONG_USAGE)
        }
        _ => {
            let program = program(command, arguments);
            let about = groups(command, arguments);
            words::say(&format!(
                "{program}: {} ('{program} --help' says more)",
                problem(error, about, arguments)
            ));
            ExitCode::from(WRONG_USAGE)
        }
    }
}

/// `sestina fastpoetry`, if that is what the line was about.
fn program(command: &Command, arguments: &[OsString]) -> String {
    let mut given = arguments.iter().skip(1);
    let plugin = given.find_map(|argument| command.find_subcommand(argument));
    match plugin {
        Some(plugin) => format!("{} {}", command.get_name(), plugin.get_name()),
        None => command.get_name().to_owned(),
    }
}

/// The command whose own commands the line was about: the program, or one of its commands that has some.
fn groups<'a>(command: &'a Command, arguments: &[OsString]) -> &'a Command {
    let mut given = arguments.iter().skip(1);
    let inner = given.find_map(|argument| command.find_subcommand(argument));
    inner.filter(|inner| inner.has_subcommands()).unwrap_or(command)
}

/// What a command calls its own commands: `plugin`, `command`.
fn kind(command: &Command) -> String {
    command.get_subcommand_value_name().unwrap_or("COMMAND").to_ascii_lowercase()
}

/// What is wrong, in words that name the thing and the fix.
pub(crate) fn problem(error: &clap::Error, command: &Command, arguments: &[OsString]) -> String {
    let said = |kind| text(error.get(kind));
    let argument = said(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = said(ContextKind::InvalidSubcommand);
            let instead = suggestion(error, ContextKind::SuggestedSubcommand);
            let instead = instead.unwrap_or_else(|| format!("there are {}", plugins(command)));
            format!("there is no {} '{name}': {instead}", kind(command))
        }
        ErrorKind::MissingSubcommand => format!("the name of a {} is missing", kind(command)),
        ErrorKind::UnknownArgument if is_option_of(command, &argument) && command.has_subcommands() => {
            format!("'{argument}' belongs before the name of the {}", kind(command))
        }
        ErrorKind::UnknownArgument if is_option_of_the_named(command, &argument, arguments) => {
            format!("'{argument}' belongs behind the name of the {}", kind(command))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let instead = suggestion(error, ContextKind::SuggestedArg).map(|instead| format!(": {instead}"));
            format!("there is no option '{argument}'{}", instead.unwrap_or_default())
        }
        // Behind an argument of its own, a command that is none looks like one more argument.
        ErrorKind::UnknownArgument if kind(command) == "command" && !names_one(command, arguments) => {
            format!("there is no command '{argument}': there are {}", plugins(command))
        }
        ErrorKind::UnknownArgument => format!("'{argument}' is one argument too many"),
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::ArgumentConflict => match said(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => format!("{argument} is given twice"),
            prior => format!("{argument} and {prior} do not go together"),
        },
        ErrorKind::ValueValidation => {
            let why = error.source().map_or_else(String::new, words::chain);
            format!("{}: {why}", bare(&argument))
        }
        ErrorKind::InvalidValue => invalid_value(error, &argument),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => rendered(error),
    }
}

/// Whether one of the words is a command of this command.
fn names_one(command: &Command, arguments: &[OsString]) -> bool {
    arguments.iter().any(|given| command.find_subcommand(given).is_some())
}

/// Whether this is an option of the plugin that is named in the same line: it stands too early then.
fn is_option_of_the_named(command: &Command, argument: &str, arguments: &[OsString]) -> bool {
    let mut named = arguments.iter().skip(1).filter_map(|given| command.find_subcommand(given));
    named.any(|plugin| is_option_of(plugin, argument))
}

fn invalid_value(error: &clap::Error, argument: &str) -> String {
    let value = text(error.get(ContextKind::InvalidValue));
    let choice = text(error.get(ContextKind::ValidValue));
    match (value.is_empty(), choice.is_empty()) {
        (true, true) => format!("{argument} needs a value"),
        (true, false) => format!("{argument} needs a value: one of {choice}"),
        (false, _) => {
            let instead = suggestion(error, ContextKind::SuggestedValue);
            let instead = instead.map(|instead| format!(": {instead}")).unwrap_or_default();
            format!("{}: '{value}' is not one of {choice}{instead}", bare(argument))
        }
    }
}

/// The name of an argument, without the picture of its value.
fn bare(argument: &str) -> &str {
    match argument.split_once(' ') {
        Some((option, _)) => option,
        None => argument.trim_end_matches("...").trim_start_matches('<').trim_end_matches('>'),
    }
}

/// Whether this is an option of the command itself, and not of one of its own commands.
fn is_option_of(command: &Command, argument: &str) -> bool {
    command.get_arguments().any(|option| {
        let long = option.get_long().is_some_and(|long| argument.strip_prefix("--") == Some(long));
        let short = option.get_short().is_some_and(|short| argument == format!("-{short}"));
        long || short
    })
}

/// The parser sorts what resembles the word; the most similar comes last.
pub(crate) fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let best = match error.get(kind)? {
        ContextValue::Strings(texts) => texts.last()?.clone(),
        other => other.to_string(),
    };
    Some(format!("did you mean '{best}'?"))
}

fn plugins(command: &Command) -> String {
    let visible = command.get_subcommands().filter(|plugin| !plugin.is_hide_set());
    visible.map(Command::get_name).collect::<Vec<_>>().join(", ")
}

/// What the parser says of one thing: a word, or several.
pub(crate) fn text(value: Option<&ContextValue>) -> String {
    match value {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// The parser's own words, for what is not expected to happen.
pub(crate) fn rendered(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}
