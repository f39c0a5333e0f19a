//! Cancel politely, then not.

use std::time::Duration;

use crate::common::{Hand, failure, value};
use sestina_deferred::{Answer, Cancelled, deferred, spawn};

const GRACE: Duration = Duration::from_secs(5);

#[test]
fn a_task_that_does_not_stop_in_time_is_dropped() {
    // rule: 11
    let clock = Hand::default();
    let (_first, one) = deferred::<u32>();
    let (second, two) = deferred::<u32>();
    let d = spawn(async move {
        drop(one.await);
        two.await // refuses to stop
    });
    d.canceller().cancel_with_grace(GRACE, &clock);
    assert!(!d.is_fired());
    clock.advance(GRACE);
    assert!(second.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
    assert_eq!(clock.calls(), 0);
}

#[test]
fn the_timer_is_stopped_as_soon_as_the_answer_is_there() {
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    d.canceller().cancel_with_grace(GRACE, &clock);
    assert_eq!(clock.calls(), 1);
    resolver.callback(1);
    assert_eq!(clock.calls(), 0);
    assert_eq!(value(d), 1);
}

#[test]
fn what_stops_at_once_needs_no_timer() {
    let clock = Hand::default();
    let (_resolver, d) = deferred::<u32>();
    let handle = d.canceller();
    handle.cancel_with_grace(GRACE, &clock);
    assert_eq!(clock.calls(), 0);
    assert!(failure(d).is::<Cancelled>());
    handle.cancel_with_grace(GRACE, &clock);
    assert_eq!(clock.calls(), 0);
}

#[test]
fn a_second_cancel_does_not_stop_the_timer() {
    let clock = Hand::default();
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    d.canceller().cancel_with_grace(GRACE, &clock);
    d.cancel();
    clock.advance(GRACE);
    assert!(failure(d).is::<Cancelled>());
}
