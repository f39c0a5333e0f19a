//! The keys of a plugin's table: its options, as the plugin itself defines them for the command line.
//!
//! What a key takes is told once, here, for both who check a file ([`Key::arguments`]) and who print the schema ([`Takes`]).

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::DeValue;

/// How often a switch that is counted can be repeated.
const COUNT_MAX: u64 = 1_000;

/// An option, by the name that it has in files.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The long name of the option; of an argument without one its name, as `--help` would make an option of it.
    pub(super) name: String,
    pub(super) arg: Arg,
    pub(super) takes: Takes,
    /// Whether it takes a list too.
    pub(super) many: bool,
}

/// What a key takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// `true` or `false`: whether the switch is given.
    Switch,
    /// How often the switch is given.
    Count,
    /// A whole number within these bounds.
    Integer { least: i128, most: i128 },
    /// A number.
    Number,
    /// `true` or `false`, as a value.
    Truth,
    /// Seconds, or a text with a unit.
    Duration,
    /// A path.
    Path,
    /// One of these.
    Choice(Vec<String>),
    /// A text, or a number that stands for one.
    Text,
}

/// All options of a command, in the order of its help.
pub(super) fn keys(command: &Command) -> Vec<Key> {
    let mut command = command.clone();
    command.build(); // fills in what is said between the lines: how many values an option takes
    command.get_arguments().filter(|arg| !is_about_itself(arg)).map(Key::of).collect()
}

/// Help and version are questions, no settings.
fn is_about_itself(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

impl Key {
    fn of(arg: &Arg) -> Self {
        let name = match arg.get_long() {
            Some(long) => long.to_owned(),
            None => arg.get_id().as_str().replace('_', "-"),
        };
        let several = arg.get_num_args().is_some_and(|range| range.max_values() > 1);
        let many = several || matches!(arg.get_action(), ArgAction::Append);
        Self { name, takes: Takes::of(arg), many, arg: arg.clone() }
    }

    /// What would stand on the command line for this value.
    pub(super) fn arguments(&self, value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
        match (&self.takes, value) {
            (Takes::Switch, DeValue::Boolean(given)) => Ok(self.switches(u64::from(self.is_set_by(*given)))),
            (Takes::Count, DeValue::Integer(_)) => {
                let count = text_of(value).and_then(|text| text.parse().ok());
                let count = count.filter(|count| *count <= COUNT_MAX);
                Ok(self.switches(count.ok_or_else(|| format!("this is a count: at most {COUNT_MAX}"))?))
            }
            (_, DeValue::Array(values)) if self.many => {
                let values: Result<Vec<String>, String> =
                    values.iter().map(|value| self.value(value.get_ref())).collect();
                Ok(self.given(values?))
            }
            (_, DeValue::Array(_)) => Err(format!("takes one value, not a list: {}", self.takes.words())),
            _ => Ok(self.given(vec![self.value(value)?])),
        }
    }

    fn is_set_by(&self, given: bool) -> bool {
        // The only switch that means no is given to say no.
        given != matches!(self.arg.get_action(), ArgAction::SetFalse)
    }

    fn switches(&self, count: u64) -> Vec<OsString> {
        (0..count).map(|_| OsString::from(self.flag())).collect()
    }

    fn given(&self, values: Vec<String>) -> Vec<OsString> {
        let least = self.arg.get_num_args().map_or(1, |range| range.min_values());
        if self.arg.is_positional() {
            return values.into_iter().map(OsString::from).collect();
        }
        if least > 1 {
            let flag = OsString::from(self.flag());
            return std::iter::once(flag).chain(values.into_iter().map(OsString::from)).collect();
        }
        // With the sign between them a value may begin with a dash.
        values.into_iter().map(|value| OsString::from(format!("{}={value}", self.flag()))).collect()
    }

    fn flag(&self) -> String {
        match (self.arg.get_long(), self.arg.get_short()) {
            (Some(long), _) => format!("--{long}"),
            (None, Some(short)) => format!("-{short}"),
            (None, None) => String::new(),
        }
    }

    fn value(&self, value: &DeValue<'_>) -> Result<String, String> {
        let wrong = || Err(format!("takes {}, and this is {}", self.takes.words(), kind_of(value)));
        match (&self.takes, value) {
            (Takes::Switch | Takes::Count, _) => wrong(),
            (_, DeValue::Table(_) | DeValue::Array(_) | DeValue::Datetime(_)) => wrong(),
            (Takes::Truth, DeValue::Boolean(_)) | (_, DeValue::String(_)) => {
                text_of(value).map_or_else(wrong, Ok)
            }
            (_, DeValue::Boolean(_)) | (Takes::Path | Takes::Choice(_) | Takes::Truth, _) => wrong(),
            (_, DeValue::Integer(_) | DeValue::Float(_)) => text_of(value)
                .ok_or_else(|| "write it with decimal digits, or as a text in quotation marks".to_owned()),
        }
    }
}

impl Takes {
    fn of(arg: &Arg) -> Self {
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => return Self::Switch,
            ArgAction::Count => return Self::Count,
            _ => {}
        }
        let is = |one: TypeId| arg.get_value_parser().type_id() == one;
        if is(TypeId::of::<bool>()) {
            return Self::Truth;
        }
        let choices = arg.get_possible_values();
        if !choices.is_empty() && !arg.is_ignore_case_set() {
            return Self::Choice(choices.iter().map(|choice| choice.get_name().to_owned()).collect());
        }
        if let Some((_, least, most)) = integers().into_iter().find(|(integer, ..)| is(*integer)) {
            return Self::Integer { least, most };
        }
        if is(TypeId::of::<f32>()) || is(TypeId::of::<f64>()) {
            return Self::Number;
        }
        if is(TypeId::of::<Duration>()) {
            return Self::Duration;
        }
        if is(TypeId::of::<PathBuf>()) || is(TypeId::of::<OsString>()) {
            return Self::Path;
        }
        Self::Text
    }

    fn words(&self) -> String {
        match self {
            Self::Switch | Self::Truth => "true or false".to_owned(),
            Self::Count => "how often it is meant, a whole number".to_owned(),
            Self::Integer { .. } => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Duration => "a duration: seconds, or a text like \"2m\"".to_owned(),
            Self::Path | Self::Text => "a text in quotation marks".to_owned(),
            Self::Choice(choices) => format!("one of the texts {}", choices.join(", ")),
        }
    }
}

