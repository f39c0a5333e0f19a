//! Programs of the introduction that fire their deferreds by a clock, on one that is turned by hand.

use std::time::Duration;

use crate::common::{Hand, Log, failure, value};
use sestina_deferred::{CancelCall, Cancelled, Clock, Deferred, Failure, Resolver, deferred, spawn};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Fires after so many seconds.
fn later<T>(clock: &Hand, after: u64, fire: impl FnOnce(Resolver<T>) + 'static) -> Deferred<T> {
    let (resolver, d) = deferred();
    let _call = clock.call_later(secs(after), Box::new(move || fire(resolver)));
    d
}

fn send_poem(log: &Log) -> impl FnOnce(Resolver<&'static str>) + use<> {
    let log = log.clone();
    move |resolver| {
        log.note("sending");
        resolver.callback("Once upon a midnight dreary");
    }
}

#[test]
fn a_poem_comes_after_five_seconds() {
    // spec: P19-17, P19-18
    let (clock, log) = (Hand::default(), Log::new());
    let d = later(&clock, 5, send_poem(&log));
    clock.advance(secs(4));
    assert!(!d.is_fired());
    clock.advance(secs(1));
    log.expect(["sending"]);
    assert_eq!(value(d), "Once upon a midnight dreary");
}

#[test]
fn a_cancel_alone_does_not_stop_the_sender_and_what_it_sends_late_is_ignored() {
    // spec: P19-11, P19-19
    let (clock, log) = (Hand::default(), Log::new());
    let d = later(&clock, 5, send_poem(&log));
    let handle = d.canceller();
    let _call = clock.call_later(secs(2), Box::new(move || handle.cancel()));
    clock.advance(secs(2));
    assert!(failure(d).is::<Cancelled>());
    log.expect([]);
    clock.advance(secs(3));
    log.expect(["sending"]);
}

#[test]
fn a_canceller_stops_the_sender() {
    // spec: P19-20, P19-21
    let (clock, log) = (Hand::default(), Log::new());
    let (resolver, d) = deferred();
    let send = send_poem(&log);
    let call = clock.call_later(secs(5), Box::new(move || send(resolver)));
    let d = d.on_cancel(move || call.cancel());
    clock.advance(secs(2));
    d.cancel();
    assert!(failure(d).is::<Cancelled>(), "and not `Abandoned`, though the sender is gone");
    clock.advance(secs(5));
    log.expect([]);
    assert_eq!(clock.calls(), 0);
}

#[test]
fn an_outer_deferred_is_cancelled_while_it_waits_for_an_inner_one() {
    // spec: P19-29, P19-36
    let (clock, log) = (Hand::default(), Log::new());
    let (inner_clock, inner_log) = (clock.clone(), log.clone());
    let d = later(&clock, 1, |resolver| resolver.callback(())).on_cancel(log.noting("outer canceller"));
    let d = d.add_callback(move |()| {
        inner_log.note("outer fired");
        let inner = later(&inner_clock, 5, |resolver| resolver.callback("inner"));
        inner.on_cancel(inner_log.noting("inner canceller"))
    });
    clock.advance(secs(3));
    d.cancel();
    log.expect(["outer fired", "inner canceller"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_function_that_waits_three_times_is_four_callbacks() {
    // spec: P17-09, P17-13, P17-18
    let (clock, log) = (Hand::default(), Log::new());
    let (inside, timer) = (log.clone(), clock.clone());
    let d: Deferred<()> = spawn(async move {
        inside.note("first");
        let one = std::future::ready(1).await; // an answer that is there comes straight back
        inside.note(format!("second got {one}"));
        let two = later(&timer, 5, |resolver| resolver.callback(2)).await?;
        inside.note(format!("third got {two}"));
        let three = later::<u32>(&timer, 5, |resolver| resolver.errback(Failure::msg("3"))).await;
        inside.note(format!("fourth got {}", three.expect_err("it fails")));
        Ok(())
    });
    log.expect(["first", "second got 1"]);
    clock.advance(secs(5));
    log.expect(["third got 2"]);
    assert!(!d.is_fired());
    clock.advance(secs(5));
    log.expect(["fourth got 3"]);
    value(d);
}

#[test]
fn a_value_and_an_error_come_out_of_functions_that_take_turns() {
    // spec: P17-20, P17-21
    let (clock, log) = (Hand::default(), Log::new());
    let wait = |name: &'static str, each: u64, last: Result<u32, Failure>| {
        let (clock, log) = (clock.clone(), log.clone());
        spawn(async move {
            log.note(format!("{name} first"));
            later(&clock, each, |resolver| resolver.callback(())).await?;
            log.note(format!("{name} second"));
            later(&clock, each, |resolver| resolver.callback(())).await?;
            log.note(format!("{name} third"));
            last
        })
    };
    let good = wait("good", 2, Ok(1));
    let bad = wait("bad", 3, Err(Failure::msg("uh oh")));
    (0..6).for_each(|_| clock.advance(secs(1)));
    log.expect(["good first", "bad first", "good second", "bad second", "good third", "bad third"]);
    assert_eq!(value(good), 1);
    assert_eq!(failure(bad).to_string(), "uh oh");
}
