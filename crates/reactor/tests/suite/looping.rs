//! Calls that come again and again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::Fake;
use sestina_deferred::{Failure, deferred};
use sestina_reactor::{LoopingCall, Reactor};

const MS: Duration = Duration::from_millis(1);

type Ticks = Rc<RefCell<Vec<(u128, u64)>>>;

/// Notes the time in milliseconds and the count of each call.
fn noting(reactor: &Reactor) -> (LoopingCall, Ticks) {
    let (ticks, clock) = (Ticks::default(), reactor.clone());
    let note = Rc::clone(&ticks);
    let looping = LoopingCall::new(reactor, move |count| {
        note.borrow_mut().push((u128::from(clock.now().as_nanos()) / 1_000_000, count));
    });
    (looping, ticks)
}

fn pass(reactor: &Reactor, time: Duration) {
    let call = reactor.call_later(time, || ());
    while call.is_active() {
        reactor.turn(None).expect("the fake waits");
    }
}

#[test]
fn calls_keep_their_phase_and_stop_when_told() {
    let reactor = Fake::default().reactor();
    let (looping, ticks) = noting(&reactor);
    let ended = looping.start(10 * MS, true);
    pass(&reactor, 35 * MS);
    looping.stop();
    pass(&reactor, 35 * MS);
    assert_eq!(*ticks.borrow(), [(0, 1), (10, 1), (20, 1), (30, 1)]);
    assert!(ended.try_result().expect("it has ended").is_ok() && !looping.is_running());
    assert_eq!(reactor.timers(), 0);
}

#[test]
fn missed_times_are_counted_and_not_made_up_for() {
    let reactor = Fake::default().reactor();
    let (counts, delays) = (Ticks::default(), Rc::new(RefCell::new(vec![0, 0, 0, 25])));
    let (note, clock) = (Rc::clone(&counts), reactor.clone());
    let looping = LoopingCall::new(&reactor, move |count| {
        note.borrow_mut().push((u128::from(clock.now().as_nanos()) / 1_000_000, count));
        let delay: u32 = delays.borrow_mut().pop().unwrap_or(0);
        clock.defer_later(delay * MS, || Ok(()))
    });
    let ended = looping.start(10 * MS, true);
    pass(&reactor, 55 * MS);
    looping.stop();
    assert_eq!(*counts.borrow(), [(0, 1), (30, 3), (40, 1), (50, 1)]);
    drop(ended);
}

#[test]
fn a_failure_ends_it_and_a_cancel_stops_it() {
    let reactor = Fake::default().reactor();
    let mut left = 2;
    let looping = LoopingCall::new(&reactor, move |_| {
        left -= 1;
        if left == 0 { Err(Failure::msg("enough")) } else { Ok(()) }
    });
    let failure = reactor.run_until(looping.start(MS, false)).expect_err("it failed");
    assert_eq!((failure.to_string().as_str(), looping.is_running()), ("enough", false));
    let (looping, ticks) = noting(&reactor);
    let ended = looping.start(MS, false);
    ended.cancel();
    pass(&reactor, 5 * MS);
    assert!(ticks.borrow().is_empty() && !looping.is_running());
    ended.ignore_errors();
}

#[test]
fn reset_begins_a_new_phase_and_restarting_forgets_a_call_that_is_waited_for() {
    let reactor = Fake::default().reactor();
    let (looping, ticks) = noting(&reactor);
    drop(looping.start(10 * MS, false));
    pass(&reactor, 5 * MS);
    looping.reset();
    pass(&reactor, 12 * MS);
    assert_eq!(*ticks.borrow(), [(15, 1)]);
    looping.stop();

    let (resolver, answer) = deferred();
    let mut answer = Some(answer);
    let waits =
        LoopingCall::new(&reactor, move |_| answer.take().unwrap_or_else(|| sestina_deferred::succeed(())));
    drop(waits.start(MS, true));
    pass(&reactor, 3 * MS);
    drop(waits.start(50 * MS, false));
    resolver.callback(());
    assert_eq!(reactor.timers(), 1, "the first run does not go on");
    waits.stop();
}

#[test]
fn an_interval_of_zero_is_once_a_turn() {
    let reactor = Fake::default().reactor();
    let (looping, ticks) = noting(&reactor);
    drop(looping.start(Duration::ZERO, true));
    for _ in 0..5 {
        reactor.turn(None).expect("the fake waits");
    }
    looping.stop();
    assert_eq!(ticks.borrow().len(), 5);
}

