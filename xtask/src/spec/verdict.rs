//! Do the list and the tests agree?

use std::collections::BTreeMap;
use std::fmt::Write;

use super::citations::Citations;
use super::table::{Claim, State, Table};

/// Headings of the Markdown files, as anchors, by path.
type Headings = BTreeMap<String, Vec<String>>;

#[derive(Debug)]
pub(crate) struct Verdict {
    /// The counts, and the claims without a test.
    pub(crate) report: String,
    /// What does not agree, a line each.
    pub(crate) broken: Vec<String>,
}

impl Verdict {
    pub(crate) fn new(table: &Table, cited: &Citations, headings: &Headings) -> Self {
        let mut broken = cited.wrong.clone();
        for claim in &table.claims {
            broken.extend(disagreement(claim, cited, headings));
        }
        for (id, tests) in &cited.tests {
            if !table.claims.iter().any(|claim| claim.id == *id) {
                broken.push(format!("{}: cites {id}, which is not in the list", tests.join(", ")));
            }
        }
        let open = count(table, |state| *state == State::Open);
        if open > table.ceiling {
            broken.push(format!("{open} rows are open; the list allows {}", table.ceiling));
        }
        Self { report: report(table, cited, open), broken }
    }
}

fn disagreement(claim: &Claim, cited: &Citations, headings: &Headings) -> Option<String> {
    let Claim { id, line, state } = claim;
    let is_cited = cited.tests.contains_key(id);
    let why = match state {
        State::Shown if !is_cited => "no test cites it (`// spec: ..`)".to_owned(),
        State::Differs(_) if !is_cited => "no test cites our rule (`// spec: ..`)".to_owned(),
        State::Told(place) if !exists(place, headings) => {
            format!("there is no place '{place}' (FILE#HEADING)")
        }
        _ => return None,
    };
    Some(format!("line {line}: {id}: {why}"))
}

fn exists(place: &str, headings: &Headings) -> bool {
    let Some((file, anchor)) = place.split_once('#') else { return false };
    headings.get(file).is_some_and(|anchors| anchors.iter().any(|there| there == anchor))
}

fn count(table: &Table, wanted: impl Fn(&State) -> bool) -> usize {
    table.claims.iter().filter(|claim| wanted(&claim.state)).count()
}

fn report(table: &Table, cited: &Citations, open: usize) -> String {
    let mut report = String::new();
    let mut line = |text: String| writeln!(report, "{text}").unwrap_or(()); // a string takes everything
    let tests: usize = cited.tests.values().map(Vec::len).sum();
    line(format!("{} claims, {tests} citations", table.claims.len()));
    let kept = [
        ("shown", count(table, |state| *state == State::Shown), "a test cites it"),
        ("differs", count(table, |state| matches!(state, State::Differs(_))), "a test cites our rule"),
        ("told", count(table, |state| matches!(state, State::Told(_))), "the book compares or studies"),
        ("open", open, "not yet"),
    ];
    for (state, number, means) in kept {
        line(format!("{state:>8} {number:>4}  {means}"));
    }
    let explained = count(table, |state| *state == State::Explained);
    line(format!("{explained} more explain, draw or tell, and ask for nothing"));
    line(format!("at most {} may be open", table.ceiling));
    for (name, wanted) in [("told", true), ("open", false)] {
        let is_wanted = |claim: &&Claim| match claim.state {
            State::Told(_) => wanted,
            State::Open => !wanted,
            State::Shown | State::Differs(_) | State::Explained => false,
        };
        let without = table.claims.iter().filter(is_wanted);
        let ids: Vec<&str> = without.map(|claim| claim.id.as_str()).collect();
        if !ids.is_empty() {
            line(format!("without a test, {name}: {}", ids.join(" ")));
        }
    }
    for claim in table.claims.iter().filter(|claim| claim.state == State::Open) {
        if let Some(tests) = cited.tests.get(&claim.id) {
            line(format!("{} is open, but cited by {}: is it shown?", claim.id, tests.join(", ")));
        }
    }
    report
}
