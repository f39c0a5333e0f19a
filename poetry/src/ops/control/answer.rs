//! What operators are answered: tables and sentences for people, JSON for programs. No I/O.

use serde_json::{Map, Value, json};

use super::table::{Side, brief, table};
use crate::cache::{EntryState, FlightState, Statistics};
use crate::ops::figures::{self, Figure, number};
use crate::ops::spool::SpoolCounters;

/// An answer in both forms; which is wanted is known when it is made, so one of them is empty.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Answer {
    Text(Vec<String>),
    Json(Value),
}

impl Answer {
    /// One sentence, or what a program is told.
    pub(crate) fn said(as_json: bool, sentence: String, value: Value) -> Self {
        if as_json { Self::Json(value) } else { Self::Text(vec![sentence]) }
    }

    /// `ok`, the number of lines, and the lines.
    pub(crate) fn to_lines(&self) -> String {
        let (count, lines) = match self {
            Self::Text(lines) => (lines.len(), lines.iter().flat_map(|line| [&**line, "\n"]).collect()),
            Self::Json(value) => (1, format!("{value}\n")),
        };
        format!("ok {count}\n{lines}")
    }
}

/// How each key stands.
pub(crate) fn entries(as_json: bool, entries: &[EntryState]) -> Answer {
    if as_json {
        let entry = |it: &EntryState| {
            json!({
                "key": &*it.key, "state": it.state, "bytes": it.bytes, "generation": it.generation,
                "age_seconds": it.age.map(|time| time.as_secs_f64()),
                "fresh_for_seconds": it.fresh_for.map(|time| time.as_secs_f64()),
                "retry_in_seconds": it.retry_in.map(|time| time.as_secs_f64()),
            })
        };
        return Answer::Json(entries.iter().map(entry).collect());
    }
    let head = [
        ("KEY", Side::Left),
        ("STATE", Side::Left),
        ("BYTES", Side::Right),
        ("AGE", Side::Right),
        ("FRESH FOR", Side::Right),
        ("RETRY IN", Side::Right),
    ];
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let row = |it: &EntryState| {
        let fresh = match (it.state, it.fresh_for) {
            ("fresh", None) => Some("ever".to_owned()),
            (_, left) => left.map(brief),
        };
        let bytes = it.bytes.map(|bytes| bytes.to_string());
        let times = [it.age.map(brief), fresh, it.retry_in.map(brief)].map(or_dash);
        let [age, fresh, retry] = times;
        vec![it.key.to_string(), it.state.to_owned(), or_dash(bytes), age, fresh, retry]
    };
    Answer::Text(table(&head, &entries.iter().map(row).collect::<Vec<_>>()))
}

/// The fetches under way.
pub(crate) fn flights(as_json: bool, flights: &[FlightState]) -> Answer {
    if as_json {
        let flight = |it: &FlightState| {
            json!({
                "flight": it.number, "key": &*it.key, "phase": it.phase, "bytes": it.bytes,
                "waiters": it.readers, "age_seconds": it.age.as_secs_f64(), "attached": it.attached,
                "paused": it.paused, "generation": it.generation,
            })
        };
        return Answer::Json(flights.iter().map(flight).collect());
    }
    let head = [
        ("FLIGHT", Side::Right),
        ("KEY", Side::Left),
        ("PHASE", Side::Left),
        ("BYTES", Side::Right),
        ("WAITERS", Side::Right),
        ("AGE", Side::Right),
        ("NOTES", Side::Left),
    ];
    let row = |it: &FlightState| {
        let notes = [(!it.attached).then_some("alone"), it.paused.then_some("paused")];
        vec![
            it.number.to_string(),
            it.key.to_string(),
            it.phase.to_owned(),
            it.bytes.to_string(),
            it.readers.to_string(),
            brief(it.age),
            notes.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ]
    };
    Answer::Text(table(&head, &flights.iter().map(row).collect::<Vec<_>>()))
}

/// What was done so far, and how things stand.
#[derive(Debug)]
pub(crate) struct Stats<'a> {
    pub(crate) statistics: &'a Statistics,
    pub(crate) clients: usize,
    pub(crate) slow_clients: u64,
    pub(crate) spool: Option<&'a SpoolCounters>,
}

type Group = (&'static str, Vec<Figure>);

impl Stats<'_> {
    /// The figures, in groups. Their names are those of the metrics.
    fn groups(&self) -> Vec<Group> {
        let it = self.statistics;
        let mut groups = vec![
            ("requests", figures::requests(it).to_vec()),
            ("fetches", figures::fetches(it).to_vec()),
            (
                "bytes",
                vec![
                    ("upstream", it.upstream_bytes),
                    ("client", it.client_bytes),
                    ("cancelled", it.cancelled_bytes),
                ],
            ),
            (
                "memory",
                vec![
                    ("cache", it.memory.cache_bytes),
                    ("flight", it.memory.flight_bytes),
                    ("pinned", it.memory.pinned_bytes),
                ],
            ),
            (
                "now",
                vec![
                    ("clients", number(self.clients)),
                    ("waiters", number(it.waiters)),
                    ("flights", number(it.flights)),
                    ("entries", number(it.entries)),
                    ("negative_entries", number(it.negative_entries)),
                ],
            ),
            ("evictions", figures::evictions(it).to_vec()),
            (
                "other",
                vec![
                    ("purges", it.purges),
                    ("rescued", it.rescued),
                    ("slow_clients_detached", it.slow_readers_detached + self.slow_clients),
                ],
            ),
        ];
        if let Some(spool) = self.spool {
            groups.push(("spool", spool_figures(spool)));
        }
        groups
    }
}

fn spool_figures(it: &SpoolCounters) -> Vec<Figure> {
    vec![
        ("files", it.files),
        ("bytes", it.bytes),
        ("restored", it.restored),
        ("damaged", it.damaged),
        ("skipped", it.skipped),
        ("reads", it.reads.operations),
        ("writes", it.writes.operations),
        ("removes", it.removes.operations),
        ("errors", it.reads.errors + it.writes.errors + it.removes.errors),
    ]
}

/// What was done so far.
pub(crate) fn stats(as_json: bool, stats: &Stats<'_>) -> Answer {
    let groups = stats.groups();
    if as_json {
        let object = |figures: Vec<(&str, u64)>| -> Value {
            figures
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect::<Map<_, _>>()
                .into()
        };
        let all = groups.into_iter().map(|(group, figures)| (group.to_owned(), object(figures)));
        return Answer::Json(all.collect::<Map<_, _>>().into());
    }
    let rows = groups.iter().flat_map(|(group, figures)| {
        let row = move |(name, value): &(&str, u64)| {
            vec![(*group).to_owned(), (*name).to_owned(), value.to_string()]
        };
        figures.iter().map(row)
    });
    let head = [("GROUP", Side::Left), ("FIGURE", Side::Left), ("VALUE", Side::Right)];
    Answer::Text(table(&head, &rows.collect::<Vec<_>>()))
}
