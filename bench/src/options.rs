//! The command line, and what it starts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand, ValueEnum};

use crate::figure::Figures;
use crate::load::Load;
use crate::peers::{Family, Programs};
use crate::report::{Recorded, compare, quote};
use crate::run::Run;
use crate::scenarios::Scenario;
use crate::{machine, pinning, say};

const ROUNDS: usize = 9;
const ROUNDS_MIN: usize = 5;
/// What ten thousand readers need, and a little more.
const DESCRIPTORS: u64 = 10_100;

const AFTER_HELP: &str = "\
Server and load generator share one CPU, and what is compared is the server's CPU time for
one operation. All contenders run by turns. Progress is told on the standard error; the
report is written to bench/report: figures.jsonl, report.md and charts.

Examples:
  cargo xtask bench                            everything, in about half an hour
  cargo xtask bench short echo --quick         a first look
  cargo xtask bench slow --peers ours,c,tokio
  cargo xtask bench --python venv/bin/python   where Twisted is installed
  cargo xtask bench compare one/ other/        do two runs agree?
  cargo xtask bench guard                      instruction counts instead of times";

/// Our programs and their peers, measured by turns in one run.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask bench", after_help = AFTER_HELP, args_conflicts_with_subcommands = true, max_term_width = 96)]
struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// What to measure; everything if none is named
    #[arg(value_enum, value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// A quarter of the size, where a size is what takes the time: for a first look, not for a claim
    #[arg(long)]
    quick: bool,
    /// Whom to measure; everybody who is there if none is named
    #[arg(long, value_enum, value_name = "PEER,..", value_delimiter = ',')]
    peers: Vec<Family>,
    /// How often, by turns; at least 5
    #[arg(long, value_name = "NUMBER", default_value_t = ROUNDS, value_parser = parse_rounds)]
    rounds: usize,
    /// The CPU on which server and generator run [default: the last one]
    #[arg(long, value_name = "NUMBER", value_parser = pinning::parse_cpu)]
    cpu: Option<usize>,
    /// The Python that has Twisted
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
    /// Where the report goes
    #[arg(long, value_name = "FOLDER", default_value = "bench/report")]
    out: PathBuf,
}

#[derive(Subcommand, Debug)]
enum Other {
    /// Shows the ratios of two runs, and fails if they differ by more than they may
    Compare { first: PathBuf, second: PathBuf },
    /// Writes report.md and the charts again from figures.jsonl
    Report {
        #[arg(default_value = "bench/report")]
        folder: PathBuf,
    },
    /// Prints what the README quotes
    Quote {
        #[arg(default_value = "bench/report")]
        figures: PathBuf,
    },
    #[command(subcommand, hide = true)]
    Load(Load),
}

fn parse_rounds(text: &str) -> Result<usize, String> {
    let rounds: usize = text.parse().map_err(|_| format!("no number of rounds; at least {ROUNDS_MIN}"))?;
    if rounds < ROUNDS_MIN { Err(format!("fewer than {ROUNDS_MIN} rounds say nothing")) } else { Ok(rounds) }
}

pub(crate) fn main() -> ExitCode {
    let outcome = match Options::parse() {
        Options { other: Some(other), .. } => other.run(),
        options => options.run(),
    };
    outcome.unwrap_or_else(|error| {
        say::progress(&format!("bench: {error}"));
        ExitCode::FAILURE
    })
}

impl Other {
    fn run(self) -> Result<ExitCode, String> {
        match self {
            Self::Compare { first, second } => {
                let (text, agree) = compare(&Recorded::read(&first)?, &Recorded::read(&second)?)?;
                say::line(text.trim_end());
                return Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Self::Report { folder } => tell(&Recorded::read(&folder)?.write(&folder)?),
            Self::Quote { figures } => say::line(quote(&Recorded::read(&figures)?).trim_end()),
            Self::Load(load) => load.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(written: &[PathBuf]) {
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    say::line(&names.join("\n"));
}

impl Options {
    fn run(&self) -> Result<ExitCode, String> {
        // Before the minutes that come, not after.
        std::fs::create_dir_all(&self.out).map_err(|error| {
            format!("cannot write to {}: {error}; --out names another folder", self.out.display())
        })?;
        let cpu = self.cpu.unwrap_or_else(pinning::default_cpu);
        // For all that is started from here: ten thousand readers need a descriptor each, at both ends.
        let most = sestina_reactor_mio::raise_descriptor_limit();
        let most = most.map_err(|error| format!("cannot raise the limit of descriptors: {error}"))?;
        if most < DESCRIPTORS {
            say::progress(&format!(
                "this process may have {most} descriptors; with fewer than {DESCRIPTORS} slow and client fail: raise `ulimit -Hn`"
            ));
        }
        let programs = Programs::find(Path::new("."), &self.peers, &self.python)?;
        for missing in &programs.missing {
            say::progress(&format!("missing: {missing}"));
        }
        if !programs.has(Family::Ours) && self.peers.is_empty() {
            return Err("our own programs are not there".to_owned());
        }
        let machine = machine::describe(cpu, pinning::has_priority(), programs.versions.clone());
        let mut run = Run {
            programs,
            cpu,
            quick: self.quick,
            rounds: self.rounds,
            figures: Figures::default(),
            failures: Vec::new(),
            begun: Instant::now(),
        };
        let all = Scenario::value_variants();
        let scenarios = if self.scenarios.is_empty() { all } else { &self.scenarios };
        let mut written = Vec::new();
        for scenario in scenarios {
            scenario.run(&mut run)?;
            // After each: who stops a run has what was measured so far.
            if !run.figures.is_empty() {
                written = Recorded::of(&run, machine.clone(), &self.command()).write(&self.out)?;
            }
        }
        if written.is_empty() {
            return Err("nothing was measured, so nothing was written".to_owned());
        }
        tell(&written);
        Ok(ExitCode::SUCCESS)
    }

    /// What to type for the same run; without folders, which are nobody's business.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench".to_owned()];
        words.extend(self.scenarios.iter().map(|scenario| scenario.name().to_owned()));
        words.extend(self.quick.then(|| "--quick".to_owned()));
        let peers = self.peers.iter().filter_map(Family::to_possible_value);
        let peers: Vec<String> = peers.map(|peer| peer.get_name().to_owned()).collect();
        words.extend((!peers.is_empty()).then(|| format!("--peers {}", peers.join(","))));
        words.extend((self.rounds != ROUNDS).then(|| format!("--rounds {}", self.rounds)));
        words.extend(self.cpu.map(|cpu| format!("--cpu {cpu}")));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Result<String, String> {
        let words = ["bench"].iter().chain(words);
        Options::try_parse_from(words).map(|options| options.command()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_recorded_command_measures_the_same_again() {
        assert_eq!(command(&[]), Ok("cargo xtask bench".to_owned()));
        let cpu = pinning::default_cpu().to_string();
        let words = ["slow", "echo", "--quick", "--peers", "ours,c", "--rounds", "5", "--cpu", &cpu];
        let expected = format!("cargo xtask bench slow echo --quick --peers ours,c --rounds 5 --cpu {cpu}");
        assert_eq!(command(&[&words[..], &["--out", "x", "--python", "y"]].concat()), Ok(expected));
    }

    #[test]
    fn rounds_are_a_number_and_at_least_five() {
        for (text, says) in [("4", "fewer than 5"), ("abc", "no number of rounds")] {
            let error = command(&["--rounds", text]).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }
}
