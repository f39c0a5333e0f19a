//! From the text of an application file to its plan, with all mistakes at once.
//!
//! Walk: [`read`] parses the TOML, then each table has a function here or in a file beside: `services.rs` for services and
//! parents, `checked.rs` for what a plugin or the runner says of its options.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::Command;
use sestina_service::{Backoff, Limits, Strategy};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checked::{Given, Missing, check};
use super::keys::{Key, in_order, keys, kind_of, text_of};
use super::plan::{GroupPlan, Plan, Setting, Span, SupervisionPlan};
use super::problem::Problem;
use super::refused::FileRefused;
use super::source::Source;
use crate::duration::parse_duration;
use crate::nearest::nearest;
use crate::service_maker::ServiceMaker;
use crate::words::must_be_escaped;

/// What a file may speak of: the plugins that are linked, and the program with its options.
pub(crate) struct Vocabulary<'a> {
    pub(crate) program: &'a str,
    /// What plugins that are programs of their own are called, before their names.
    pub(crate) prefix: Option<&'a str>,
    /// The file, as it was named.
    pub(crate) file: &'a Path,
    pub(crate) plugins: &'a [Rc<dyn ServiceMaker>],
    pub(crate) command: &'a Command,
}

pub(super) struct Reader<'a> {
    pub(super) words: &'a Vocabulary<'a>,
    pub(super) problems: Vec<Problem>,
    /// The options of the plugins that were spoken of.
    pub(super) known: BTreeMap<String, Rc<(Vec<Key>, Command)>>,
    /// How many services there were.
    pub(super) services: usize,
}

/// The keys at the top.
pub(super) const TOP: [&str; 6] = ["name", "supervision", "stop-together", "services", "runner", "log"];
/// The keys of a supervision.
pub(super) const SUPERVISION: [&str; 4] = ["strategy", "restarts-max", "period", "backoff"];
/// The keys of a back-off.
pub(super) const BACKOFF: [&str; 3] = ["first", "max", "jitter-percent"];
/// The keys of the limits of a service.
pub(super) const LIMITS: [&str; 3] = ["start", "drain", "stop"];
/// The strategies by their names.
pub(super) const STRATEGIES: [(&str, Strategy); 3] = [
    ("one-for-one", Strategy::OneForOne),
    ("one-for-all", Strategy::OneForAll),
    ("rest-for-one", Strategy::RestForOne),
];
/// Options that ask for something else than serving: they belong on the command line.
const QUESTIONS: [&str; 14] = [
    "python",
    "file",
    "app-schema",
    "plugin-path",
    "describe",
    "check",
    "check-bind",
    "dump-config",
    "stop",
    "status",
    "reload",
    "reopen",
    "emit-unit",
    "help-reactors",
];
/// Options of the runner that are settings of the log.
const LOG_HEADING: &str = "Log";

