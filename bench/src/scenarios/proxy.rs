//! The caching proxy: a hit beside our own fast server, a miss that many share, a cold one.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Stdio};

use crate::figure::Place;
use crate::peers::{Contender, SESTINA, Serving};
use crate::pinning;
use crate::run::{CPU, Case, GENERATOR_CPU, P50, Run, STARTS, Way, generator, memory_of, together};

use super::short::downloads;

pub(super) const NAME: &str = "proxy";

/// Downloads of a hit in a burst, and bursts for each start of the servers.
const BURST: usize = 1_000;
const BURSTS: usize = 12;
/// Clients that wait for the same fetch.
const SHARERS: &str = "512";
/// The slow poet behind a shared miss: 300 bytes every 20 ms, so 0.2 s in all.
const SLOW_POET: [&str; 4] = ["--bytes", "300", "--milliseconds", "20"];

const FAST: &str = "sestina, fast server";
pub(super) const HIT: &str = "sestina proxy";

pub(super) fn run(run: &mut Run) -> Result<(), String> {
    run.rounds(NAME, &[SESTINA], run.rounds, |run, contender| {
        hit(run, contender)?;
        shared_miss(run, contender)?;
        cold(run, contender)
    })
}

/// A poet of the generator's, on the measured CPU.
struct Poet {
    child: Child,
    /// It serves until this closes.
    stdin: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    port: u16,
}

impl Poet {
    fn start(run: &Run, words: &[&str]) -> Result<Self, String> {
        let text = run.programs.text.display().to_string();
        let mut command = generator(&["poets", "--ports", "1", "--text", &text])?;
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pinning::spawn(run.cpu, &mut command).map_err(|error| format!("a poet: {error}"))?;
        let stdout = child.stdout.take().ok_or("a poet has no output")?;
        let mut poet =
            Self { stdin: child.stdin.take(), child, lines: BufReader::new(stdout).lines(), port: 0 };
        poet.port = poet.number_after("listening ")?;
        Ok(poet)
    }

    fn number_after<N: std::str::FromStr>(&mut self, words: &str) -> Result<N, String> {
        let line = self.lines.next().and_then(Result::ok).unwrap_or_default();
        let number = line.strip_prefix(words).and_then(|rest| rest.parse().ok());
        number.ok_or_else(|| format!("a poet said '{line}'"))
    }

    /// How many it has served.
    fn end(mut self) -> Result<usize, String> {
        self.stdin = None;
        self.number_after("served ")
    }
}

impl Drop for Poet {
    fn drop(&mut self) {
        self.stdin = None;
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Our fast server and our proxy before it, both started several times.
fn hit(run: &mut Run, ours: Contender) -> Result<(), String> {
    let name = "hit, 64 at once".to_owned();
    let case = Case { name, words: downloads(run, 64, BURST), way: Way::ByTurns(BURSTS) };
    let mut said = [(FAST, Vec::new(), None), (HIT, Vec::new(), None)];
    for start in 0..STARTS {
        let server = ours.start(&run.programs, run.cpu, Serving::Poem(0))?;
        let proxy = ours.start(&run.programs, run.cpu, Serving::Proxy(server.port))?;
        let mut servers = [(0, &server), (1, &proxy)];
        servers.rotate_left(start % 2);
        let answers = run.load_by_turns(&servers.map(|(_, server)| server), &case, BURSTS);
        for ((at, server), answer) in servers.into_iter().zip(answers) {
            said[at].1.push(answer?);
            said[at].2 = Some(memory_of(server)?);
        }
    }
    for (peer, answers, memory) in said {
        let place = Place { scenario: NAME, case: &case.name, peer };
        run.add_load(place, &together(&answers));
        memory.into_iter().for_each(|memory| run.add_memory(place, memory));
    }
    Ok(())
}

fn shared_miss(run: &mut Run, ours: Contender) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    let place = Place { scenario: NAME, case: "miss that 512 share, 0.2 s long", peer: HIT };
    let poet = Poet::start(run, &SLOW_POET)?;
    let proxy = ours.start(&run.programs, run.cpu, Serving::Proxy(poet.port))?;
    let said = run.load(&proxy, &["poems", "--text", &text, "--at-once", SHARERS, "--count", SHARERS])?;
    run.add_load(place, &said);
    let fetched = poet.end()?;
    run.figures.add(place, "fetches", "in all", fetched as f64);
    Ok(())
}

/// One download of a proxy that has just begun.
fn cold(run: &mut Run, ours: Contender) -> Result<(), String> {
    let text = run.programs.text.display().to_string();
    let place = Place { scenario: NAME, case: "cold, one client", peer: HIT };
    let poet = Poet::start(run, &[])?;
    let proxy = ours.start(&run.programs, run.cpu, Serving::Proxy(poet.port))?;
    let said = run.load(&proxy, &["poems", "--text", &text, "--at-once", "1", "--count", "1"])?;
    let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
    run.figures.add(place, CPU, "us/op", value("server_us"));
    run.figures.add(place, GENERATOR_CPU, "us/op", value("own_us"));
    run.figures.add(place, P50, "us", value("p50_us"));
    Ok(())
}
