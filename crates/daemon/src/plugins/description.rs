//! What a plugin says of itself.

use std::fmt;

use serde_json::{Value, json};

use super::describe::ANSWER_TIME_MAX;
use crate::service_maker::ServiceMaker;
use crate::words;

/// The version of the question `--describe` and its answer.
const PROTOCOL: u64 = 1;
/// Characters of a description and of a version that are kept.
const CHARACTERS_MAX: usize = 200;

/// What a plugin says of itself. All of it can be printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) version: String,
}

/// Why an answer is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Undescribed {
    /// It could not be started.
    NotStarted(String),
    /// It did not answer in time.
    Slow,
    /// It said more than an answer can be.
    Endless,
    /// It ended like this.
    Failed(String),
    /// What it said is no description.
    Gibberish,
    /// It speaks another version.
    Protocol(u64),
    /// It is called otherwise.
    OtherName(String),
    /// The file is not what it was when it was asked.
    Changed,
}

/// The answer of a program that is this plugin.
pub(crate) fn description(plugin: &dyn ServiceMaker, version: &str) -> String {
    let answer = json!({
        "protocol": PROTOCOL,
        "name": plugin.name(),
        "description": plugin.description(),
        "version": version,
    });
    format!("{answer}\n")
}

impl Description {
    /// Reads the answer of the plugin of this name.
    pub(super) fn read(answer: &[u8], name: &str) -> Result<Self, Undescribed> {
        let value: Value = serde_json::from_slice(answer).map_err(|_| Undescribed::Gibberish)?;
        match value.get("protocol").and_then(Value::as_u64) {
            Some(PROTOCOL) => {}
            Some(other) => return Err(Undescribed::Protocol(other)),
            None => return Err(Undescribed::Gibberish),
        }
        let description = Self::of_fields(&value).ok_or(Undescribed::Gibberish)?;
        match description.name == name {
            true => Ok(description),
            false => Err(Undescribed::OtherName(description.name)),
        }
    }

    pub(super) fn of_fields(value: &Value) -> Option<Self> {
        let text = |key: &str| {
            let text = value.get(key)?.as_str()?.lines().next().unwrap_or_default();
            Some(words::one_line(&text.chars().take(CHARACTERS_MAX).collect::<String>()))
        };
        Some(Self { name: text("name")?, description: text("description")?, version: text("version")? })
    }
}

impl fmt::Display for Undescribed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) => write!(out, "broken: it cannot be started: {why}"),
            Self::Slow => {
                write!(out, "slow: it did not say what it is within {} s", ANSWER_TIME_MAX.as_secs())
            }
            Self::Endless => out.write_str("broken: it says too much when it is asked what it is"),
            Self::Failed(how) => write!(out, "broken: asked what it is, it ended with {how}"),
            Self::Gibberish => out.write_str("broken: what it says of itself is no description"),
            Self::Protocol(version) => {
                write!(out, "broken: it was made for another version ({version}, here is {PROTOCOL})")
            }
            Self::OtherName(name) => write!(out, "broken: it says that its name is '{name}'"),
            Self::Changed => out.write_str("changed: it was exchanged while it was asked what it is"),
        }
    }
}
