//! The first value wins.

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{
    Answer, Cancelled, Deferred, DeferredList, Failure, FailureGroup, FirstError, deferred, fail, race,
    succeed,
};

#[test]
fn the_first_value_wins_and_the_others_are_cancelled_before_anybody_hears_of_it() {
    // rule: 15
    // spec: P18-19
    // The losers are cancelled.
    let log = Log::new();
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    r1.on_cancel(log.noting("the loser is told"));
    let seen = log.clone();
    let d = race([d1, d2]).inspect(move |answer| seen.note(format!("{:?}", answer.as_ref().unwrap())));
    r2.callback(7);
    log.expect(["the loser is told", "(1, 7)"]);
    assert_eq!(value(d), (1, 7));
}

#[test]
fn a_failure_does_not_win() {
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let d = race([d1, d2]);
    assert_eq!(unhandled(|| r1.errback(Failure::msg("down"))), [""; 0]);
    assert!(!d.is_fired());
    r2.callback(2);
    assert_eq!(value(d), (1, 2));
}

#[test]
fn if_all_fail_the_failures_come_in_their_order() {
    // rule: 15
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let d = race([d1, d2]);
    r2.errback(Failure::msg("second"));
    r1.errback(Failure::msg("first"));
    let failure = failure(d);
    let said: Vec<_> =
        failure.check::<FailureGroup>().unwrap().failures().iter().map(Failure::to_string).collect();
    assert_eq!(said, ["first", "second"]);
    assert_eq!(failure.to_string(), "all 2 failed");
}

#[test]
fn a_race_of_nobody_is_lost_at_once() {
    // spec: P18-23
    // The original never fires.
    let failure = failure(race::<u32>([]));
    assert_eq!(failure.location().line(), line!() - 1);
    assert!(failure.check::<FailureGroup>().unwrap().failures().is_empty());
    assert_eq!(failure.to_string(), "there was nobody to succeed");
}

#[test]
fn one_that_has_fired_wins_at_once_and_the_first_of_several() {
    let (r1, d1) = deferred::<u32>();
    let d = race([d1, succeed(1), succeed(2)]);
    assert_eq!(value(d), (1, 1));
    assert!(r1.is_cancelled());
    let d = race([fail(Failure::msg("no")), succeed(1)]);
    assert_eq!(value(d), (1, 1));
}

#[test]
fn errors_of_losers_do_not_matter_to_race_and_do_to_first() {
    let stubborn = || {
        let (resolver, d) = deferred::<u32>();
        resolver.on_cancel(|| Answer::Later);
        (resolver, d)
    };
    let (r1, d1) = stubborn();
    let d = race([d1, succeed(1)]);
    assert_eq!(unhandled(|| r1.errback(Failure::msg("late"))), [""; 0]);
    assert_eq!(value(d), (1, 1));

    let (r1, d1) = stubborn();
    let d = DeferredList::new([d1, succeed(1)]).first();
    assert_eq!(unhandled(|| r1.errback(Failure::msg("late"))), ["late"]);
    assert_eq!(value(d), (1, 1));

    let (r1, d1) = stubborn();
    let d = DeferredList::new([d1, succeed(1)]).consume_errors(true).first();
    assert_eq!(unhandled(|| r1.errback(Failure::msg("late"))), [""; 0]);
    assert_eq!(value(d), (1, 1));
}

#[test]
fn first_with_fire_on_one_errback_fails_with_the_first_failure_and_cancels_the_others() {
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let d = DeferredList::new([d1, d2]).fire_on_one_errback(true).first();
    r2.errback(Failure::msg("oops"));
    assert_eq!(failure(d).check::<FirstError>().unwrap().index(), 1);
    assert!(r1.is_cancelled());
}

#[test]
fn first_fails_if_all_fail_and_is_not_a_list() {
    let all: [Deferred<u32>; 2] = [fail(Failure::msg("a")), fail(Failure::msg("b"))];
    assert!(failure(DeferredList::new(all).first()).is::<FailureGroup>());
}

#[test]
fn cancelling_a_race_cancels_all_and_it_fails_with_cancelled() {
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let d = race([d1, d2]);
    d.cancel_because(Failure::msg("why not"));
    assert!(r1.is_cancelled() && r2.is_cancelled());
    let failure = failure(d);
    assert_eq!(failure.check::<Cancelled>().unwrap().reason().unwrap().to_string(), "why not");
}

#[test]
fn a_member_that_answers_a_cancel_with_a_value_wins() {
    let (r1, d1) = deferred::<u32>();
    let (_r2, d2) = deferred::<u32>();
    r1.on_cancel(|| Ok(5));
    let d = race([d1, d2]);
    d.cancel();
    assert_eq!(value(d), (0, 5));
}
