//! A long chain, a deep nest and a wide recursion need no more stack than a short one.
//!
//! Everything runs on a thread with 256 KiB of stack, in a debug build.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::common::{Log, failure, is_full, on_small_stack, tick, unhandled, value};
use sestina_deferred::{Cancelled, Deferred, Resolver, deferred, spawn, succeed};

/// Callbacks in one chain.
fn callbacks() -> u32 {
    if is_full() { 1_000_000 } else { 100_000 }
}

/// Deferreds, tasks or calls inside of each other.
const NESTED: u32 = 100_000;

fn long_chain() -> (Resolver<u32>, Deferred<u32>) {
    let (resolver, d) = deferred();
    (resolver, (0..callbacks()).fold(d, |d, _| d.map(|n| n + 1)))
}

#[test]
fn a_million_callbacks_fire() {
    on_small_stack(|| {
        let (resolver, d) = long_chain();
        resolver.callback(0);
        assert_eq!(value(d), callbacks());
    });
}

#[test]
fn a_million_callbacks_are_cancelled() {
    on_small_stack(|| {
        let (_resolver, d) = long_chain();
        d.cancel();
        assert!(failure(d).is::<Cancelled>());
    });
}

#[test]
fn a_million_callbacks_are_dropped_from_either_end() {
    on_small_stack(|| {
        let (resolver, d) = long_chain();
        drop(d);
        assert_eq!(unhandled(|| drop(resolver)).len(), 1);
        let (resolver, d) = long_chain();
        drop(resolver);
        d.ignore_errors();
    });
}

#[test]
fn a_million_callbacks_on_what_has_fired() {
    on_small_stack(|| {
        let d = (0..callbacks()).fold(succeed(0), |d, _| d.add_callback(|n| Ok(n + 1)));
        assert_eq!(value(d), callbacks());
    });
}

/// Deferreds of which each returns the next: `d0` waits for `d1`, which waits for `d2` ...
fn nest() -> (Vec<Resolver<u32>>, Deferred<u32>) {
    let mut resolvers = Vec::new();
    let (resolver, mut d) = deferred::<u32>();
    resolvers.push(resolver);
    for _ in 1..NESTED {
        let (resolver, outer) = deferred::<u32>();
        resolvers.push(resolver);
        let inner = d;
        d = outer.add_callback(move |_| inner);
    }
    resolvers.reverse(); // the outermost first
    (resolvers, d)
}

#[test]
fn nested_deferreds_fired_from_the_outside() {
    on_small_stack(|| {
        let (resolvers, d) = nest();
        for resolver in resolvers {
            resolver.callback(7);
        }
        assert_eq!(value(d), 7);
    });
}

#[test]
fn nested_deferreds_fired_from_the_inside() {
    on_small_stack(|| {
        let (resolvers, d) = nest();
        for resolver in resolvers.into_iter().rev() {
            resolver.callback(7);
        }
        assert_eq!(value(d), 7);
    });
}

#[test]
fn nested_deferreds_linked_first_and_fired_at_the_end() {
    on_small_stack(|| {
        let (mut resolvers, d) = nest();
        let innermost = resolvers.pop().unwrap();
        for resolver in resolvers.into_iter().rev() {
            resolver.callback(0);
        }
        assert!(!d.is_fired());
        innermost.callback(7);
        assert_eq!(value(d), 7);
    });
}

#[test]
fn nested_deferreds_cancelled() {
    on_small_stack(|| {
        let (mut resolvers, d) = nest();
        let innermost = resolvers.pop().unwrap();
        for resolver in resolvers.into_iter().rev() {
            resolver.callback(0);
        }
        d.cancel();
        assert!(innermost.is_cancelled());
        assert!(failure(d).is::<Cancelled>());
    });
}

#[test]
fn nested_deferreds_dropped_in_both_orders() {
    on_small_stack(|| {
        let (resolvers, d) = nest();
        let errors = unhandled(|| {
            drop(d);
            drop(resolvers);
        });
        assert!(!errors.is_empty());
        let (resolvers, d) = nest();
        let errors = unhandled(|| {
            resolvers.into_iter().rev().for_each(drop);
            drop(d);
        });
        assert!(!errors.is_empty());
    });
}

#[test]
fn nested_deferreds_dropped_unfired_in_one_go() {
    on_small_stack(|| {
        // Each closure holds the deferred that holds the next closure.
        let (mut resolvers, d) = nest();
        let outermost = resolvers.remove(0);
        let errors = unhandled(|| {
            drop(outermost);
            drop(d);
        });
        assert_eq!(errors.len(), 1, "{errors:?}");
        drop(unhandled(|| drop(resolvers)));
    });
}

#[test]
fn resolvers_in_callbacks_are_dropped_one_by_one() {
    on_small_stack(|| {
        let (first, mut d) = deferred::<u32>();
        for _ in 0..NESTED {
            let (resolver, next) = deferred::<u32>();
            d.map(move |_| drop(resolver)).ignore_errors();
            d = next;
        }
        drop(first); // abandons the next one, which abandons the next one ...
        assert!(d.is_fired());
        d.ignore_errors();
    });
}