/// The start is one of the times: a first call that comes late stands for it and for those that have passed since.
#[test]
fn every_time_is_counted_once_however_late_the_first_call_comes() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let (looping, ticks) = noting(&reactor);
    drop(looping.start(10 * MS, true));
    fake.passes(25 * MS);
    pass(&reactor, 10 * MS);
    looping.stop();
    assert_eq!(*ticks.borrow(), [(25, 3), (30, 1)]);
}

#[test]
fn a_call_may_start_another_run_of_its_own_and_then_comes_once_each_time() {
    let reactor = Fake::default().reactor();
    let itself: Rc<RefCell<Option<LoopingCall>>> = Rc::default();
    let (ticks, own, clock) = (Ticks::default(), Rc::clone(&itself), reactor.clone());
    let note = Rc::clone(&ticks);
    let looping = LoopingCall::new(&reactor, move |count| {
        note.borrow_mut().push((u128::from(clock.now().as_nanos()) / 1_000_000, count));
        if let Some(looping) = own.borrow_mut().take() {
            drop(looping.start(20 * MS, false));
        }
    });
    *itself.borrow_mut() = Some(looping.clone());
    let first = looping.start(10 * MS, true);
    pass(&reactor, 50 * MS);
    assert!(first.try_result().expect("the second run ended the first").is_ok());
    assert_eq!((&*ticks.borrow(), reactor.timers()), (&vec![(0, 1), (20, 1), (40, 1)], 1));
    looping.stop();
}

#[test]
fn a_call_may_stop_and_reset_itself() {
    let reactor = Fake::default().reactor();
    let itself: Rc<RefCell<Option<LoopingCall>>> = Rc::default();
    let (ticks, own, clock) = (Ticks::default(), Rc::clone(&itself), reactor.clone());
    let note = Rc::clone(&ticks);
    let looping = LoopingCall::new(&reactor, move |count| {
        note.borrow_mut().push((u128::from(clock.now().as_nanos()) / 1_000_000, count));
        let looping = own.borrow().clone().expect("put there");
        if note.borrow().len() == 3 { looping.stop() } else { looping.reset() }
    });
    *itself.borrow_mut() = Some(looping.clone());
    let ended = looping.start(10 * MS, false);
    reactor.run_until(ended).expect("it was stopped");
    assert_eq!((&*ticks.borrow(), reactor.timers()), (&vec![(10, 1), (20, 1), (30, 1)], 0));
    drop(itself.take());
}

#[test]
fn a_panic_ends_it_with_its_message() {
    let reactor = Fake::default().reactor();
    let looping = LoopingCall::new(&reactor, |_| -> Result<(), Failure> { panic!("on purpose") });
    let failure = reactor.run_until(looping.start(MS, true)).expect_err("it panicked");
    assert!(failure.is::<sestina_deferred::Panicked>() && !looping.is_running(), "{failure}");
}

#[test]
fn a_call_that_fails_after_the_stop_is_not_lost_in_silence() {
    let reactor = Fake::default().reactor();
    let clock = reactor.clone();
    let looping = LoopingCall::new(&reactor, move |_| {
        clock.defer_later(5 * MS, || Err::<(), _>(Failure::msg("nobody is left to hear it")))
    });
    let ended = looping.start(MS, true);
    pass(&reactor, 2 * MS);
    looping.stop();
    assert!(ended.try_result().expect("it was stopped").is_ok());
    pass(&reactor, 10 * MS);
    assert_eq!(reactor.statistics().unhandled_errors, 1);
}

/// The end of the reactor fails what a call waits for: that is nobody's mistake.
#[test]
fn a_call_that_the_end_of_the_reactor_fails_is_no_unhandled_error() {
    let reactor = Fake::default().reactor();
    let clock = reactor.clone();
    let looping = LoopingCall::new(&reactor, move |_| clock.sleep(1000 * MS));
    let ended = looping.start(MS, true);
    pass(&reactor, 2 * MS);
    looping.stop();
    reactor.stop();
    reactor.run().expect("the fake waits");
    assert!(ended.try_result().expect("it was stopped").is_ok());
    assert_eq!((reactor.statistics().unhandled_errors, reactor.timers()), (0, 0));
}
