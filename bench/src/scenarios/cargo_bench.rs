//! What the benches of the crates measure: timers, deferreds, decoders. They run here, beside their peers of Twisted, and tell
//! each figure as a line of JSON.

use std::process::Command;

use serde_json::Value;

use crate::figure::{Figure, Place};
use crate::peers::Family;
use crate::pinning;
use crate::run::Run;
use crate::statistics::Summary;

pub(super) const TIMERS: &str = "timers";
pub(super) const DEFERREDS: &str = "deferreds";
pub(super) const DECODERS: &str = "decoders";

/// Benches have hundreds of short rounds; a report has the medians of a few groups of them.
const GROUPS: usize = 7;
/// How many timers Twisted has: a million take it a minute.
const TWISTED_TIMERS: usize = 100_000;
const TWISTED_DEFERREDS: usize = 100_000;
/// What Twisted's peer tells of timers, in its order; the names are those of our bench.
const TIMER_CASES: [&str; 5] =
    ["schedule, kept", "schedule + cancel at once", "reset to later", "cancel, kept", "fire"];

pub(super) fn timers(run: &mut Run) -> Result<(), String> {
    several(run, TIMERS, &["-p", "sestina-reactor", "--bench", "timers"])?;
    let peer = format!("Twisted ({TWISTED_TIMERS})");
    twisted(run, TIMERS, TWISTED_TIMERS, |number| (TIMER_CASES.get(number).copied(), peer.clone()))
}

pub(super) fn deferreds(run: &mut Run) -> Result<(), String> {
    several(run, DEFERREDS, &["-p", "sestina-deferred", "--bench", "deferred"])?;
    let peer = "Twisted: create + one callback + fire + drop";
    twisted(run, DEFERREDS, TWISTED_DEFERREDS, |_| (Some("one operation"), peer.to_owned()))
}

pub(super) fn decoders(run: &mut Run) -> Result<(), String> {
    bench(run, DECODERS, &["-p", "sestina-framing", "--bench", "throughput"])
}

/// A process for each round: where the system puts a program is worth some per cent, for as long as it lives. Of the rounds
/// of a process the best tenth counts: a median would tell how often the machine was slow.
fn several(run: &mut Run, scenario: &str, which: &[&str]) -> Result<(), String> {
    let mut figures: Vec<Figure> = Vec::new();
    for round in 0..run.rounds {
        let number = round + 1;
        run.tell(&format!("{scenario}, round {number} of {}: cargo bench {}", run.rounds, which.join(" ")));
        for (at, figure) in measured(run, scenario, which, true)?.into_iter().enumerate() {
            let best = best_tenth(&figure.rounds).ok_or_else(|| format!("no rounds: {}", figure.peer))?;
            match figures.get_mut(at) {
                Some(all) => all.rounds.push(best),
                None => figures.push(Figure { rounds: vec![best], ..figure }),
            }
        }
    }
    figures.into_iter().for_each(|figure| run.figures.push(figure));
    Ok(())
}

/// What the best tenth of them does not exceed; these are times, so small is good.
fn best_tenth(rounds: &[f64]) -> Option<f64> {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 10).copied()
}

/// One process.
fn bench(run: &mut Run, scenario: &str, which: &[&str]) -> Result<(), String> {
    run.tell(&format!("{scenario}: cargo bench {}", which.join(" ")));
    for mut figure in measured(run, scenario, which, run.quick)? {
        figure.rounds = grouped(&figure.rounds);
        run.figures.push(figure);
    }
    Ok(())
}

fn measured(run: &Run, scenario: &str, which: &[&str], quick: bool) -> Result<Vec<Figure>, String> {
    if !run.programs.has(Family::Ours) {
        return Ok(Vec::new());
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let command = || {
        let mut command = Command::new(&cargo);
        command.args(["bench", "--quiet"]).args(which);
        command
    };
    // Compiling has all CPUs, and running the measured one.
    let built = command().arg("--no-run").output().map_err(|error| format!("cargo: {error}"))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let mut command = command();
    command.args(["--", "--json"]).args(quick.then_some("--quick"));
    let output = pinning::output(run.cpu, &mut command).map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |line: &str| {
        let mut line: Value = serde_json::from_str(line).map_err(|error| format!("'{line}': {error}"))?;
        line["scenario"] = scenario.into();
        Figure::from_json(&line).ok_or_else(|| format!("no figure: {line}"))
    };
    text.lines().map(figure).collect()
}

/// The medians of at most [`GROUPS`] groups of rounds.
fn grouped(rounds: &[f64]) -> Vec<f64> {
    let size = rounds.len().div_ceil(GROUPS).max(1);
    rounds.chunks(size).filter_map(|group| Some(Summary::of(group)?.median)).collect()
}

fn twisted(
    run: &mut Run,
    what: &str,
    count: usize,
    place: impl Fn(usize) -> (Option<&'static str>, String),
) -> Result<(), String> {
    if !run.programs.has(Family::Twisted) {
        return Ok(());
    }
    run.tell(&format!("{what}: Twisted"));
    for _ in 0..run.rounds {
        let mut command = Command::new(&run.programs.python);
        command.arg(run.programs.peer("twisted_peer.py")).args([what, &count.to_string()]);
        let output = pinning::output(run.cpu, &mut command).map_err(|error| format!("Twisted: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for (number, word) in text.split_whitespace().enumerate() {
            let (Some(case), peer) = place(number) else { continue };
            let nanoseconds = word.parse().map_err(|_| format!("Twisted said '{text}'"))?;
            run.figures.add(Place { scenario: what, case, peer: &peer }, "time", "ns", nanoseconds);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{best_tenth, grouped};

    #[test]
    fn the_best_tenth_of_a_process_counts() {
        let rounds: Vec<f64> = (0..101).rev().map(f64::from).collect();
        assert_eq!([best_tenth(&rounds), best_tenth(&[7.0]), best_tenth(&[])], [Some(10.0), Some(7.0), None]);
    }

    #[test]
    fn many_rounds_become_medians_of_groups() {
        let rounds: Vec<f64> = (0..21).map(f64::from).collect();
        assert_eq!(grouped(&rounds), [1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0]);
        assert_eq!((grouped(&[5.0]), grouped(&[])), (vec![5.0], vec![]));
    }
}
