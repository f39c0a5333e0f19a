//! Many scenarios over many seeds, as a program that people call.
//!
//! Walk: `cargo xtask sim` runs `examples/swarm`, which hands its arguments to [`Swarm::main`]. Programs of strangers do
//! the same with scenarios of their own.
//! Invariant: what is reported does not depend on how many processors there are: of all failures it is the first.
//! Tests: `tests/suite/swarm_command.rs`.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::arguments::{HELP, Task, Wanted};
use crate::fault::Selector;
use crate::scenario::{Finding, Scenario};

/// Scenarios, and a command line for them.
///
/// A program for one's own scenarios is these lines:
///
/// ```
/// use sestina_reactor_sim::{Faults, Scenario, Simulation, Swarm};
///
/// fn nothing_happens(simulation: &Simulation) -> Result<(), String> {
///     simulation.run_for(std::time::Duration::from_secs(1)).map_err(|error| error.to_string())
/// }
///
/// let quiet = Scenario::new("quiet", Faults::all(), nothing_happens).replayed_by("cargo run --example swarm --");
/// let swarm = Swarm::new([quiet]);
/// let arguments = ["--seeds", "20"].map(str::to_owned); // std::env::args().skip(1)
/// let (mut out, mut errors) = (Vec::new(), Vec::new()); // std::io::stdout(), std::io::stderr()
/// let code = swarm.main(arguments, &mut out, &mut errors);
/// assert_eq!((code, &out[..]), (0, &b"20 seeds from 1, 1 scenario: everything holds\n"[..]));
/// ```
#[derive(Clone, Debug)]
pub struct Swarm {
    scenarios: Vec<Scenario>,
}

impl Swarm {
    /// A swarm of these, which a seed runs in this order.
    #[must_use]
    pub fn new(scenarios: impl IntoIterator<Item = Scenario>) -> Self {
        Self { scenarios: scenarios.into_iter().collect() }
    }

    /// Runs the seeds, on all processors; `done` is told how many are done.
    ///
    /// # Errors
    /// The lowest seed that fails in any scenario, with the fewest faults that make it fail.
    pub fn run(&self, seeds: Range<u64>, done: impl Fn(u64) + Sync) -> Result<(), Box<Finding>> {
        let first = first_failure(&self.scenarios, seeds, &done);
        let Some((seed, place)) = first else { return Ok(()) };
        let scenario = &self.scenarios[place];
        // A run depends on the seed alone. If that is broken there is nothing to reduce, and it must be said all the same.
        Err(Box::new(scenario.find(seed).unwrap_or_else(|| scenario.unsteady(seed))))
    }

    /// The whole program: `--seeds N`, `--seed S`, `--scenario NAME`, `--list`, `--help` and so on. Says what its exit code is:
    /// 0 if everything holds, 1 if not, 2 if the arguments make no sense.
    ///
    /// What was asked for goes to `out`; progress, findings and complaints to `errors`.
    pub fn main(
        &self,
        arguments: impl IntoIterator<Item = String>,
        out: &mut dyn Write,
        errors: &mut (dyn Write + Send),
    ) -> u8 {
        let arguments: Vec<String> = arguments.into_iter().collect();
        let said = match Wanted::parse(&arguments) {
            Err(complaint) => writeln!(errors, "{complaint}").map(|()| MISUSE),
            Ok(wanted) => self.act(&wanted, out, errors),
        };
        // Nobody reads what is said: there is no better place to complain.
        said.unwrap_or(FAILED)
    }

