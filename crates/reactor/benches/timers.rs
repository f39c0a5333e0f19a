//! `cargo bench -p sestina-reactor`: what a timer costs while a million are alive, beside tokio's in the same run.
//!
//! Delays are random, between 60 s and 1,000 s; closures are boxed, as every user's are. Each operation is measured a million
//! times and with the turn that follows, for what the loop has put off until then is a part of it; tokio's `sleep` is polled
//! once, for it is not registered before that. Both have their million at the same time and are measured by turns: the best and
//! the median of the rounds, in the processor time of this thread, which other programs on the machine do not lengthen.
//! What is set and cancelled at once is measured in batches of a millisecond or less, and each round tells its best one: in
//! the slow moments of a machine that is shared, it takes ours 1.7 times as long and tokio's 1.2 times, so anything between would
//! tell how often the machine was slow.
//! Those that fire are all due within ten milliseconds, and are fired to the last one. With `--json` each figure is a line of
//! JSON with all its rounds; with `--quick` there is one round.
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
use tokio::runtime::Runtime;
use tokio::time::Sleep;

/// How many timers are alive.
const TIMERS: usize = 1_000_000;
const ROUNDS: usize = 9;
/// How many are set and cancelled at once, and how often in a round.
const BATCH: usize = 10_000;
const BATCHES: usize = 1_000;
/// How far the timers are spread that fire.
const FIRE_WITHIN_MICROS: u64 = 10_000;

/// Nanoseconds of one operation each.
#[derive(Default)]
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
    let is_told = |option: &str| std::env::args().any(|word| word == option);
    let rounds = if is_told("--quick") { 1 } else { ROUNDS };
    let (ours, tokios): (Vec<Figures>, Vec<Figures>) = (0..rounds).map(|_| round()).unzip();
    if is_told("--json") {
        return [ours, tokios].iter().for_each(|rounds| print_json(rounds));
    }
    println!("{TIMERS} timers, {rounds} rounds by turns; nanoseconds each: best, median");
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
    numbers().map(|random| Duration::from_millis(60_000 + random % 940_000)).collect()
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

/// Nanoseconds of each of so many operations.
fn each(operations: usize, work: impl FnOnce()) -> f64 {
    let begun = cpu_time();
    work();
    (cpu_time() - begun).as_nanos() as f64 / operations as f64
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("it is not negative")
}

/// Ours and tokio's.
fn round() -> (Figures, Figures) {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let inside = reactor.clone();
    let measured = reactor.spawn(async move { Ok(measure(Ours::new(inside), Tokios::new()).await) });
    reactor.run_until(measured).expect("it is measured")
}

async fn measure(mut ours: Ours, mut tokios: Tokios) -> (Figures, Figures) {
    let delays = delays();
    let mut figures = (Figures::default(), Figures::default());
    (figures.0.name, figures.1.name) = ("sestina", "tokio");
    figures.0.kept = ours.schedule(&delays).await;
    figures.1.kept = tokios.schedule(&delays);
    (figures.0.at_once, figures.1.at_once) = (f64::INFINITY, f64::INFINITY);
    for batch in delays.chunks(BATCH).cycle().take(BATCHES) {
        figures.0.at_once = figures.0.at_once.min(ours.set_and_cancel(batch).await);
        figures.1.at_once = figures.1.at_once.min(tokios.set_and_cancel(batch));
    }
    figures.0.later = ours.reset(&delays).await;
    figures.1.later = tokios.reset(&delays);
    figures.0.cancelled = ours.cancel().await;
    figures.1.cancelled = tokios.cancel();
    figures.0.fired = ours.fire().await;
    figures.1.fired = tokios.fire();
    figures
}

/// Timers of a reactor; each closure holds the witness.
struct Ours {
    reactor: Reactor,
    kept: Vec<DelayedCall>,
    witness: Rc<()>,
}

impl Ours {
    fn new(reactor: Reactor) -> Self {
        Self { reactor, kept: Vec::with_capacity(TIMERS), witness: Rc::default() }
    }

