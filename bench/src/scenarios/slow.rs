//! Ten thousand slow readers: what each costs in memory and in CPU.

use serde_json::Value;

use crate::figure::Place;
use crate::peers::{C, Contender, ERLANG, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{CPU, Case, GENERATOR_CPU, MAX, P50, P99, ROUNDS_OF_ALL, Run, Stage, Way, memory_of};

pub(super) const NAME: &str = "slow";
pub(crate) const EACH: &str = "anonymous memory each";

/// Those who are loaded at the same time: a second of one is not like the next, so all of them have the same seconds.
const TOGETHER: [Contender; 3] = [SESTINA, C, TOKIO];
/// Those who would need too much of the CPU beside others.
const ALONE: [Contender; 2] = [TWISTED, ERLANG];
const READERS: usize = 10_000;
/// What each is sent, in bytes, and how often, in milliseconds.
const PIECE: usize = 10;
const PAUSE: u64 = 1_000;
const SERVING: Serving = Serving::Slow(PIECE, PAUSE);
const MEASURED_MS: usize = 6_000;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    // Also in a quick run: what a slab or a heap costs each depends on how many there are.
    let readers = READERS.to_string();
    let milliseconds = run.size(MEASURED_MS).to_string();
    let words = ["slow", "--text", &text, "--connections", &readers, "--milliseconds", &milliseconds];
    let words = words.map(str::to_owned).to_vec();
    let cases = [Case { name: format!("{readers} readers"), words, way: Way::AtOnce }];
    let stage = Stage { scenario: NAME, contenders: &TOGETHER, serving: SERVING, starts: 1, cases: &cases };
    run.rounds_side_by_side(&stage, add)?;
    let rounds = run.rounds.min(ROUNDS_OF_ALL);
    run.rounds(NAME, &ALONE, rounds, |run, contender| {
        let [case] = &cases;
        let place = Place { scenario: NAME, case: &case.name, peer: contender.name };
        let server = contender.start(&run.programs, run.cpu, SERVING)?;
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        let said = run.load(&server, &words)?;
        add(run, place, &said);
        run.add_memory(place, memory_of(&server)?);
        Ok(())
    })
}

fn add(run: &mut Run, place: Place<'_>, said: &Value) {
    let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
    run.figures.add(place, EACH, "B", value("anonymous_each"));
    run.figures.add(place, CPU, "us/piece", value("server_us") / value("operations"));
    run.figures.add(place, "share of the CPU", "%", value("server_us") / value("seconds") / 1e4);
    run.figures.add(place, GENERATOR_CPU, "us/piece", value("own_us") / value("operations"));
    for (name, key) in [(P50, "p50_us"), (P99, "p99_us"), (MAX, "max_us")] {
        run.figures.add(place, name, "us between pieces", value(key));
    }
}
