//! Round trips on held connections.

use crate::peers::{C, Contender, ERLANG, MIO, SESTINA, Serving, TOKIO, TWISTED};
use crate::run::{Case, Run, Stage, Way};

pub(super) const NAME: &str = "echo";

const CONTENDERS: [Contender; 6] = [SESTINA, MIO, TOKIO, C, TWISTED, ERLANG];
/// How many connections, and how many round trips on all of them in a burst.
const CASES: [(usize, usize); 2] = [(50, 10_000), (1_000, 10_000)];
const BURSTS: usize = 3;
/// How many round trips where all servers are loaded at the same time: some seconds.
const COUNT_AT_ONCE: usize = 60_000;
const AT_ONCE: &str = ", servers at once";

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let cases = CASES.map(|(connections, count)| {
        let case = |name: &str, count: usize, way| {
            let (count, each) = (run.size(count).to_string(), connections.to_string());
            let words = ["echo", "--connections", &each, "--count", &count].map(str::to_owned).to_vec();
            Case { name: format!("{connections} connections{name}"), words, way }
        };
        [case("", count, Way::ByTurns(BURSTS)), case(AT_ONCE, COUNT_AT_ONCE, Way::AtOnce)]
    });
    let cases = cases.into_iter().flatten().collect::<Vec<_>>();
    let (contenders, cases) = (&CONTENDERS, &cases);
    let stage = Stage { scenario: NAME, contenders, serving: Serving::Echo, starts: 1, cases };
    run.rounds_side_by_side(&stage, |run, place, said| {
        if place.case.ends_with(AT_ONCE) { run.add_cpu(place, said) } else { run.add_load(place, said) }
    })
}
