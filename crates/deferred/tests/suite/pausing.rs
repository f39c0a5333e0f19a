//! Pausing.

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{Cancelled, Failure, deferred, fail, succeed};

#[test]
fn a_paused_chain_waits_though_it_has_fired() {
    // rule: 10
    // spec: P14-08
    let log = Log::new();
    let (resolver, mut d) = deferred::<u32>();
    let guard = d.pause();
    resolver.callback(0);
    assert!(!d.is_fired());
    for name in ["first", "second", "third"] {
        let seen = log.clone();
        d = d.map(move |n| {
            seen.note(format!("{name} got {n}"));
            n + 1
        });
    }
    log.expect([]);
    guard.unpause();
    log.expect(["first got 0", "second got 1", "third got 2"]);
    assert_eq!(value(d), 3);
}

#[test]
fn pauses_count() {
    // rule: 10
    // spec: P14-08
    let mut d = succeed(1);
    let one = d.pause();
    let two = d.pause();
    one.unpause();
    assert!(!d.is_fired());
    drop(two);
    assert!(d.is_fired());
    assert_eq!(value(d), 1);
}

#[test]
fn a_pause_that_ends_before_the_answer_comes_does_nothing() {
    let (resolver, mut d) = deferred::<u32>();
    d.pause().unpause();
    let d = d.map(|n| n + 1);
    resolver.callback(1);
    assert_eq!(value(d), 2);
}

#[test]
fn what_was_added_before_the_pause_still_runs() {
    // rule: 10
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let seen = log.clone();
    let mut d = d.map(move |n| {
        seen.note("before");
        n
    });
    let guard = d.pause();
    let seen = log.clone();
    let d = d.map(move |n| {
        seen.note("after");
        n
    });
    resolver.callback(1);
    log.expect(["before"]);
    drop(guard);
    log.expect(["after"]);
    drop(d);
}

#[test]
fn a_cancel_passes_a_pause_and_its_answer_waits_there() {
    // spec: P19-40
    let log = Log::new();
    let (resolver, mut d) = deferred::<u32>();
    resolver.on_cancel(log.noting("canceller"));
    let guard = d.pause();
    let seen = log.clone();
    let d = d.add_errback(move |failure| {
        seen.note(failure.to_string());
        Ok(0)
    });
    d.cancel();
    log.expect(["canceller"]);
    guard.unpause();
    log.expect(["cancelled"]);
    assert_eq!(value(d), 0);
}

#[test]
fn what_a_canceller_at_the_pause_answers_waits_there_too() {
    // rule: 10
    let (resolver, mut d) = deferred::<u32>();
    let guard = d.pause();
    let d = d.on_cancel(|| Ok(7)).map(|n| n + 1);
    d.cancel();
    assert!(!d.is_fired(), "the callback waits for the guard");
    resolver.callback(1); // late
    guard.unpause();
    assert_eq!(value(d), 8);
}

#[test]
fn a_cancel_does_nothing_to_an_answer_that_is_held_back() {
    let (resolver, mut d) = deferred::<u32>();
    let guard = d.pause();
    resolver.callback(1);
    d.cancel();
    drop(guard);
    assert_eq!(value(d), 1);
}

#[test]
fn an_error_that_is_held_back_is_reported_when_both_ends_are_gone() {
    let errors = unhandled(|| {
        let mut d = fail::<u32>(Failure::msg("held"));
        let guard = d.pause();
        drop(d);
        drop(guard);
    });
    assert_eq!(errors, ["held"]);
}

#[test]
fn a_task_waits_for_a_paused_deferred() {
    let mut d = succeed(1);
    let guard = d.pause();
    let task = sestina_deferred::spawn(async move { Ok(d.await? + 1) });
    assert!(!task.is_fired());
    guard.unpause();
    assert_eq!(value(task), 2);
}

#[test]
fn a_discarded_deferred_may_be_paused() {
    let (resolver, mut d) = deferred::<u32>();
    let guard = d.pause();
    assert_eq!(
        unhandled(move || {
            d.discard();
            assert!(resolver.is_cancelled());
            drop(guard);
        }),
        [""; 0]
    );
    let (_resolver, mut d) = deferred::<u32>();
    let _guard = d.pause();
    d.cancel();
    drop(_guard);
    assert!(failure(d).is::<Cancelled>());
}
