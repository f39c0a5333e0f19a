//! Scenarios over many seeds, and the fewest faults that make one fail.
//!
//! Each seed switches a part of a scenario's faults on, so that rare combinations are tried and every kind is also left
//! out. A failure is run again with faults removed, kind by kind and then stroke by stroke, as long as it still fails.
//! Invariant: a run depends on scenario, seed and list of faults alone, so what is printed replays it.
//! Tests: `tests/swarm.rs`.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sestina_reactor::Time;

use crate::dice::Stroke;
use crate::fault::{Fault, Selector};
use crate::faults::Faults;
use crate::simulation::Simulation;

/// Something that must hold under every seed.
///
/// After it has run, the harness stops all hosts; then nothing may be left of them, and nothing may have panicked.
///
/// ```
/// use sestina_reactor_sim::{Faults, Scenario};
/// use std::time::Duration;
///
/// let sleeper = Scenario::new("sleeper", Faults::all(), |simulation| {
///     let reactor = simulation.host("alice").reactor();
///     let begun = reactor.now();
///     simulation.run_until(reactor.sleep(Duration::from_secs(1))).map_err(|failure| failure.to_string())?;
///     if reactor.now() - begun < Duration::from_secs(1) {
///         return Err("a timer came early".to_owned());
///     }
///     Ok(())
/// });
/// for seed in 0..10 {
///     assert_eq!(sleeper.run(seed).failure, None);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    name: &'static str,
    faults: Faults,
    run: fn(&Simulation) -> Result<(), String>,
    provokes_panics: bool,
}

/// What came of one run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<String>,
    /// The faults that struck.
    pub strokes: Vec<Stroke>,
    /// How far the virtual clock came.
    pub ended: Time,
    /// Every effect, if it was asked for.
    pub trace: String,
}

/// A failure, and the fewest faults that were found to cause it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The scenario that failed.
    pub scenario: &'static str,
    /// Its seed.
    pub seed: u64,
    /// What did not hold with these faults.
    pub failure: String,
    /// All that has to strike; empty if it fails on a plain network.
    pub faults: Vec<Selector>,
}

/// The message of a failed swarm, with the command that replays it.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seed, failure, faults } = self;
        writeln!(out, "seed {seed} fails in {scenario}: {failure}")?;
        writeln!(out, "replay: cargo xtask sim --seed {seed} --scenario {scenario}")?;
        if faults.is_empty() {
            write!(out, "it needs no fault: cargo xtask sim --seed {seed} --scenario {scenario} --only none")
        } else {
            let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let list = list.join(",");
            write!(out, "it needs only: cargo xtask sim --seed {seed} --scenario {scenario} --only {list}")
        }
    }
}

impl Scenario {
    /// A scenario: a name without blanks, the faults that may strike, and a function that says what did not hold.
    /// Panics of it are failures too.
    #[must_use]
    pub fn new(name: &'static str, faults: Faults, run: fn(&Simulation) -> Result<(), String>) -> Self {
        Self { name, faults, run, provokes_panics: false }
    }

