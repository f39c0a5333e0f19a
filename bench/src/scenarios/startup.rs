//! What a program costs before anybody has come: time and CPU until it listens, memory, the size of its file.

use std::time::Instant;

use crate::figure::Place;
use crate::load::QUIET;
use crate::peers::{C, Contender, ERLANG, Family, MIO, SESTINA, SESTINA_PROGRAM, Serving, TOKIO, TWISTED};
use crate::run::{CPU, MIB, RESIDENT, Run, memory_of};
use crate::timed::timed;
use crate::watch;

pub(super) const NAME: &str = "startup";
pub(super) const TIME: &str = "time";

const CONTENDERS: [Contender; 7] = [SESTINA_PROGRAM, SESTINA, C, TOKIO, MIO, TWISTED, ERLANG];
const LISTENS: &str = "a fast poetry server, until it listens";
const STARTS_PER_ROUND: usize = 3;

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    run.rounds(NAME, &CONTENDERS, run.rounds, |run, contender| {
        let place = Place { scenario: NAME, case: LISTENS, peer: contender.name };
        for _ in 0..STARTS_PER_ROUND {
            let begun = Instant::now();
            let server = contender.start(&run.programs, run.cpu, Serving::Poem(0))?;
            run.figures.add(place, TIME, "ms", begun.elapsed().as_secs_f64() * 1e3);
            // What a process that runs has taken is written down when it next waits.
            std::thread::sleep(QUIET);
            let cpu = watch::cpu_time(server.pid()).map_err(|error| format!("it is gone: {error}"))?;
            run.figures.add(place, CPU, "ms", cpu.as_secs_f64() * 1e3);
            run.add_memory(place, memory_of(&server)?);
        }
        Ok(())
    })?;
    if !run.programs.has(Family::Ours) || !run.can_time("startup, the programs") {
        return Ok(());
    }
    for name in ["sestina", "get-poetry"] {
        let program = run.programs.program(name);
        let place = Place { scenario: NAME, case: "the programs, --version", peer: name };
        let size = std::fs::metadata(&program).map_err(|error| format!("{name}: {error}"))?.len();
        run.figures.add(place, "file with line tables", "MiB", size as f64 / MIB);
        for _ in 0..run.rounds {
            let took = timed(run, &program, &["--version".to_owned()])?;
            run.figures.add(place, TIME, "ms", took.wall.as_secs_f64() * 1e3);
            run.figures.add(place, CPU, "ms", took.cpu.as_secs_f64() * 1e3);
            run.figures.add(place, RESIDENT, "MiB", took.resident_max as f64 / MIB);
        }
    }
    Ok(())
}