#[test]
fn a_callback_that_fires_the_next_chain_may_do_so_for_ever() {
    on_small_stack(|| {
        let count = Rc::new(Cell::new(0));
        let (first, mut d) = deferred::<u32>();
        for _ in 0..NESTED {
            let (resolver, next) = deferred::<u32>();
            let count = Rc::clone(&count);
            drop(d.map(move |n| {
                count.set(count.get() + 1);
                resolver.callback(n + 1);
            }));
            d = next;
        }
        first.callback(0);
        assert_eq!(count.get(), NESTED, "before `callback` returned");
        assert_eq!(value(d), NESTED);
    });
}

#[test]
fn a_loop_of_answers_that_are_there_is_no_recursion() {
    fn count_down(n: u32) -> Deferred<u32> {
        if n == 0 { succeed(0) } else { succeed(n - 1).add_callback(count_down) }
    }
    on_small_stack(|| assert_eq!(value(count_down(NESTED)), 0));
}

#[test]
fn a_loop_of_returned_deferreds_runs_in_constant_memory() {
    on_small_stack(|| {
        let place = Rc::new(RefCell::new(None));
        let d = tick(NESTED, Rc::clone(&place)).map(|n| n + 1);
        let handle = d.canceller();
        while let Some(resolver) = place.take() {
            resolver.callback(());
        }
        assert!(!handle.is_waiting());
        assert_eq!(value(d), 1);
    });
}

#[test]
fn tasks_that_await_tasks_fire_cancel_and_drop() {
    fn tower() -> (Resolver<u32>, Deferred<u32>) {
        let (resolver, d) = deferred::<u32>();
        (resolver, (0..NESTED).fold(d, |d, _| spawn(async move { Ok(d.await? + 1) })))
    }
    on_small_stack(|| {
        let (resolver, d) = tower();
        resolver.callback(0);
        assert_eq!(value(d), NESTED);
        let (resolver, d) = tower();
        d.cancel();
        assert!(resolver.is_cancelled());
        assert!(failure(d).is::<Cancelled>());
        let (resolver, d) = tower();
        assert_eq!(unhandled(|| drop((d, resolver))).len(), 1);
        let (resolver, d) = tower();
        d.abort();
        assert!(resolver.is_cancelled());
        assert!(failure(d).is::<Cancelled>());
    });
}

#[test]
fn tasks_that_spawn_tasks_and_await_them() {
    fn dig(n: u32) -> Deferred<u32> {
        spawn(async move { if n == 0 { Ok(0) } else { Ok(dig(n - 1).await? + 1) } })
    }
    on_small_stack(|| assert_eq!(value(dig(NESTED)), NESTED));
}

#[test]
fn cancellers_that_cancel_the_next_chain_may_do_so_for_ever() {
    on_small_stack(|| {
        let (first, d) = deferred::<u32>();
        let mut resolvers = vec![first];
        let mut d = d;
        for _ in 0..NESTED {
            let (resolver, next) = deferred::<u32>();
            resolver.on_cancel(move || d.discard());
            resolvers.push(resolver);
            d = next;
        }
        d.cancel();
        assert!(resolvers[0].is_cancelled(), "before `cancel` returned");
        assert!(failure(d).is::<Cancelled>());
    });
}

#[test]
fn order_within_a_chain_is_kept_when_nesting_is_too_deep() {
    // rule: 3
    on_small_stack(|| {
        const LEVELS: u32 = 100;
        let log = Log::new();
        let (first, mut d) = deferred::<u32>();
        for _ in 0..LEVELS {
            let (resolver, next) = deferred::<u32>();
            drop(d.map(move |n| resolver.callback(n)));
            d = next;
        }
        let (one, two) = (log.clone(), log.clone());
        let d = d.inspect(move |_| one.note("one")).inspect(move |_| two.note("two"));
        first.callback(1);
        log.expect(["one", "two"]);
        assert_eq!(value(d), 1);
    });
}

#[test]
fn a_cancel_between_firing_and_the_outermost_loop_waits_for_what_the_callback_returns() {
    on_small_stack(|| {
        const LEVELS: u32 = 40;
        let (first, mut d) = deferred::<u32>();
        for _ in 0..LEVELS {
            let (resolver, next) = deferred::<u32>();
            drop(d.map(move |n| resolver.callback(n)));
            d = next;
        }
        let (late, waiting) = deferred::<u32>();
        let (inner, never) = deferred::<u32>();
        let waiting = waiting.add_callback(move |_| never);
        let handle = waiting.canceller();
        drop(d.map(move |n| {
            late.callback(n); // too deep: queued
            handle.cancel();
        }));
        first.callback(1);
        assert!(inner.is_cancelled());
        waiting.ignore_errors();
    });
}

#[test]
fn a_panic_does_not_stop_what_is_queued() {
    on_small_stack(|| {
        let (first, mut d) = deferred::<u32>();
        for _ in 0..100 {
            let (resolver, next) = deferred::<u32>();
            d.map(move |n| -> () {
                resolver.callback(n + 1);
                panic!("after firing the next");
            })
            .ignore_errors();
            d = next;
        }
        first.callback(0);
        assert_eq!(value(d), 100);
    });
}