    fn act(&self, wanted: &Wanted, out: &mut dyn Write, errors: &mut (dyn Write + Send)) -> io::Result<u8> {
        let chosen: Vec<Scenario> = match &wanted.scenario {
            None => self.scenarios.clone(),
            Some(name) => self.scenarios.iter().filter(|it| it.name() == name).cloned().collect(),
        };
        if let (true, Some(name)) = (chosen.is_empty(), &wanted.scenario) {
            let names: Vec<&str> = self.scenarios.iter().map(Scenario::name).collect();
            writeln!(errors, "'{name}' is no scenario: there are {}", names.join(", "))?;
            return Ok(MISUSE);
        }
        match &wanted.task {
            Task::Help => out.write_all(HELP.as_bytes()).map(|()| HOLDS),
            Task::List => {
                chosen.iter().try_for_each(|scenario| writeln!(out, "{}", scenario.name())).map(|()| HOLDS)
            }
            Task::Replay { seed, only } => replay(&chosen, *seed, only.as_deref(), out),
            Task::Seeds(seeds) => Self::new(chosen).report(seeds.clone(), out, errors),
        }
    }

    fn report(
        &self,
        seeds: Range<u64>,
        out: &mut dyn Write,
        errors: &mut (dyn Write + Send),
    ) -> io::Result<u8> {
        let count = seeds.end - seeds.start;
        let progress = Mutex::new(&mut *errors);
        let done = |done: u64| {
            if done.is_multiple_of(PROGRESS_EVERY)
                && let Ok(mut progress) = progress.lock()
            {
                writeln!(progress, "{done} of {count} seeds").ok();
            }
        };
        let from = seeds.start;
        match self.run(seeds, done) {
            Ok(()) => {
                let scenarios = self.scenarios.len();
                let plural = if scenarios == 1 { "" } else { "s" };
                writeln!(out, "{count} seeds from {from}, {scenarios} scenario{plural}: everything holds")?;
                Ok(HOLDS)
            }
            Err(finding) => {
                writeln!(errors, "{finding}")?;
                Ok(FAILED)
            }
        }
    }
}

/// The lowest seed that fails, and in which scenario.
fn first_failure(
    scenarios: &[Scenario],
    seeds: Range<u64>,
    done: &(impl Fn(u64) + Sync),
) -> Option<(u64, usize)> {
    let (next, count) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    // The lowest so far; u64::MAX is none.
    let (lowest, found) = (AtomicU64::new(u64::MAX), Mutex::new(None::<(u64, usize)>));
    let work = || {
        loop {
            // Not past the end: behind the last seed of all comes the first one.
            let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seed| {
                (seed < seeds.end).then(|| seed + 1)
            });
            let Ok(seed) = taken else { return };
            if seed > lowest.load(Ordering::Relaxed) {
                return;
            }
            let failed = scenarios.iter().position(|scenario| scenario.run(seed).failure.is_some());
            if let Some(place) = failed {
                lowest.fetch_min(seed, Ordering::Relaxed);
                let mut found = found.lock().expect("nothing panics under the lock");
                *found = Some(found.map_or((seed, place), |other| other.min((seed, place))));
            }
            done(count.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    found.into_inner().expect("nothing panics under the lock")
}

fn replay(
    scenarios: &[Scenario],
    seed: u64,
    only: Option<&[Selector]>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let mut code = HOLDS;
    for scenario in scenarios {
        let outcome = scenario.replay(seed, only);
        writeln!(out, "== seed {seed}, {}", scenario.name())?;
        out.write_all(outcome.trace.as_bytes())?;
        let strokes: Vec<String> = outcome.strokes.iter().map(|stroke| stroke.selector.to_string()).collect();
        writeln!(out, "== {} faults struck: {}", strokes.len(), strokes.join(" "))?;
        match outcome.failure {
            None => {
                writeln!(out, "== {}: everything holds, until {:?}", scenario.name(), outcome.ended)?;
            }
            Some(failure) => {
                code = FAILED;
                writeln!(out, "== {} FAILS: {failure}", scenario.name())?;
            }
        }
    }
    Ok(code)
}

/// A line of progress each time so many seeds are done.
const PROGRESS_EVERY: u64 = 100;
const HOLDS: u8 = 0;
const FAILED: u8 = 1;
const MISUSE: u8 = 2;
