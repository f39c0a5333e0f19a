//! Errors that nobody looked at.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::common::{Log, unhandled, value};
use sestina_deferred::{
    Cancelled, Executor, Failure, collect_unhandled, deferred, fail, spawn, succeed, take_unhandled,
};

fn oops() -> Failure {
    Failure::msg("oops")
}

#[test]
fn an_error_is_reported_when_the_last_owner_drops_it() {
    // rule: 9
    // spec: P14-24, REF-21
    let (resolver, d) = deferred::<u32>();
    let line = line!() - 1;
    assert_eq!(unhandled(|| resolver.errback(oops())), [""; 0], "somebody may still look");
    let ((), errors) = collect_unhandled(|| drop(d));
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].location().line(), line, "where the deferred was made");
    assert!(errors[0].to_string().contains("oops"), "{}", errors[0]);
}

#[test]
fn an_errback_that_is_added_in_time_cancels_the_report() {
    // spec: P14-24
    let (resolver, d) = deferred::<u32>();
    resolver.errback(oops());
    let errors = unhandled(|| {
        let d = d.add_errback(|_| Ok(0));
        assert_eq!(value(d), 0);
    });
    assert_eq!(errors, [""; 0]);
}

#[test]
fn an_error_at_the_end_of_a_chain_is_reported_once() {
    // rule: 9
    let errors = unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        drop(d.map(|n| n + 1).map(|n| n + 1));
        resolver.errback(oops());
    });
    assert_eq!(errors, ["oops"]);
    assert_eq!(unhandled(|| drop(fail::<u32>(oops()).map(|n| n + 1))), ["oops"]);
}

#[test]
fn an_error_of_a_returned_deferred_is_reported_once() {
    let errors = unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        let (inner, waiting) = deferred::<u32>();
        let d = d.add_callback(move |_| waiting);
        resolver.callback(1);
        inner.errback(oops());
        drop(d);
    });
    assert_eq!(errors, ["oops"]);
}

#[test]
fn an_error_that_was_taken_is_nobodys_business_any_more() {
    let errors = unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        resolver.errback(oops());
        assert!(d.try_result().unwrap().is_err());
    });
    assert_eq!(errors, [""; 0]);
}

#[test]
fn errors_that_do_not_matter_are_not_reported() {
    assert_eq!(unhandled(|| fail::<u32>(oops()).ignore_errors()), [""; 0]);
    let errors = unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        d.ignore_errors();
        resolver.errback(oops());
    });
    assert_eq!(errors, [""; 0]);
}

#[test]
fn an_abandoned_deferred_that_nobody_holds_is_reported() {
    let errors = unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        drop(d);
        drop(resolver);
    });
    assert_eq!(errors, ["abandoned: nobody is left to give the answer"]);
}

#[test]
fn the_error_of_a_task_is_reported_when_its_deferred_is_dropped() {
    assert_eq!(unhandled(|| drop(spawn(async { Err::<(), _>(oops()) }))), ["oops"]);
    let errors = unhandled(|| {
        let (resolver, answer) = deferred::<u32>();
        drop(spawn(answer));
        resolver.errback(oops());
    });
    assert_eq!(errors, ["oops"]);
}

#[test]
fn collectors_nest_and_the_innermost_collects() {
    let (inner, outer) = collect_unhandled(|| {
        drop(fail::<u32>(oops()));
        let ((), inner) = collect_unhandled(|| drop(fail::<u32>(Cancelled::new())));
        inner
    });
    assert_eq!(inner.len(), 1);
    assert!(inner[0].failure().is::<Cancelled>());
    assert_eq!(outer.len(), 1);
    assert_eq!(outer[0].failure().to_string(), "oops");
}

#[test]
fn errors_can_be_taken_from_the_innermost_collector_before_it_ends() {
    let ((), outer) = collect_unhandled(|| {
        drop(fail::<()>(Failure::msg("outer")));
        let ((), inner) = collect_unhandled(|| {
            drop(fail::<()>(Failure::msg("taken")));
            assert_eq!(take_unhandled()[0].failure().to_string(), "taken");
            drop(fail::<()>(Failure::msg("left")));
        });
        assert_eq!(inner.len(), 1);
        assert_eq!(inner[0].failure().to_string(), "left");
    });
    assert_eq!(outer.len(), 1);
    assert!(take_unhandled().is_empty());
}

#[test]
fn a_panic_closes_its_collector() {
    let errors = unhandled(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| collect_unhandled(|| panic!("test failed"))));
        assert!(caught.is_err());
        drop(fail::<u32>(oops()));
    });
    assert_eq!(errors, ["oops"]);
}

#[test]
fn an_entered_executor_hears_of_them_unless_a_collector_does() {
    // rule: 9
    let heard: Rc<RefCell<Vec<String>>> = Rc::default();
    let executor = Executor::default();
    let hook = Rc::clone(&heard);
    executor.on_unhandled(move |error| hook.borrow_mut().push(error.failure().to_string()));
    executor.enter(|| drop(fail::<u32>(oops())));
    assert_eq!(heard.take(), ["oops"]);
    executor.enter(|| assert_eq!(unhandled(|| drop(fail::<u32>(oops()))), ["oops"]));
    assert_eq!(unhandled(|| executor.enter(|| drop(fail::<u32>(oops())))), ["oops"]);
    assert!(heard.take().is_empty());
}

#[test]
fn an_error_that_panics_when_it_is_shown_stops_nobody() {
    #[derive(Debug)]
    struct Unshowable;
    impl std::fmt::Display for Unshowable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("it cannot be shown")
        }
    }
    impl std::error::Error for Unshowable {}
    let reported = catch_unwind(|| drop(fail::<u32>(Unshowable))); // to stderr, in other words
    assert!(reported.is_ok());
}

#[test]
fn a_hook_may_make_deferreds_and_errors_of_its_own() {
    let executor = Executor::default();
    let log = Log::new();
    let seen = log.clone();
    executor.on_unhandled(move |error| {
        seen.note(error.failure().to_string());
        if error.failure().to_string() == "oops" {
            drop(fail::<u32>(Failure::msg("second")));
        }
        drop(succeed(1).map(|n| n + 1));
    });
    executor.enter(|| drop(fail::<u32>(oops())));
    log.expect(["oops", "second"]);
}

#[test]
fn the_report_names_the_place_the_error_and_its_causes() {
    let ((), errors) = collect_unhandled(|| {
        let (_resolver, d) = deferred::<u32>();
        d.cancel_because(oops());
        drop(d);
    });
    let text = errors[0].to_string();
    assert!(text.starts_with("Unhandled error in the Deferred made at "), "{text}");
    assert!(text.contains("unhandled_errors.rs"), "{text}");
    assert!(text.contains("cancelled (failed at "), "{text}");
    assert!(text.ends_with("because: oops"), "{text}");
}