    fn set(&self, delay: Duration) -> DelayedCall {
        let captured = Rc::clone(&self.witness);
        self.reactor.call_later(delay, move || drop(captured))
    }

    /// What an operation takes that is done so many times, with the turn that follows.
    async fn each_and_turn(&mut self, operations: usize, work: impl FnOnce(&mut Self)) -> f64 {
        let begun = cpu_time();
        work(self);
        self.reactor.sleep(Duration::ZERO).await.expect("nobody cancels it");
        (cpu_time() - begun).as_nanos() as f64 / operations as f64
    }

    async fn schedule(&mut self, delays: &[Duration]) -> f64 {
        let schedule = |ours: &mut Self| {
            for delay in delays {
                let call = ours.set(*delay);
                ours.kept.push(call);
            }
        };
        self.each_and_turn(delays.len(), schedule).await
    }

    async fn set_and_cancel(&mut self, delays: &[Duration]) -> f64 {
        let set_and_cancel = |ours: &mut Self| {
            for delay in delays {
                ours.set(*delay).cancel();
            }
        };
        self.each_and_turn(delays.len(), set_and_cancel).await
    }

    async fn reset(&mut self, delays: &[Duration]) -> f64 {
        let reset = |ours: &mut Self| {
            for (call, delay) in ours.kept.iter().zip(delays) {
                call.reset(*delay + Duration::from_secs(1));
            }
        };
        self.each_and_turn(delays.len(), reset).await
    }

    async fn cancel(&mut self) -> f64 {
        let cancel = |ours: &mut Self| ours.kept.iter().for_each(|call| assert!(call.cancel()));
        let each = self.each_and_turn(TIMERS, cancel).await;
        assert_eq!((self.reactor.timers(), Rc::strong_count(&self.witness)), (0, 1));
        each
    }

    /// What it takes until all of them are fired.
    async fn fire(&self) -> f64 {
        let (last, all) = deferred();
        let left = Rc::new(Cell::new(TIMERS));
        let last = Rc::new(Cell::new(Some(last)));
        for delay in short_delays() {
            let (left, last) = (Rc::clone(&left), Rc::clone(&last));
            self.reactor.call_later(delay, move || {
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
}

/// Timers of a runtime of tokio's, whose clock goes on while it does not run.
struct Tokios {
    runtime: Runtime,
    kept: Vec<Pin<Box<Sleep>>>,
}

impl Tokios {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Self { runtime: runtime.expect("a runtime"), kept: Vec::with_capacity(TIMERS) }
    }

    /// Registered with the runtime that was entered.
    fn set(delay: Duration) -> Pin<Box<Sleep>> {
        let mut sleep = Box::pin(tokio::time::sleep(delay));
        std::hint::black_box(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        sleep
    }

    fn schedule(&mut self, delays: &[Duration]) -> f64 {
        let _entered = self.runtime.enter();
        each(delays.len(), || self.kept.extend(delays.iter().copied().map(Self::set)))
    }

    fn set_and_cancel(&self, delays: &[Duration]) -> f64 {
        let _entered = self.runtime.enter();
        each(delays.len(), || delays.iter().for_each(|delay| drop(Self::set(*delay))))
    }

    fn reset(&mut self, delays: &[Duration]) -> f64 {
        let now = tokio::time::Instant::now();
        each(delays.len(), || {
            for (sleep, delay) in self.kept.iter_mut().zip(delays) {
                sleep.as_mut().reset(now + *delay + Duration::from_secs(1));
            }
        })
    }

    fn cancel(&mut self) -> f64 {
        each(TIMERS, || self.kept.clear())
    }

    fn fire(&mut self) -> f64 {
        let kept = &mut self.kept;
        self.runtime.block_on(async {
            kept.extend(short_delays().map(Self::set));
            let begun = cpu_time();
            tokio::time::sleep(2 * Duration::from_micros(FIRE_WITHIN_MICROS)).await;
            assert!(kept.iter().all(|sleep| sleep.is_elapsed()));
            (cpu_time() - begun).as_nanos() as f64 / TIMERS as f64
        })
    }
}
