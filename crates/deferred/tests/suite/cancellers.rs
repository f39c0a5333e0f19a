//! Cancellers: what they may answer, in which order they are asked, and what they may do meanwhile.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Log, failure, value};
use sestina_deferred::{Answer, Cancelled, Failure, Panicked, Resolver, deferred, succeed};

/// A place where a canceller finds the resolver.
fn slot<T>(resolver: Resolver<T>) -> Rc<RefCell<Option<Resolver<T>>>> {
    Rc::new(RefCell::new(Some(resolver)))
}

#[test]
fn a_canceller_without_an_answer_means_cancelled_and_runs_before_the_errbacks() {
    // spec: P19-13, P19-21
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("canceller"));
    let seen = log.clone();
    let d = d.add_errback(move |failure| {
        seen.note(format!("errback: {failure}"));
        Ok(0)
    });
    d.cancel();
    log.expect(["canceller", "errback: cancelled"]);
    assert_eq!(value(d), 0);
}

#[test]
fn a_canceller_may_answer_with_another_failure() {
    // rule: 7
    // spec: P19-15, P19-21
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Failure::msg("half of it is done"));
    d.cancel();
    assert_eq!(failure(d).to_string(), "half of it is done");
}

#[test]
fn a_canceller_may_answer_with_a_value() {
    // rule: 7
    // spec: P19-14, P19-21
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Ok(3));
    d.cancel();
    assert_eq!(value(d), 3);
}

#[test]
fn a_canceller_may_fire_the_resolver_itself() {
    // rule: 7
    // spec: P19-14, P19-15
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let resolver = slot(resolver);
    let inside = Rc::clone(&resolver);
    let told = log.clone();
    resolver.borrow().as_ref().unwrap().on_cancel(move || {
        told.note("firing with a value");
        let resolver = inside.borrow_mut().take().unwrap();
        resolver.callback(5);
        Failure::msg("too late: it has fired")
    });
    let seen = log.clone();
    let d = d.inspect(move |answer| seen.note(format!("got {answer:?}")));
    d.cancel();
    log.expect(["firing with a value", "got Ok(5)"]);
    assert_eq!(value(d), 5);
}

#[test]
fn a_canceller_is_not_asked_after_firing() {
    // spec: P19-16
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| -> Failure { unreachable!("it has fired") });
    resolver.callback(1);
    d.cancel();
    assert_eq!(value(d), 1);
}

#[test]
fn a_canceller_that_says_later_lets_the_producer_finish() {
    // rule: 7
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let told = log.clone();
    resolver.on_cancel(move || {
        told.note("cleaning up");
        Answer::Later
    });
    d.cancel();
    d.cancel(); // not heard
    log.expect(["cleaning up"]);
    assert!(!d.is_fired());
    assert!(resolver.is_cancelled());
    resolver.errback(Failure::msg("rolled back"));
    assert_eq!(failure(d).to_string(), "rolled back");
}

#[test]
fn a_panic_in_a_canceller_is_its_answer() {
    // rule: 4
    // spec: P19-40
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| -> () { panic!("the canceller's bug") });
    d.cancel();
    let failure = failure(d);
    assert_eq!(failure.check::<Panicked>().unwrap().message(), "the canceller's bug");
}

#[test]
fn of_several_cancellers_the_newest_is_asked_first_and_silence_goes_on_to_the_older() {
    // rule: 7
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("oldest"));
    let told = log.clone();
    resolver.on_cancel(move || {
        told.note("middle");
        Ok(2)
    });
    let d = d.on_cancel(log.noting("newest"));
    d.cancel();
    log.expect(["newest", "middle"]);
    assert_eq!(value(d), 2);
}

