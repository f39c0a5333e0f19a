//! Many deferreds as one: order, options, cancelling, what comes late.

use crate::common::{Hand, Log, answer, failure, unhandled, value};
use sestina_deferred::{
    Answer, Cancelled, Deferred, DeferredList, Failure, FirstError, Resolver, TimedOut, all_settled,
    deferred, fail, gather_results, spawn, succeed,
};
use std::time::Duration;

fn pairs<const N: usize>() -> ([Resolver<&'static str>; N], [Deferred<&'static str>; N]) {
    crate::common::pairs()
}

fn words<T: std::fmt::Debug>(answers: Vec<Result<T, Failure>>) -> Vec<String> {
    answers
        .into_iter()
        .map(|answer| match answer {
            Ok(value) => format!("{value:?}"),
            Err(failure) => failure.to_string(),
        })
        .collect()
}

#[test]
fn an_empty_list_fires_at_once() {
    // spec: P18-04, P18-07
    assert!(value(DeferredList::<u32>::new([]).settle()).is_empty());
    assert!(value(gather_results::<u32>([])).is_empty());
}

#[test]
fn a_list_fires_when_all_have_answered_in_the_order_of_the_list() {
    // spec: P18-03, P18-05, P18-06, P18-07, P18-08, P18-10
    let ([r1, r2], ds) = pairs();
    let list = DeferredList::new(ds).settle();
    r2.callback("d2 result");
    assert!(!list.is_fired());
    r1.callback("d1 result");
    assert_eq!(words(value(list)), ["\"d1 result\"", "\"d2 result\""]);
}

#[test]
fn a_list_may_fire_while_it_is_made() {
    // spec: P18-04, P18-23
    let list = all_settled([succeed(1), succeed(2)]);
    assert!(list.is_fired());
    assert_eq!(words(value(list)), ["1", "2"]);
    let (resolver, late) = deferred();
    let list = all_settled([succeed(1), late]);
    assert!(!list.is_fired());
    resolver.callback(2);
    assert_eq!(words(value(list)), ["1", "2"]);
}

#[test]
fn a_failure_is_one_of_the_answers_and_not_unhandled() {
    // rule: 14
    // spec: P18-09, P18-10, P18-13
    let errors = unhandled(|| {
        let ([r1, r2], ds) = pairs();
        let list = DeferredList::new(ds).consume_errors(true).settle();
        r1.callback("d1 result");
        r2.errback(Failure::msg("d2 failure"));
        assert_eq!(words(value(list)), ["\"d1 result\"", "d2 failure"]);
    });
    assert_eq!(errors, [""; 0]);
}

#[test]
fn without_consume_errors_only_what_comes_late_is_reported() {
    // rule: 14
    // spec: P18-11
    // The difference: a failure which the list shows is the list's to handle.
    let ([r1, r2, r3], ds) = pairs();
    let list = DeferredList::new(ds).fire_on_one_errback(true).settle();
    let errors = unhandled(|| {
        r1.errback(Failure::msg("first"));
        r2.errback(Failure::msg("late"));
        r3.errback(Cancelled::new());
    });
    assert_eq!(errors, ["late"], "`Cancelled` is not reported");
    assert_eq!(failure(list).check::<FirstError>().unwrap().index(), 0);

    let ([r1, r2], ds) = pairs();
    let list = DeferredList::new(ds).fire_on_one_errback(true).consume_errors(true).settle();
    let errors = unhandled(|| {
        r1.errback(Failure::msg("first"));
        r2.errback(Failure::msg("late"));
    });
    assert_eq!(errors, [""; 0]);
    list.ignore_errors();
}

