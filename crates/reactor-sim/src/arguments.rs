//! What a swarm's command line says.
//!
//! Tests: `tests/suite/swarm_command.rs`.

use std::ops::Range;

use crate::fault::Selector;

pub(crate) const HELP: &str = "\
Runs scenarios on the simulated network, each under many seeds.

Usage: cargo xtask sim [--seeds N] [--from S] [--scenario NAME]
       cargo xtask sim --seed S [--scenario NAME] [--only FAULTS]
       cargo xtask sim --list

Options:
  --seeds N        how many seeds, one after the other (default 100)
  --from S         the first of them (default 1)
  --seed S         replays one seed and prints its trace
  --scenario NAME  this scenario only
  --only FAULTS    with --seed: only these faults strike, as in resets#3,short-reads; none for none
  --list           the names of the scenarios
  -h, --help       this text

Exit code: 0 if everything holds, 1 if something does not, 2 if the arguments make no sense.
";

#[derive(Debug)]
pub(crate) enum Task {
    Help,
    List,
    Replay { seed: u64, only: Option<Vec<Selector>> },
    Seeds(Range<u64>),
}

#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) task: Task,
    pub(crate) scenario: Option<String>,
}

/// Word for word, before it is looked at what goes with what.
#[derive(Default)]
struct Words {
    help: bool,
    list: bool,
    seeds: Option<u64>,
    from: Option<u64>,
    seed: Option<u64>,
    scenario: Option<String>,
    only: Option<Vec<Selector>>,
}

impl Wanted {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let words = Words::read(arguments)?;
        let task = match words {
            Words { help: true, .. } => Task::Help,
            Words { list: true, .. } => Task::List,
            Words { seed: Some(_), seeds: Some(_), .. } | Words { seed: Some(_), from: Some(_), .. } => {
                return Err("--seed replays one seed; --seeds and --from are for many".to_owned());
            }
            Words { seed: Some(seed), only, .. } => Task::Replay { seed, only },
            Words { only: Some(_), .. } => {
                return Err("--only belongs to --seed: faults are numbered within one seed".to_owned());
            }
            Words { seeds, from, .. } => {
                let from = from.unwrap_or(SEED_FIRST);
                let seeds = from..from.saturating_add(seeds.unwrap_or(SEEDS));
                if seeds.is_empty() {
                    return Err(format!(
                        "no seed is left to run: --seeds is at least 1, --from below {}",
                        u64::MAX
                    ));
                }
                Task::Seeds(seeds)
            }
        };
        Ok(Self { task, scenario: words.scenario })
    }
}

impl Words {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut words = Self::default();
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            match name.as_str() {
                "-h" | "--help" => words.help = true,
                "--list" => words.list = true,
                "--seeds" => words.seeds = Some(number(name, rest.next())?),
                "--from" => words.from = Some(number(name, rest.next())?),
                "--seed" => words.seed = Some(number(name, rest.next())?),
                "--scenario" => words.scenario = Some(value(name, rest.next())?.to_owned()),
                "--only" => words.only = Some(list(value(name, rest.next())?)?),
                _ => return Err(format!("'{name}' is no option\n\n{HELP}")),
            }
        }
        Ok(words)
    }
}

fn value<'a>(name: &str, value: Option<&'a String>) -> Result<&'a str, String> {
    value.map(String::as_str).ok_or_else(|| format!("{name} needs a value\n\n{HELP}"))
}

fn number(name: &str, text: Option<&String>) -> Result<u64, String> {
    let text = value(name, text)?;
    text.parse().map_err(|_| format!("{name} needs a number, not '{text}'"))
}

fn list(text: &str) -> Result<Vec<Selector>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let list: Result<Vec<Selector>, _> = text.split(',').map(str::parse).collect();
    list.map_err(|error| error.to_string())
}

/// How many seeds are run if nobody says.
const SEEDS: u64 = 100;
/// The first of them.
const SEED_FIRST: u64 = 1;
