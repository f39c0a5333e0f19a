//! One run: what was asked for, what was found, what has been measured so far.

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::figure::{Figures, Place};
use crate::peers::{Contender, Family, Programs, Serving};
use crate::pinning;
use crate::say;
use crate::server::Server;
use crate::statistics::Summary;
use crate::targets::is_compared;
use crate::watch::Memory;

/// A run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) programs: Programs,
    /// The CPU on which everything that is measured runs.
    pub(crate) cpu: usize,
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) figures: Figures,
    /// What went wrong without ending the run.
    pub(crate) failures: Vec<String>,
    pub(crate) begun: Instant,
}

impl Run {
    /// A size: the whole one, or a quarter of it in a quick run.
    pub(crate) fn size(&self, whole: usize) -> usize {
        if self.quick { (whole / 4).max(1) } else { whole }
    }

    /// Runs all contenders by turns, so that what disturbs the machine disturbs all of them; each round begins with another
    /// one. A contender that fails is told and left out of the rest, unless it is ours: then the run ends.
    pub(crate) fn rounds(
        &mut self,
        scenario: &str,
        contenders: &[Contender],
        rounds: usize,
        mut measure: impl FnMut(&mut Self, Contender) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut left = self.programs.present(contenders);
        for round in 0..rounds {
            for contender in self.begin_round(scenario, round, rounds, &left) {
                if let Err(error) = measure(self, contender) {
                    self.leave_out(scenario, &mut left, contender, &error)?;
                }
            }
        }
        Ok(())
    }

