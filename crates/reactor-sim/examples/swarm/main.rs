//! The swarm: every scenario under many seeds. `cargo xtask sim` runs it.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers")]

mod scenarios;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sestina_reactor_sim::{Finding, Scenario, Selector};

const HELP: &str = "\
Runs scenarios on the simulated network, each under many seeds.

Usage: cargo xtask sim [--seeds N] [--from S] [--scenario NAME]
       cargo xtask sim --seed S [--scenario NAME] [--only FAULTS]

Options:
  --seeds N        how many seeds, one after the other (default 100)
  --from S         the first of them (default 1)
  --seed S         replays one seed and prints its trace
  --scenario NAME  this scenario only
  --only FAULTS    with --seed: only these faults strike, as in resets#3,short-reads; none for none
";
/// A line of progress each time so many seeds are done.
const PROGRESS_EVERY: u64 = 100;

/// What the command line says.
struct Wanted {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    scenario: Option<String>,
    only: Option<Vec<Selector>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let done = parse(&arguments).and_then(|wanted| {
        let scenarios = chosen(&wanted)?;
        // Panics are what is looked for; each is reported with its seed.
        std::panic::set_hook(Box::new(|_| ()));
        match wanted.seed {
            Some(seed) => replay(seed, &scenarios, wanted.only.as_deref()),
            None => swarm(&wanted, &scenarios),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted { seeds: 100, from: 1, seed: None, scenario: None, only: None };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{name} needs a value\n\n{HELP}"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not '{value}'"));
        match name.as_str() {
            "--seeds" => wanted.seeds = number()?,
            "--from" => wanted.from = number()?,
            "--seed" => wanted.seed = Some(number()?),
            "--scenario" => wanted.scenario = Some(value.clone()),
            "--only" if value == "none" => wanted.only = Some(Vec::new()),
            "--only" => {
                let list: Result<Vec<Selector>, _> = value.split(',').map(str::parse).collect();
                wanted.only = Some(list.map_err(|error| error.to_string())?);
            }
            _ => return Err(format!("'{name}' is no option\n\n{HELP}")),
        }
    }
    if wanted.only.is_some() && wanted.seed.is_none() {
        return Err("--only belongs to --seed: faults are numbered within one seed".to_owned());
    }
    Ok(wanted)
}

fn chosen(wanted: &Wanted) -> Result<Vec<Scenario>, String> {
    let all = scenarios::all();
    let Some(name) = &wanted.scenario else { return Ok(all) };
    let names: Vec<&str> = all.iter().map(Scenario::name).collect();
    let unknown = format!("'{name}' is no scenario: there are {}", names.join(", "));
    let found: Vec<Scenario> = all.into_iter().filter(|scenario| scenario.name() == name).collect();
    if found.is_empty() { Err(unknown) } else { Ok(found) }
}

fn replay(seed: u64, scenarios: &[Scenario], only: Option<&[Selector]>) -> Result<(), String> {
    let mut failed = false;
    for scenario in scenarios {
        let outcome = scenario.replay(seed, only);
        println!("== seed {seed}, {}", scenario.name());
        print!("{}", outcome.trace);
        let strokes: Vec<String> = outcome.strokes.iter().map(|stroke| stroke.selector.to_string()).collect();
        println!("== {} faults struck: {}", strokes.len(), strokes.join(" "));
        match outcome.failure {
            None => println!("== {}: everything holds, until {:?}", scenario.name(), outcome.ended),
            Some(failure) => {
                failed = true;
                println!("== {} FAILS: {failure}", scenario.name());
            }
        }
    }
    if failed { Err(format!("seed {seed} fails")) } else { Ok(()) }
}

/// Runs the seeds on all processors; of what fails the lowest seed is reported.
fn swarm(wanted: &Wanted, scenarios: &[Scenario]) -> Result<(), String> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let first: Mutex<Option<(u64, usize)>> = Mutex::new(None);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let seed = wanted.from + number;
            let beaten =
                first.lock().expect("no panic under the lock").is_some_and(|(found, _)| found < seed);
            if number >= wanted.seeds || beaten {
                return;
            }
            for (place, scenario) in scenarios.iter().enumerate() {
                if scenario.run(seed).failure.is_some() {
                    let mut first = first.lock().expect("no panic under the lock");
                    let candidate = (seed, place);
                    *first = Some(first.map_or(candidate, |found| found.min(candidate)));
                    break;
                }
            }
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            if count % PROGRESS_EVERY == 0 {
                eprintln!("{count} of {} seeds", wanted.seeds);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let first = first.into_inner().expect("no panic under the lock");
    let Some((seed, place)) = first else {
        println!(
            "{} seeds from {}, {} scenarios: everything holds",
            wanted.seeds,
            wanted.from,
            scenarios.len()
        );
        return Ok(());
    };
    eprintln!("seed {seed} fails in {}; looking for the fewest faults ...", scenarios[place].name());
    let found: Option<Finding> = scenarios[place].find(seed);
    Err(found.map_or_else(|| format!("seed {seed} failed once and not again"), |finding| finding.to_string()))
}
