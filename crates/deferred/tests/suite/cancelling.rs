//! Cancelling: where the request goes.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{Answer, CancelHandle, Cancelled, Deferred, Failure, deferred, fail, spawn, succeed};

#[test]
fn cancelling_fires_cancelled_and_skips_the_callbacks() {
    // rule: 6
    // spec: P19-01, P19-05, P19-06, P19-07, P19-08
    let (_resolver, d) = deferred::<u32>();
    let d = d.add_callback(|_| -> Deferred<u32> { unreachable!("it was cancelled") });
    let line = line!() + 1;
    d.cancel();
    let failure = failure(d);
    assert!(failure.is::<Cancelled>());
    assert_eq!(failure.to_string(), "cancelled");
    assert_eq!(failure.location().line(), line, "the line that cancelled");
    assert_eq!(failure.check::<Cancelled>().unwrap().location().line(), line);
}

#[test]
fn cancelling_what_has_fired_does_nothing() {
    // rule: 6
    // spec: P19-09
    let (resolver, d) = deferred::<u32>();
    resolver.callback(1);
    d.cancel();
    d.cancel();
    assert_eq!(value(d), 1);
    let d = succeed(2);
    d.cancel();
    assert_eq!(value(d), 2);
}

#[test]
fn cancelling_twice_is_cancelling_once() {
    // spec: P19-40
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("canceller"));
    d.cancel();
    d.cancel();
    log.expect(["canceller"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn results_go_down_and_cancels_go_up() {
    // spec: P19-04
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("the producer is told"));
    let seen = log.clone();
    let d = d.map(|n| n + 1).map(|n| n + 1).inspect(move |_| seen.note("the consumer is told"));
    d.cancel();
    log.expect(["the producer is told", "the consumer is told"]);
    d.ignore_errors();
}

#[test]
fn a_chain_that_waits_for_a_returned_deferred_cancels_that_one_and_not_the_root() {
    // rule: 6
    // spec: P19-29, P19-30
    let log = Log::new();
    let (outer, d) = deferred::<u32>();
    outer.on_cancel(log.noting("outer canceller"));
    let (inner, waiting) = deferred::<u32>();
    inner.on_cancel(log.noting("inner canceller"));
    let (first, last) = (log.clone(), log.clone());
    let d = d
        .add_callback(move |_| {
            first.note("outer callback");
            waiting
        })
        .add_errback(move |failure| {
            last.note(format!("outer errback: {failure}"));
            Ok(0)
        });
    outer.callback(1);
    d.cancel();
    log.expect(["outer callback", "inner canceller", "outer errback: cancelled"]);
    assert!(inner.is_cancelled());
    assert_eq!(value(d), 0);
}

#[test]
fn cancelling_goes_through_three_levels_of_returned_deferreds() {
    // spec: P19-29
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let (r3, d3) = deferred::<u32>();
    let d = d1.add_callback(move |_| d2.add_callback(move |_| d3));
    r1.callback(0);
    r2.callback(0);
    d.cancel();
    assert!(r3.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_cancel_while_a_callback_runs_goes_to_the_deferred_that_it_returns() {
    // rule: 6
    let handle: Rc<RefCell<Option<CancelHandle>>> = Rc::default();
    let (resolver, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let from_inside = Rc::clone(&handle);
    let d = d
        .add_callback(move |_| {
            from_inside.borrow().as_ref().unwrap().cancel();
            waiting
        })
        .map(|n| n + 1);
    *handle.borrow_mut() = Some(d.canceller());
    resolver.callback(0);
    assert!(inner.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_cancel_while_a_callback_runs_is_forgotten_if_it_returns_a_value() {
    let handle: Rc<RefCell<Option<CancelHandle>>> = Rc::default();
    let (resolver, d) = deferred::<u32>();
    let from_inside = Rc::clone(&handle);
    let d = d.map(move |n| {
        from_inside.borrow().as_ref().unwrap().cancel();
        n + 1
    });
    *handle.borrow_mut() = Some(d.canceller());
    resolver.callback(1);
    assert_eq!(value(d), 2);
}

#[test]
fn a_reason_travels_with_the_request() {
    let (resolver, d) = deferred::<u32>();
    let log = Log::new();
    let seen = log.clone();
    resolver.on_cancel_with(move |cancelled| seen.note(format!("because {}", cancelled.reason().unwrap())));
    d.cancel_because(Failure::msg("the client hung up"));
    log.expect(["because the client hung up"]);
    let failure = failure(d);
    let cancelled = failure.check::<Cancelled>().unwrap();
    assert_eq!(cancelled.reason().unwrap().to_string(), "the client hung up");
    let source = std::error::Error::source(cancelled).unwrap();
    assert_eq!(source.to_string(), "the client hung up");
}

#[test]
fn a_handle_cancels_its_point_of_the_chain() {
    let (resolver, d) = deferred::<u32>();
    let handle = d.canceller();
    assert!(handle.is_waiting());
    let d = d.add_errback(|failure| if failure.is::<Cancelled>() { Ok(7) } else { Err(failure) });
    handle.clone().cancel();
    assert!(!handle.is_waiting());
    assert!(resolver.is_cancelled());
    assert_eq!(value(d), 7);
    handle.cancel();

    let handle = succeed(1).canceller();
    handle.cancel();
    handle.abort();
    assert!(!handle.is_waiting());
}

#[test]
fn a_handle_keeps_nothing_alive() {
    let token = Rc::new(());
    let (resolver, d) = deferred::<u32>();
    let held = Rc::clone(&token);
    let d = d.map(move |n| {
        let _held = &held;
        n
    });
    let handle = d.canceller();
    resolver.callback(1);
    assert_eq!(value(d), 1);
    assert_eq!(Rc::strong_count(&token), 1);
    handle.cancel();
}

#[test]
fn discarding_cancels_and_swallows_only_cancelled() {
    // rule: 8
    let (resolver, d) = deferred::<u32>();
    assert_eq!(unhandled(|| d.discard()), [""; 0]);
    assert!(resolver.is_cancelled());

    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Failure::msg("cannot stop"));
    assert_eq!(unhandled(|| d.discard()), ["cannot stop"]);

    assert_eq!(unhandled(|| fail::<u32>(Failure::msg("failed before")).discard()), ["failed before"]);
    assert_eq!(unhandled(|| fail::<u32>(Cancelled::new()).discard()), [""; 0]);
}

#[test]
fn a_cancelled_deferred_that_nobody_looks_at_is_reported() {
    // rule: 9
    // spec: P19-05
    let errors = unhandled(|| {
        let (_resolver, d) = deferred::<u32>();
        let d = d.map(|n| n + 1);
        d.cancel();
    });
    assert_eq!(errors, ["cancelled"]);
}

#[test]
fn it_is_always_safe_to_cancel_though_the_work_may_go_on() {
    // spec: P19-12, P19-19, P19-31
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let d = d.add_errback(|failure| if failure.is::<Cancelled>() { Ok(0) } else { Err(failure) });
    d.cancel();
    assert_eq!(value(d), 0);
    log.note("sending"); // the producer never noticed
    resolver.callback(1);
    log.expect(["sending"]);
}

#[test]
fn a_task_that_waits_for_itself_is_stopped_by_a_cancel() {
    let own: Rc<RefCell<Option<Deferred<u32>>>> = Rc::default();
    let (go, gate) = deferred::<()>();
    let inside = Rc::clone(&own);
    let task = spawn(async move {
        gate.await?;
        let me = inside.borrow_mut().take().unwrap();
        me.await
    });
    let handle = task.canceller();
    *own.borrow_mut() = Some(task.map(|n| n + 1));
    go.callback(());
    assert!(handle.is_waiting());
    handle.cancel();
    assert!(!handle.is_waiting());
}

#[test]
fn a_long_chain_that_waits_for_itself_is_stopped_by_a_cancel() {
    let (resolver, d) = deferred::<u32>();
    let handle = d.canceller();
    let d = (0..100).fold(d, |d, _| d.map(|n| n + 1));
    d.chain_to(resolver);
    assert!(handle.is_waiting());
    assert_eq!(unhandled(|| handle.cancel()), [""; 0]);
    assert!(!handle.is_waiting());
}

#[test]
fn aborting_does_not_wait_for_anybody() {
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    d.cancel();
    d.cancel();
    assert!(!d.is_fired());
    d.abort();
    assert!(failure(d).is::<Cancelled>());
    resolver.callback(1);

    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let told = log.clone();
    resolver.on_cancel(move || {
        told.note("told");
        Answer::Later
    });
    let d = d.map(|n| n + 1);
    d.abort();
    log.expect(["told"]);
    assert!(failure(d).is::<Cancelled>());
}
