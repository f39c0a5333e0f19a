//! Chains: which callback runs, in which order, with what.

use crate::common::{Log, answer, failure, value};
use sestina_deferred::{Deferred, Failure, Outcome, Trapped, deferred, fail, maybe_deferred, succeed};
use std::fmt::{self, Display};

#[derive(Debug)]
struct Oops;

impl Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("oops")
    }
}

impl std::error::Error for Oops {}

#[test]
fn callbacks_run_in_order_each_on_what_the_one_before_returned() {
    // rule: 3
    // spec: P17-07
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    let d = d
        .add_callback(move |n| {
            one.note(format!("callback 1 got {n}"));
            Ok(n + 1)
        })
        .add_callback(move |n| {
            two.note(format!("callback 2 got {n}"));
            Ok(n.to_string())
        })
        .inspect(move |text| three.note(format!("callback 3 got {text:?}")));
    log.expect([]);
    resolver.callback(0);
    log.expect(["callback 1 got 0", "callback 2 got 1", "callback 3 got Ok(\"1\")"]);
    assert_eq!(value(d), "1");
}

#[test]
fn a_deferred_may_fire_before_its_callbacks_are_added() {
    // rule: 3
    // spec: P14-04, P14-06, P14-07, P14-14
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    resolver.callback(0);
    let mut d = d;
    for name in ["first", "second", "third"] {
        let (before, during) = (log.clone(), log.clone());
        before.note(format!("adding {name}"));
        d = d.map(move |n| {
            during.note(format!("{name} got {n}"));
            n + 1
        });
    }
    log.expect([
        "adding first",
        "first got 0",
        "adding second",
        "second got 1",
        "adding third",
        "third got 2",
    ]);
    assert_eq!(value(d), 3);
}

#[test]
fn a_failure_skips_to_the_next_errback_and_a_value_skips_it() {
    // spec: P14-06, REF-16
    let (resolver, d) = deferred::<u32>();
    let d = d
        .add_callback(|_| -> Deferred<u32> { unreachable!("it failed") })
        .add_errback(|failure| {
            assert!(failure.is::<Oops>());
            Ok(1)
        })
        .add_errback(|_| -> Result<u32, Failure> { unreachable!("it recovered") })
        .map(|n| n + 1);
    resolver.errback(Oops);
    assert_eq!(value(d), 2);
}

#[test]
fn a_pair_runs_one_of_its_two_and_the_errback_does_not_see_what_the_callback_does() {
    let pair = |d: Deferred<u32>| {
        d.add_callbacks(|_| -> Result<u32, Failure> { Err(Failure::new(Oops)) }, |_| Ok(7))
    };
    assert!(failure(pair(succeed(1))).is::<Oops>());
    assert_eq!(value(pair(fail(Oops))), 7);
}

#[test]
fn a_pair_may_mix_what_its_two_sides_return() {
    let d = succeed(1).add_callbacks(|n: i32| Ok(n), |_| succeed(0));
    assert_eq!(value(d), 1);
}