/// The integers that options are made of, with their bounds.
fn integers() -> Vec<(TypeId, i128, i128)> {
    macro_rules! bounds {
        ($($integer:ty),*) => {
            vec![$((TypeId::of::<$integer>(), i128::from(<$integer>::MIN), i128::from(<$integer>::MAX))),*]
        };
    }
    let mut integers = bounds!(u8, u16, u32, u64, i8, i16, i32, i64);
    let non_zero = [
        (TypeId::of::<std::num::NonZeroU8>(), i128::from(u8::MAX)),
        (TypeId::of::<std::num::NonZeroU16>(), i128::from(u16::MAX)),
        (TypeId::of::<std::num::NonZeroU32>(), i128::from(u32::MAX)),
        (TypeId::of::<std::num::NonZeroU64>(), i128::from(u64::MAX)),
        (TypeId::of::<std::num::NonZeroUsize>(), i128::from(u64::MAX)),
    ];
    integers.extend(non_zero.map(|(integer, most)| (integer, 1, most)));
    integers.push((TypeId::of::<usize>(), 0, i128::from(u64::MAX)));
    integers.push((TypeId::of::<isize>(), i128::from(i64::MIN), i128::from(i64::MAX)));
    integers
}

/// A scalar as it would be written on a command line; numbers only if they are written with decimal digits.
pub(super) fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Float(float) => Some(float.as_str().replace(['_', '+'], "")),
        // 0o77 is 63, and whoever wrote it for a mask means the digits.
        DeValue::Integer(integer) if integer.radix() != 10 => None,
        DeValue::Integer(integer) => Some(integer.as_str().replace(['_', '+'], "")),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// What a value is, in words.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The entries of a table in the order in which they stand in the file.
pub(super) fn in_order<'a, 'i>(
    table: &'a toml::de::DeTable<'i>,
) -> Vec<(&'a Spanned<toml::de::DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