    /// As `rounds`, for servers that are loaded in the same way: all of them are there at once, and each case is brought to
    /// them in bursts of some tenths of a second, by turns, or to all at the same time. A machine is slower for seconds, seldom
    /// for tenths of one. A round is several starts of the servers, because where the system puts a program is worth some per
    /// cent, for as long as it lives. Those of whom nothing is demanded have one start, and fewer rounds.
    pub(crate) fn rounds_side_by_side(
        &mut self,
        stage: &Stage<'_>,
        mut add: impl FnMut(&mut Self, Place<'_>, &Value),
    ) -> Result<(), String> {
        let mut left = self.programs.present(stage.contenders);
        for round in 0..self.rounds {
            let mut said: Vec<Said> = vec![Said::new(); stage.cases.len()];
            let order = self.begin_round(stage.scenario, round, self.rounds, &left);
            for start in 0..stage.starts {
                let mut order = order.clone();
                let first = start % order.len().max(1);
                order.rotate_left(first);
                order.retain(|contender| left.contains(contender));
                let all = start == 0 && round < ROUNDS_OF_ALL;
                for (contender, error) in self.start_and_load(stage, &order, all, &mut said) {
                    self.leave_out(stage.scenario, &mut left, contender, &error)?;
                }
            }
            for (case, said) in stage.cases.iter().zip(&said) {
                for contender in &left {
                    let of: Vec<&(Contender, Value, Memory)> =
                        said.iter().filter(|(who, ..)| who == contender).collect();
                    let Some((_, _, memory)) = of.last() else { continue };
                    let answers: Vec<Value> = of.iter().map(|(_, answer, _)| answer.clone()).collect();
                    let place = Place { scenario: stage.scenario, case: &case.name, peer: contender.name };
                    add(self, place, &together(&answers));
                    self.add_memory(place, *memory);
                }
            }
        }
        Ok(())
    }

    /// Starts the servers and brings each case to them: to all, or to those of whom something is demanded in it. What was said
    /// about whom is noted, and who failed is returned.
    fn start_and_load(
        &self,
        stage: &Stage<'_>,
        order: &[Contender],
        all: bool,
        said: &mut [Said],
    ) -> Vec<(Contender, String)> {
        let (mut servers, mut failed) = (Vec::new(), Vec::new());
        let is_due = |case: &Case, peer: &Contender| {
            let is_for_all = all && case.way != Way::AtOnce;
            is_for_all || is_compared(stage.scenario, &case.name, peer.name)
        };
        let is_due_at_all = |peer: &&Contender| stage.cases.iter().any(|case| is_due(case, peer));
        for contender in order.iter().filter(is_due_at_all) {
            match contender.start(&self.programs, self.cpu, stage.serving) {
                Ok(server) => servers.push((*contender, server)),
                Err(error) => failed.push((*contender, error)),
            }
        }
        for (case, said) in stage.cases.iter().zip(said) {
            let due: Vec<&(Contender, Server)> =
                servers.iter().filter(|(peer, _)| is_due(case, peer)).collect();
            let loaded: Vec<&Server> = due.iter().map(|(_, server)| server).collect();
            let answers = match case.way {
                Way::ByTurns(bursts) => self.load_by_turns(&loaded, case, bursts),
                Way::AtOnce => self.load_at_once(&loaded, case),
            };
            for ((contender, server), answer) in due.iter().zip(answers) {
                match answer.and_then(|answer| Ok((*contender, answer, memory_of(server)?))) {
                    Ok(noted) => said.push(noted),
                    Err(error) => failed.push((*contender, error)),
                }
            }
        }
        failed
    }

    /// Who runs in this round, and in which order.
    fn begin_round(&self, scenario: &str, round: usize, rounds: usize, left: &[Contender]) -> Vec<Contender> {
        let names: Vec<&str> = left.iter().map(|contender| contender.name).collect();
        self.tell(&format!("{scenario}, round {} of {rounds}: {}", round + 1, names.join(", ")));
        let mut order = left.to_vec();
        order.rotate_left(round % left.len().max(1));
        order
    }

    fn leave_out(
        &mut self,
        scenario: &str,
        left: &mut Vec<Contender>,
        contender: Contender,
        error: &str,
    ) -> Result<(), String> {
        let failure = format!("{scenario}, {}: {error}", contender.name);
        if contender.family == Family::Ours {
            return Err(failure);
        }
        self.tell(&format!("left out from here on: {failure}"));
        self.failures.push(failure);
        left.retain(|other| *other != contender);
        Ok(())
    }

    /// Runs the load generator against each of these servers in bursts, by turns; gives what it says about all bursts of each.
    pub(crate) fn load_by_turns(
        &self,
        servers: &[&Server],
        case: &Case,
        bursts: usize,
    ) -> Vec<Result<Value, String>> {
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        let mut said: Vec<Vec<Value>> = vec![Vec::new(); servers.len()];
        let mut failed: Vec<Option<String>> = vec![None; servers.len()];
        for burst in 0..bursts {
            for turn in 0..servers.len() {
                let at = (turn + burst) % servers.len();
                if failed[at].is_some() {
                    continue;
                }
                match self.load(servers[at], &words) {
                    Ok(value) => said[at].push(value),
                    Err(error) => failed[at] = Some(error),
                }
            }
        }
        let outcome =
            |(said, failed): (Vec<Value>, Option<String>)| failed.map_or_else(|| Ok(together(&said)), Err);
        said.into_iter().zip(failed).map(outcome).collect()
    }

    /// Runs a load generator against each of these servers, all at the same time.
    fn load_at_once(&self, servers: &[&Server], case: &Case) -> Vec<Result<Value, String>> {
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        std::thread::scope(|scope| {
            let load = |server: &'_ Server| self.load(server, &words);
            let loading: Vec<_> = servers.iter().map(|&server| scope.spawn(move || load(server))).collect();
            let lost = |_| Err("the generator was lost".to_owned());
            loading.into_iter().map(|load| load.join().unwrap_or_else(lost)).collect()
        })
    }

    /// Whether programs can be timed from their start to their end here. If not, that is told, and this part is left out.
    pub(crate) fn can_time(&mut self, part: &str) -> bool {
        let Err(why) = self.programs.timed() else { return true };
        let failure = format!("{part}: {why}");
        self.tell(&format!("left out: {failure}"));
        self.failures.push(failure);
        false
    }

    pub(crate) fn tell(&self, text: &str) {
        say::progress(&format!("[{:4.0} s] {text}", self.begun.elapsed().as_secs_f64()));
    }

    /// Runs the load generator against this server, on the same CPU; gives what it says.
    pub(crate) fn load(&self, server: &Server, words: &[&str]) -> Result<Value, String> {
        let mut command = generator(words)?;
        command.args(["--port", &server.port.to_string(), "--pid", &server.pid().to_string()]);
        let output = pinning::output(self.cpu, &mut command);
        let output = output.map_err(|error| format!("the generator does not start: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the generator's answer: {error}"))
    }

    /// Adds what the generator said about one round of a server.
    pub(crate) fn add_load(&mut self, place: Place<'_>, said: &Value) {
        self.add_cpu(place, said);
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        self.figures.add(place, RATE, "op/s", value("operations") / value("seconds"));
        for (name, key) in [(P50, "p50_us"), (P99, "p99_us"), (MAX, "max_us")] {
            self.figures.add(place, name, "us", value(key));
        }
    }

    /// The part of it that can be compared where servers are loaded at the same time.
    pub(crate) fn add_cpu(&mut self, place: Place<'_>, said: &Value) {
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        let operations = value("operations");
        self.figures.add(place, CPU, "us/op", value("server_us") / operations);
        self.figures.add(place, GENERATOR_CPU, "us/op", value("own_us") / operations);
    }

    /// Adds the memory of a server.
    pub(crate) fn add_memory(&mut self, place: Place<'_>, memory: Memory) {
        self.figures.add(place, RESIDENT, "MiB", memory.resident as f64 / MIB);
        self.figures.add(place, ANONYMOUS, "MiB", memory.anonymous as f64 / MIB);
    }
}

/// How often the servers of a round are started that live side by side and take no time to start.
pub(crate) const STARTS: usize = 3;
/// In how many rounds those have a part of whom nothing is demanded.
pub(crate) const ROUNDS_OF_ALL: usize = 5;

/// How servers that live side by side are loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// In so many bursts for each start, one server after the other.
    ByTurns(usize),
    /// One burst of some seconds, for all servers at the same time, so that no second of the machine is one's alone. What they
    /// took of the CPU can be compared, rates and delays cannot.
    AtOnce,
}

