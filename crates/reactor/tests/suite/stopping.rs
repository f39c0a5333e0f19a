//! The end of a reactor: three phases in order, the first of which is waited for.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::Fake;
use sestina_deferred::{Failure, deferred};
use sestina_reactor::{Phase, Reactor, Time};

const MS: Duration = Duration::from_millis(1);

#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    fn adds(&self, line: &str) -> impl FnOnce() + 'static {
        let (lines, line) = (Rc::clone(&self.0), line.to_owned());
        move || lines.borrow_mut().push(line)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

fn stop_after(reactor: &Reactor, after: Duration) {
    let stop = reactor.clone();
    reactor.call_later(after, move || stop.stop());
}

#[test]
fn phases_come_in_order_and_before_is_waited_for_while_the_loop_goes_on() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    reactor.add_trigger(Phase::After, diary.adds("after"));
    reactor.add_trigger(Phase::During, diary.adds("during"));
    let (slow, begins, ends) = (reactor.clone(), diary.adds("before begins"), diary.adds("before ends"));
    reactor.add_trigger(Phase::Before, move || {
        begins();
        slow.defer_later(50 * MS, ends)
    });
    reactor.add_trigger(Phase::Before, diary.adds("another before"));
    reactor.call_later(20 * MS, diary.adds("the loop goes on"));
    stop_after(&reactor, 10 * MS);
    reactor.run().expect("the fake waits");
    assert_eq!(
        diary.take(),
        ["before begins", "another before", "the loop goes on", "before ends", "during", "after"]
    );
    assert_eq!(reactor.now(), Time::ZERO + 60 * MS);
}

#[test]
fn triggers_may_be_removed_fail_and_panic_and_run_once() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    let removed = reactor.add_trigger(Phase::Before, diary.adds("never"));
    assert!(removed.remove() && !removed.remove());
    reactor.add_trigger(Phase::Before, || Err::<(), _>(Failure::msg("on purpose")));
    reactor.add_trigger(Phase::Before, || -> Result<(), Failure> { panic!("on purpose") });
    let ran = reactor.add_trigger(Phase::Before, diary.adds("once"));
    for _ in 0..2 {
        stop_after(&reactor, MS);
        reactor.run().expect("the fake waits");
    }
    assert_eq!(diary.take(), ["once"]);
    assert!(!ran.remove());
}

#[test]
fn a_crash_waits_for_nobody() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    let (resolver, never) = deferred::<()>();
    reactor.add_trigger(Phase::Before, move || never);
    reactor.add_trigger(Phase::During, diary.adds("during"));
    stop_after(&reactor, MS);
    let crash = reactor.clone();
    reactor.call_later(2 * MS, move || crash.crash());
    reactor.run().expect("the fake waits");
    assert_eq!((diary.take(), reactor.now()), (vec!["during".to_owned()], Time::ZERO + 2 * MS));
    resolver.callback(());
}

#[test]
fn calls_when_running_come_first_and_later_ones_in_the_next_turn() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    reactor.call_later(Duration::ZERO, diary.adds("a timer"));
    let (inner, first, nested) =
        (reactor.clone(), diary.adds("first"), diary.adds("asked for while running"));
    reactor.call_when_running(move || {
        first();
        assert!(inner.is_running());
        inner.call_when_running(nested);
    });
    stop_after(&reactor, MS);
    assert!(!reactor.is_running());
    reactor.run().expect("the fake waits");
    assert_eq!(diary.take(), ["first", "a timer", "asked for while running"]);
    assert!(!reactor.is_running());
}

#[test]
fn a_stop_before_run_ends_it_at_once_and_it_may_run_again() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    reactor.call_later(MS, diary.adds("never: the first run ends everything"));
    reactor.stop();
    reactor.run().expect("the fake waits");
    reactor.call_later(MS, diary.adds("again"));
    stop_after(&reactor, 2 * MS);
    reactor.run().expect("the fake waits");
    assert_eq!(diary.take(), ["again"]);
}

/// A second Ctrl-C, while services close.
#[test]
fn stopping_again_while_triggers_are_waited_for_changes_nothing_and_lets_the_loop_sleep() {
    let reactor = Fake::default().reactor();
    let slow = reactor.clone();
    reactor.add_trigger(Phase::Before, move || slow.defer_later(50 * MS, || Ok(())));
    stop_after(&reactor, 10 * MS);
    stop_after(&reactor, 20 * MS);
    stop_after(&reactor, 20 * MS);
    reactor.run().expect("the fake waits");
    assert_eq!(reactor.now(), Time::ZERO + 60 * MS);
    let turns = reactor.statistics().turns;
    assert!(turns < 10, "{turns} turns for four timers: the loop did not sleep");
    assert!(!reactor.is_stopping() && !reactor.is_running());
}

#[test]
fn a_trigger_that_is_added_while_others_are_waited_for_is_waited_for_too() {
    let (reactor, diary) = (Fake::default().reactor(), Diary::default());
    let (slow, late) = (reactor.clone(), diary.adds("late"));
    reactor.add_trigger(Phase::Before, move || {
        let adds = slow.clone();
        slow.defer_later(5 * MS, move || {
            let waits = adds.clone();
            adds.add_trigger(Phase::Before, move || waits.defer_later(5 * MS, late));
            Ok(())
        })
    });
    reactor.add_trigger(Phase::During, diary.adds("during"));
    reactor.stop();
    reactor.run().expect("the fake waits");
    assert_eq!(diary.take(), ["late", "during"]);
}

/// The mistake is caught where it is made, and costs nothing afterwards.
#[test]
fn a_run_from_inside_the_loop_of_a_host_panics_and_the_reactor_can_be_run_later() {
    let reactor = Fake::default().reactor();
    let inner = reactor.clone();
    reactor.call_later(Duration::ZERO, move || inner.run().expect("not reached"));
    reactor.turn(None).expect("the fake waits");
    assert_eq!((reactor.statistics().panics, reactor.is_running()), (1, false));
    stop_after(&reactor, MS);
    reactor.run().expect("the fake waits");
}
