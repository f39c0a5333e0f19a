//! What a person types: pairs of a callback and an errback, and what each of them does.

use std::fmt;

use sestina_deferred::{Failure, Res};

/// Longer values do not fit into the boxes.
const VALUE_CHARS_MAX: usize = 6;

/// What one callback, or errback, does with what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Return(String),
    Fail(String),
    PassThru,
}

impl Step {
    /// Does it.
    pub(crate) fn apply(&self, answer: Res<String>) -> Res<String> {
        match self {
            Self::Return(value) => Ok(value.clone()),
            Self::Fail(value) => Err(Failure::msg(value.clone())),
            Self::PassThru => answer,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return(value) => write!(out, "return {value}"),
            Self::Fail(value) => write!(out, "fail {value}"),
            Self::PassThru => out.write_str("passthru"),
        }
    }
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) callback: Step,
    pub(crate) errback: Step,
}

/// Why a line is not a pair, and what would be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The line ends where a callback or an errback is missing.
    Missing(&'static str),
    UnknownWord(String),
    NoValue(&'static str),
    LongValue(String),
    BadValue(String),
    /// There is more after the errback.
    TooMuch(String),
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => {
                write!(out, "the {what} is missing; write both, as in 'return good fail bad'")
            }
            Self::UnknownWord(word) => write!(out, "'{word}' is not return, fail or passthru"),
            Self::NoValue(word) => write!(out, "'{word}' needs a value, as in '{word} x'"),
            Self::LongValue(value) => write!(out, "'{value}' is longer than {VALUE_CHARS_MAX} characters"),
            Self::BadValue(value) => {
                write!(out, "'{value}' has other characters than letters and digits (a-z, 0-9)")
            }
            Self::TooMuch(rest) => write!(out, "'{rest}' is too much: a pair ends with its errback"),
        }
    }
}

/// Reads `CALLBACK ERRBACK`.
pub(crate) fn parse(line: &str) -> Result<Pair, Mistake> {
    let mut words = line.split_whitespace();
    let callback = parse_step(&mut words, "callback")?;
    let errback = parse_step(&mut words, "errback")?;
    match words.next() {
        Some(rest) => Err(Mistake::TooMuch(quoted(rest))),
        None => Ok(Pair { callback, errback }),
    }
}

fn parse_step<'a>(words: &mut impl Iterator<Item = &'a str>, what: &'static str) -> Result<Step, Mistake> {
    let word = words.next().ok_or(Mistake::Missing(what))?;
    let is = |name: &str| name.starts_with(word);
    let mut value = |name| parse_value(words.next().ok_or(Mistake::NoValue(name))?);
    if is("return") {
        Ok(Step::Return(value("return")?))
    } else if is("fail") {
        Ok(Step::Fail(value("fail")?))
    } else if is("passthru") {
        Ok(Step::PassThru)
    } else {
        Err(Mistake::UnknownWord(quoted(word)))
    }
}

/// Reads a value, which is short and simple so that it fits into a box.
pub(crate) fn parse_value(value: &str) -> Result<String, Mistake> {
    if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric()) {
        Err(Mistake::BadValue(quoted(value)))
    } else if value.len() > VALUE_CHARS_MAX {
        Err(Mistake::LongValue(quoted(value)))
    } else {
        Ok(value.to_owned())
    }
}

/// What was typed, safe for a terminal and not too long.
pub(crate) fn quoted(word: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut safe: String = word.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect();
    if word.chars().nth(CHARS_MAX).is_some() {
        safe.push_str("...");
    }
    safe
}