#[test]
fn fire_on_one_errback_does_not_wait_and_does_not_cancel() {
    // spec: P18-17, P18-19
    let ([r1, r2], ds) = pairs();
    let list = DeferredList::new(ds).fire_on_one_errback(true).settle();
    r2.errback(Failure::msg("oops"));
    let failure = failure(list);
    let first = failure.check::<FirstError>().unwrap();
    assert_eq!(first.index(), 1);
    assert_eq!(first.failure().to_string(), "oops");
    assert_eq!(std::error::Error::source(first).unwrap().to_string(), "oops");
    assert_eq!(failure.location(), first.failure().location());
    assert!(!r1.is_cancelled(), "the others go on");
    r1.callback("done");
}

#[test]
fn what_should_happen_to_a_member_is_added_before_it_is_given_away() {
    // spec: P18-12, P18-14
    let log = Log::new();
    let ([r1], [d1]) = pairs();
    let seen = log.clone();
    let d1 = d1.inspect(move |answer| seen.note(format!("the member saw {}", answer.is_ok())));
    let list = all_settled([d1]);
    r1.errback(Failure::msg("oops"));
    log.expect(["the member saw false"]);
    assert_eq!(words(value(list)), ["oops"]);
}

#[test]
fn gather_results_gives_the_values_or_the_first_failure() {
    let ([r1, r2], ds) = pairs();
    let all = gather_results(ds);
    r2.callback("b");
    r1.callback("a");
    assert_eq!(value(all), ["a", "b"]);
    let errors = unhandled(|| {
        let all = gather_results([succeed(1), fail(Failure::msg("two")), fail(Failure::msg("three"))]);
        assert_eq!(*failure(all).check::<FirstError>().unwrap().key(), 1);
    });
    assert_eq!(errors, ["three"]);
}

#[test]
fn lists_of_lists() {
    // spec: P18-20
    let inner = || DeferredList::new([succeed(1), succeed(2)]).settle();
    let empty = DeferredList::<i32>::new([]).settle();
    let lists = value(DeferredList::new([inner(), empty, inner()]).settle());
    let lists: Vec<_> = lists.into_iter().map(|list| words(list.unwrap())).collect();
    assert_eq!(lists, [vec!["1", "2"], vec![], vec!["1", "2"]]);
}

#[test]
fn cancelling_a_list_cancels_its_members_and_settles_once() {
    // spec: P18-23
    let log = Log::new();
    let ([r1, r2, r3], ds) = pairs();
    r3.on_cancel(|| Ok("instead"));
    r2.callback("done");
    let seen = log.clone();
    let list = all_settled(ds).inspect(move |_| seen.note("settled"));
    list.cancel();
    log.expect(["settled"]);
    assert!(r1.is_cancelled() && r3.is_cancelled());
    assert_eq!(words(value(list)), ["cancelled", "\"done\"", "\"instead\""]);
}

#[test]
fn a_cancelled_list_waits_for_the_members_that_clean_up() {
    // rule: 14
    let ([r1, r2], ds) = pairs();
    r2.on_cancel(|| Answer::Later);
    let list = all_settled(ds);
    list.cancel();
    assert!(r1.is_cancelled());
    assert!(!list.is_fired());
    r2.callback("rolled back");
    assert_eq!(words(value(list)), ["cancelled", "\"rolled back\""]);
}

#[test]
fn each_further_cancel_of_a_list_reaches_the_members_that_have_not_answered() {
    let ([r1, r2, r3], [d1, d2, d3]) = pairs();
    let stubborn = spawn(async move {
        drop(d1.await);
        d2.await
    });
    let list = all_settled([stubborn, d3]);
    list.cancel();
    assert!(r1.is_cancelled() && r3.is_cancelled() && !r2.is_cancelled());
    list.cancel();
    assert!(r2.is_cancelled());
    assert_eq!(words(value(list)), ["cancelled", "cancelled"]);
}

#[test]
fn aborting_a_list_aborts_its_members() {
    let ([r1, r2], ds) = pairs();
    r1.on_cancel(|| Answer::Later);
    r2.on_cancel(|| Answer::Later);
    let list = all_settled(ds);
    list.cancel();
    assert!(!list.is_fired());
    list.abort();
    assert_eq!(words(value(list)), ["cancelled", "cancelled"]);
}

