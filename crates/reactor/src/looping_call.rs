//! A call that comes again and again.
//!
//! Tests: `tests/suite/looping.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, IntoOutcome, Resolver, deferred, maybe_deferred, succeed};

use crate::delayed_call::DelayedCall;
use crate::inner::{Reactor, WeakReactor};
use crate::time::Time;

/// Calls a closure at regular times, for example to write statistics.
///
/// The times are start, start + interval, start + 2 x interval ...: a call that is late, or whose deferred takes long,
/// does not shift the later ones. Times that have passed meanwhile are not made up for but counted: the closure is
/// told how many it stands for (1 when nothing was missed). The next call waits for the deferred of the one before.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::LoopingCall;
/// use std::time::Duration;
///
/// let mut left = 3;
/// let stop = reactor.clone();
/// let ticks = LoopingCall::new(&reactor, move |missed| {
///     left -= 1;
///     if left == 0 {
///         stop.stop();
///     }
///     Ok(())
/// });
/// let ended = ticks.start(Duration::from_millis(1), true);
/// reactor.run()?;
/// ticks.stop();
/// # drop(ended);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LoopingCall(Rc<Shared>);

struct Shared {
    reactor: WeakReactor,
    work: RefCell<Box<dyn FnMut(u64) -> Deferred<()>>>,
    run: RefCell<Option<Run>>,
    /// Counts starts, so that what a finished run left behind finds nothing.
    generation: Cell<u64>,
}

/// What lasts from `start` to the end.
struct Run {
    started: Time,
    interval: Duration,
    /// How many calls were due by the time of the last one.
    counted: u64,
    /// Whether the start itself was one of them.
    at_start: bool,
    next: Option<DelayedCall>,
    /// Who started it.
    place: &'static Location<'static>,
    ended: Resolver<()>,
}

impl LoopingCall {
    /// Will call `work` with the number of intervals that the call stands for.
    pub fn new<R: IntoOutcome<Out = ()>>(
        reactor: &Reactor,
        mut work: impl FnMut(u64) -> R + 'static,
    ) -> Self {
        Self(Rc::new(Shared {
            reactor: reactor.downgrade(),
            work: RefCell::new(Box::new(move |count| maybe_deferred(|| work(count)))),
            run: RefCell::new(None),
            generation: Cell::new(0),
        }))
    }

    /// Starts: the first call comes in the next turn (`now`), or after the interval. An interval of zero means once a
    /// turn. Starting again ends the run before.
    ///
    /// The answer comes when it was stopped, or is the failure that ended it.
    ///
    /// # Cancelling
    /// Stops it.
    #[track_caller]
    pub fn start(&self, interval: Duration, now: bool) -> Deferred<()> {
        self.stop();
        let (ended, answer) = deferred();
        let stops = Rc::downgrade(&self.0);
        ended.on_cancel(move || {
            if let Some(shared) = stops.upgrade() {
                Self(shared).stop();
            }
        });
        let Some(reactor) = self.0.reactor.upgrade() else { return answer };
        self.0.generation.set(self.0.generation.get() + 1);
        let run = Run {
            started: reactor.now(),
            interval,
            counted: 0,
            at_start: now,
            next: None,
            place: Location::caller(),
            ended,
        };
        *self.0.run.borrow_mut() = Some(run);
        self.schedule(&reactor, if now { Duration::ZERO } else { interval });
        answer
    }

    /// No further call is made. A call that is being waited for goes on; if it fails after this, nobody is left to be
    /// told, and the failure is reported as unhandled.
    pub fn stop(&self) {
        let run = self.0.run.borrow_mut().take();
        if let Some(Run { next, ended, .. }) = run {
            if let Some(next) = next {
                next.cancel();
            }
            ended.callback(());
        }
    }

    /// The next call comes an interval from now, and the others after it.
    pub fn reset(&self) {
        let Some(reactor) = self.0.reactor.upgrade() else { return };
        let interval = {
            let mut run = self.0.run.borrow_mut();
            let Some(run) = run.as_mut() else { return };
            (run.started, run.counted, run.at_start) = (reactor.now(), 0, false);
            let Some(next) = &run.next else { return };
            next.cancel();
            run.interval
        };
        self.schedule(&reactor, interval);
    }

    /// Whether it was started and has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.run.borrow().is_some()
    }

    fn schedule(&self, reactor: &Reactor, after: Duration) {
        let (shared, generation) = (Rc::clone(&self.0), self.0.generation.get());
        let Some(place) = self.0.run.borrow().as_ref().map(|run| run.place) else { return };
        let again = move || {
            if shared.generation.get() == generation {
                Self(shared).tick();
            }
        };
        let next = reactor.call_later_from(place, after, Box::new(again));
        if let Some(run) = self.0.run.borrow_mut().as_mut() {
            run.next = Some(next);
        }
    }

    fn tick(self) {
        let Some(reactor) = self.0.reactor.upgrade() else { return };
        let count = {
            let mut run = self.0.run.borrow_mut();
            let Some(run) = run.as_mut() else { return };
            run.next = None;
            let due = intervals(reactor.now() - run.started, run.interval) + u64::from(run.at_start);
            let count = due.saturating_sub(run.counted).max(1);
            run.counted = due;
            count
        };
        // Taken out while it runs: it may call anything of ours.
        let nothing: Box<dyn FnMut(u64) -> Deferred<()>> = Box::new(|_| succeed(()));
        let generation = self.0.generation.get(); // it may start another run
        let mut work = self.0.work.replace(nothing);
        let answer = work(count);
        drop(self.0.work.replace(work));
        drop(answer.add_both(move |result| match result {
            Ok(()) => {
                if self.0.generation.get() == generation {
                    self.go_on();
                }
                Ok(())
            }
            Err(failure) => self.fail(generation, failure),
        }));
    }

    fn go_on(&self) {
        let Some(reactor) = self.0.reactor.upgrade() else { return };
        let after = match &*self.0.run.borrow() {
            Some(run) => until_next(reactor.now() - run.started, run.interval),
            None => return,
        };
        self.schedule(&reactor, after);
    }

    /// A call has failed, which ends its run. If that is over already the failure is nobody's: given back, it is reported.
    fn fail(&self, generation: u64, failure: Failure) -> Result<(), Failure> {
        let current = self.0.generation.get() == generation;
        let run = if current { self.0.run.borrow_mut().take() } else { None };
        let Some(run) = run else {
            // When the reactor ends, what a call waits for fails by that alone.
            let goes_on = self.0.reactor.upgrade().is_some_and(|reactor| !reactor.inner().stopping.get());
            return if goes_on { Err(failure) } else { Ok(()) };
        };
        run.ended.errback(failure);
        Ok(())
    }
}

/// How many whole intervals lie in `passed`; the start itself counts as none.
fn intervals(passed: Duration, interval: Duration) -> u64 {
    match interval.as_nanos() {
        0 => 0,
        interval => u64::try_from(passed.as_nanos() / interval).unwrap_or(u64::MAX - 1),
    }
}

/// How long it is to the next whole interval; never zero unless intervals are.
fn until_next(passed: Duration, interval: Duration) -> Duration {
    match interval.as_nanos() {
        0 => Duration::ZERO,
        whole => interval - Duration::from_nanos(u64::try_from(passed.as_nanos() % whole).unwrap_or(0)),
    }
}

impl fmt::Debug for LoopingCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LoopingCall").field("running", &self.is_running()).finish()
    }
}
