//! Panics in user code become failures and never cross the engine.

mod common;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{failure, unhandled, value};
use sestina_deferred::{Deferred, Failure, Panicked, deferred, spawn, succeed};

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
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
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
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let (resolver, d) = deferred::<u32>();
    let bomb = Bomb;
    let d = d.map(move |n| {
        let _bomb = &bomb;
        n
    });
    resolver.errback(Failure::msg("passes by"));
    assert_eq!(failure(d).to_string(), "panicked: in a destructor");
}
