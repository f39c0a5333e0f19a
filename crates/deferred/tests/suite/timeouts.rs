//! Time limits.

use std::time::Duration;

use crate::common::{Hand, failure, value};
use sestina_deferred::{Answer, Cancelled, Failure, TimedOut, deferred, spawn, succeed};

const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn an_answer_that_does_not_come_is_timed_out() {
    // rule: 17
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    let line = line!() + 1;
    let d = d.add_timeout(LIMIT, &clock);
    clock.advance(LIMIT - Duration::from_millis(1));
    assert!(!d.is_fired());
    clock.advance(Duration::from_millis(1));
    assert!(resolver.is_cancelled());
    let failure = failure(d);
    assert_eq!(failure.check::<TimedOut>().unwrap().after(), LIMIT);
    assert_eq!(failure.to_string(), "timed out after 5s");
    assert_eq!(failure.location().line(), line);
}

#[test]
fn an_answer_in_time_stops_the_timer() {
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    let d = d.add_timeout(LIMIT, &clock);
    assert_eq!(clock.calls(), 1);
    resolver.callback(1);
    assert_eq!(clock.calls(), 0);
    assert_eq!(value(d), 1);
    assert_eq!(value(succeed(2).add_timeout(LIMIT, &clock)), 2);
    assert_eq!(clock.calls(), 0);
}

#[test]
fn an_answer_of_a_canceller_further_down_stops_the_timer() {
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    let d = d.add_timeout(LIMIT, &clock).on_cancel(|| Ok(9));
    d.cancel();
    assert_eq!(clock.calls(), 0);
    assert_eq!(value(d), 9);
    resolver.callback(1);
}

#[test]
fn a_cancel_from_elsewhere_stays_a_cancel() {
    // rule: 17
    let clock = Hand::default();
    let (_resolver, d) = deferred::<u32>();
    let d = d.add_timeout(LIMIT, &clock);
    d.cancel();
    assert_eq!(clock.calls(), 0);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn what_a_canceller_answers_to_a_time_limit_stays() {
    // rule: 17
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Ok(7));
    let d = d.add_timeout(LIMIT, &clock);
    clock.advance(LIMIT);
    assert_eq!(value(d), 7);

    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Failure::msg("half done"));
    let d = d.add_timeout(LIMIT, &clock);
    clock.advance(LIMIT);
    assert_eq!(failure(d).to_string(), "half done");

    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    let d = d.add_timeout(LIMIT, &clock);
    clock.advance(LIMIT);
    assert!(!d.is_fired());
    resolver.callback(8);
    assert_eq!(value(d), 8);
}

#[test]
fn the_canceller_can_read_that_it_was_a_time_limit() {
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel_with(|cancelled| {
        assert!(cancelled.reason().unwrap().is::<TimedOut>());
        Ok(1)
    });
    let d = d.add_timeout(LIMIT, &clock);
    clock.advance(LIMIT);
    assert_eq!(value(d), 1);
}

#[test]
fn of_two_limits_the_one_that_strikes_names_itself() {
    let clock = Hand::default();
    let (_resolver, d) = deferred::<u32>();
    let short = Duration::from_secs(1);
    let d = d.add_timeout(LIMIT, &clock).add_timeout(short, &clock);
    clock.advance(short);
    assert_eq!(failure(d).check::<TimedOut>().unwrap().after(), short);
    assert_eq!(clock.calls(), 0);
}

#[test]
fn a_task_sees_the_cancel_of_its_limit_and_may_clean_up() {
    let clock = Hand::default();
    let (_resolver, answer) = deferred::<u32>();
    let (rollback, rolling_back) = deferred::<()>();
    let d = spawn(async move {
        match answer.await {
            Err(failure) => {
                rolling_back.await?;
                Err(failure)
            }
            answer => answer,
        }
    })
    .add_timeout(LIMIT, &clock);
    clock.advance(LIMIT);
    assert!(!d.is_fired());
    rollback.callback(());
    assert!(failure(d).is::<TimedOut>());
}
