//! A client with many servers: fifty slow ones, and five thousand fast ones.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::figure::Place;
use crate::peers::{Contender, Family, SESTINA_CLIENT, TOKIO, TWISTED};
use crate::pinning;
use crate::run::{CPU, GENERATOR_CPU, MIB, RESIDENT, ROUNDS_OF_ALL, Run, generator};
use crate::timed::timed;
use crate::watch;

pub(super) const NAME: &str = "client";

const CONTENDERS: [Contender; 3] = [SESTINA_CLIENT, TOKIO, TWISTED];
const SLOW_SERVERS: usize = 50;
const FAST_SERVERS: usize = 5_000;
/// Eleven pieces of a poem of 3 KB: 1 s.
const SLOW: [&str; 4] = ["--bytes", "300", "--milliseconds", "100"];

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    if !run.can_time(NAME) {
        return Ok(());
    }
    let rounds = run.rounds.min(ROUNDS_OF_ALL);
    run.rounds(NAME, &CONTENDERS, rounds, |run, contender| {
        get(run, contender, SLOW_SERVERS, &SLOW)?;
        let fast = run.size(FAST_SERVERS);
        get(run, contender, fast, &[])
    })
}

fn get(run: &mut Run, contender: Contender, servers: usize, how: &[&str]) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    let count = servers.to_string();
    let mut command = generator(&["poets", "--ports", &count, "--text", &text])?;
    command.args(how).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut poets = pinning::spawn(run.cpu, &mut command).map_err(|error| format!("the poets: {error}"))?;
    let stdout = poets.stdout.take().ok_or("the poets have no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|error| format!("the poets: {error}"))?;
    let poets_took =
        |poets: &Child| watch::cpu_time(poets.id()).map_err(|error| format!("the poets are gone: {error}"));
    let before = poets_took(&poets)?;
    let ports: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
    if ports.len() != servers {
        poets.kill().ok();
        poets.wait().ok();
        return Err(format!("the poets serve {} of {servers} ports", ports.len()));
    }

    let (program, mut words) = match contender.family {
        Family::Tokio => (run.programs.program("bench-tokio"), vec!["get".to_owned()]),
        Family::Twisted => {
            let script = run.programs.peer("twisted_peer.py").display().to_string();
            (Path::new(&run.programs.python).to_owned(), vec![script, "get".to_owned()])
        }
        _ => (run.programs.program("get-poetry"), Vec::new()),
    };
    words.extend(ports.iter().cloned());
    let took = timed(run, &program, &words);
    let after = poets_took(&poets);
    poets.kill().ok();
    poets.wait().ok();
    let took = took?;
    check(&took.output, &run.programs.text, servers)?;

    let kind = if how.is_empty() { "fast" } else { "slow" };
    let case = format!("{servers} {kind} servers");
    let place = Place { scenario: NAME, case: &case, peer: contender.name };
    run.figures.add(place, "time", "ms", took.wall.as_secs_f64() * 1e3);
    run.figures.add(place, CPU, "us/poem", took.cpu.as_secs_f64() * 1e6 / servers as f64);
    let poets_took = after?.saturating_sub(before);
    run.figures.add(place, GENERATOR_CPU, "us/poem", poets_took.as_secs_f64() * 1e6 / servers as f64);
    run.figures.add(place, RESIDENT, "MiB", took.resident_max as f64 / MIB);
    Ok(())
}

/// All poems are the same, so the output is the poem again and again.
fn check(output: &[u8], text: &Path, times: usize) -> Result<(), String> {
    let poem = std::fs::read(text).map_err(|error| format!("the poem: {error}"))?;
    let whole = output.len() == poem.len() * times && output.chunks(poem.len()).all(|piece| piece == poem);
    if whole { Ok(()) } else { Err(format!("{} bytes, and not {times} whole poems", output.len())) }
}
