//! Round trips on held connections.

use crate::figure::Place;
use crate::peers::{C, Contender, ERLANG, MIO, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::Run;

pub(super) const NAME: &str = "echo";

const CONTENDERS: [Contender; 6] = [SESTINA, MIO, TOKIO, C, TWISTED, ERLANG];
/// How many connections, and how many round trips on all of them.
const CASES: [(usize, usize); 2] = [(50, 40_000), (1_000, 40_000)];

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    run.rounds(NAME, &CONTENDERS, run.rounds, |run, contender| {
        let server = contender.start(&run.programs, run.cpu, Serving::Echo)?;
        for (connections, count) in CASES {
            let count = run.size(count).to_string();
            let case = format!("{connections} connections");
            let place = Place { scenario: NAME, case: &case, peer: contender.name };
            let said =
                run.load(&server, &["echo", "--connections", &connections.to_string(), "--count", &count])?;
            run.add_load(place, &said);
            run.add_memory(place, &server)?;
        }
        Ok(())
    })
}
