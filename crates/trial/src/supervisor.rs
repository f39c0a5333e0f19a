//! Runs a test: each seed on a thread of its own, under the eyes of the thread that `cargo test` has given it.
//!
//! A thread of its own leaves nothing of one test to the next, and its end can be waited for in real time: code that
//! never gives the loop back can be noticed, though not interrupted.
//! Tests: `tests/stranger.rs`.

use std::any::Any;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::drive::Limits;
use crate::log::Log;
use crate::outcome::Fault;
use crate::place;
use crate::report::{Report, name};
use crate::runtime::{Prepared, Test};
use crate::stages::{Shared, run_once};
use crate::trial::Trial;
use crate::{TIMEOUT, TIMEOUT_VIRTUAL};

/// A piece that is out of time has this much more before it is taken for one that does not give the loop back.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// The variable that names the seed of all simulated tests of a run.
const SEED_VARIABLE: &str = "SESTINA_SEED";

/// Runs a test; what the attribute's function calls.
///
/// # Panics
/// If the test fails.
pub fn run(test: &'static Test, prepare: fn(Trial) -> Prepared) {
    let mut skipped = None;
    for seed in seeds(test) {
        let log = Arc::new(Log::new(test.is_simulated, place::log_of(test)));
        let mut report = run_on_a_thread(test, seed, prepare, &log);
        if let (Some(reason), true) = (&report.skipped, report.is_good()) {
            skipped = Some(reason.clone());
            break;
        }
        if !report.is_good() {
            let text = report.words(test, seed, &log);
            return fail(test, &mut report, &text);
        }
    }
    if let Some(reason) = skipped {
        return tell(&format!("test {} was skipped: {reason}", name(test)));
    }
    if let Some(reason) = test.should_fail {
        let text = format!("{} passed, although it should fail: {reason}\n", name(test));
        end_badly(&text, Box::new(text.clone()));
    }
}

/// The seeds to run: those of the attribute, or the one that the person wants.
fn seeds(test: &Test) -> std::ops::RangeInclusive<u64> {
    let wanted = if test.is_simulated { std::env::var(SEED_VARIABLE).ok() } else { None };
    match wanted.as_deref().map(str::parse::<u64>) {
        None => test.seed..=test.seed.saturating_add(test.seeds.saturating_sub(1)),
        Some(Ok(seed)) => seed..=seed,
        Some(Err(_)) => panic!("{SEED_VARIABLE} is a whole number, not {:?}", wanted.unwrap_or_default()),
    }
}

/// A test has failed: that is bad, unless it should.
fn fail(test: &Test, report: &mut Report, text: &str) {
    let Some(reason) = test.should_fail else {
        let payload = report.take_panic().unwrap_or_else(|| Box::new(text.to_owned()));
        return end_badly(text, payload);
    };
    match test.fails_with {
        Some(words) if !text.contains(words) => {
            let other = format!("{text}  it should fail ({reason}), but with: {words}\n");
            end_badly(&other, Box::new(other.clone()));
        }
        _ => tell(&format!("test {} failed, as it should: {reason}", name(test))),
    }
}

/// Ends the test as failed. The report is printed here, so the panic says nothing more.
#[expect(clippy::print_stderr, reason = "what a test prints is shown when it fails")]
fn end_badly(text: &str, payload: Box<dyn Any + Send>) {
    eprintln!("{text}");
    resume_unwind(payload);
}

/// Tells something about a test that passes: past the capture of `cargo test`, which hides what such tests print.
fn tell(line: &str) {
    // A closed stderr must not fail a test.
    writeln!(std::io::stderr().lock(), "{line}").ok();
}

fn limits(test: &Test) -> Limits {
    let real = test.real_timeout.unwrap_or(TIMEOUT);
    if test.is_simulated {
        return Limits { world: test.timeout.unwrap_or(TIMEOUT_VIRTUAL), real };
    }
    let world = test.timeout.unwrap_or(real);
    let real = test.real_timeout.unwrap_or(world);
    // Its time is the real one: a wait of this world ends at the shorter limit.
    Limits { world: world.min(real), real }
}

fn run_on_a_thread(test: &'static Test, seed: u64, prepare: fn(Trial) -> Prepared, log: &Arc<Log>) -> Report {
    let (limits, shared) = (limits(test), Arc::new(Shared::new(Arc::clone(log))));
    let (ended, end) = sync_channel(1);
    let own_name = thread::current().name().unwrap_or_else(|| name(test)).to_owned();
    let theirs = Arc::clone(&shared);
    let started = thread::Builder::new().name(own_name).spawn(move || {
        let ran = catch_unwind(AssertUnwindSafe(|| run_once(test, seed, limits, prepare, &theirs)));
        // Nobody listens any more if it took too long.
        ended.send(ran).ok();
    });
    let thread = match started {
        Ok(thread) => thread,
        Err(error) => return only(Fault::Failed(format!("there is no thread for it: {error}"))),
    };
    match wait(&end, &shared, limits) {
        Some(ran) => {
            // What it leaves to its end, as thread-local values, belongs to the test.
            drop(thread.join());
            ran.unwrap_or_else(|payload| only(Fault::Panicked(payload)))
        }
        None => stuck(limits),
    }
}

fn only(fault: Fault) -> Report {
    Report { faults: vec![("the test", fault)], ..Report::default() }
}

/// Waits for the thread as long as its pieces go on.
fn wait(
    end: &Receiver<thread::Result<Report>>,
    shared: &Shared,
    limits: Limits,
) -> Option<thread::Result<Report>> {
    let patience = limits.real.saturating_add(STUCK_AFTER);
    loop {
        match end.recv_timeout(patience.saturating_sub(shared.taken())) {
            Ok(ran) => return Some(ran),
            Err(RecvTimeoutError::Disconnected) => return Some(Err(Box::new("its thread has ended"))),
            Err(RecvTimeoutError::Timeout) if shared.taken() < patience => {} // another piece has begun
            Err(RecvTimeoutError::Timeout) => return None,
        }
    }
}

/// The thread does not come back, and cannot be stopped. It is left behind.
fn stuck(limits: Limits) -> Report {
    let limit = limits.real;
    let words = format!(
        "it does not give the loop back, after {limit:?} of real time: nothing can interrupt such code, its thread is \
         left behind"
    );
    only(Fault::Failed(words))
}
