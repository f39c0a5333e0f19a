//! Ten thousand slow readers: what each costs in memory and in CPU.

use crate::figure::Place;
use crate::peers::{C, Contender, ERLANG, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{CPU, GENERATOR_CPU, MAX, P50, P99, Run, memory_of};

pub(super) const NAME: &str = "slow";
pub(crate) const EACH: &str = "anonymous memory each";

const CONTENDERS: [Contender; 5] = [SESTINA, C, TOKIO, TWISTED, ERLANG];
const READERS: usize = 10_000;
/// What each is sent, in bytes, and how often, in milliseconds.
const PIECE: usize = 10;
const PAUSE: u64 = 1_000;
const MEASURED_MS: usize = 3_000;
const ROUNDS_MAX: usize = 5;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    // A round takes each contender five seconds, and says what the others said.
    let rounds = run.rounds.min(ROUNDS_MAX);
    run.rounds(NAME, &CONTENDERS, rounds, |run, contender| {
        // Also in a quick run: what a slab or a heap costs each depends on how many there are.
        let readers = READERS.to_string();
        let milliseconds = MEASURED_MS.to_string();
        let case = format!("{readers} readers");
        let place = Place { scenario: NAME, case: &case, peer: contender.name };
        let server = contender.start(&run.programs, run.cpu, Serving::Slow(PIECE, PAUSE))?;
        let words = ["slow", "--text", &text, "--connections", &readers, "--milliseconds", &milliseconds];
        let said = run.load(&server, &words)?;
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        run.figures.add(place, EACH, "B", value("anonymous_each"));
        run.figures.add(place, CPU, "us/piece", value("server_us") / value("operations"));
        run.figures.add(place, "share of the CPU", "%", value("server_us") / value("seconds") / 1e4);
        run.figures.add(place, GENERATOR_CPU, "us/piece", value("own_us") / value("operations"));
        for (name, key) in [(P50, "p50_us"), (P99, "p99_us"), (MAX, "max_us")] {
            run.figures.add(place, name, "us between pieces", value(key));
        }
        run.add_memory(place, memory_of(&server)?);
        Ok(())
    })
}
