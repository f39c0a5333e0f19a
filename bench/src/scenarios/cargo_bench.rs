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
    bench(run, TIMERS, &["-p", "sestina-reactor", "--bench", "timers"])?;
    let peer = format!("Twisted ({TWISTED_TIMERS})");
    twisted(run, TIMERS, TWISTED_TIMERS, |number| (TIMER_CASES.get(number).copied(), peer.clone()))
}

pub(super) fn deferreds(run: &mut Run) -> Result<(), String> {
    bench(run, DEFERREDS, &["-p", "sestina-deferred", "--bench", "deferred"])?;
    let peer = "Twisted: create + one callback + fire + drop";
    twisted(run, DEFERREDS, TWISTED_DEFERREDS, |_| (Some("one operation"), peer.to_owned()))
}

pub(super) fn decoders(run: &mut Run) -> Result<(), String> {
    bench(run, DECODERS, &["-p", "sestina-framing", "--bench", "throughput"])
}

fn bench(run: &mut Run, scenario: &str, which: &[&str]) -> Result<(), String> {
    if !run.programs.has(Family::Ours) {
        return Ok(());
    }
    run.tell(&format!("{scenario}: cargo bench {}", which.join(" ")));
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
    command.args(["--", "--json"]).args(run.quick.then_some("--quick"));
    let output = pinning::output(run.cpu, &mut command).map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut line: Value = serde_json::from_str(line).map_err(|error| format!("'{line}': {error}"))?;
        line["scenario"] = scenario.into();
        let mut figure = Figure::from_json(&line).ok_or_else(|| format!("no figure: {line}"))?;
        figure.rounds = grouped(&figure.rounds);
        run.figures.push(figure);
    }
    Ok(())
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
    use super::grouped;

    #[test]
    fn many_rounds_become_medians_of_groups() {
        let rounds: Vec<f64> = (0..21).map(f64::from).collect();
        assert_eq!(grouped(&rounds), [1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0]);
        assert_eq!((grouped(&[5.0]), grouped(&[])), (vec![5.0], vec![]));
    }
}
