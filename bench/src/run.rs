//! One run: what was asked for, what was found, what has been measured so far.

use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::figure::{Figures, Place};
use crate::peers::{Contender, Family, Programs};
use crate::pinning;
use crate::say;
use crate::server::Server;

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
            let names: Vec<&str> = left.iter().map(|contender| contender.name).collect();
            self.tell(&format!("{scenario}, round {} of {rounds}: {}", round + 1, names.join(", ")));
            let mut order = left.clone();
            let first = round % order.len().max(1);
            order.rotate_left(first);
            for contender in order {
                let Err(error) = measure(self, contender) else { continue };
                let failure = format!("{scenario}, {}: {error}", contender.name);
                if contender.family == Family::Ours {
                    return Err(failure);
                }
                self.tell(&format!("left out from here on: {failure}"));
                self.failures.push(failure);
                left.retain(|other| *other != contender);
            }
        }
        Ok(())
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
        let value = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
        let operations = value("operations");
        self.figures.add(place, CPU, "us/op", value("server_us") / operations);
        self.figures.add(place, GENERATOR_CPU, "us/op", value("own_us") / operations);
        self.figures.add(place, RATE, "op/s", operations / value("seconds"));
        for (name, key) in [(P50, "p50_us"), (P99, "p99_us"), (MAX, "max_us")] {
            self.figures.add(place, name, "us", value(key));
        }
    }

    /// Adds the memory of a server as it is now.
    pub(crate) fn add_memory(&mut self, place: Place<'_>, server: &Server) -> Result<(), String> {
        let memory =
            crate::watch::memory(server.pid()).map_err(|error| format!("the server is gone: {error}"))?;
        self.figures.add(place, RESIDENT, "MiB", memory.resident as f64 / MIB);
        self.figures.add(place, ANONYMOUS, "MiB", memory.anonymous as f64 / MIB);
        Ok(())
    }
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
