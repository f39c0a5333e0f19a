//! What deferreds cost, beside what others cost, in one run: `cargo bench -p sestina-deferred`.
//!
//! The rounds of all rows are interleaved, so that a busy machine slows all of them alike, and a ratio is taken within
//! each round. Shown are medians, and how far the middle half of the rounds spreads. Compare the ratios; the
//! nanoseconds are this machine's. With `--json` each row is a line of JSON with all its rounds; with `--quick` there are
//! fewer. Words after `--` choose rows: `cargo bench -p sestina-deferred -- tokio`.
//! What is allocated is counted by `tests/suite/allocations.rs`.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures and prints")]

use std::cell::RefCell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sestina_deferred::{Deferred, Resolver, deferred, gather_results, spawn, succeed};

/// Operations in one round of one row: few, so that a round seldom meets an interruption.
const OPERATIONS: u32 = 1_000;

/// Rounds of each row, and in a quick run.
const ROUNDS: u32 = 301;
const QUICK_ROUNDS: u32 = 101;

/// Length of the chain by which one more callback is measured.
const CHAIN: u32 = 100;

/// Times `OPERATIONS` runs of an operation.
fn time(mut operation: impl FnMut()) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "measuring time is what a benchmark is for")]
    let start = Instant::now();
    for _ in 0..OPERATIONS {
        operation();
    }
    start.elapsed()
}

/// One line of the table.
struct Row {
    name: &'static str,
    /// How many of what the row is about one operation contains.
    units: u32,
    round: Box<dyn FnMut() -> Duration>,
    /// Of each round, per unit.
    nanoseconds: Vec<f64>,
}

impl Row {
    fn new(name: &'static str, round: impl FnMut() -> Duration + 'static) -> Self {
        Self { name, units: 1, round: Box::new(round), nanoseconds: Vec::new() }
    }

    fn per(self, units: u32) -> Self {
        Self { units, ..self }
    }

    fn run(&mut self) {
        let round = (self.round)().as_secs_f64();
        self.nanoseconds.push(round * 1e9 / f64::from(OPERATIONS) / f64::from(self.units));
    }

    /// No name has a character that JSON would escape.
    fn print_json(&self) {
        let (name, rounds) = (self.name, &self.nanoseconds);
        println!(
            "{{\"case\":\"one operation\",\"peer\":\"{name}\",\"figure\":\"time\",\"unit\":\"ns\",\"rounds\":{rounds:?}}}"
        );
    }

    /// How many times the other row's time, round by round.
    fn ratios(&self, other: &Self) -> Vec<f64> {
        self.nanoseconds.iter().zip(&other.nanoseconds).map(|(ours, theirs)| ours / theirs).collect()
    }
}

/// The median, and half the distance between the quartiles.
fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |quarter| values[(values.len() - 1) * quarter / 4];
    (at(2), (at(3) - at(1)) / 2.0)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_chosen = |row: &Row| {
        words.is_empty() || row.name == TWO_RC || words.iter().any(|word| row.name.contains(word.as_str()))
    };
    let mut rows: Vec<Row> = rows().into_iter().filter(is_chosen).collect();
    let rounds = if std::env::args().any(|word| word == "--quick") { QUICK_ROUNDS } else { ROUNDS };
    for _ in 0..rounds {
        rows.iter_mut().for_each(Row::run);
    }
    if std::env::args().any(|word| word == "--json") {
        return rows.iter().for_each(Row::print_json);
    }
    println!("{:62} {:>8} {:>7} {:>8}", "operation", "ns", "+-", "x 2 Rc");
    for row in &rows {
        let (nanoseconds, spread) = middle(row.nanoseconds.clone());
        let (ratio, _) = middle(row.ratios(&rows[0]));
        println!("{:62} {nanoseconds:8.1} {spread:7.1} {ratio:8.2}", row.name);
    }
    println!("\n{:62} {:>8} {:>7} {:>8}", "what must be reached", "ratio", "+-", "at most");
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    for (what, ours, theirs, limit) in LIMITS {
        if let (Some(ours), Some(theirs)) = (find(ours), find(theirs)) {
            let (ratio, spread) = middle(ours.ratios(theirs));
            let verdict = if ratio <= limit { "reached" } else { "MISSED" };
            println!("{what:62} {ratio:8.2} {spread:7.2} {limit:8.2} {verdict}");
        }
    }
    println!("{:62} {:8} {:7} {:8}", "bytes of a Deferred<u64>", size_of::<Deferred<u64>>(), "", 24);
}

