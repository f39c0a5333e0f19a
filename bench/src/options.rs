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

const AFTER_HELP: &str = "\
Server and load generator share one CPU, and what is compared is the server's CPU time for
one operation. All contenders run by turns. Progress is told on the standard error; the
report is written to bench/report: figures.jsonl, report.md and charts.

Examples:
  cargo xtask bench                            everything, in about half an hour
  cargo xtask bench short echo --quick         a quarter of the size
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
    /// A quarter of the size: for a first look, not for a claim
    #[arg(long)]
    quick: bool,
    /// Whom to measure; everybody who is there if none is named
    #[arg(long, value_enum, value_name = "PEER,..", value_delimiter = ',')]
    peers: Vec<Family>,
    /// How often, by turns; at least 5
    #[arg(long, value_name = "NUMBER", default_value_t = ROUNDS, value_parser = parse_rounds)]
    rounds: usize,
    /// The CPU on which server and generator run [default: the last one]
    #[arg(long, value_name = "NUMBER")]
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
    let rounds = text.parse().ok().filter(|rounds| *rounds >= ROUNDS_MIN);
    rounds.ok_or_else(|| format!("fewer than {ROUNDS_MIN} rounds say nothing"))
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
                let (text, agree) = compare(&Recorded::read(&first)?, &Recorded::read(&second)?);
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
            written = Recorded::of(&run, machine.clone(), &self.command()).write(&self.out)?;
        }
        tell(&written);
        Ok(ExitCode::SUCCESS)
    }

    /// What to type for the same run; without folders, which are nobody's business.
    fn command(&self) -> String {
        let names: Vec<&str> = self.scenarios.iter().map(|scenario| scenario.name()).collect();
        let quick = if self.quick { " --quick" } else { "" };
        ["cargo xtask bench", &names.join(" ")].join(" ").trim_end().to_owned() + quick
    }
}
