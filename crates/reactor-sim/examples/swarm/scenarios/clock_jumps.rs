//! Clocks that jump ahead: no timer comes early or out of order, none is lost or comes twice, and a looping call accounts
//! for every beat that it slept through.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{DelayedCall, LoopingCall, Time};
use sestina_reactor_sim::{Fault, Faults, Host, Odds, Scenario, Simulation};

use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    let faults = Faults::gentle().with(Fault::ClockJumps, Odds::one_in(20));
    Scenario::new("clocks", faults, run)
}

const TIMERS: u64 = 60;
const JUMPS: u64 = 12;
/// Whole milliseconds, so that many timers are due at the same time.
const LONGEST_MS: u64 = 400;
const BEAT: Duration = Duration::from_millis(70);

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let hosts = [simulation.host("alice"), simulation.host("bob")];
    let checks: Vec<Timers> = hosts.iter().map(|host| Timers::start(simulation, host, &seen)).collect();
    let mut at = Duration::ZERO;
    for _ in 0..JUMPS {
        at += Duration::from_micros(simulation.random(60_000));
        let host = hosts[usize::from(simulation.random(2) == 1)].clone();
        let by = Duration::from_micros(1 + simulation.random(300_000));
        simulation.call_after(at, move |_| host.jump_clock(by));
    }
    simulation.run_for(at + Duration::from_secs(2)).map_err(|error| error.to_string())?;
    for check in checks {
        check.end(&seen);
    }
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}

/// The timers of one host, and what became of them.
struct Timers {
    /// Deadline and number of each call that was made.
    fired: Rc<RefCell<Vec<(Time, u64)>>>,
    wanted: usize,
    beat: LoopingCall,
    beats: Rc<Cell<u64>>,
}

impl Timers {
    fn start(simulation: &Simulation, host: &Host, seen: &Rc<Seen>) -> Self {
        let (reactor, fired) = (host.reactor(), Rc::<RefCell<Vec<(Time, u64)>>>::default());
        let mut calls: Vec<DelayedCall> = Vec::new();
        for number in 0..TIMERS {
            let after = Duration::from_millis(simulation.random(LONGEST_MS));
            let (clock, log, seen) = (reactor.clone(), Rc::clone(&fired), Rc::clone(seen));
            let deadline = reactor.now() + after;
            calls.push(reactor.call_later(after, move || {
                let now = clock.now();
                seen.holds(now >= deadline, || format!("due at {deadline:?}, and it came at {now:?}"));
                log.borrow_mut().push((deadline, number));
            }));
        }
        let cancelled = calls.iter().filter(|call| simulation.random(4) == 0 && call.cancel()).count();
        let (beats, begun) = (Rc::new(Cell::new(0)), reactor.now());
        let (counted, clock, seen) = (Rc::clone(&beats), reactor.clone(), Rc::clone(seen));
        let beat = LoopingCall::new(&reactor, move |count| {
            counted.set(counted.get() + count);
            let passed = clock.now() - begun;
            let whole = passed.as_nanos() / BEAT.as_nanos();
            let beats = u128::from(counted.get());
            seen.holds(beats == whole, || format!("{beats} beats in {passed:?}"));
        });
        drop(beat.start(BEAT, false));
        Self { fired, wanted: calls.len() - cancelled, beat, beats }
    }

    fn end(self, seen: &Seen) {
        self.beat.stop();
        let fired = self.fired.borrow();
        seen.holds(fired.len() == self.wanted, || format!("{} of {} timers", fired.len(), self.wanted));
        // Equal times come in the order of the calls, which is that of the numbers.
        seen.holds(fired.is_sorted(), || format!("not in order: {:?}", *fired));
        seen.holds(self.beats.get() > 0, || "no beat at all".to_owned());
    }
}