const TWO_RC: &str = "two bare Rc allocations";
const WHOLE: &str = "create + one callback + fire + drop";
const AWAIT: &str = "one await in a running task";
const TASK: &str = "spawn + one await + fire";
const TOKIO_AWAIT: &str = "tokio oneshot awaited in current_thread block_on";
const TOKIO_JOIN: &str = "tokio join!(oneshot, send) in current_thread block_on";
const TOKIO_TASK: &str = "tokio spawn_local + one pending oneshot + join";
const TOKIO_EARLY: &str = "tokio spawn_local + one oneshot sent before it runs + join";

/// What is to be reached: ours, beside theirs, at most this many times as long.
const LIMITS: [(&str, &str, &str, f64); 5] = [
    ("create + one callback + fire + drop / two bare Rc", WHOLE, TWO_RC, 3.0),
    ("one await in a running task / tokio oneshot awaited", AWAIT, TOKIO_AWAIT, 1.0),
    ("one await in a running task / tokio join!", AWAIT, TOKIO_JOIN, 1.0),
    ("a task with one await / tokio spawn_local", TASK, TOKIO_TASK, 1.0),
    ("a task with one await / tokio spawn_local, no await", TASK, TOKIO_EARLY, 1.0),
];

fn rows() -> Vec<Row> {
    vec![
        Row::new(TWO_RC, || time(two_rc)),
        Row::new("create + fire + take", || time(create_fire_take)),
        Row::new(WHOLE, || time(whole)),
        Row::new("the same, the deferred kept and taken", || time(whole_kept)),
        Row::new("each further callback (chain of 100)", || time(chain)).per(CHAIN),
        Row::new("succeed + map", || time(succeed_map)),
        Row::new("a callback returns a pending deferred (3 nodes)", || time(returned)),
        Row::new("create + canceller + cancel", || time(cancelled)),
        Row::new("gather_results, each member (of 100)", || time(gathered)).per(CHAIN),
        Row::new(TASK, || time(task)),
        Row::new(AWAIT, awaits),
        Row::new("futures oneshot send + receive", || time(futures_oneshot)),
        Row::new("futures oneshot awaited in block_on", futures_awaits),
        Row::new("tokio oneshot send + receive", || time(tokio_oneshot)),
        Row::new(TOKIO_AWAIT, tokio_awaits),
        Row::new(TOKIO_JOIN, tokio_joins),
        Row::new(TOKIO_TASK, || tokio_tasks(true)),
        Row::new(TOKIO_EARLY, || tokio_tasks(false)),
    ]
}

/// What two nodes weigh, allocated and freed, and nothing else.
fn two_rc() {
    let one = Rc::new([1_u64; 12]);
    let two = Rc::new([2_u64; 12]);
    black_box((&one, &two));
}

fn create_fire_take() {
    let (resolver, d) = deferred::<u64>();
    resolver.callback(black_box(1));
    black_box(d.try_result().unwrap().unwrap());
}

fn whole() {
    let (resolver, d) = deferred::<u64>();
    drop(d.add_callback(|n| Ok(black_box(n + 1))));
    resolver.callback(black_box(1));
}

fn whole_kept() {
    let (resolver, d) = deferred::<u64>();
    let d = d.add_callback(|n| Ok(n + 1));
    resolver.callback(black_box(1));
    black_box(d.try_result().unwrap().unwrap());
}

fn chain() {
    let (resolver, d) = deferred::<u64>();
    drop((0..CHAIN).fold(d, |d, _| d.map(|n| n + 1)));
    resolver.callback(black_box(1));
}

fn succeed_map() {
    black_box(succeed(black_box(1_u64)).map(|n| n + 1).try_result().unwrap().unwrap());
}

fn returned() {
    let (outer, d) = deferred::<u64>();
    let (inner, waiting) = deferred::<u64>();
    let d = d.add_callback(move |_| waiting);
    outer.callback(1);
    inner.callback(black_box(2));
    black_box(d.try_result().unwrap().unwrap());
}

