//! Short connections: accept, write 3 KB, close.

use crate::figure::Place;
use crate::peers::{
    C, C_DRAINS, C_REGISTERS, Contender, ERLANG, MIO, NGINX, SESTINA, SESTINA_IF_UNREAD, SESTINA_PROGRAM,
    Serving, TOKIO, TWISTED,
};
use crate::run::Run;

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
/// How many at once, and how many downloads.
const CASES: [(usize, usize); 3] = [(64, 8_000), (1, 2_000), (512, 8_000)];
const WARM_UP: usize = 1_000;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    run.rounds(NAME, &CONTENDERS, run.rounds, |run, contender| {
        let server = contender.start(&run.programs, run.cpu, Serving::Poem(0))?;
        for (at_once, count) in CASES {
            let [count, warm_up] = [count, WARM_UP].map(|size| run.size(size).to_string());
            let at_once = at_once.to_string();
            let case = format!("{at_once} at once");
            let place = Place { scenario: NAME, case: &case, peer: contender.name };
            let words =
                ["poems", "--text", &text, "--at-once", &at_once, "--count", &count, "--warm-up", &warm_up];
            let said = run.load(&server, &words)?;
            run.add_load(place, &said);
            run.add_memory(place, &server)?;
        }
        Ok(())
    })
}
