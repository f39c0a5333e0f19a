//! The report as Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::Recorded;
use super::chart::Chart;
use crate::figure::{Figure, Figures};
use crate::run::{CPU, GENERATOR_CPU, P50, RATE, ROUNDS_OF_ALL};
use crate::targets::TARGETS;

pub(crate) fn markdown(recorded: &Recorded, charts: &[Chart]) -> String {
    let mut text = "# Side by side\n\n".to_owned();
    about(&mut text, &recorded.about);
    demands(&mut text, &recorded.figures);
    let mut scenarios: Vec<&str> = recorded.figures.iter().map(|figure| figure.scenario.as_str()).collect();
    scenarios.dedup();
    for scenario in scenarios {
        put(&mut text, &format!("\n## {scenario}\n"));
        for chart in charts.iter().filter(|chart| chart.scenario == scenario) {
            put(&mut text, &format!("\n![{}]({})\n", chart.title, chart.file));
        }
        let mut cases: Vec<&str> = Vec::new();
        for figure in recorded.figures.iter().filter(|figure| figure.scenario == scenario) {
            if !cases.contains(&figure.case.as_str()) {
                cases.push(&figure.case);
            }
        }
        for case in cases {
            let figures: Vec<&Figure> =
                recorded.figures.iter().filter(|f| f.scenario == scenario && f.case == case).collect();
            put(&mut text, &format!("\n### {scenario}: {case}\n\n"));
            table(&mut text, &figures);
        }
    }
    text
}

fn put(text: &mut String, piece: &str) {
    text.write_str(piece).expect("a string takes everything");
}

fn about(text: &mut String, about: &Value) {
    let run = &about["run"];
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    put(
        text,
        &format!(
            "Made by `{}`; see [README.md](../README.md) for how it measures. Medians of ",
            word(&about["command"])
        ),
    );
    put(text, &format!("{} rounds (smallest..largest); ", about["rounds"]));
    if about["rounds"].as_u64().is_some_and(|rounds| rounds > ROUNDS_OF_ALL as u64) {
        put(text, &format!("some contenders have {ROUNDS_OF_ALL}; "));
    }
    put(text, "figures.jsonl has each round. ");
    put(text, "p50 and p99 are those of the median burst, max is that of all bursts of a round. ");
    if about["quick"] == true {
        put(text, "**A quick run: most sizes are a quarter.** ");
    }
    put(
        text,
        "Server and load generator share one CPU. Compare within a table: the numbers are this machine's.\n\n",
    );
    for (name, says) in [
        ("date", "date"),
        ("processor", "processor"),
        ("cpus", "CPUs"),
        ("memory_mib", "memory, MiB"),
        ("kernel", "kernel"),
        ("measured_on_cpu", "measured on CPU"),
        ("before_other_programs", "raised priority"),
    ] {
        put(text, &format!("- {says}: {}\n", word(&run[name])));
    }
    for (name, version) in run["versions"].as_object().into_iter().flatten() {
        put(text, &format!("- {name}: {}\n", word(version)));
    }
    for (list, says) in [("missing", "Missing"), ("failures", "Failed")] {
        for line in about[list].as_array().into_iter().flatten() {
            put(text, &format!("- **{says}** {}\n", word(line)));
        }
    }
}

fn demands(text: &mut String, figures: &Figures) {
    put(
        text,
        "\n## What must be reached\n\nRatios are taken within each round: median (smallest..largest).\n\n",
    );
    put(text, "| ours / theirs | ratio | must be | |\n|---|---:|---|---|\n");
    for target in TARGETS {
        let line = match target.verdict(figures) {
            Some(verdict) => {
                let ratio = verdict.ratio;
                let reached = if verdict.reached { "reached" } else { "**missed**" };
                format!(
                    "{:.3} ({:.3}..{:.3}) | {} | {reached}",
                    ratio.median,
                    ratio.min,
                    ratio.max,
                    target.demand()
                )
            }
            None => format!("| {} | not measured", target.demand()),
        };
        put(text, &format!("| {} | {line} |\n", target.what()));
    }
}

/// A row for each contender, a column for each figure.
fn table(text: &mut String, figures: &[&Figure]) {
    let (mut peers, mut names): (Vec<&str>, Vec<(&str, &str)>) = (Vec::new(), Vec::new());
    for figure in figures {
        if !peers.contains(&figure.peer.as_str()) {
            peers.push(&figure.peer);
        }
        if !names.iter().any(|(name, _)| *name == figure.name) {
            names.push((&figure.name, &figure.unit));
        }
    }
    let head: Vec<String> = names.iter().map(|(name, unit)| format!("{name}, {unit}")).collect();
    put(text, &format!("| | {} |\n|---{}|\n", head.join(" | "), "|---:".repeat(names.len())));
    let mut limited = Vec::new();
    for peer in peers {
        let find = |name: &str| figures.iter().find(|figure| figure.peer == peer && figure.name == name);
        let cells =
            names.iter().map(|(name, _)| find(name).map_or_else(|| "-".to_owned(), |figure| cell(figure)));
        put(text, &format!("| {peer} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
        if let (Some(server), Some(generator)) = (find(CPU), find(GENERATOR_CPU))
            && generator.summary().median >= server.summary().median
        {
            limited.push(peer);
        }
    }
    if !limited.is_empty() {
        let follows = if names.iter().any(|(name, _)| [RATE, P50].contains(name)) {
            ", so their rates and delays are its own; their CPU times are not"
        } else {
            ""
        };
        put(
            text,
            &format!("\nThe generator needs more of the CPU than these{follows}: {}.\n", limited.join("; ")),
        );
    }
}

fn cell(figure: &Figure) -> String {
    let summary = figure.summary();
    let [median, min, max] = [summary.median, summary.min, summary.max].map(number);
    if figure.rounds.len() == 1 { median } else { format!("{median} ({min}..{max})") }
}

/// Three digits, or all before the point.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Place;

    #[test]
    fn a_busy_generator_is_told_and_what_follows_only_where_rates_or_delays_stand() {
        let told = |with: &[&str]| {
            let mut figures = Figures::default();
            let place = Place { scenario: "echo", case: "a", peer: "sestina" };
            for (name, value) in [(CPU, 4.0), (GENERATOR_CPU, 5.0)] {
                figures.add(place, name, "us/op", value);
            }
            with.iter().for_each(|name| figures.add(place, name, "op/s", 1.0));
            let mut text = String::new();
            table(&mut text, &figures.iter().collect::<Vec<_>>());
            text
        };
        assert!(told(&[]).ends_with("more of the CPU than these: sestina.\n"), "{}", told(&[]));
        assert!(told(&[RATE]).contains("their rates and delays are its own"), "{}", told(&[RATE]));
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [12_345.6, 123.4, 20.24, 1.234, 0.01].map(number),
            ["12346", "123", "20.2", "1.23", "0.010"]
        );
    }
}
