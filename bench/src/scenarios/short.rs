//! Short connections: accept, write 3 KB, close.

use crate::peers::{
    C, C_DRAINS, C_REGISTERS, Contender, ERLANG, MIO, NGINX, SESTINA, SESTINA_IF_UNREAD, SESTINA_PROGRAM,
    Serving, TOKIO, TWISTED,
};
use crate::run::{Case, Run, STARTS, Stage, Way};

pub(super) const NAME: &str = "short";

/// Neighbours are compared with each other.
const CONTENDERS: [Contender; 11] = [
    SESTINA,
    C_DRAINS,
    SESTINA_IF_UNREAD,
    C,
    TOKIO,
    MIO,
    C_REGISTERS,
    NGINX,
    SESTINA_PROGRAM,
    TWISTED,
    ERLANG,
];
/// How many at once, how many downloads in a burst, and how many bursts for each start of the servers. The first is what must
/// be reached.
const CASES: [(usize, usize, usize); 3] = [(64, 1_000, 8), (1, 700, 3), (512, 3_000, 2)];
/// Downloads before those of a burst that are measured.
const WARM_UP: usize = 200;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let cases = CASES.map(|(at_once, count, bursts)| {
        let words = downloads(run, at_once, count);
        Case { name: format!("{at_once} at once"), words, way: Way::ByTurns(bursts) }
    });
    let stage = Stage {
        scenario: NAME,
        contenders: &CONTENDERS,
        serving: Serving::Poem(0),
        starts: STARTS,
        cases: &cases,
    };
    run.rounds_side_by_side(&stage, Run::add_load)
}

/// The generator's words for a burst of downloads.
pub(super) fn downloads(run: &Run, at_once: usize, count: usize) -> Vec<String> {
    let [count, warm_up] = [count, WARM_UP].map(|size| run.size(size).to_string());
    let text = run.programs.text.display().to_string();
    let at_once = at_once.to_string();
    ["poems", "--text", &text, "--at-once", &at_once, "--count", &count, "--warm-up", &warm_up]
        .map(str::to_owned)
        .to_vec()
}