fn cancelled() {
    let (resolver, d) = deferred::<u64>();
    resolver.on_cancel(|| ());
    d.cancel();
    black_box(d.try_result().unwrap().unwrap_err());
}

fn gathered() {
    let (resolvers, deferreds): (Vec<_>, Vec<_>) = (0..CHAIN).map(|_| deferred::<u64>()).unzip();
    let all = gather_results(deferreds);
    for resolver in resolvers {
        resolver.callback(1);
    }
    black_box(all.try_result().unwrap().unwrap());
}

fn task() {
    let (resolver, answer) = deferred::<u64>();
    let d = spawn(async move { Ok(answer.await? + 1) });
    resolver.callback(black_box(1));
    black_box(d.try_result().unwrap().unwrap());
}

/// Where a running task leaves the resolver of what it awaits next.
type Place = Rc<RefCell<Option<Resolver<u64>>>>;

fn awaits() -> Duration {
    let place: Place = Rc::default();
    let inside = Rc::clone(&place);
    let d: Deferred<u64> = spawn(async move {
        let mut sum = 0;
        for _ in 0..=OPERATIONS {
            let (resolver, answer) = deferred();
            *inside.borrow_mut() = Some(resolver);
            sum += answer.await?;
        }
        Ok(sum)
    });
    let fire = || {
        let resolver = place.borrow_mut().take().unwrap();
        resolver.callback(black_box(1));
    };
    let duration = time(fire);
    fire();
    black_box(d.try_result().unwrap().unwrap());
    duration
}

fn futures_oneshot() {
    let (sender, mut receiver) = futures::channel::oneshot::channel::<u64>();
    sender.send(black_box(1)).unwrap();
    black_box(receiver.try_recv().unwrap());
}

fn futures_awaits() -> Duration {
    futures::executor::block_on(async {
        timed(|| {
            let (sender, receiver) = futures::channel::oneshot::channel::<u64>();
            (move || sender.send(black_box(1)).unwrap(), async { receiver.await.unwrap() })
        })
        .await
    })
}

fn tokio_oneshot() {
    let (sender, mut receiver) = tokio::sync::oneshot::channel::<u64>();
    sender.send(black_box(1)).unwrap();
    black_box(receiver.try_recv().unwrap());
}

fn tokio_awaits() -> Duration {
    tokio_runtime().block_on(timed(|| {
        let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
        (move || sender.send(black_box(1)).unwrap(), async { receiver.await.unwrap() })
    }))
}

/// Times `OPERATIONS` awaits that are pending first and are woken by a second future in the same task.
async fn timed<S, F>(mut pair: impl FnMut() -> (S, F)) -> Duration
where
    S: FnOnce(),
    F: Future<Output = u64>,
{
    #[expect(clippy::disallowed_methods, reason = "measuring time is what a benchmark is for")]
    let start = Instant::now();
    for _ in 0..OPERATIONS {
        let (send, receive) = pair();
        let mut receive = pin!(receive);
        let mut send = Some(send);
        black_box(
            std::future::poll_fn(|context: &mut Context<'_>| {
                let polled = receive.as_mut().poll(context);
                if let Some(send) = send.take() {
                    assert!(polled.is_pending());
                    send(); // wakes this task
                    return Poll::Pending;
                }
                polled
            })
            .await,
        );
    }
    start.elapsed()
}

fn tokio_joins() -> Duration {
    tokio_runtime().block_on(async {
        #[expect(clippy::disallowed_methods, reason = "measuring time is what a benchmark is for")]
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
            let (received, ()) = tokio::join!(receiver, async { sender.send(black_box(1)).unwrap() });
            black_box(received.unwrap());
        }
        start.elapsed()
    })
}

fn tokio_tasks(is_pending: bool) -> Duration {
    let local = tokio::task::LocalSet::new();
    local.block_on(&tokio_runtime(), async {
        #[expect(clippy::disallowed_methods, reason = "measuring time is what a benchmark is for")]
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
            let task = tokio::task::spawn_local(async move { receiver.await.unwrap() + 1 });
            if is_pending {
                tokio::task::yield_now().await; // it runs to its await
            }
            sender.send(black_box(1)).unwrap();
            black_box(task.await.unwrap());
        }
        start.elapsed()
    })
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
