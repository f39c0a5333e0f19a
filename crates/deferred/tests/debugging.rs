//! Debugging: backtraces, and the list of what waits. One test, because the switch is for all threads.

mod common;

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{failure, tick, unhandled, value};
use sestina_deferred::{
    Deferred, Executor, Failure, Resolver, Unfired, WaitsOn, all_settled, collect_unhandled, debugging,
    deferred, run_woken, set_debugging, spawn, tell_time, unfired,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn lines(unfired: &[Unfired]) -> Vec<u32> {
    unfired.iter().map(|one| one.location().line()).collect()
}

#[test]
fn debugging_shows_where_things_come_from_and_what_waits() {
    nothing_is_known_while_it_is_off();
    set_debugging(true);
    assert!(debugging());
    reports_show_how_a_deferred_was_made_and_fired();
    failures_show_how_their_deferred_was_made_and_fired();
    chains_are_listed_once_with_their_way_up();
    tasks_lists_and_pauses_say_what_they_wait_for();
    foreign_futures_and_returned_deferreds();
    what_has_fired_or_is_gone_is_not_listed();
    loops_still_run_in_constant_memory();
    the_time_is_the_executors();
    set_debugging(false);
    assert!(unfired(secs(0)).is_empty());
}

fn nothing_is_known_while_it_is_off() {
    assert!(!debugging());
    let (resolver, d) = deferred::<u32>();
    assert!(unfired(secs(0)).is_empty());
    let ((), errors) = collect_unhandled(|| {
        resolver.errback(Failure::msg("oops"));
        drop(d);
    });
    assert!(
        errors[0].made().is_none()
            && errors[0].fired().is_none()
            && errors[0].failure().backtrace().is_none()
            && errors[0].failure().made().is_none()
            && errors[0].failure().fired().is_none()
    );
}

fn reports_show_how_a_deferred_was_made_and_fired() {
    fn made_in_here() -> (Resolver<u32>, Deferred<u32>) {
        deferred()
    }
    fn fired_in_here(resolver: Resolver<u32>) {
        resolver.errback(Failure::msg("oops"));
    }
    let ((), errors) = collect_unhandled(|| {
        let (resolver, d) = made_in_here();
        fired_in_here(resolver);
        drop(d);
    });
    let shows =
        |trace: Option<&Backtrace>, name: &str| trace.is_some_and(|trace| trace.to_string().contains(name));
    assert!(shows(errors[0].made(), "made_in_here"));
    assert!(shows(errors[0].fired(), "fired_in_here"));
    assert!(shows(errors[0].failure().backtrace(), "fired_in_here"));
    let text = errors[0].to_string();
    assert!(text.contains("made by:") && text.contains("fired by:") && text.contains("failed by:"), "{text}");
}

fn failures_show_how_their_deferred_was_made_and_fired() {
    fn made_in_here() -> (Resolver<u32>, Deferred<u32>) {
        deferred()
    }
    fn fired_in_here(resolver: Resolver<u32>) {
        resolver.callback(0);
    }
    fn fail_here(n: u32) -> Result<u32, Failure> {
        Err(Failure::msg(format!("{n} is not enough")))
    }
    let shows =
        |trace: Option<&Backtrace>, name: &str| trace.is_some_and(|trace| trace.to_string().contains(name));
    let (resolver, d) = made_in_here();
    let d = d.map(|n| n + 1);
    fn hang_up(d: &Deferred<u32>) {
        d.cancel();
    }
    hang_up(&d);
    drop(resolver);
    let seen = failure(d);
    assert!(
        shows(seen.made(), "made_in_here"),
        "where the first deferred was made that it was the answer of"
    );
    assert!(shows(seen.fired(), "hang_up"));

    let (resolver, d) = made_in_here();
    let add = |d: Deferred<u32>| d.add_callback(fail_here).map(|n| n + 1);
    let d = add(d);
    fired_in_here(resolver);
    let seen = failure(d);
    assert!(shows(seen.backtrace(), "fail_here"));
    assert!(
        shows(seen.made(), "failures_show_how") && !shows(seen.made(), "made_in_here"),
        "the callback's own deferred"
    );
    assert!(shows(seen.fired(), "fired_in_here"));
    let text = format!("{seen:#?}");
    assert!(text.contains("failed by:") && text.contains("made by:") && text.contains("fired by:"), "{text}");
    assert!(!format!("{seen:?} {seen}").contains(" by:"), "only when asked for");
    assert!(fail_here(0).is_err_and(|failure| failure.made().is_none()), "it was nobody's answer");
}

fn the_time_is_the_executors() {
    let (one, other) = (Executor::default(), Executor::default());
    one.tell_time(secs(10));
    other.tell_time(secs(90));
    let waiting = one.enter(|| {
        let (resolver, d) = deferred::<u32>();
        assert_eq!(unfired(secs(95))[0].waited(), secs(85));
        other.enter(|| assert_eq!(unfired(secs(95))[0].waited(), secs(85)));
        (resolver, d)
    });
    assert_eq!(unfired(secs(3))[0].waited(), secs(0), "time never runs backwards");
    waiting.0.callback(1);
}

fn chains_are_listed_once_with_their_way_up() {
    tell_time(secs(10));
    let (resolver, d) = deferred::<u32>();
    let first = line!() - 1;
    tell_time(secs(11));
    let d = d.map(|n| n + 1).map(|n| n + 1);
    let last = line!() - 1;
    let waiting = unfired(secs(15));
    assert_eq!(lines(&waiting), [last]);
    assert_eq!(waiting[0].waited(), secs(4));
    let chain: Vec<u32> = waiting[0].chain().iter().map(|place| place.line()).collect();
    assert_eq!(chain, [last, last, first]);
    assert!(waiting[0].made().to_string().contains("chains_are_listed_once"));
    let text = format!("{:#}", waiting[0]);
    assert_eq!(text.lines().count(), 3, "itself and what it is below: {text}");
    assert!(text.lines().next_back().is_some_and(|line| line.contains(&format!(":{first}:"))), "{text}");
    resolver.callback(1);
    assert!(unfired(secs(15)).is_empty());
    assert_eq!(value(d), 3);
}

fn tasks_lists_and_pauses_say_what_they_wait_for() {
    let (r1, d1) = deferred::<u32>();
    let made = line!() - 1;
    assert_eq!(*unfired(secs(20))[0].waits_on(), WaitsOn::Resolver);
    let task = spawn(d1);
    let spawned = line!() - 1;
    let waiting = unfired(secs(20));
    assert_eq!(lines(&waiting), [made, spawned], "both wait");
    let places = |waiting: &Unfired| match waiting.waits_on() {
        WaitsOn::Deferreds(places) => places.iter().map(|place| place.line()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(places(&waiting[1]), [made]);
    let mut list = all_settled([task]);
    let waiting = unfired(secs(20));
    let of_list = waiting.iter().find(|one| places(one) == [spawned]).expect("the list is listed");
    assert!(of_list.to_string().contains("for what was made at"), "{of_list}");
    let guard = list.pause();
    r1.callback(1);
    let waiting = unfired(secs(20));
    assert_eq!(waiting.iter().map(Unfired::waits_on).collect::<Vec<_>>(), [&WaitsOn::Pause]);
    assert!(waiting[0].to_string().ends_with("for the end of a pause"), "{}", waiting[0]);
    drop(guard);
    assert_eq!(value(list).len(), 1);
}

fn foreign_futures_and_returned_deferreds() {
    let (sender, receiver) = futures::channel::oneshot::channel::<u32>();
    let task = spawn(async { Ok(receiver.await?) });
    assert_eq!(*unfired(secs(30))[0].waits_on(), WaitsOn::ForeignFuture);
    sender.send(1).expect("the task waits");
    run_woken();
    assert_eq!(value(task), 1);

    let (outer, d) = deferred::<u32>();
    let (inner, waiting) = deferred::<u32>();
    let made = line!() - 1;
    let d = d.add_callback(move |_| waiting);
    outer.callback(1);
    match unfired(secs(30))[0].waits_on() {
        WaitsOn::Deferreds(places) => assert_eq!(places[0].line(), made),
        other => panic!("{other:?}"),
    }
    inner.callback(2);
    assert_eq!(value(d), 2);
}

fn what_has_fired_or_is_gone_is_not_listed() {
    let (resolver, d) = deferred::<u32>();
    d.cancel();
    assert!(unfired(secs(40)).is_empty());
    d.ignore_errors();
    drop(resolver);
    let (resolver, d) = deferred::<u32>();
    drop(d);
    assert_eq!(unfired(secs(40)).len(), 1, "detached, not gone");
    assert_eq!(unhandled(|| drop(resolver)).len(), 1);
    assert!(unfired(secs(40)).is_empty());
}

fn loops_still_run_in_constant_memory() {
    let place = Rc::new(RefCell::new(None));
    let d = tick(50, Rc::clone(&place)).map(|n| n + 1);
    for _ in 0..40 {
        let resolver: Option<Resolver<()>> = place.take();
        resolver.expect("the loop waits").callback(());
    }
    let waiting = unfired(secs(50));
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].chain().len(), 4, "the loop is left out: {}", waiting[0]);
    d.discard();
}
