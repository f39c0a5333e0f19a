//! `cargo bench -p sestina-cli`: fifty slow poets at once take as long as the slowest of them.
//!
//! Ten servers at different paces, five downloads from each. The wall time is the program's whole life as a shell sees
//! it; the slowest poet's is what `--json` says of that download. Not a test: a busy machine delays everybody.
#![expect(clippy::print_stdout, reason = "a bench measures and prints")]

#[path = "../tests/suite/common/mod.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod common;

use std::time::SystemTime;

use common::{Program, Server, get_poetry};

const SERVERS: u32 = 10;
const DOWNLOADS_EACH: usize = 5;
const ROUNDS: usize = 7;
/// The fastest server's pause between two pieces, and how much longer each next one's is, in milliseconds.
const DELAY_MS: u32 = 60;
const DELAY_STEP_MS: u32 = 4;
/// How much longer than the slowest poet the whole may take.
const RATIO_MAX: f64 = 1.05;

fn main() {
    let delays = (0..SERVERS).map(|number| format!("{}ms", DELAY_MS + number * DELAY_STEP_MS));
    let servers: Vec<Server> = delays.map(|delay| Server::slow("science", "30", &delay)).collect();
    let ports: Vec<String> = servers.iter().flat_map(|server| vec![server.port(); DOWNLOADS_EACH]).collect();
    let mut ratios: Vec<f64> = (0..ROUNDS).map(|round| measure(round, &ports)).collect();
    ratios.sort_by(f64::total_cmp);
    let (median, worst) = (ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
    let verdict = if median <= RATIO_MAX { "reached" } else { "NOT REACHED" };
    println!("wall / slowest: median {median:.3}, worst {worst:.3}, at most {RATIO_MAX}: {verdict}");
}

/// One round. Gives the wall time as a multiple of the slowest download's.
fn measure(round: usize, ports: &[String]) -> f64 {
    let mut command = get_poetry();
    command.arg("--json").args(ports);
    let start = SystemTime::now();
    let ended = Program::run(command);
    let wall = start.elapsed().expect("the clock was not set back").as_secs_f64();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines = String::from_utf8(ended.stdout).expect("JSON is text");
    let totals = lines.lines().map(|line| {
        let report: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        report["total_seconds"].as_f64().expect("a number")
    });
    let slowest = totals.fold(0.0, f64::max);
    println!("round {}: {} poems, wall {wall:.3} s, slowest {slowest:.3} s", round + 1, ports.len());
    wall / slowest
}
