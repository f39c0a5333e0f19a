//! Panics in user code become failures and never cross the engine.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::common::{failure, unhandled, value};
use sestina_deferred::{
    Abandoned, Cancelled, Deferred, Failure, FirstError, Panicked, deferred, gather_results, spawn, succeed,
};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

#[test]
fn a_panic_in_a_callback_is_a_failure_at_the_line_that_added_it() {
    // rule: 4
    let (resolver, d) = deferred::<u32>();
    let line = line!() + 1;
    let d = d.map(|_| -> u32 { panic!("bug number {}", 7) });
    resolver.callback(1);
    let failure = failure(d);
    assert_eq!(failure.to_string(), "panicked: bug number 7");
    assert_eq!(failure.location().line(), line);
}

#[test]
fn an_errback_may_recover_from_a_panic() {
    let d = succeed(1).map(|_| -> u32 { panic!("bug") }).add_errback(|failure| {
        assert!(failure.is::<Panicked>());
        Ok(3)
    });
    assert_eq!(value(d), 3);
}

#[test]
fn a_panic_keeps_its_payload_so_that_it_can_go_on() {
    // rule: 4
    #[derive(Debug, PartialEq)]
    struct Payload(u32);
    let d = succeed(1).map(|_| -> u32 { std::panic::panic_any(Payload(7)) });
    let failure = failure(d);
    let panicked = failure.check::<Panicked>().unwrap();
    assert_eq!(panicked.message(), "a value that is not text");
    let again: Box<dyn Any + Send> = catch_unwind(AssertUnwindSafe(|| panicked.resume())).unwrap_err();
    assert_eq!(again.downcast_ref::<Payload>(), Some(&Payload(7)));
    assert!(panicked.take_payload().is_none(), "a payload is there once");
    assert!(catch_unwind(AssertUnwindSafe(|| panicked.resume())).is_err());
}

#[test]
fn a_panic_in_a_task_is_its_failure() {
    // rule: 4
    let (resolver, answer) = deferred::<u32>();
    let d: Deferred<u32> = spawn(async move {
        answer.await?;
        panic!("in the task")
    });
    resolver.callback(1);
    assert_eq!(failure(d).to_string(), "panicked: in the task");
}

#[test]
fn a_panic_in_one_callback_leaves_other_chains_alone() {
    let (resolver, d) = deferred::<u32>();
    let (other, e) = deferred::<u32>();
    let d = d.map(move |n| {
        other.callback(n);
        panic!("after firing another");
    });
    resolver.callback(1);
    assert_eq!(value(e), 1);
    let d: Deferred<()> = d;
    assert!(failure(d).is::<Panicked>());
}

#[test]
fn a_panic_in_the_destructor_of_a_canceller_is_reported() {
    // rule: 4
    let (resolver, d) = deferred::<u32>();
    let bomb = Bomb;
    resolver.on_cancel(move || {
        let _bomb = &bomb;
    });
    assert_eq!(unhandled(|| resolver.callback(1)), ["panicked: in a destructor"]);
    assert_eq!(value(d), 1);
}

#[test]
fn a_panic_in_the_destructor_of_a_callback_that_is_passed_by_is_a_failure() {
    let (resolver, d) = deferred::<u32>();
    let bomb = Bomb;
    let d = d.map(move |n| {
        let _bomb = &bomb;
        n
    });
    resolver.errback(Failure::msg("passes by"));
    assert_eq!(failure(d).to_string(), "panicked: in a destructor");
}

#[test]
fn a_panic_in_the_destructor_of_a_callback_that_never_runs_is_reported() {
    let (resolver, d) = deferred::<u32>();
    let bomb = Bomb;
    let d = d.map(move |n| {
        let _bomb = &bomb;
        n
    });
    let d = d.on_cancel(|| Ok(7));
    // The canceller answers in the place of the callback, which nobody will ever need.
    assert_eq!(unhandled(|| d.cancel()), ["panicked: in a destructor"]);
    assert_eq!(unhandled(|| drop(resolver)), [""; 0]);
    assert_eq!(value(d), 7);
}

#[test]
fn a_panic_in_the_destructor_of_a_future_is_reported() {
    let (resolver, awaited) = deferred::<u32>();
    let bomb = Bomb;
    let d = spawn(async move {
        let _bomb = &bomb;
        awaited.await
    });
    assert_eq!(unhandled(|| d.abort()), ["panicked: in a destructor"]);
    assert!(failure(d).is::<Cancelled>());
    assert!(resolver.is_cancelled());
}

#[test]
fn a_panic_in_the_destructor_of_a_members_value_does_not_keep_a_list_from_firing() {
    // rule: 4
    let (one, d1) = deferred::<Bomb>();
    let (two, d2) = deferred::<Bomb>();
    let all = gather_results([d1, d2]).map(|_| ());
    one.callback(Bomb);
    assert_eq!(unhandled(|| two.errback(Failure::msg("oops"))), ["panicked: in a destructor"]);
    assert!(failure(all).is::<FirstError>());
}

#[test]
fn a_panic_in_the_destructor_of_a_value_that_comes_late_to_a_list_is_reported() {
    // rule: 4
    let (one, d1) = deferred::<Bomb>();
    let (two, d2) = deferred::<Bomb>();
    let all = gather_results([d1, d2]);
    one.errback(Failure::msg("oops"));
    assert_eq!(unhandled(|| two.callback(Bomb)), ["panicked: in a destructor"]);
    assert!(failure(all).is::<FirstError>());
}

#[test]
fn a_panic_in_the_clone_of_a_shared_value_is_reported_and_the_others_are_told() {
    // rule: 4
    struct Unique;
    impl Clone for Unique {
        fn clone(&self) -> Self {
            panic!("there is only one");
        }
    }
    let (resolver, d) = deferred::<Unique>();
    let shared = d.share();
    let (alice, bob) = (shared.subscribe(), shared.subscribe());
    assert_eq!(unhandled(|| resolver.callback(Unique)), ["panicked: there is only one"]);
    assert!(failure(alice).is::<Abandoned>());
    assert!(failure(bob).is::<Abandoned>());
}

#[test]
fn a_value_whose_destructor_panics_leaves_the_engine_in_order() {
    let (resolver, d) = deferred::<Bomb>();
    d.ignore_errors();
    let fired = catch_unwind(AssertUnwindSafe(|| resolver.callback(Bomb)));
    assert!(fired.is_err(), "the value was the caller's, and so is the panic");
    // Every level that was entered was left: what is nested as deep as it may be runs at once.
    let reached = Rc::new(Cell::new(0));
    let (first, d) = deferred::<u32>();
    let (resolver, d) = (0..31).fold((first, d), |(resolver, d), _| {
        let (outer, next) = deferred::<u32>();
        drop(d.map(move |n| outer.callback(n + 1)));
        (resolver, next)
    });
    let seen = Rc::clone(&reached);
    drop(d.map(move |n| seen.set(n)));
    resolver.callback(1);
    assert_eq!(reached.get(), 32);
}
