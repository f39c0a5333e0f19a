//! A figure: what was measured, of whom, and what each round said. One line of JSON each.

use serde_json::{Value, json};

use crate::statistics::Summary;

/// One figure of one contender.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Figure {
    /// Which scenario: `short`, `echo`, ..
    pub(crate) scenario: String,
    /// Which of its cases: `64 at once`.
    pub(crate) case: String,
    /// Whose: `tokio`.
    pub(crate) peer: String,
    /// What: `CPU`, `p99`, ..
    pub(crate) name: String,
    /// In what: `us/op`.
    pub(crate) unit: String,
    /// Each round's.
    pub(crate) rounds: Vec<f64>,
}

impl Figure {
    pub(crate) fn summary(&self) -> Summary {
        Summary::of(&self.rounds).unwrap_or(Summary { median: f64::NAN, min: f64::NAN, max: f64::NAN })
    }

    pub(crate) fn to_json(&self) -> Value {
        let Summary { median, min, max } = self.summary();
        let [median, min, max] = [median, min, max].map(rounded);
        json!({
            "scenario": self.scenario, "case": self.case, "peer": self.peer, "figure": self.name, "unit": self.unit,
            "median": median, "min": min, "max": max,
            "rounds": self.rounds.iter().copied().map(rounded).collect::<Vec<_>>(),
        })
    }

    /// `None` if this is a line of another kind.
    pub(crate) fn from_json(line: &Value) -> Option<Self> {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        Some(Self {
            scenario: text("scenario")?,
            case: text("case")?,
            peer: text("peer")?,
            name: text("figure")?,
            unit: text("unit")?,
            rounds: line["rounds"].as_array()?.iter().filter_map(Value::as_f64).collect(),
        })
    }
}

/// To six digits: more is noise, and makes lines long.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// All figures of a run, in the order in which they were first told.
#[derive(Clone, Default, Debug)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Figure> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what one round said.
    pub(crate) fn add(&mut self, place: Place<'_>, name: &str, unit: &str, value: f64) {
        let Place { scenario, case, peer } = place;
        let same = |figure: &&mut Figure| {
            figure.scenario == scenario && figure.case == case && figure.peer == peer && figure.name == name
        };
        match self.0.iter_mut().find(same) {
            Some(figure) => figure.rounds.push(value),
            None => {
                let [scenario, case, peer, name, unit] =
                    [scenario, case, peer, name, unit].map(str::to_owned);
                self.0.push(Figure { scenario, case, peer, name, unit, rounds: vec![value] });
            }
        }
    }

    pub(crate) fn push(&mut self, figure: Figure) {
        self.0.push(figure);
    }
}

/// Where a figure belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) scenario: &'a str,
    pub(crate) case: &'a str,
    pub(crate) peer: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_one_figure_come_together_and_survive_a_line_of_json() {
        let mut figures = Figures::default();
        let place = Place { scenario: "short", case: "64 at once", peer: "tokio" };
        for value in [3.0, 1.0, 2.123_456_789] {
            figures.add(place, "CPU", "us/op", value);
        }
        figures.add(Place { peer: "C", ..place }, "CPU", "us/op", 9.0);
        assert_eq!(figures.iter().count(), 2);
        let tokio = figures.iter().next().expect("it was added");
        assert_eq!(tokio.summary(), Summary { median: 2.123_456_789, min: 1.0, max: 3.0 });
        let line = tokio.to_json().to_string();
        assert!(line.contains("\"median\":2.12346"), "{line}");
        let back = Figure::from_json(&line.parse().expect("a line of JSON")).expect("a figure");
        assert_eq!(back.rounds, [3.0, 1.0, 2.123_46]);
        assert_eq!(Figure::from_json(&json!({"machine": {}})), None);
    }
}
