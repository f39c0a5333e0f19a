//! How an event is written: one line each, in the shape that its readers want.

use std::fmt::Write as _;

use tracing::Level;

use super::capped::{cut, json_into};
use super::record::{Fields, Record, Value};
use crate::timestamp::Timestamp;
use crate::words::escape_into;

/// The longest line, in bytes. One that would be longer keeps less of each field.
const LINE_BYTES_MAX: usize = 16 * 1_024;
/// The longest datagram that every receiver of RFC 3164 takes, in bytes.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 1_024;
/// How much of each field is kept, in bytes: the first that gives a line that is short enough.
const CUTS: [usize; 4] = [usize::MAX, 256, 64, 16];
/// Spans around an event that are told, the innermost ones.
pub(crate) const SPANS_MAX: usize = 16;
/// What RFC 3164 calls the facility: system daemons.
const FACILITY_DAEMON: u8 = 3;

/// What a line looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// `2026-11-22T17:21:27+0000 [target#level] text field=value`, as twistd's.
    Text,
    /// An object of JSON: time, level, target, message, fields, spans.
    Json,
    /// As text, with the priority that journald reads (`<6>`) in the place of the time.
    Journal,
}

/// What stands before the text: whoever takes the lines wants to know the priority, or who says it.
#[derive(Clone, Debug)]
pub(crate) enum Envelope {
    None,
    /// Name of the program and number of the process.
    Syslog(String, u32),
}

/// Where an event arose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) level: Level,
    pub(crate) target: &'a str,
}

/// Origin of what the log says about itself.
pub(crate) const OWN: Origin<'static> = Origin { level: Level::WARN, target: "sestina" };

/// A span around an event: its name and fields.
pub(crate) type Around<'a> = (&'static str, &'a Fields);

/// A finished line, with its end.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    text: String,
    /// Where the time and the like end: lines that agree from there on say the same.
    head: usize,
}

impl Line {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(crate) fn body(&self) -> &str {
        &self.text[self.head..]
    }
}

/// Writes lines.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) format: Format,
    pub(crate) envelope: Envelope,
}

impl Shape {
    /// `spans` come from the outermost inwards.
    pub(crate) fn line(
        &self,
        now: Timestamp,
        origin: Origin<'_>,
        record: &Record,
        spans: &[Around<'_>],
    ) -> Line {
        let (mut text, bytes_max) = match &self.envelope {
            Envelope::None => (String::new(), LINE_BYTES_MAX),
            Envelope::Syslog(tag, pid) => (syslog_head(now, origin.level, tag, *pid), DATAGRAM_BYTES_MAX),
        };
        let start = text.len();
        let mut head = start;
        for bytes in CUTS {
            text.truncate(start);
            head = self.write(&mut text, now, origin, &Cut { record, spans, bytes });
            if text.len() <= bytes_max {
                return Line { text, head };
            }
        }
        text.truncate(start);
        let (bare, bytes) = (Record { message: record.message.clone(), fields: Fields::new() }, CUTS[3]);
        head = head.min(self.write(&mut text, now, origin, &Cut { record: &bare, spans: &[], bytes }));
        Line { text, head }
    }

    /// Gives where the body begins.
    fn write(&self, out: &mut String, now: Timestamp, origin: Origin<'_>, cut: &Cut<'_>) -> usize {
        match (self.format, &self.envelope) {
            (Format::Text, Envelope::None) => push(out, format_args!("{now} ")),
            (Format::Journal, _) => push(out, format_args!("<{}>", severity(origin.level))),
            (Format::Json, _) => push(out, format_args!("{{\"time\":\"{}\",", now.precise())),
            (Format::Text, Envelope::Syslog(..)) => {}
        }
        let head = out.len();
        match self.format {
            Format::Json => cut.json_into(out, origin),
            _ => cut.text_into(out, origin),
        }
        if matches!(self.envelope, Envelope::None) {
            out.push('\n');
        }
        head
    }
}

/// An event of which only so much is told.
struct Cut<'a> {
    record: &'a Record,
    spans: &'a [Around<'a>],
    /// Of each field.
    bytes: usize,
}

impl Cut<'_> {
    fn text_into(&self, out: &mut String, origin: Origin<'_>) {
        out.push('[');
        escape_into(out, &origin.target.replace("::", "."));
        push(out, format_args!("#{}] ", name(origin.level)));
        for (span, fields) in self.spans {
            out.push_str(span);
            let mut separator = '{';
            for (name, value) in *fields {
                push(out, format_args!("{separator}{name}="));
                self.value_into(out, value);
                separator = ' ';
            }
            out.push_str(if fields.is_empty() { ": " } else { "}: " });
        }
        escape_into(out, &cut(&self.record.message, self.bytes));
        for (number, (name, value)) in self.record.fields.iter().enumerate() {
            let is_first = number == 0 && self.record.message.is_empty();
            push(out, format_args!("{}{name}=", if is_first { "" } else { " " }));
            self.value_into(out, value);
        }
    }

    fn value_into(&self, out: &mut String, value: &Value) {
        match value {
            Value::Text(text) => escape_into(out, &format!("{:?}", cut(text, self.bytes))),
            Value::Shown(text) => escape_into(out, &cut(text, self.bytes)),
            Value::Number(number) => out.push_str(number),
            Value::Flag(flag) => push(out, format_args!("{flag}")),
        }
    }

    fn json_into(&self, out: &mut String, origin: Origin<'_>) {
        push(out, format_args!("\"level\":\"{}\",\"target\":", name(origin.level)));
        json_into(out, origin.target);
        out.push_str(",\"message\":");
        json_into(out, &cut(&self.record.message, self.bytes));
        if !self.record.fields.is_empty() {
            out.push_str(",\"fields\":");
            self.object_into(out, &self.record.fields);
        }
        for (number, (name, fields)) in self.spans.iter().enumerate() {
            out.push_str(if number == 0 { ",\"spans\":[" } else { "," });
            out.push_str("{\"name\":");
            json_into(out, name);
            out.push_str(",\"fields\":");
            self.object_into(out, fields);
            out.push('}');
        }
        out.push_str(if self.spans.is_empty() { "}" } else { "]}" });
    }

    fn object_into(&self, out: &mut String, fields: &Fields) {
        out.push('{');
        for (number, (name, value)) in fields.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            json_into(out, name);
            out.push(':');
            match value {
                Value::Text(text) | Value::Shown(text) => json_into(out, &cut(text, self.bytes)),
                Value::Number(number) => out.push_str(number),
                Value::Flag(flag) => push(out, format_args!("{flag}")),
            }
        }
        out.push('}');
    }
}

/// `<30>Nov 22 17:21:27 sestina[4711]: `. The time is UTC, as everywhere in our logs; receivers on the same machine set
/// their own.
fn syslog_head(now: Timestamp, level: Level, tag: &str, pid: u32) -> String {
    let priority = FACILITY_DAEMON * 8 + severity(level);
    format!("<{priority}>{} {tag}[{pid}]: ", now.short())
}

/// The severity of RFC 3164 and of journald.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        _ => "trace",
    }
}

fn push(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a string takes everything");
}
