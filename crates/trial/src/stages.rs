//! One run of a test, with one seed, on its own thread: set-up, body, clean-ups, and then nothing may be left.
//!
//! Walk: supervisor.rs starts the thread; drive.rs runs each piece; report.rs tells.
//! Tests: `tests/stranger.rs`, `tests/suite/cleaning_up.rs`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sestina_deferred::{collect_unhandled, watch_unfired};
use sestina_reactor::Time;
use tracing::Dispatch;

use crate::drive::{Limits, drive, waiting};
use crate::log::{Collector, Log};
use crate::outcome::{Ended, Fault, Running, words_of};
use crate::report::Report;
use crate::runtime::{Prepared, Start, Test};
use crate::trial::Trial;
use crate::world::{Left, World};

/// What the thread of a run shares with the one that waits for it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Arc<Log>,
    /// When the piece that runs now has begun: each may take its time.
    began: Mutex<Instant>,
}

impl Shared {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log, began: Mutex::new(Instant::now()) }
    }

    /// How long the piece that runs now has taken so far, in real time.
    pub(crate) fn taken(&self) -> Duration {
        self.began().elapsed()
    }

    fn began(&self) -> MutexGuard<'_, Instant> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long connections that are on their way out may take, in virtual time: a polite close has limits of its own.
const SETTLE_VIRTUAL: Duration = Duration::from_secs(120);
/// The same in real time, which people wait for.
const SETTLE_REAL: Duration = Duration::from_secs(2);

pub(crate) fn run_once(
    test: &'static Test,
    seed: u64,
    limits: Limits,
    prepare: fn(Trial) -> Prepared,
    shared: &Arc<Shared>,
) -> Report {
    // Two, because tracing asks a lone subscriber only on the thread that meets an event first: a plain test on another
    // thread would then switch that event off for this one.
    let companion = Dispatch::new(Collector(Arc::clone(&shared.log)));
    let log = Dispatch::new(Collector(Arc::clone(&shared.log)));
    tracing::dispatcher::with_default(&log, || {
        let (mut report, left) = collect_unhandled(|| {
            watch_unfired(|| match World::new(test, seed) {
                Ok(world) => {
                    let trial = Trial::begin(test, seed, world, Arc::clone(&shared.log));
                    Run { trial, limits, shared }.all(prepare)
                }
                Err(error) => {
                    let fault = Fault::Failed(format!("there is no reactor: {error}"));
                    Report { faults: vec![("the set-up", fault)], ..Report::default() }
                }
            })
        });
        // What the end of the world dropped and logged: a consequence, if anything went wrong before.
        if report.is_good() {
            report.unhandled = left.iter().map(|unhandled| words_of(unhandled.failure())).collect();
            report.logged = shared.log.errors();
        }
        shared.log.close();
        drop(companion);
        report
    })
}

struct Run<'a> {
    trial: Trial,
    limits: Limits,
    shared: &'a Arc<Shared>,
}

impl Run<'_> {
    fn all(self, prepare: fn(Trial) -> Prepared) -> Report {
        let mut report = Report::default();
        match self.set_up(prepare) {
            Ok(start) => self.piece(&mut report, "the test", start),
            Err(fault) => report.faults.push(("the set-up", fault)),
        }
        while let Some(cleanup) = self.trial.pop_cleanup() {
            self.piece(&mut report, "a clean-up", cleanup);
        }
        if self.trial.test().is_simulated {
            report.ended = Some(self.trial.world().now() - Time::ZERO);
        }
        self.look_around(&mut report);
        if let Some(at) = report.faults.iter().position(|(_, fault)| matches!(fault, Fault::Skipped(_)))
            && let (_, Fault::Skipped(reason)) = report.faults.remove(at)
        {
            report.skipped = Some(reason);
        }
        self.begin_piece();
        self.trial.world().clear();
        report
    }

    /// Makes the arguments.
    fn set_up(&self, prepare: fn(Trial) -> Prepared) -> Result<Start, Fault> {
        let start = Rc::new(Cell::new(None));
        let slot = Rc::clone(&start);
        let trial = self.trial.clone();
        self.run(move || {
            Running::Future(Box::pin(async move {
                let made = prepare(trial).await.map_err(|failure| Fault::from_failure(&failure))?;
                slot.set(Some(made));
                Ok(())
            }))
        })?;
        Ok(start.take().expect("a set-up that ends well has made it"))
    }

    /// Runs a piece; its fault goes into the report.
    fn piece(&self, report: &mut Report, name: &'static str, start: Box<dyn FnOnce() -> Running>) {
        if let Err(fault) = self.run(start) {
            report.faults.push((name, fault));
        }
    }

    fn run(&self, start: impl FnOnce() -> Running) -> Ended {
        self.begin_piece();
        drive(&self.trial, self.limits, start)
    }

    fn begin_piece(&self) {
        *self.shared.began() = Instant::now();
    }

    /// What is there that should not be. Timers, ports, jobs and processes are looked at before any time passes;
    /// connections may take their time to end.
    fn look_around(&self, report: &mut Report) {
        self.begin_piece();
        let world = self.trial.world();
        world.settle();
        let (lines, others): (Vec<_>, Vec<_>) = world.left().into_iter().partition(Left::may_end);
        report.left = others.iter().map(Left::words).collect();
        if !lines.is_empty() {
            self.begin_piece();
            self.wait_for_ends();
            let lines = world.left().into_iter().filter(Left::may_end);
            report.left.extend(lines.map(|left| left.words()));
        }
        report.unfired = waiting(world);
        report.unhandled = self.trial.unhandled();
        report.logged = self.shared.log.errors();
    }

    fn wait_for_ends(&self) {
        let world = self.trial.world();
        let limit = if self.trial.test().is_simulated { SETTLE_VIRTUAL } else { SETTLE_REAL };
        let deadline = world.now() + limit;
        while world.left().iter().any(Left::may_end) {
            self.trial.tell_time();
            match world.step(deadline) {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
    }
}
