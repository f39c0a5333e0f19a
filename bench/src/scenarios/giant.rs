//! One poem of 1 GiB, for one reader.

use crate::figure::Place;
use crate::peers::{C, Contender, ERLANG, MIO, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{CPU, GENERATOR_CPU, RATE, Run};

pub(super) const NAME: &str = "giant";

const CONTENDERS: [Contender; 6] = [SESTINA, C, TOKIO, MIO, TWISTED, ERLANG];
const BYTES: usize = 1 << 30;
const MIB: usize = 1 << 20;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    run.rounds(NAME, &CONTENDERS, run.rounds, |run, contender| {
        let bytes = run.size(BYTES);
        let case = format!("{} MiB", bytes / MIB);
        let place = Place { scenario: NAME, case: &case, peer: contender.name };
        let server = contender.start(&run.programs, run.cpu, Serving::Poem(bytes))?;
        let bytes_words = bytes.to_string();
        let words = ["poems", "--text", &text, "--bytes", &bytes_words, "--at-once", "1", "--count", "1"];
        let said = run.load(&server, &words)?;
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        let mib = (bytes / MIB) as f64;
        run.figures.add(place, RATE, "MiB/s", mib / value("seconds"));
        run.figures.add(place, CPU, "us/MiB", value("server_us") / mib);
        run.figures.add(place, GENERATOR_CPU, "us/MiB", value("own_us") / mib);
        run.add_memory(place, &server)
    })
}
