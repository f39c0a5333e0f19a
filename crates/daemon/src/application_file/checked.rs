//! What the definition of a command line says of the values in a file, with the place of each.

use std::error::Error;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use super::keys::{Key, keys};
use super::plan::Span;
use super::problem::Problem;
use crate::usage::{rendered, suggestion, text};
use crate::words;

/// A key of a file with its value.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) key: Key,
    /// Where the key stands.
    pub(super) span: Span,
    /// Where the value stands.
    pub(super) value: Span,
    /// What would stand on the command line.
    pub(super) arguments: Vec<OsString>,
}

/// Whether it is told what is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missing {
    Told,
    /// Something was wrong already, and may be what is missing now.
    Known,
}

/// All that would stand on the command line, the arguments without a name last.
pub(super) fn command_line(given: &[Given]) -> Vec<OsString> {
    let (positional, options): (Vec<&Given>, Vec<&Given>) =
        given.iter().partition(|given| given.key.arg.is_positional());
    let mut positional = positional;
    positional.sort_by_key(|given| given.key.arg.get_index());
    let mut words: Vec<OsString> = options.iter().flat_map(|given| given.arguments.clone()).collect();
    if !positional.is_empty() {
        words.push("--".into());
        words.extend(positional.iter().flat_map(|given| given.arguments.clone()));
    }
    words
}

/// Has the command check each value alone, and then all together. `whole` is where the table stands.
///
/// # Errors
/// All problems of single values; or what is wrong with them together.
pub(super) fn check(
    command: &Command,
    given: &[Given],
    whole: Span,
    missing: Missing,
) -> Result<Option<ArgMatches>, Vec<Problem>> {
    let name = OsString::from(command.get_name());
    let alone = command.clone().mut_args(|arg| arg.required(false));
    let mut problems = Vec::new();
    for one in given {
        let line = std::iter::once(name.clone()).chain(command_line(std::slice::from_ref(one)));
        if let Err(error) = alone.clone().try_get_matches_from(line)
            && is_of_a_value(&error)
        {
            problems.push(Problem::new(one.value.clone(), of_a_value(&error, &one.key.name)));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let line = std::iter::once(name).chain(command_line(given));
    match command.clone().try_get_matches_from(line) {
        Ok(matches) => Ok(Some(matches)),
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument && missing == Missing::Known => {
            Ok(None)
        }
        Err(error) => Err(together(&error, command, given, whole)
            .into_iter()
            .map(|(span, what)| Problem::new(span, what))
            .collect()),
    }
}

fn is_of_a_value(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ValueValidation
            | ErrorKind::InvalidValue
            | ErrorKind::TooManyValues
            | ErrorKind::TooFewValues
            | ErrorKind::WrongNumberOfValues
            | ErrorKind::InvalidUtf8
            | ErrorKind::NoEquals
    )
}

fn of_a_value(error: &clap::Error, key: &str) -> String {
    match error.kind() {
        ErrorKind::ValueValidation => {
            let why = error.source().map_or_else(|| rendered(error), words::chain);
            format!("{key}: {why}")
        }
        ErrorKind::InvalidValue => {
            let value = text(error.get(ContextKind::InvalidValue));
            let choice = text(error.get(ContextKind::ValidValue));
            let meant = suggestion(error, ContextKind::SuggestedValue);
            let meant = meant.map(|meant| format!(": {meant}")).unwrap_or_default();
            match value.is_empty() {
                true => format!("{key}: a value is missing"),
                false => format!("{key}: '{value}' is not one of {choice}{meant}"),
            }
        }
        _ => format!("{key}: {}", rendered(error)),
    }
}

/// What is wrong with all of them together.
fn together(error: &clap::Error, command: &Command, given: &[Given], whole: Span) -> Vec<(Span, String)> {
    let keys = keys(command);
    let name = |shown: &str| {
        let key = keys.iter().find(|key| key.arg.to_string() == shown);
        key.map_or_else(|| shown.to_owned(), |key| key.name.clone())
    };
    let place = |shown: &str| given.iter().find(|given| given.key.arg.to_string() == shown);
    let argument = text(error.get(ContextKind::InvalidArg));
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(missing)) => missing.clone(),
                _ => vec![argument],
            };
            let what =
                |missing: &String| format!("'{}' needs the key '{}'", command.get_name(), name(missing));
            missing.iter().map(|missing| (whole.clone(), what(missing))).collect()
        }
        ErrorKind::ArgumentConflict => {
            let prior = text(error.get(ContextKind::PriorArg));
            let span = place(&argument).map_or(whole, |given| given.span.clone());
            vec![(span, format!("'{}' and '{}' do not go together", name(&argument), name(&prior)))]
        }
        _ => {
            let span = place(&argument).map_or(whole, |given| given.value.clone());
            vec![(span, rendered(error))]
        }
    }
}
