//! Wake-ups from another thread that meet a poll.

use std::future::poll_fn;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};

use sestina_deferred::{Deferred, Executor, spawn};

/// Rounds in which a wake-up may meet a poll.
fn rounds() -> u32 {
    if crate::common::is_full() { 300_000 } else { 50_000 }
}

/// How long the second wake-up of a round waits at most, in turns of an idle loop: so it hits every place of the poll.
const TURNS_MAX: u32 = 64;

/// What [`Waking`] is told at the end.
const OVER: u32 = u32::MAX;

/// A thread that wakes a task twice in each round, and writes a number before the second time.
struct Waking {
    round: AtomicU32,
    written: Arc<AtomicU32>,
    done: AtomicU32,
}

impl Waking {
    fn run(&self, waker: &Waker) {
        for n in 1.. {
            let mut patience = Patience::default();
            loop {
                match self.round.load(Ordering::Acquire) {
                    OVER => return,
                    round if round == n => break,
                    _ => patience.wait(),
                }
            }
            waker.wake_by_ref(); // the task will be polled
            (0..n % TURNS_MAX).for_each(|_| spin_loop());
            self.written.store(n, Ordering::Relaxed);
            waker.wake_by_ref(); // before, in or after that poll
            self.done.store(n, Ordering::Release);
        }
    }
}

/// Waits in a loop, because only that is quick enough to meet; but not for long, or two threads on one processor would
/// take ages.
#[derive(Default)]
struct Patience {
    turns: u32,
}

impl Patience {
    fn wait(&mut self) {
        const BEFORE_YIELDING: u32 = 1_000;
        self.turns += 1;
        if self.turns > BEFORE_YIELDING { std::thread::yield_now() } else { spin_loop() }
    }
}

/// A poll that began with a plain store hid the second wake-up in one of some ten thousand rounds of an optimised build.
#[test]
fn what_was_written_before_a_wake_up_is_seen_by_a_poll_after_it() {
    let executor = Executor::default();
    let (written, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (look, note) = (Arc::clone(&written), Arc::clone(&seen));
    let (give, waker) = mpsc::channel::<Waker>();
    let mut give = Some(give);
    let task: Deferred<()> = executor.enter(|| {
        spawn(poll_fn(move |context| {
            // Relaxed: that this is new enough is what the executor promises.
            note.store(look.load(Ordering::Relaxed), Ordering::Relaxed);
            if let Some(give) = give.take() {
                give.send(context.waker().clone()).expect("the test waits for it");
            }
            Poll::Pending
        }))
    });
    let waker = waker.recv().expect("it was polled");
    let waking = Waking { round: AtomicU32::new(0), written, done: AtomicU32::new(0) };
    let lost = std::thread::scope(|scope| {
        scope.spawn(|| waking.run(&waker));
        let lost = (1..=rounds()).find(|n| {
            waking.round.store(*n, Ordering::Release);
            let mut patience = Patience::default();
            while waking.done.load(Ordering::Acquire) != *n {
                executor.run_woken();
                patience.wait();
            }
            while executor.run_woken() > 0 {}
            seen.load(Ordering::Relaxed) != *n
        });
        waking.round.store(OVER, Ordering::Release);
        lost
    });
    assert_eq!(lost, None, "the round of the wake-up that nobody was polled for");
    task.abort();
    task.ignore_errors();
}