/// Servers that live side by side, and what is brought to them.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) scenario: &'a str,
    pub(crate) contenders: &'a [Contender],
    pub(crate) serving: Serving,
    /// How often they are started in a round.
    pub(crate) starts: usize,
    pub(crate) cases: &'a [Case],
}

/// What the generator said about whom in a case, and the server's memory behind it.
type Said = Vec<(Contender, Value, Memory)>;

/// The memory of a server as it is now.
pub(crate) fn memory_of(server: &Server) -> Result<Memory, String> {
    crate::watch::memory(server.pid()).map_err(|error| format!("the server is gone: {error}"))
}

/// What a load generator does to a server, again and again.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What one burst is, as the generator's options.
    pub(crate) words: Vec<String>,
    pub(crate) way: Way,
}

/// What was said about several bursts as if they had been one. Delays are those of the median burst, the longest that of all.
pub(crate) fn together(bursts: &[Value]) -> Value {
    let of =
        |name: &str| bursts.iter().map(|said| said[name].as_f64().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    let sum = |name: &str| of(name).iter().sum::<f64>();
    let median = |name: &str| Summary::of(&of(name)).map_or(f64::NAN, |summary| summary.median);
    json!({
        "operations": sum("operations"), "seconds": sum("seconds"),
        "server_us": sum("server_us"), "own_us": sum("own_us"),
        "p50_us": median("p50_us"), "p99_us": median("p99_us"),
        "anonymous_each": median("anonymous_each"), "max_us": of("max_us").into_iter().fold(0.0, f64::max),
    })
}

/// The generator as a command: this program again.
pub(crate) fn generator(words: &[&str]) -> Result<Command, String> {
    let itself = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let mut command = Command::new(itself);
    command.arg("load").args(words);
    Ok(command)
}

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// The names of figures.
pub(crate) const CPU: &str = "CPU";
pub(crate) const GENERATOR_CPU: &str = "generator's CPU";
pub(crate) const RATE: &str = "rate";
pub(crate) const P50: &str = "p50";
pub(crate) const P99: &str = "p99";
pub(crate) const MAX: &str = "max";
pub(crate) const RESIDENT: &str = "resident memory";
pub(crate) const ANONYMOUS: &str = "anonymous memory";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_add_up_and_their_delays_are_those_of_the_median_one() {
        let burst = |server, p50, max| json!({"operations": 10.0, "seconds": 0.5, "server_us": server, "own_us": 1.0, "p50_us": p50, "p99_us": p50, "max_us": max});
        let all = together(&[burst(20.0, 7.0, 9.0), burst(40.0, 5.0, 30.0), burst(30.0, 6.0, 8.0)]);
        let value = |name: &str| all[name].as_f64().expect("a number");
        assert_eq!(
            [value("operations"), value("server_us"), value("own_us"), value("seconds")],
            [30.0, 90.0, 3.0, 1.5]
        );
        assert_eq!([value("p50_us"), value("p99_us"), value("max_us")], [6.0, 6.0, 30.0]);
    }
}
