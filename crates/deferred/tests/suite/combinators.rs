//! Cancelling a task that awaits several things, through the combinators of the `futures` crate.

use crate::common::{Log, failure, unhandled, value};
use futures::future::{join_all, select_all};
use futures::stream::{FuturesUnordered, StreamExt};
use sestina_deferred::{Cancelled, Deferred, Failure, Resolver, deferred, run_woken, spawn};

fn pairs<const N: usize>() -> ([Resolver<u32>; N], [Deferred<u32>; N]) {
    crate::common::pairs()
}

#[test]
fn a_cancel_reaches_every_branch_of_join() {
    // rule: 11
    let ([r1, r2], [d1, d2]) = pairs();
    let d = spawn(async move {
        let (a, b) = futures::join!(d1, d2);
        assert!(a.unwrap_err().is::<Cancelled>());
        assert!(b.unwrap_err().is::<Cancelled>());
        Ok("both saw it")
    });
    d.cancel();
    assert!(r1.is_cancelled() && r2.is_cancelled());
    assert_eq!(value(d), "both saw it");
}

#[test]
fn a_cancel_passes_over_the_branch_that_is_done() {
    let log = Log::new();
    let ([r1, r2], [d1, d2]) = pairs();
    r1.on_cancel(log.noting("1"));
    r2.on_cancel(log.noting("2"));
    let d = spawn(async move {
        let (a, b) = futures::join!(d1, d2);
        Ok((a?, b.unwrap_or(0)))
    });
    r1.callback(1);
    d.cancel();
    log.expect(["2"]);
    assert_eq!(value(d), (1, 0));
}

#[test]
fn the_loser_of_select_is_cancelled_by_dropping_it() {
    // rule: 12
    let ([r1, r2], [d1, d2]) = pairs();
    let d = spawn(async move {
        futures::select_biased! {
            a = futures::FutureExt::fuse(d1) => a,
            b = futures::FutureExt::fuse(d2) => b,
        }
    });
    assert_eq!(unhandled(|| r2.callback(2)), [""; 0]);
    assert!(r1.is_cancelled());
    assert_eq!(value(d), 2);
}

#[test]
fn a_cancel_reaches_every_branch_of_select() {
    // rule: 11
    let log = Log::new();
    let ([r1, r2], [d1, d2]) = pairs();
    r1.on_cancel(log.noting("1"));
    r2.on_cancel(log.noting("2"));
    let d = spawn(async move {
        futures::select_biased! {
            a = futures::FutureExt::fuse(d1) => a,
            b = futures::FutureExt::fuse(d2) => b,
        }
    });
    assert_eq!(unhandled(|| d.cancel()), [""; 0]);
    log.expect(["1", "2"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn what_a_select_put_aside_is_not_cancelled() {
    let ([r1, r2, r3], [mut d1, d2, d3]) = pairs();
    let d = spawn(async move {
        let mut d2 = futures::FutureExt::fuse(d2);
        futures::select_biased! {
            _ = futures::FutureExt::fuse(&mut d1) => unreachable!(),
            _ = d2 => {}
        }
        let answer = d3.await;
        d1.ignore_errors();
        answer
    });
    r2.callback(0);
    d.cancel();
    assert!(r3.is_cancelled());
    assert!(!r1.is_cancelled(), "put aside");
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_cancel_reaches_everything_in_futures_unordered() {
    // rule: 11
    let ([r1, r2, r3], ds) = pairs();
    let d = spawn(async move {
        let mut set: FuturesUnordered<_> = ds.into_iter().collect();
        let mut cancelled = 0;
        while let Some(answer) = set.next().await {
            cancelled += u32::from(answer.is_err_and(|failure| failure.is::<Cancelled>()));
        }
        Ok(cancelled)
    });
    r2.callback(2);
    assert_eq!(run_woken(), 1, "its own wakers only queue the task");
    assert!(!d.is_fired());
    d.cancel();
    assert!(r1.is_cancelled() && r3.is_cancelled());
    run_woken();
    assert_eq!(value(d), 2);
}

#[test]
fn a_cancel_reaches_everything_in_join_all_large_and_small() {
    for size in [3, 100] {
        let (resolvers, ds): (Vec<_>, Vec<_>) = (0..size).map(|_| deferred::<u32>()).unzip();
        let d = spawn(async move { Ok(join_all(ds).await.into_iter().filter(Result::is_err).count()) });
        d.cancel();
        assert!(resolvers.iter().all(Resolver::is_cancelled));
        run_woken();
        assert_eq!(value(d), size);
    }
}

#[test]
fn joins_in_selects_in_joins() {
    let log = Log::new();
    let ([r1, r2, r3, r4], [d1, d2, d3, d4]) = pairs();
    for (resolver, name) in [(&r1, "1"), (&r2, "2"), (&r3, "3"), (&r4, "4")] {
        resolver.on_cancel(log.noting(name));
    }
    let d = spawn(async move {
        let inner = async {
            futures::select_biased! {
                a = futures::FutureExt::fuse(d2) => a,
                b = futures::FutureExt::fuse(d3) => b,
            }
        };
        let (a, b, c) = futures::join!(d1, inner, d4);
        Ok([a, b, c].map(|answer| answer.is_ok()))
    });
    r2.callback(1); // settles the select: 3 is dropped, hence cancelled
    log.expect(["3"]);
    d.cancel();
    log.expect(["1", "4"]);
    assert_eq!(value(d), [false, true, false]);
}

#[test]
fn a_task_in_a_foreign_set_can_be_cancelled_alone() {
    let (resolver, answer) = deferred::<u32>();
    let child = spawn(answer);
    let handle = child.canceller();
    let d = spawn(async move {
        let (answer, _, rest) = select_all([child]).await;
        assert!(rest.is_empty());
        answer
    });
    handle.cancel();
    assert!(resolver.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_set_that_lives_long_does_not_collect_what_is_done() {
    let peak = |rounds| allocation_counter::measure(|| use_a_set(rounds)).bytes_max;
    peak(1); // the thread's own executor comes to life
    assert_eq!(peak(100), peak(1_000));
}

/// A task that lives for many rounds, and awaits another deferred in each of them, in one set.
fn use_a_set(rounds: u32) {
    let (sender, mut receiver) = futures::channel::mpsc::unbounded::<Deferred<u32>>();
    let d = spawn(async move {
        let mut set = FuturesUnordered::new();
        let mut sum = 0;
        while let Some(d) = receiver.next().await {
            set.push(d);
            if let Some(answer) = set.next().await {
                sum += answer?;
            }
        }
        Ok::<u32, Failure>(sum)
    });
    for _ in 0..rounds {
        let (resolver, d) = deferred::<u32>();
        sender.unbounded_send(d).expect("the task waits for more");
        run_woken();
        resolver.callback(1);
        run_woken();
    }
    drop(sender);
    run_woken();
    assert_eq!(value(d), rounds);
}
