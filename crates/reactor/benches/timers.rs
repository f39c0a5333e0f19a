//! `cargo bench -p sestina-reactor`: what a timer costs while a million are alive, beside tokio's in the same run.
//!
//! Delays are random, between 1 s and 1,000 s; closures are boxed, as every user's are. Ours runs inside a callback, where
//! timers are set; tokio's `sleep` is polled once, for it is not registered before that. Rounds by turns; the best
//! and the median of each, in the processor time of this thread, which other programs on the machine do not lengthen.
#![expect(clippy::print_stdout, clippy::as_conversions, reason = "a bench measures and prints")]

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sestina_reactor::{DelayedCall, Reactor};

/// How many timers are alive.
const TIMERS: usize = 1_000_000;
const ROUNDS: usize = 7;

/// Nanoseconds of one operation each.
struct Figures {
    name: &'static str,
    kept: f64,
    at_once: f64,
    later: f64,
    cancelled: f64,
}

fn main() {
    println!("{TIMERS} timers, {ROUNDS} rounds by turns; nanoseconds each: best, median");
    let (mut ours, mut tokios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(reactor_round());
        tokios.push(tokio_round());
    }
    println!(
        "{:<10}{:>20}{:>28}{:>20}{:>20}",
        "", "schedule, kept", "schedule + cancel at once", "reset to later", "cancel, kept"
    );
    for rounds in [ours, tokios] {
        let column = |f: fn(&Figures) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(f).collect();
            all.sort_by(f64::total_cmp);
            format!("{:.0}, {:.0}", all[0], all[all.len() / 2])
        };
        println!(
            "{:<10}{:>20}{:>28}{:>20}{:>20}",
            rounds[0].name,
            column(|round| round.kept),
            column(|round| round.at_once),
            column(|round| round.later),
            column(|round| round.cancelled)
        );
    }
}

/// Random delays, the same in each round.
fn delays() -> Vec<Duration> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        Duration::from_millis(1_000 + random % 999_000)
    };
    std::iter::repeat_with(next).take(TIMERS).collect()
}

fn each(work: impl FnOnce()) -> f64 {
    let begun = cpu_time();
    work();
    (cpu_time() - begun).as_nanos() as f64 / TIMERS as f64
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("it is not negative")
}

fn reactor_round() -> Figures {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let (figures, inside) = (Rc::new(RefCell::new(None)), reactor.clone());
    let slot = Rc::clone(&figures);
    reactor.call_later(Duration::ZERO, move || {
        *slot.borrow_mut() = Some(measure(&inside));
        inside.stop();
    });
    reactor.run().expect("it can wait");
    figures.take().expect("it was measured")
}

fn measure(reactor: &Reactor) -> Figures {
    let (delays, witness) = (delays(), Rc::new(()));
    let set = |delay: &Duration| {
        let captured = Rc::clone(&witness);
        reactor.call_later(*delay, move || drop(captured))
    };
    let mut kept: Vec<DelayedCall> = Vec::with_capacity(TIMERS);
    let schedule = each(|| kept.extend(delays.iter().map(set)));
    let at_once = each(|| {
        for delay in &delays {
            set(delay).cancel();
        }
    });
    let later = each(|| {
        for (call, delay) in kept.iter().zip(&delays) {
            call.reset(*delay + Duration::from_secs(1));
        }
    });
    let cancelled = each(|| kept.iter().for_each(|call| assert!(call.cancel())));
    assert_eq!((reactor.timers(), Rc::strong_count(&witness)), (0, 1));
    Figures { name: "sestina", kept: schedule, at_once, later, cancelled }
}

fn tokio_round() -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (delays, mut context) = (delays(), Context::from_waker(Waker::noop()));
        let mut set = |delay: &Duration| {
            let mut sleep = Box::pin(tokio::time::sleep(*delay));
            assert!(sleep.as_mut().poll(&mut context).is_pending());
            sleep
        };
        let mut kept: Vec<Pin<Box<tokio::time::Sleep>>> = Vec::with_capacity(TIMERS);
        let schedule = each(|| kept.extend(delays.iter().map(&mut set)));
        let at_once = each(|| {
            for delay in &delays {
                drop(set(delay));
            }
        });
        let now = tokio::time::Instant::now();
        let later = each(|| {
            for (sleep, delay) in kept.iter_mut().zip(&delays) {
                sleep.as_mut().reset(now + *delay + Duration::from_secs(1));
            }
        });
        let cancelled = each(|| kept.clear());
        Figures { name: "tokio", kept: schedule, at_once, later, cancelled }
    })
}
