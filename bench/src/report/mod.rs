//! What a run leaves behind: `figures.jsonl`, `report.md` and charts.
//!
//! Everything but the figures is made from the figures, so that a report can be made again from a file.

mod chart;
mod compare;
mod quote;
mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::figure::{Figure, Figures};
use crate::run::Run;

pub(crate) use compare::compare;
pub(crate) use quote::quote;

/// The names of the files. Charts are called `SCENARIO-FIGURE.svg`.
pub(crate) const FIGURES: &str = "figures.jsonl";
const REPORT: &str = "report.md";

/// A run as its file tells it.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Machine, versions, date; who was missing; how many rounds.
    pub(crate) about: Value,
    pub(crate) figures: Figures,
}

impl Recorded {
    pub(crate) fn of(run: &Run, machine: Value, command: &str) -> Self {
        let about = json!({
            "run": machine, "command": command, "rounds": run.rounds, "quick": run.quick,
            "seconds": run.begun.elapsed().as_secs(), "missing": run.programs.missing, "failures": run.failures,
        });
        Self { about, figures: run.figures.clone() }
    }

    /// Reads a file, or the file in a folder.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let path = if path.is_dir() { path.join(FIGURES) } else { path.to_owned() };
        let says = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| says(&error))?;
        Self::parse(&text).map_err(|error| says(&error))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut recorded = Self { about: Value::Null, figures: Figures::default() };
        for (number, line) in text.lines().enumerate() {
            let value: Value =
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
            match Figure::from_json(&value) {
                Some(figure) => recorded.figures.push(figure),
                None if number == 0 => recorded.about = value,
                None => return Err(format!("line {}: no figure", number + 1)),
            }
        }
        if recorded.figures.is_empty() { Err("no figures".to_owned()) } else { Ok(recorded) }
    }

    fn lines(&self) -> String {
        let figures = self.figures.iter().map(Figure::to_json);
        let lines = std::iter::once(self.about.clone()).chain(figures);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Writes all files, and removes the charts that an earlier run left. Gives their paths. Without figures nothing is touched.
    pub(crate) fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, String> {
        if self.figures.is_empty() {
            return Err("there are no figures, so nothing is written".to_owned());
        }
        let fails = |error: io::Error| format!("cannot write to {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(fails)?;
        for left in chart::files().map(|name| folder.join(name)) {
            match fs::remove_file(left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fails(error)),
                _ => {}
            }
        }
        let mut written = Vec::new();
        let mut write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(fails)?;
            written.push(path);
            Ok::<(), String>(())
        };
        write(FIGURES, &self.lines())?;
        let charts = chart::all(&self.figures)?;
        write(REPORT, &table::markdown(self, &charts))?;
        for chart in &charts {
            write(&chart.file, &chart.svg)?;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Place;

    pub(super) fn recorded() -> Recorded {
        let mut figures = Figures::default();
        let values =
            [("sestina, drain if unread", 20.0), ("C epoll", 19.0), ("tokio", 22.0), ("sestina", 23.0)];
        for (peer, value) in values {
            let place = Place { scenario: "short", case: "64 at once", peer };
            for round in 0..5 {
                figures.add(place, "CPU", "us/op", value + f64::from(round) / 10.0);
                figures.add(place, "p99", "us", 4_000.0);
            }
        }
        let run = json!({ "date": "2026-11-23", "processor": "a processor", "kernel": "Linux 6", "versions": {"rustc": "1"} });
        let about = json!({ "run": run, "rounds": 5, "quick": false, "missing": ["nginx: it is not there"], "failures": [] });
        Recorded { about, figures }
    }

    #[test]
    fn a_run_survives_its_file() {
        let recorded = recorded();
        let back = Recorded::parse(&recorded.lines()).expect("it was written");
        assert_eq!(back.lines(), recorded.lines());
        assert!(Recorded::parse("{}").is_err() && Recorded::parse("no json").is_err());
    }

    #[test]
    fn a_report_has_a_table_and_a_chart_for_what_was_measured() {
        let folder = std::env::temp_dir().join(format!("sestina-bench-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        for name in ["echo-cpu.svg", "a-drawing.svg"] {
            fs::write(folder.join(name), "<svg/>").expect("it can be written");
        }
        let written = recorded().write(&folder).expect("it can be written");
        assert!(folder.join("a-drawing.svg").exists(), "it is nobody's chart");
        assert!(!folder.join("echo-cpu.svg").exists(), "an earlier run left it");
        let nothing = Recorded { about: Value::Null, figures: Figures::default() };
        assert!(nothing.write(&folder).is_err() && folder.join("short-cpu.svg").exists());
        let text = fs::read_to_string(folder.join(REPORT)).expect("it is there");
        let svg = fs::read_to_string(folder.join("short-cpu.svg")).expect("it is there");
        fs::remove_dir_all(&folder).expect("it was made here");
        assert_eq!(written.len(), 4, "figures, report, two charts");
        for piece in [
            "nginx: it is not there",
            "20.2 (20.0..20.4)",
            "short-cpu.svg",
            "a processor",
            "**missed**",
            "reached",
        ] {
            assert!(text.contains(piece), "{piece} is not in:\n{text}");
        }
        assert!(svg.starts_with("<svg") && svg.contains("C epoll"), "{svg}");
    }
}
