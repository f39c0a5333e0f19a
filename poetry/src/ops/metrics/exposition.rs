//! The text that Prometheus reads, format 0.0.4: families with their help and type, samples with labels, histograms.
//!
//! Numbers are whole, or decimals made of whole ones: nothing is rounded on the way.

use std::fmt::{self, Write as _};

use crate::ops::histogram::Histogram;

/// What the names of all our metrics begin with.
const PREFIX: &str = "poetry_proxy_";
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What a family's numbers mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// It only grows.
    Counter,
    /// It says how things stand.
    Gauge,
    Histogram,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// How a histogram's whole numbers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// As they are.
    Whole,
    /// They are nanoseconds, and written as seconds.
    Seconds,
}

/// A label: its name and its value.
pub(crate) type Label<'a> = (&'a str, &'a str);

/// The text, while it is being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
}

/// One metric's samples, to be written under its help and type.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family. Its samples follow, all of them.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let text = &mut self.text;
        write!(text, "# HELP {PREFIX}{name} ").expect(NEVER_FULL);
        escape(text, help, false);
        writeln!(text, "\n# TYPE {PREFIX}{name} {}", kind.word()).expect(NEVER_FULL);
        Family { text, name }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

impl Family<'_> {
    pub(crate) fn sample(&mut self, labels: &[Label<'_>], value: u64) -> &mut Self {
        self.line("", labels, &value)
    }

    /// A histogram, with buckets, sum and count.
    pub(crate) fn histogram(&mut self, labels: &[Label<'_>], values: &Histogram, unit: Unit) -> &mut Self {
        for (end, below) in values.cumulative() {
            let end = In(unit, end).to_string();
            self.line("_bucket", &[labels, &[("le", &end)]].concat(), &below);
        }
        self.line("_bucket", &[labels, &[("le", "+Inf")]].concat(), &values.count());
        self.line("_sum", labels, &In(unit, values.sum()));
        self.line("_count", labels, &values.count())
    }

    fn line(&mut self, ending: &str, labels: &[Label<'_>], value: &dyn fmt::Display) -> &mut Self {
        write!(self.text, "{PREFIX}{}{ending}", self.name).expect(NEVER_FULL);
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            write!(self.text, "{before}{label}=\"").expect(NEVER_FULL);
            escape(self.text, text, true);
            self.text.push('"');
        }
        let after = if labels.is_empty() { "" } else { "}" };
        writeln!(self.text, "{after} {value}").expect(NEVER_FULL);
        self
    }
}

const NEVER_FULL: &str = "a string takes everything";

/// What would end a line or a value is written with a backslash.
fn escape(out: &mut String, text: &str, quoted: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quoted => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

/// A number in its unit.
struct In(Unit, u64);

impl fmt::Display for In {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(unit, number) = self;
        match unit {
            Unit::Whole => number.fmt(out),
            Unit::Seconds => {
                let (seconds, nanos) = (number / NANOS_PER_SECOND, number % NANOS_PER_SECOND);
                let fraction = format!("{nanos:09}");
                match fraction.trim_end_matches('0') {
                    "" => write!(out, "{seconds}"),
                    fraction => write!(out, "{seconds}.{fraction}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_family_has_its_help_its_type_and_its_samples() {
        let mut exposition = Exposition::default();
        exposition
            .family("requests_total", Kind::Counter, "Who came.")
            .sample(&[("front", "tcp"), ("result", "hit")], 7)
            .sample(&[("front", "tcp"), ("result", "miss")], 0);
        exposition.family("flights", Kind::Gauge, "Now.").sample(&[], 3);
        let expected = "\
# HELP poetry_proxy_requests_total Who came.
# TYPE poetry_proxy_requests_total counter
poetry_proxy_requests_total{front=\"tcp\",result=\"hit\"} 7
poetry_proxy_requests_total{front=\"tcp\",result=\"miss\"} 0
# HELP poetry_proxy_flights Now.
# TYPE poetry_proxy_flights gauge
poetry_proxy_flights 3
";
        assert_eq!(exposition.finish(), expected);
    }

    #[test]
    fn nothing_in_a_help_or_a_label_ends_its_line_or_its_quotes() {
        let mut exposition = Exposition::default();
        exposition.family("odd", Kind::Gauge, "a\nb\\c \"d\"").sample(&[("key", "a\"b\\c\nd\té")], 1);
        let expected = "\
# HELP poetry_proxy_odd a\\nb\\\\c \"d\"
# TYPE poetry_proxy_odd gauge
poetry_proxy_odd{key=\"a\\\"b\\\\c\\nd\té\"} 1
";
        assert_eq!(exposition.finish(), expected);
    }

    #[test]
    fn a_histogram_counts_upwards_and_ends_with_all() {
        let mut seconds = Histogram::of_durations();
        for millis in [1, 2, 700, 3_600_000] {
            seconds.observe_duration(Duration::from_millis(millis));
        }
        let mut exposition = Exposition::default();
        exposition.family("wait", Kind::Histogram, "-").histogram(&[("a", "b")], &seconds, Unit::Seconds);
        let text = exposition.finish();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines[0], "poetry_proxy_wait_bucket{a=\"b\",le=\"0.001\"} 1");
        assert_eq!(lines[1], "poetry_proxy_wait_bucket{a=\"b\",le=\"0.005\"} 2");
        assert!(lines.contains(&"poetry_proxy_wait_bucket{a=\"b\",le=\"1\"} 3"));
        assert!(lines.contains(&"poetry_proxy_wait_bucket{a=\"b\",le=\"2.5\"} 3"));
        let end = [
            "poetry_proxy_wait_bucket{a=\"b\",le=\"600\"} 3",
            "poetry_proxy_wait_bucket{a=\"b\",le=\"+Inf\"} 4",
            "poetry_proxy_wait_sum{a=\"b\"} 3600.703",
            "poetry_proxy_wait_count{a=\"b\"} 4",
        ];
        assert_eq!(lines[lines.len() - 4..], end);
    }
}