/// Reads a file.
///
/// # Errors
/// All mistakes at once. What is no TOML at all is told alone.
pub(crate) fn read(source: &Source, words: &Vocabulary<'_>) -> Result<Plan, FileRefused> {
    let (table, errors) = DeTable::parse_recoverable(source.text());
    if !errors.is_empty() {
        let problem = |error: toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            Problem::new(span, error.message().replace('\n', ", "))
        };
        return Err(FileRefused::wrong(source.clone(), errors.into_iter().map(problem).collect()));
    }
    let mut reader = Reader { words, problems: Vec::new(), known: BTreeMap::new(), services: 0 };
    let stem = source.path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let plan = reader.top(table.get_ref(), stem.unwrap_or_default());
    if reader.problems.is_empty() {
        return Ok(plan);
    }
    Err(FileRefused::wrong(source.clone(), reader.problems))
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>, stem: String) -> Plan {
        let mut plan = Plan {
            name: stem,
            top: GroupPlan { supervision: SupervisionPlan::default(), together: false, children: Vec::new() },
            settings: Vec::new(),
        };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "name" => plan.name = self.name(value).unwrap_or_default(),
                "supervision" => plan.top.supervision = self.supervision(value),
                "stop-together" => plan.top.together = self.truth(value),
                "services" => plan.top.children = self.children(value),
                "runner" => plan.settings.extend(self.settings(value, Settings::Runner)),
                "log" => plan.settings.extend(self.settings(value, Settings::Log)),
                _ => self.unknown(key, TOP),
            }
        }
        if !table.contains_key("services") {
            self.wrong(0..0, "there are no services: begin one with [services.NAME] and its plugin");
        }
        plan
    }

    pub(super) fn wrong(&mut self, span: Span, what: impl Into<String>) {
        self.problems.push(Problem::new(span, what));
    }

    /// A key that there is not.
    pub(super) fn unknown<'k, K>(&mut self, key: &Spanned<K>, known: impl IntoIterator<Item = &'k str>)
    where
        K: AsRef<str>,
    {
        let (name, known) = (key.get_ref().as_ref(), known.into_iter().collect::<Vec<_>>());
        let instead = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.wrong(key.span(), format!("there is no key '{name}' here: {instead}"));
    }

    pub(super) fn table<'v, 'i>(&mut self, value: &'v Spanned<DeValue<'i>>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(value.span(), format!("takes a table, and this is {}", kind_of(value.get_ref())));
        }
        table
    }

    pub(super) fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = value.get_ref().as_str().map(ToOwned::to_owned);
        if text.is_none() {
            self.wrong(value.span(), format!("takes a text, and this is {}", kind_of(value.get_ref())));
        }
        text
    }

    fn name(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let name = self.text(value)?;
        self.check_name(&name, value.span());
        Some(name)
    }

    pub(super) fn check_name(&mut self, name: &str, span: Span) {
        let is_blank = |character: char| character != ' ' && character.is_whitespace();
        let is_wrong =
            |character: char| character == '/' || is_blank(character) || must_be_escaped(character);
        if name.trim().is_empty() || name.chars().any(is_wrong) {
            self.wrong(span, "a name is not empty, and has neither '/' nor control characters");
        }
    }

    pub(super) fn truth(&mut self, value: &Spanned<DeValue<'_>>) -> bool {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            let what = format!("takes true or false, and this is {}", kind_of(value.get_ref()));
            self.wrong(value.span(), what);
        }
        truth.unwrap_or_default()
    }

    fn number(&mut self, value: &Spanned<DeValue<'_>>, most: u32) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(_) => text_of(value.get_ref()).and_then(|text| text.parse().ok()),
            _ => None,
        };
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            self.wrong(value.span(), format!("takes a whole number from 0 to {most}"));
        }
        number
    }

    fn duration(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Duration> {
        let text = match value.get_ref() {
            DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) => text_of(value.get_ref()),
            _ => None,
        };
        let read = text.ok_or_else(|| "takes a duration: seconds, or a text like \"2m\"".to_owned());
        match read.and_then(|text| parse_duration(&text).map_err(|error| error.to_string())) {
            Ok(duration) => Some(duration),
            Err(what) => {
                self.wrong(value.span(), what);
                None
            }
        }
    }

    pub(super) fn supervision(&mut self, value: &Spanned<DeValue<'_>>) -> SupervisionPlan {
        let mut plan = SupervisionPlan::default();
        let Some(table) = self.table(value) else { return plan };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "strategy" => plan.strategy = self.one_of(value, &STRATEGIES),
                "restarts-max" => plan.restarts_max = self.number(value, u32::MAX),
                "period" => plan.period = self.duration(value),
                "backoff" => plan.backoff = self.backoff(value),
                _ => self.unknown(key, SUPERVISION),
            }
        }
        plan
    }

    fn backoff(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Backoff> {
        use sestina_service::{BACKOFF_FIRST, BACKOFF_JITTER_PERCENT, BACKOFF_MAX};
        let (mut first, mut max, mut jitter) = (None, None, None);
        for (key, value) in in_order(self.table(value)?) {
            match key.get_ref().as_ref() {
                "first" => first = self.duration(value),
                "max" => max = self.duration(value),
                "jitter-percent" => jitter = self.number(value, 100),
                _ => self.unknown(key, BACKOFF),
            }
        }
        let max = max.unwrap_or_else(|| BACKOFF_MAX.max(first.unwrap_or_default()));
        let first = first.unwrap_or_else(|| BACKOFF_FIRST.min(max));
        if first > max {
            self.wrong(value.span(), "the first pause is longer than the longest");
        }
        Some(Backoff::new(first, max).with_jitter_percent(jitter.unwrap_or(BACKOFF_JITTER_PERCENT)))
    }

    pub(super) fn limits(&mut self, value: &Spanned<DeValue<'_>>) -> Limits {
        let mut limits = Limits::new();
        let Some(table) = self.table(value) else { return limits };
        for (key, value) in in_order(table) {
            let with: fn(Limits, Duration) -> Limits = match key.get_ref().as_ref() {
                "start" => Limits::with_start,
                "drain" => Limits::with_drain,
                "stop" => Limits::with_stop,
                _ => {
                    self.unknown(key, LIMITS);
                    continue;
                }
            };
            if let Some(duration) = self.duration(value) {
                limits = with(limits, duration);
            }
        }
        limits
    }

    /// The value that this text names.
    pub(super) fn one_of<T: Copy>(&mut self, value: &Spanned<DeValue<'_>>, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(value)?;
        if let Some((_, found)) = known.iter().find(|(name, _)| *name == text) {
            return Some(*found);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let meant = nearest(&text, names.iter().copied());
        let meant = meant.map(|meant| format!(": did you mean '{meant}'?")).unwrap_or_default();
        self.wrong(value.span(), format!("'{text}' is not one of {}{meant}", names.join(", ")));
        None
    }

    fn settings(&mut self, value: &Spanned<DeValue<'_>>, which: Settings) -> Vec<Setting> {
        let Some(table) = self.table(value) else { return Vec::new() };
        let keys = settings(self.words.command);
        let mut given = Vec::new();
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            match keys.iter().find(|(known, _)| known.name == name) {
                Some((known, place)) if *place == which => {
                    if let Some(arguments) = self.arguments(known, value) {
                        given.push(Given {
                            key: known.clone(),
                            span: key.span(),
                            value: value.span(),
                            arguments,
                        });
                    }
                }
                Some((_, place)) => {
                    self.wrong(key.span(), format!("'{name}' belongs into the table [{}]", place.name()));
                }
                None if QUESTIONS.contains(&name) => {
                    self.wrong(key.span(), format!("'--{name}' is for the command line alone"));
                }
                None => {
                    let here = keys.iter().filter(|(_, place)| *place == which).map(|(known, _)| known);
                    let here = here.filter(|known| !known.arg.is_hide_set());
                    self.unknown(key, here.map(|known| known.name.as_str()).collect::<Vec<_>>());
                }
            }
        }
        let command = self.words.command.clone().arg_required_else_help(false);
        self.problems.extend(check(&command, &given, value.span(), Missing::Known).err().unwrap_or_default());
        let setting =
            |given: Given| Setting { id: given.key.arg.get_id().to_string(), arguments: given.arguments };
        given.into_iter().map(setting).collect()
    }

    pub(super) fn arguments(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Option<Vec<OsString>> {
        match key.arguments(value.get_ref()) {
            Ok(arguments) => Some(arguments),
            Err(what) => {
                self.wrong(value.span(), format!("{}: {what}", key.name));
                None
            }
        }
    }
}

/// Where a setting of the runner stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Settings {
    Runner,
    Log,
}

impl Settings {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Log => "log",
        }
    }
}

/// The options of the runner that are settings, and the table of each.
pub(super) fn settings(command: &Command) -> Vec<(Key, Settings)> {
    let options = Command::new("runner").args(command.get_arguments().cloned());
    let settings = keys(&options).into_iter().filter(|key| !QUESTIONS.contains(&key.name.as_str()));
    settings
        .map(|key| {
            let is_log = key.arg.get_help_heading() == Some(LOG_HEADING);
            (key, if is_log { Settings::Log } else { Settings::Runner })
        })
        .collect()
}
