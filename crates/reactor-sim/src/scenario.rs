//! Something that must hold, run under a seed.
//!
//! Each seed switches a part of a scenario's faults on, so that rare combinations are tried and every kind is also left
//! out. A failure is searched for the fewest faults that cause it (fewest.rs).
//! Invariant: a run depends on scenario, seed and list of faults alone, so what is printed replays it.
//! Tests: `tests/suite/swarm.rs`.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sestina_deferred::{unfired, watch_unfired};
use sestina_reactor::Time;

use crate::dice::Stroke;
use crate::fault::Selector;
use crate::faults::Faults;
use crate::fewest::fewest;
use crate::simulation::Simulation;

/// Something that must hold under every seed.
///
/// After it has run, the harness stops all hosts; then nothing may be left of them, no deferred may be
/// unfired, and nothing may have panicked.
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
    command: &'static str,
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
    /// All that has to strike, and none of it can be left out; empty if it fails on a plain network.
    pub faults: Vec<Selector>,
    /// The program that replays it.
    pub command: &'static str,
}

/// The message of a failed swarm, with the command that replays it.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seed, failure, faults, command } = self;
        writeln!(out, "seed {seed} fails in {scenario}: {failure}")?;
        writeln!(out, "replay: {command} --seed {seed} --scenario {scenario}")?;
        if faults.is_empty() {
            return write!(
                out,
                "it needs no fault: {command} --seed {seed} --scenario {scenario} --only none"
            );
        }
        let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let list = list.join(",");
        write!(out, "it needs only: {command} --seed {seed} --scenario {scenario} --only {list}")
    }
}

impl Scenario {
    /// A scenario: a name without blanks, the faults that may strike, and a function that says what did not hold.
    /// Panics of it are failures too.
    #[must_use]
    pub fn new(name: &'static str, faults: Faults, run: fn(&Simulation) -> Result<(), String>) -> Self {
        Self { name, faults, run, provokes_panics: false, command: COMMAND }
    }

    /// It panics in upcalls on purpose, and looks at [`Simulation::panics`] itself.
    #[must_use]
    pub fn provoking_panics(self) -> Self {
        Self { provokes_panics: true, ..self }
    }

    /// The program that a [`Finding`] tells people to call, if it is another than `cargo xtask sim`: one that hands its
    /// arguments to [`Swarm::main`](crate::Swarm::main).
    #[must_use]
    pub fn replayed_by(self, command: &'static str) -> Self {
        Self { command, ..self }
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
        watch_unfired(|| self.run_watched(simulation))
    }

    fn run_watched(&self, simulation: &Simulation) -> Outcome {
        let owed_before = unfired(Duration::ZERO).len();
        let ran = catch_unwind(AssertUnwindSafe(|| (self.run)(simulation)));
        let failure = match ran {
            Ok(result) => result.err(),
            Err(panic) => Some(format!("panicked: {}", message(&*panic))),
        };
        let ended = simulation.now();
        let left = catch_unwind(AssertUnwindSafe(|| self.clean_up(simulation, owed_before)));
        let left = left.unwrap_or_else(|panic| Err(format!("panicked at its end: {}", message(&*panic))));
        Outcome {
            failure: failure.or_else(|| left.err()),
            strokes: simulation.strokes(),
            ended,
            trace: simulation.trace(),
        }
    }

    fn clean_up(&self, simulation: &Simulation, owed_before: usize) -> Result<(), String> {
        simulation.stop().map_err(|error| error.to_string())?;
        let left = simulation.leftovers();
        if !left.is_empty() {
            return Err(left.join(", "));
        }
        if let Some(owed) = unfired(Duration::ZERO).get(owed_before) {
            return Err(format!("a deferred is left that nobody has fired: {owed}"));
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
        let (faults, failure) = fewest(self, seed, &whole.strokes, first_failure);
        Some(Finding { scenario: self.name, seed, failure, faults, command: self.command })
    }

    /// For tests: runs these seeds.
    ///
    /// # Panics
    /// With the [`Finding`] of the first seed that fails, in words.
    pub fn check(&self, seeds: impl IntoIterator<Item = u64>) {
        for seed in seeds {
            if let Some(finding) = self.find(seed) {
                panic!("{finding}");
            }
        }
    }

    /// It failed once and not again: a run depends on something but the seed.
    pub(crate) fn unsteady(&self, seed: u64) -> Finding {
        let failure = "it failed once and not again: something in it does not depend on the seed".to_owned();
        Finding { scenario: self.name, seed, failure, faults: Vec::new(), command: self.command }
    }

    /// As [`run`](Self::run), with these faults only.
    pub(crate) fn run_only(&self, seed: u64, list: &[Selector]) -> Outcome {
        self.run_on(&Simulation::seeded(seed).without_trace().faults(self.faults_of(seed, Some(list))))
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// The program of this house.
const COMMAND: &str = "cargo xtask sim";
