//! One event: its message and its other fields, each of bounded length.

use std::error::Error;
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::capped::Capped;
use crate::words;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Text as somebody gave it.
    Text(String),
    /// What a value said of itself.
    Shown(String),
    /// A number, as JSON would have it.
    Number(String),
    /// Yes or no.
    Flag(bool),
}

/// Names and values, in the order of the program's text.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// What an event said.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) message: String,
    pub(crate) fields: Fields,
}

impl Record {
    pub(crate) fn of(event: &tracing::Event<'_>) -> Self {
        let mut record = Self::default();
        event.record(&mut record);
        record
    }

    /// With a message only.
    pub(crate) fn saying(message: &str) -> Self {
        Self { message: Capped::collect(|out| out.write_str(message)), fields: Fields::new() }
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Text(text) | Value::Shown(text) | Value::Number(text)) => self.message = text,
            ("message", Value::Flag(flag)) => self.message = flag.to_string(),
            // `record` of a span may come again for the same field.
            (name, value) => match self.fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => self.fields.push((name, value)),
            },
        }
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::Shown(Capped::collect(|out| write!(out, "{value:?}"))));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(Capped::collect(|out| out.write_str(value))));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, Value::Shown(Capped::collect(|out| out.write_str(&words::chain(value)))));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Flag(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Number(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Number(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let text = format!("{value:?}"); // with a point, whatever the number
        self.put(field, if value.is_finite() { Value::Number(text) } else { Value::Shown(text) });
    }
}