#[test]
fn a_canceller_further_down_is_asked_first_and_may_pass_the_request_on() {
    // rule: 7
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("producer"));
    let d = d.map(|n| n + 1).on_cancel(log.noting("further down"));
    d.cancel();
    log.expect(["further down", "producer"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_canceller_further_down_may_answer_and_what_stands_above_goes_on() {
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(log.noting("producer"));
    let seen = log.clone();
    let d =
        d.map(move |n| seen.note(format!("above got {n}"))).map(|()| 1).on_cancel(|| Ok(9)).map(|n| n + 1);
    d.cancel();
    assert_eq!(value(d), 10);
    assert!(!resolver.is_cancelled());
    resolver.callback(1);
    log.expect(["above got 1"]);
}

#[test]
fn a_canceller_further_down_may_say_later() {
    let (resolver, d) = deferred::<u32>();
    let d = d.map(|n| n + 1).on_cancel(|| Answer::Later);
    d.cancel();
    d.cancel();
    assert!(!resolver.is_cancelled());
    resolver.callback(1);
    assert_eq!(value(d), 2);
}

#[test]
fn a_canceller_lives_until_its_point_of_the_chain_has_its_answer() {
    // rule: 7
    let log = Log::new();
    let token = Rc::new(());
    let (resolver, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let (held, told) = (Rc::clone(&token), log.clone());
    let d = d.add_callback(move |_| waiting).on_cancel(move || {
        let _held = &held;
        told.note("asked");
    });
    resolver.callback(1); // its point still waits, now for the inner one
    assert_eq!(Rc::strong_count(&token), 2);
    d.cancel();
    log.expect(["asked"]);
    assert!(inner.is_cancelled());
    assert_eq!(Rc::strong_count(&token), 1);
    d.ignore_errors();

    let (resolver, d) = deferred::<u32>();
    let held = Rc::clone(&token);
    resolver.on_cancel(move || drop(held));
    resolver.callback(1);
    assert_eq!(Rc::strong_count(&token), 1, "dropped by firing");
    assert_eq!(value(d), 1);

    let held = Rc::clone(&token);
    let d = succeed(1).on_cancel(move || drop(held));
    assert_eq!(Rc::strong_count(&token), 1, "nothing to cancel");
    drop(d);
}

#[test]
fn a_canceller_that_answers_while_the_callback_runs_wins_and_the_work_is_stopped() {
    let (resolver, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let handle: Rc<RefCell<Option<sestina_deferred::CancelHandle>>> = Rc::default();
    let from_inside = Rc::clone(&handle);
    let d = d
        .add_callback(move |_| {
            from_inside.borrow().as_ref().unwrap().cancel();
            waiting
        })
        .on_cancel(|| Ok(42));
    *handle.borrow_mut() = Some(d.canceller());
    resolver.callback(1);
    assert_eq!(value(d), 42);
    assert!(inner.is_cancelled(), "nobody wants it any more");
}

#[test]
fn a_canceller_that_comes_too_late_is_dropped() {
    let token = Rc::new(());
    let (resolver, d) = deferred::<u32>();
    d.cancel();
    let held = Rc::clone(&token);
    resolver.on_cancel(move || drop(held));
    assert_eq!(Rc::strong_count(&token), 1);
    d.ignore_errors();
}

#[test]
fn a_cancel_from_inside_of_a_canceller_is_not_heard() {
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let handle = d.canceller();
    let told = log.clone();
    resolver.on_cancel(move || {
        told.note("asked");
        handle.cancel();
    });
    d.cancel();
    log.expect(["asked"]);
    assert!(failure(d).is::<Cancelled>());
}

/// A canceller often drops the operation, and with it the resolver: that is no abandoned producer.
#[test]
fn a_canceller_that_drops_the_resolver_answers_for_it() {
    let drops_it = |answer: fn() -> Answer<u32>| {
        let (resolver, d) = deferred();
        let slot = Rc::new(std::cell::Cell::new(None));
        let held = Rc::clone(&slot);
        resolver.on_cancel(move || {
            drop(held.take());
            answer()
        });
        slot.set(Some(resolver));
        d.cancel();
        d.try_result().expect("it was answered")
    };
    assert!(drops_it(|| Answer::Continue).is_err_and(|failure| failure.is::<Cancelled>()));
    assert_eq!(drops_it(|| Answer::Reply(Ok(7))).expect("the alternative"), 7);
    assert!(drops_it(|| Answer::Later).is_err_and(|failure| failure.is::<sestina_deferred::Abandoned>()));
}

#[test]
fn a_producer_that_said_later_is_not_cancelled_again_through_what_its_resolver_was_chained_to() {
    let (outer, d) = deferred::<u32>();
    let (resolver, waiting) = deferred();
    resolver.on_cancel(|| Answer::Later);
    waiting.chain_to(outer);
    d.cancel();
    let (clean_up, cleaning) = deferred();
    cleaning.chain_to(resolver);
    d.cancel();
    assert!(!clean_up.is_cancelled(), "the clean-up goes on");
    clean_up.callback(7);
    assert_eq!(value(d), 7);
}
