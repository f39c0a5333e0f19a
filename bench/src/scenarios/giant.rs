//! One poem of 1 GiB, for one reader.

use crate::peers::{C, Contender, ERLANG, MIO, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{CPU, Case, GENERATOR_CPU, RATE, Run, Stage, Way};

pub(super) const NAME: &str = "giant";

const CONTENDERS: [Contender; 6] = [SESTINA, C, TOKIO, MIO, TWISTED, ERLANG];
const BYTES: usize = 1 << 30;
/// How often the servers of a round are started: each has one burst, and that is all.
const STARTS: usize = 7;
const MIB: usize = 1 << 20;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let bytes = run.size(BYTES);
    let (text, count) = (run.programs.text.display().to_string(), bytes.to_string());
    let words = ["poems", "--text", &text, "--bytes", &count, "--at-once", "1", "--count", "1"];
    let name = format!("{} MiB", bytes / MIB);
    let case = Case { name, words: words.map(str::to_owned).to_vec(), way: Way::ByTurns(1) };
    let stage = Stage {
        scenario: NAME,
        contenders: &CONTENDERS,
        serving: Serving::Poem(bytes),
        starts: STARTS,
        cases: &[case],
    };
    run.rounds_side_by_side(&stage, |run, place, said| {
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        let mib = value("operations") * (bytes / MIB) as f64;
        run.figures.add(place, RATE, "MiB/s", mib / value("seconds"));
        run.figures.add(place, CPU, "us/MiB", value("server_us") / mib);
        run.figures.add(place, GENERATOR_CPU, "us/MiB", value("own_us") / mib);
    })
}
