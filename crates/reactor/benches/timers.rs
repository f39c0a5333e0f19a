//! `cargo bench -p sestina-reactor`: what a timer costs while a million are alive, beside tokio's in the same run.
//!
//! Delays are random, between 1 s and 1,000 s; closures are boxed, as every user's are. Each operation is measured a million
//! times and with the turn that follows, for what the loop has put off until then is a part of it; tokio's `sleep` is polled
//! once, for it is not registered before that. Rounds by turns; the best
//! and the median of each, in the processor time of this thread, which other programs on the machine do not lengthen.
//! Those that fire are all due within ten milliseconds, and are fired to the last one. With `--json` each figure is a line of
//! JSON with all its rounds.
#![expect(clippy::print_stdout, clippy::as_conversions, reason = "a bench measures and prints")]

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sestina_deferred::{Resolver, deferred};
use sestina_reactor::{DelayedCall, Reactor};

/// How many timers are alive.
const TIMERS: usize = 1_000_000;
const ROUNDS: usize = 21;
/// How far the timers are spread that fire.
const FIRE_WITHIN_MICROS: u64 = 10_000;

/// Nanoseconds of one operation each.
struct Figures {
    name: &'static str,
    kept: f64,
    at_once: f64,
    later: f64,
    cancelled: f64,
    fired: f64,
}

/// What was measured, and what it is called.
type Column = (&'static str, fn(&Figures) -> f64);
const COLUMNS: [Column; 5] = [
    ("schedule, kept", |round| round.kept),
    ("schedule + cancel at once", |round| round.at_once),
    ("reset to later", |round| round.later),
    ("cancel, kept", |round| round.cancelled),
    ("fire", |round| round.fired),
];

fn main() {
    let json = std::env::args().any(|word| word == "--json");
    let (mut ours, mut tokios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(reactor_round());
        tokios.push(tokio_round());
    }
    if json {
        return [ours, tokios].iter().for_each(|rounds| print_json(rounds));
    }
    println!("{TIMERS} timers, {ROUNDS} rounds by turns; nanoseconds each: best, median");
    println!("{:<10}{}", "", COLUMNS.map(|(name, _)| format!("{name:>28}")).concat());
    for rounds in [ours, tokios] {
        let cell = |(_, value): Column| {
            let mut all: Vec<f64> = rounds.iter().map(value).collect();
            all.sort_by(f64::total_cmp);
            format!("{:>28}", format!("{:.0}, {:.0}", all[0], all[all.len() / 2]))
        };
        println!("{:<10}{}", rounds[0].name, COLUMNS.map(cell).concat());
    }
}

/// No name has a character that JSON would escape.
fn print_json(rounds: &[Figures]) {
    let peer = rounds[0].name;
    for (case, value) in COLUMNS {
        let rounds: Vec<f64> = rounds.iter().map(value).collect();
        println!(
            "{{\"case\":\"{case}\",\"peer\":\"{peer}\",\"figure\":\"time\",\"unit\":\"ns\",\"rounds\":{rounds:?}}}"
        );
    }
}

/// Random delays, the same in each round.
fn delays() -> Vec<Duration> {
    numbers().map(|random| Duration::from_millis(1_000 + random % 999_000)).collect()
}

/// Random delays of those that fire.
fn short_delays() -> impl Iterator<Item = Duration> {
    numbers().map(|random| Duration::from_micros(random % FIRE_WITHIN_MICROS))
}

fn numbers() -> impl Iterator<Item = u64> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    std::iter::repeat_with(next).take(TIMERS)
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
    let inside = reactor.clone();
    let measured = reactor.spawn(async move { Ok(measure(&inside).await) });
    reactor.run_until(measured).expect("it is measured")
}

/// What an operation takes that is done a million times, with the turn that follows.
async fn each_and_turn(reactor: &Reactor, work: impl FnOnce()) -> f64 {
    let begun = cpu_time();
    work();
    reactor.sleep(Duration::ZERO).await.expect("nobody cancels it");
    (cpu_time() - begun).as_nanos() as f64 / TIMERS as f64
}

async fn measure(reactor: &Reactor) -> Figures {
    let (delays, witness) = (delays(), Rc::new(()));
    let set = |delay: &Duration| {
        let captured = Rc::clone(&witness);
        reactor.call_later(*delay, move || drop(captured))
    };
    let mut kept: Vec<DelayedCall> = Vec::with_capacity(TIMERS);
    let schedule = each_and_turn(reactor, || kept.extend(delays.iter().map(set))).await;
    let at_once = each_and_turn(reactor, || {
        for delay in &delays {
            set(delay).cancel();
        }
    });
    let at_once = at_once.await;
    let later = each_and_turn(reactor, || {
        for (call, delay) in kept.iter().zip(&delays) {
            call.reset(*delay + Duration::from_secs(1));
        }
    });
    let later = later.await;
    let cancelled = each_and_turn(reactor, || kept.iter().for_each(|call| assert!(call.cancel()))).await;
    assert_eq!((reactor.timers(), Rc::strong_count(&witness)), (0, 1));
    Figures { name: "sestina", kept: schedule, at_once, later, cancelled, fired: fired(reactor).await }
}

/// What it takes until all of them are fired.
async fn fired(reactor: &Reactor) -> f64 {
    let (last, all) = deferred();
    let left = Rc::new(Cell::new(TIMERS));
    let last = Rc::new(Cell::new(Some(last)));
    for delay in short_delays() {
        let (left, last) = (Rc::clone(&left), Rc::clone(&last));
        reactor.call_later(delay, move || {
            left.set(left.get() - 1);
            if left.get() == 0 {
                last.take().into_iter().for_each(|last: Resolver<()>| last.callback(()));
            }
        });
    }
    let begun = cpu_time();
    all.await.expect("the last one fires it");
    (cpu_time() - begun).as_nanos() as f64 / TIMERS as f64
}

fn tokio_round() -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (delays, mut context) = (delays(), Context::from_waker(Waker::noop()));
        let mut set = |delay: &Duration| {
            let mut sleep = Box::pin(tokio::time::sleep(*delay));
            std::hint::black_box(sleep.as_mut().poll(&mut context).is_ready());
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
        let mut due: Vec<Pin<Box<tokio::time::Sleep>>> = Vec::with_capacity(TIMERS);
        due.extend(short_delays().map(|delay| set(&delay)));
        let begun = cpu_time();
        tokio::time::sleep(2 * Duration::from_micros(FIRE_WITHIN_MICROS)).await;
        assert!(due.iter().all(|sleep| sleep.is_elapsed()));
        let fired = (cpu_time() - begun).as_nanos() as f64 / TIMERS as f64;
        Figures { name: "tokio", kept: schedule, at_once, later, cancelled, fired }
    })
}