#[test]
fn a_cancelled_list_fails_with_cancelled_itself_so_that_time_limits_and_discard_know_it() {
    let ([r1, r2], ds) = pairs();
    let all = gather_results(ds);
    assert_eq!(unhandled(|| all.discard()), [""; 0]);
    assert!(r1.is_cancelled() && r2.is_cancelled());

    let clock = Hand::default();
    let (_resolvers, ds) = pairs::<2>();
    let all = gather_results(ds).add_timeout(Duration::from_secs(1), &clock);
    clock.advance(Duration::from_secs(1));
    assert!(failure(all).is::<TimedOut>());

    let ([r1, r2], [d1, d2]) = pairs();
    let handle = d1.canceller();
    let all = gather_results([d1, d2]);
    handle.cancel();
    assert!(r1.is_cancelled());
    let failure = failure(all);
    unhandled(move || drop(r2));
    assert!(failure.is::<FirstError>(), "a member was cancelled, not the list: {failure:?}");
}

#[test]
fn dropping_a_list_detaches_it() {
    let log = Log::new();
    let ([r1, r2], [d1, d2]) = pairs();
    let seen = log.clone();
    drop(gather_results([d1, d2]).map(move |values| seen.note(values.concat())));
    r1.callback("a");
    r2.callback("b");
    log.expect(["ab"]);
}

#[test]
fn a_task_may_await_a_list_and_be_cancelled_through_it() {
    let ([r1, r2], ds) = pairs();
    let task = spawn(async move { Ok(words(all_settled(ds).await?)) });
    task.cancel();
    assert!(r1.is_cancelled() && r2.is_cancelled());
    assert_eq!(value(task), ["cancelled", "cancelled"]);
}

#[test]
fn a_list_may_be_cancelled_and_dropped_from_inside_of_a_member() {
    use std::{cell::RefCell, rc::Rc};
    let own: Rc<RefCell<Option<Deferred<Vec<&'static str>>>>> = Rc::default();
    let ([r1, r2], [d1, d2]) = pairs();
    let inside = Rc::clone(&own);
    let d1 = d1.map(move |text| {
        let list = inside.borrow_mut().take();
        list.unwrap().discard();
        text
    });
    *own.borrow_mut() = Some(gather_results([d1, d2]));
    assert_eq!(unhandled(|| r1.callback("a")), [""; 0]);
    assert!(r2.is_cancelled());
}

#[test]
fn a_list_of_a_hundred_thousand() {
    const MEMBERS: usize = 100_000;
    crate::common::on_small_stack(|| {
        let (resolvers, ds): (Vec<_>, Vec<_>) = (0..MEMBERS).map(|_| deferred::<usize>()).unzip();
        let all = gather_results(ds);
        for (index, resolver) in resolvers.into_iter().enumerate() {
            resolver.callback(index);
        }
        assert_eq!(value(all).len(), MEMBERS);
        let (resolvers, ds): (Vec<_>, Vec<_>) = (0..MEMBERS).map(|_| deferred::<usize>()).unzip();
        let all = all_settled(ds);
        all.cancel();
        assert!(resolvers.iter().all(Resolver::is_cancelled));
        assert_eq!(value(all).len(), MEMBERS);
    });
}

#[test]
fn lists_in_lists_a_hundred_thousand_deep() {
    const DEPTH: usize = 100_000;
    crate::common::on_small_stack(|| {
        let tower = || {
            let (resolver, d) = deferred::<usize>();
            let d = (0..DEPTH).fold(d, |d, _| gather_results([d]).map(|values| values[0] + 1));
            (resolver, d)
        };
        let (resolver, d) = tower();
        resolver.callback(0);
        assert_eq!(value(d), DEPTH);
        let (resolver, d) = tower();
        d.cancel();
        assert!(resolver.is_cancelled());
        assert!(answer(d).is_err());
    });
}