#[test]
fn a_returned_deferred_makes_the_chain_wait_and_its_answer_goes_on() {
    // rule: 5
    // spec: P17-11, REF-20
    let log = Log::new();
    let (outer, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let (two, three) = (log.clone(), log.clone());
    let d = d
        .add_callback(move |n| {
            two.note(format!("callback 2 got {n}"));
            waiting
        })
        .inspect(move |n| three.note(format!("callback 3 got {n:?}")));
    outer.callback(1);
    log.expect(["callback 2 got 1"]);
    assert!(!d.is_fired());
    inner.callback(2);
    log.expect(["callback 3 got Ok(2)"]);
    assert_eq!(value(d), 2);
}

#[test]
fn the_failure_of_a_returned_deferred_goes_to_the_outer_errback() {
    let (outer, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let d = d.add_callback(move |_| waiting).catch(|_: Trapped<Oops>| Ok(9));
    outer.callback(0);
    inner.errback(Oops);
    assert_eq!(value(d), 9);
}

#[test]
fn a_returned_deferred_that_has_fired_does_not_make_the_chain_wait() {
    let (resolver, d) = deferred::<u32>();
    let d = d
        .add_callback(|n| succeed(n + 1))
        .add_callback(|n| fail::<u32>(Oops).add_errback(move |_| Ok(n * 2)));
    resolver.callback(1);
    assert_eq!(value(d), 4);
}

#[test]
fn a_chain_may_return_deferreds_several_deep() {
    let (r1, d1) = deferred::<u32>();
    let (r2, d2) = deferred::<u32>();
    let (r3, d3) = deferred::<u32>();
    let d = d1
        .add_callback(move |_| d2.add_callback(move |_| d3.map(|n| n + 1)).map(|n| n + 10))
        .map(|n| n + 100);
    r1.callback(0);
    r2.callback(0);
    assert!(!d.is_fired());
    r3.callback(1);
    assert_eq!(value(d), 112);
}

#[test]
fn a_callback_may_answer_now_or_later() {
    let (resolver, later) = deferred::<u32>();
    let mut later = Some(later);
    let d = succeed(true).add_callback(move |now| match now {
        true => Outcome::Now(Ok(1)),
        false => Outcome::Later(later.take().unwrap()),
    });
    assert_eq!(value(d), 1);
    assert!(resolver.try_callback(0).is_err(), "nobody wants it");
}

#[test]
fn question_mark_works_in_callbacks_and_notes_the_line() {
    let d = succeed("x").add_callback(|s| {
        let n: i32 = s.parse()?;
        Ok(n)
    });
    let failure = failure(d);
    assert_eq!(failure.location().line(), line!() - 4);
    assert!(failure.location().file().ends_with("chains.rs"));
}

#[test]
fn a_callback_that_returns_nothing_makes_a_deferred_of_nothing() {
    let d: Deferred<()> = succeed(1).add_callback(|_| ());
    value(d);
}

#[test]
fn an_errback_for_one_type_of_error_lets_others_pass() {
    let d = fail::<u32>(Failure::msg("other")).catch(|_: Trapped<Oops>| Ok(0));
    assert_eq!(failure(d).to_string(), "other");
    let d = fail::<u32>(Oops).catch(|oops: Trapped<Oops>| {
        assert_eq!(oops.to_string(), "oops");
        Err(oops.into_failure())
    });
    assert!(failure(d).is::<Oops>());
}

#[test]
fn maybe_deferred_always_gives_a_deferred() {
    // spec: P14-13, P14-23
    assert_eq!(value(maybe_deferred(|| Ok(1))), 1);
    assert_eq!(value(maybe_deferred(|| succeed(2))), 2);
    assert!(failure(maybe_deferred(|| -> Result<(), Failure> { Err(Oops.into()) })).is::<Oops>());
    assert_eq!(failure(maybe_deferred(|| -> Deferred<()> { panic!("no") })).to_string(), "panicked: no");
}

#[test]
fn succeed_and_fail_have_fired() {
    // spec: P14-20, P14-23, P14-25
    assert!(succeed(1).is_fired());
    assert_eq!(value(succeed(1)), 1);
    let d = fail::<u32>(Oops);
    assert!(d.is_fired());
    let log = Log::new();
    let seen = log.clone();
    let d = d.add_callback(Ok).add_errback(move |failure| {
        seen.note(failure.to_string());
        Ok(0)
    });
    log.expect(["oops"]);
    assert_eq!(value(d), 0);
}

#[test]
fn a_failed_deferred_that_is_made_by_hand_runs_errbacks_as_they_are_added() {
    // spec: P14-25
    let (resolver, d) = deferred::<u32>();
    resolver.errback(Oops);
    assert!(d.is_fired());
    assert_eq!(value(d.add_errback(|_| Ok(1))), 1);
}

#[test]
fn a_callback_that_returns_the_deferred_it_belongs_to_fails_instead_of_waiting_for_ever() {
    use std::{cell::Cell, rc::Rc};
    let own: Rc<Cell<Option<Deferred<u32>>>> = Rc::default();
    let (resolver, d) = deferred::<u32>();
    let taken = Rc::clone(&own);
    let d = d.add_callback(move |_| taken.take().unwrap()).map(|n| n + 1).map(|n| n + 1);
    own.set(Some(d));
    let errors = crate::common::unhandled(|| resolver.callback(1));
    assert_eq!(errors, ["a callback returned a Deferred that waits for this callback"]);
}

#[test]
fn an_answer_may_be_anything_even_another_deferred() {
    let (inner, d) = deferred::<u32>();
    let (outer, nested) = deferred::<Deferred<u32>>();
    outer.callback(d);
    inner.callback(3);
    assert_eq!(value(value(nested)), 3);
    let d: Deferred<Result<u32, String>> = succeed(Err("just a value".to_owned()));
    assert!(answer(d).unwrap().is_err());
}

#[test]
fn a_pair_needs_no_annotations() {
    let d = succeed(1).add_callbacks(|n: u32| Ok(n.to_string()), Err);
    assert_eq!(value(d), "1");
    let d = fail::<u32>(Oops)
        .add_callbacks(|n| succeed(n + 1), |failure| if failure.is::<Oops>() { Ok(0) } else { Err(failure) });
    assert_eq!(value(d), 0);
}
