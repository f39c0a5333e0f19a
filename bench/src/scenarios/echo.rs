//! Round trips on held connections.

use crate::peers::{C, Contender, ERLANG, MIO, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{Case, Run, Stage};

pub(super) const NAME: &str = "echo";

const CONTENDERS: [Contender; 6] = [SESTINA, MIO, TOKIO, C, TWISTED, ERLANG];
/// How many connections, and how many round trips on all of them in a burst.
const CASES: [(usize, usize); 2] = [(50, 10_000), (1_000, 10_000)];
const BURSTS: usize = 2;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let cases = CASES.map(|(connections, count)| {
        let (count, each) = (run.size(count).to_string(), connections.to_string());
        let words = ["echo", "--connections", &each, "--count", &count].map(str::to_owned).to_vec();
        Case { name: format!("{connections} connections"), words, bursts: BURSTS }
    });
    let stage = Stage { scenario: NAME, contenders: &CONTENDERS, serving: Serving::Echo, cases: &cases };
    run.rounds_side_by_side(&stage, Run::add_load)
}
