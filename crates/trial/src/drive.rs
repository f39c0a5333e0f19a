//! Runs one piece of a test to its end: until it is there, out of time, or waiting for what will never come.
//!
//! Walk: a piece is a deferred, which the world's loop fires, or a future. A future of a test with a reactor is a task of
//! that reactor; one of a test that conducts the simulation is polled here, between the turns of the hosts, so that it
//! may crash and restart them.
//! Invariant: every wait ends: by the clock of the world, or by the real one.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use sestina_deferred::{Deferred, Unfired, run_woken, unfired};
use sestina_reactor::Time;

use crate::outcome::{Ended, Fault, Running};
use crate::trial::Trial;
use crate::world::World;

/// After so many steps the real clock is read on the simulation.
const STEPS_PER_LOOK: u32 = 256;
/// How long, in the world's time, a piece that has timed out may take to end after it was cancelled.
const GRACE: Duration = Duration::from_secs(1);

/// How long the pieces of a test may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// In the world's time.
    pub(crate) world: Duration,
    /// In real time.
    pub(crate) real: Duration,
}

/// A test was cancelled because it took too long.
#[derive(Clone, Copy, Debug)]
struct TestTimedOut;

impl std::fmt::Display for TestTimedOut {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the test took too long")
    }
}

impl std::error::Error for TestTimedOut {}

/// Runs a piece to its end.
pub(crate) fn drive(trial: &Trial, limits: Limits, start: impl FnOnce() -> Running) -> Ended {
    let world = trial.world();
    trial.tell_time();
    let running = catch_unwind(AssertUnwindSafe(start)).map_err(Fault::from_panic)?;
    let mut piece = match running {
        Running::Done(ended) => return ended,
        Running::Later(deferred) => Piece::waiting(deferred),
        Running::Future(future) if trial.test().is_conducted => Piece::Polled(ByHand::new(future)),
        Running::Future(future) => Piece::waiting(world.reactor().spawn(async move { Ok(future.await) })),
    };
    let deadline = Deadline::after(world, limits);
    match deadline.wait(trial, &mut piece) {
        Ok(ended) => ended,
        Err(fault) => {
            // What it waits for is looked at first: cancelling ends that.
            piece.cancel();
            let grace = Limits { world: GRACE, real: GRACE };
            drop(Deadline::after(world, grace).wait(trial, &mut piece));
            piece.abort();
            Err(fault)
        }
    }
}

/// What is waited for.
enum Piece {
    Waiting { answer: Rc<RefCell<Option<Ended>>>, whole: Deferred<()> },
    Polled(ByHand),
    Over,
}

impl Piece {
    fn waiting(deferred: Deferred<Ended>) -> Self {
        let answer = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&answer);
        let whole = deferred.add_both(move |result| {
            let ended = result.unwrap_or_else(|failure| Err(Fault::from_failure(&failure)));
            *slot.borrow_mut() = Some(ended);
            Ok(())
        });
        Self::Waiting { answer, whole }
    }

    /// Its end, if that is here.
    fn look(&mut self) -> Option<Ended> {
        match self {
            Self::Waiting { answer, .. } => answer.borrow_mut().take(),
            Self::Polled(by_hand) => by_hand.look(),
            Self::Over => None,
        }
    }

    fn cancel(&mut self) {
        match self {
            Self::Waiting { whole, .. } => whole.cancel_because(TestTimedOut),
            // Dropping it cancels what it awaits.
            Self::Polled(_) => *self = Self::Over,
            Self::Over => {}
        }
    }

    fn abort(self) {
        if let Self::Waiting { whole, .. } = self {
            whole.abort();
            whole.ignore_errors();
        }
    }
}

/// A future that is polled between the turns of the hosts.
struct ByHand {
    future: Pin<Box<dyn Future<Output = Ended>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl ByHand {
    fn new(future: Pin<Box<dyn Future<Output = Ended>>>) -> Self {
        Self { future, woken: Arc::new(Woken(AtomicBool::new(true))) }
    }

    fn look(&mut self) -> Option<Ended> {
        run_woken();
        while self.woken.0.swap(false, Ordering::AcqRel) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let polled = catch_unwind(AssertUnwindSafe(|| {
                self.future.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            match polled {
                Ok(Poll::Ready(ended)) => return Some(ended),
                Ok(Poll::Pending) => {}
                Err(payload) => return Some(Err(Fault::from_panic(payload))),
            }
        }
        None
    }
}

struct Deadline {
    limits: Limits,
    world: Time,
    real: Instant,
    steps: u32,
}

impl Deadline {
    fn after(world: &World, limits: Limits) -> Self {
        Self { limits, world: world.now() + limits.world, real: Instant::now() + limits.real, steps: 0 }
    }

    fn wait(mut self, trial: &Trial, piece: &mut Piece) -> Result<Ended, Fault> {
        let world = trial.world();
        loop {
            if let Some(ended) = piece.look() {
                return Ok(ended);
            }
            trial.tell_time();
            match world.step(self.world) {
                Ok(true) => {}
                Ok(false) => return piece.look().ok_or_else(|| self.timed_out(world)),
                Err(error) if error.kind() == io::ErrorKind::Deadlock => {
                    let words = error.to_string();
                    return piece.look().ok_or_else(|| Fault::Deadlock { words, waiting: waiting(world) });
                }
                Err(error) => return Ok(Err(Fault::Failed(format!("the loop cannot go on: {error}")))),
            }
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS_PER_LOOK) && Instant::now() > self.real {
                let (after, whose) = (self.limits.real, REAL_TIME);
                return Err(Fault::TimedOut { after, whose, waiting: waiting(world) });
            }
        }
    }

    fn timed_out(&self, world: &World) -> Fault {
        let whose = match world {
            World::Simulated { .. } => "virtual time",
            World::Real(_) => REAL_TIME,
        };
        Fault::TimedOut { after: self.limits.world, whose, waiting: waiting(world) }
    }
}

const REAL_TIME: &str = "real time";

/// A deferred in words, as far as it is not the harness's own: what a test or a clean-up has returned is the beginning of
/// a chain that ends here.
fn foreign(one: &Unfired) -> Option<String> {
    let own = file!().trim_end_matches("drive.rs");
    let mut places = one.chain().iter().filter(|place| !place.file().starts_with(own));
    let (first, above) = (places.next()?, places.next());
    if !one.location().file().starts_with(own) {
        return Some(format!("a deferred {one}"));
    }
    let what = above.map_or_else(|| "its answer".to_owned(), |above| format!("what was made at {above}"));
    Some(format!("a deferred made at {first}, waits {:?} for {what}", one.waited()))
}

/// Deferreds of this thread that have not fired, except the harness's own.
pub(crate) fn waiting(world: &World) -> Vec<String> {
    const NAMED_MAX: usize = 50;
    let all = unfired(world.now() - Time::ZERO);
    let mut foreign = all.iter().filter_map(foreign);
    let mut words: Vec<String> = foreign.by_ref().take(NAMED_MAX).collect();
    let more = foreign.count();
    if more > 0 {
        words.push(format!("and {more} more deferreds"));
    }
    words
}