    /// It panics in upcalls on purpose, and looks at [`Simulation::panics`] itself.
    #[must_use]
    pub fn provoking_panics(self) -> Self {
        Self { provokes_panics: true, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One run, without a trace.
    #[must_use]
    pub fn run(&self, seed: u64) -> Outcome {
        self.run_on(&Simulation::seeded(seed).without_trace().faults(self.faults.sampled(seed)))
    }

    /// The run of [`run`](Self::run) again, with its trace. With a list, only those faults strike.
    #[must_use]
    pub fn replay(&self, seed: u64, only: Option<&[Selector]>) -> Outcome {
        self.run_on(&Simulation::seeded(seed).faults(self.faults_of(seed, only)))
    }

    fn faults_of(&self, seed: u64, only: Option<&[Selector]>) -> Faults {
        let faults = self.faults.sampled(seed);
        match only {
            Some(list) => faults.only(list.iter().copied()),
            None => faults,
        }
    }

    fn run_on(&self, simulation: &Simulation) -> Outcome {
        let ran = catch_unwind(AssertUnwindSafe(|| (self.run)(simulation)));
        let failure = match ran {
            Ok(result) => result.err(),
            Err(panic) => Some(format!("panicked: {}", message(&*panic))),
        };
        let ended = simulation.now();
        let left = catch_unwind(AssertUnwindSafe(|| self.clean_up(simulation)));
        let left = left.unwrap_or_else(|panic| Err(format!("panicked at its end: {}", message(&*panic))));
        Outcome {
            failure: failure.or_else(|| left.err()),
            strokes: simulation.strokes(),
            ended,
            trace: simulation.trace(),
        }
    }

    fn clean_up(&self, simulation: &Simulation) -> Result<(), String> {
        simulation.stop().map_err(|error| error.to_string())?;
        let left = simulation.leftovers();
        if !left.is_empty() {
            return Err(left.join(", "));
        }
        match simulation.panics() {
            0 => Ok(()),
            _ if self.provokes_panics => Ok(()),
            count => Err(format!("{count} panics in user code or below it")),
        }
    }

    /// Looks for the fewest faults with which this seed still fails; `None` if it does not fail at all.
    #[must_use]
    pub fn find(&self, seed: u64) -> Option<Finding> {
        let whole = self.run(seed);
        let first_failure = whole.failure?;
        let mut search = Search { scenario: self, seed, runs: 0, failure: first_failure };
        let kinds: BTreeSet<Fault> = whole.strokes.iter().map(|stroke| stroke.selector.fault).collect();
        let mut list: Vec<Selector> = kinds.into_iter().map(Selector::from).collect();
        search.shorten(&mut list, 1);
        let faults = search.split(list);
        Some(Finding { scenario: self.name, seed, failure: search.failure, faults })
    }
}

/// The search for a shorter list.
struct Search<'a> {
    scenario: &'a Scenario,
    seed: u64,
    runs: u32,
    /// What did not hold in the last run that failed.
    failure: String,
}

impl Search<'_> {
    /// Whether it still fails when only these strike.
    fn fails(&mut self, list: &[Selector]) -> Option<Outcome> {
        if self.runs >= RUNS_MAX {
            return None;
        }
        self.runs += 1;
        let faults = self.scenario.faults_of(self.seed, Some(list));
        let outcome = self.scenario.run_on(&Simulation::seeded(self.seed).without_trace().faults(faults));
        self.failure.clone_from(outcome.failure.as_ref()?);
        Some(outcome)
    }

    /// Takes away pieces of `size`, then of half that size, down to single entries, as long as it still fails.
    fn shorten(&mut self, list: &mut Vec<Selector>, mut size: usize) {
        if !list.is_empty() && self.fails(&[]).is_some() {
            list.clear();
        }
        while size > 0 {
            let mut at = 0;
            while at < list.len() {
                let mut shorter = list.clone();
                shorter.drain(at..list.len().min(at + size));
                if self.fails(&shorter).is_some() {
                    *list = shorter;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Makes single strokes of the kinds that struck seldom enough, and shortens those.
    fn split(&mut self, kinds: Vec<Selector>) -> Vec<Selector> {
        let Some(outcome) = self.fails(&kinds) else { return kinds };
        let mut list = Vec::new();
        for kind in &kinds {
            let strokes: Vec<Selector> = outcome
                .strokes
                .iter()
                .map(|stroke| stroke.selector)
                .filter(|one| one.fault == kind.fault)
                .collect();
            if strokes.len() <= STROKES_MAX { list.extend(strokes) } else { list.push(*kind) }
        }
        if self.fails(&list).is_none() {
            return kinds;
        }
        let half = list.len() / 2;
        self.shorten(&mut list, half.max(1));
        list
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// A search ends after so many runs, with the shortest list so far.
const RUNS_MAX: u32 = 500;
/// A kind that strikes more often stays one entry of the list.
const STROKES_MAX: usize = 200;
