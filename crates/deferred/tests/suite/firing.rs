//! The producer's side: firing once, late, never, and by handing over.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{Abandoned, Cancelled, Failure, Resolver, deferred, succeed};

#[test]
fn a_resolver_dropped_unfired_fires_abandoned() {
    // rule: 2
    let (resolver, d) = deferred::<u32>();
    let made_at = line!() - 1;
    drop(resolver);
    let failure = failure(d);
    assert!(failure.is::<Abandoned>());
    assert_eq!(failure.location().line(), made_at, "the line that made the deferred");
}

#[test]
fn a_resolver_dropped_while_unwinding_fires_abandoned() {
    // rule: 2
    let (resolver, d) = deferred::<u32>();
    let log = Log::new();
    let seen = log.clone();
    let d = d.inspect(move |answer| seen.note(format!("{}", answer.as_ref().unwrap_err())));
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _resolver = resolver;
        panic!("the producer's bug");
    }));
    assert!(caught.is_err());
    log.expect(["abandoned: nobody is left to give the answer"]);
    assert!(failure(d).is::<Abandoned>());
}

#[test]
fn a_panic_in_an_errback_that_runs_while_unwinding_is_caught() {
    let (resolver, d) = deferred::<u32>();
    let d = d.add_errback(|_| -> Result<u32, Failure> { panic!("again") });
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _resolver = resolver;
        panic!("the producer's bug");
    }));
    assert!(caught.is_err());
    assert_eq!(failure(d).to_string(), "panicked: again");
}

#[test]
fn firing_after_a_cancel_is_ignored_and_try_callback_gives_the_value_back() {
    // rule: 1
    // spec: P19-10, P19-11
    let (resolver, d) = deferred::<u32>();
    d.cancel();
    assert!(resolver.is_cancelled());
    resolver.callback(1);
    assert!(failure(d).is::<Cancelled>());

    let (resolver, d) = deferred::<u32>();
    d.cancel();
    assert_eq!(resolver.try_callback(1), Err(1));
    assert!(failure(d).is::<Cancelled>());

    let (resolver, d) = deferred::<u32>();
    d.cancel();
    assert_eq!(unhandled(|| resolver.errback(Failure::msg("late"))), [""; 0], "a late error is dropped");
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn try_callback_fires_if_anybody_can_see_it() {
    let (resolver, d) = deferred::<u32>();
    assert_eq!(resolver.try_callback(1), Ok(()));
    assert_eq!(value(d), 1);

    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    drop(d.map({
        let log = log.clone();
        move |n| log.note(format!("got {n}"))
    }));
    assert_eq!(resolver.try_callback(2), Ok(()), "a callback is attached");
    log.expect(["got 2"]);

    let (resolver, d) = deferred::<u32>();
    drop(d);
    assert_eq!(unhandled(move || assert_eq!(resolver.try_callback(3), Err(3))), [""; 0]);
}

#[test]
fn a_detached_chain_still_runs() {
    // rule: 8
    let log = Log::new();
    let seen = log.clone();
    let (resolver, d) = deferred::<u32>();
    drop(d.map(move |n| seen.note(format!("got {n}"))));
    resolver.callback(1);
    log.expect(["got 1"]);
}

#[test]
fn chain_to_hands_the_answer_over() {
    let (first, d) = deferred::<u32>();
    let (second, e) = deferred::<u32>();
    d.map(|n| n + 1).chain_to(second);
    let e = e.map(|n| n * 10);
    assert!(!e.is_fired());
    first.callback(1);
    assert_eq!(value(e), 20);

    let (second, e) = deferred::<u32>();
    succeed(1).chain_to(second);
    assert_eq!(value(e), 1);
}

#[test]
fn chain_to_carries_a_cancel_the_other_way() {
    let (first, d) = deferred::<u32>();
    let (second, e) = deferred::<u32>();
    d.chain_to(second);
    e.cancel();
    assert!(first.is_cancelled());
    assert!(failure(e).is::<Cancelled>());

    let (first, d) = deferred::<u32>();
    let (second, e) = deferred::<u32>();
    let asked_at = Rc::new(Cell::new(0));
    let seen = Rc::clone(&asked_at);
    first.on_cancel_with(move |cancelled| seen.set(cancelled.location().line()));
    e.cancel();
    d.chain_to(second);
    assert_eq!(asked_at.get(), line!() - 1, "the line that chained it");
    assert!(first.is_cancelled(), "the target was cancelled before");
    assert!(failure(e).is::<Cancelled>());
}

#[test]
fn a_chain_to_target_without_anybody_is_dropped_with_its_error_reported() {
    let errors = unhandled(|| {
        let (first, d) = deferred::<u32>();
        let (second, e) = deferred::<u32>();
        d.chain_to(second);
        drop(e);
        first.errback(Failure::msg("lost"));
    });
    assert_eq!(errors, ["lost"]);
}

#[test]
fn a_fired_resolver_may_be_on_the_stack_of_its_own_callback() {
    let slot: Rc<RefCell<Option<Resolver<u32>>>> = Rc::default();
    let (resolver, d) = deferred::<u32>();
    *slot.borrow_mut() = Some(resolver);
    let taken = Rc::clone(&slot);
    let d = d.map(move |n| {
        assert!(taken.borrow().is_none());
        n
    });
    let resolver = slot.borrow_mut().take().unwrap();
    resolver.callback(1);
    assert_eq!(value(d), 1);
}

#[test]
fn is_fired_becomes_true_with_the_answer() {
    let (resolver, d) = deferred::<u32>();
    assert!(!d.is_fired());
    let d = d.try_result().unwrap_err();
    resolver.callback(1);
    assert!(d.is_fired());
    assert_eq!(value(d), 1);
}

#[test]
fn values_and_callbacks_are_dropped_once() {
    struct Counted(Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let (resolver, d) = deferred();
    let captured = Counted(Rc::clone(&drops));
    drop(d.map(move |value: Counted| drop((value, captured))));
    resolver.callback(Counted(Rc::clone(&drops)));
    assert_eq!(drops.get(), 2);

    let captured = Counted(Rc::clone(&drops));
    let (resolver, d) = deferred::<u32>();
    let d = d.map(move |_| drop(captured));
    resolver.errback(Failure::msg("x"));
    assert_eq!(drops.get(), 3, "a callback that is passed by is dropped at once");
    d.ignore_errors();
}
