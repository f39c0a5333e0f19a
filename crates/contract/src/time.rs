//! Timers, threads, tasks and the end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sestina_deferred::Cancelled;
use sestina_reactor::Reactor;

use crate::connecting::Expect;
use crate::{Diary, Probe, Stage};

const MS: Duration = Duration::from_millis(1);

/// Law 5, with equal times among them.
pub fn timers_come_in_order_and_never_early(stage: &mut Stage) {
    let (reactor, fired) = (stage.reactor().clone(), Rc::new(RefCell::new(Vec::new())));
    for (number, after) in [20, 5, 10, 5, 0, 20, 10, 1].into_iter().enumerate() {
        let (fired, asked, clock) = (Rc::clone(&fired), reactor.now() + after * MS, reactor.clone());
        reactor.call_later(after * MS, move || {
            assert!(clock.now() >= asked, "a timer came early");
            fired.borrow_mut().push((after, number));
        });
    }
    stage.until("all timers", || fired.borrow().len() == 8);
    let fired = fired.borrow();
    assert_eq!(*fired, [(0, 4), (1, 7), (5, 1), (5, 3), (10, 2), (10, 6), (20, 0), (20, 5)]);
}

/// Not even when its time has come in the same turn.
pub fn a_cancelled_timer_never_comes(stage: &mut Stage) {
    let diary = Diary::default();
    let never = diary.clone();
    let call = Rc::new(RefCell::new(None::<sestina_reactor::DelayedCall>));
    let (other, log) = (Rc::clone(&call), diary.clone());
    stage.reactor().call_later(MS, move || {
        let call = other.borrow_mut().take();
        assert!(call.is_some_and(|call| call.cancel()));
        log.note("cancelled");
    });
    *call.borrow_mut() = Some(stage.reactor().call_later(MS, move || never.note("never")));
    stage.until_noted(&diary, "cancelled");
    stage.pass(5 * MS);
    assert_eq!(diary.take(), ["cancelled"]);
}

/// The connection ends first: its timer is gone.
pub fn a_timer_of_a_connection_goes_with_it(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) =
        stage.serve(&diary, |probe| probe.named("server").made(|_, conn| conn.set_timer(3600 * 1000 * MS)));
    stage.connect(&at, Probe::new(&diary).named("client").made(|_, conn| conn.lose_connection()));
    stage.until_noted(&diary, "server lost");
    stage.until_alone();
    assert_eq!(stage.reactor().timers(), 0);
}

/// Another thread has made its calls before the loop waits: they come in their order, and the loop does not sleep first.
pub fn calls_from_a_thread_come_in_order(stage: &mut Stage) {
    let (remote, calls) = (stage.reactor().remote(), Arc::new(AtomicU32::new(0)));
    let thread = std::thread::spawn(move || {
        for number in 0..100 {
            let calls = Arc::clone(&calls);
            let call = move |reactor: &Reactor| {
                assert_eq!(calls.fetch_add(1, Ordering::Relaxed), number);
                if number == 99 {
                    reactor.stop();
                }
            };
            remote.call_from_thread(call).expect("it is there");
        }
    });
    thread.join().expect("the thread did its work");
    let diary = Diary::default();
    let late = diary.clone();
    stage.reactor().call_later(60_000 * MS, move || late.note("it slept"));
    stage.reactor().run().expect("the driver can wait");
    assert_eq!(diary.take(), [""; 0]);
}

/// An async block over timers, and its result.
pub fn tasks_wait_for_timers(stage: &mut Stage) {
    let reactor = stage.reactor().clone();
    let begun = reactor.now();
    let clock = reactor.clone();
    let task = reactor.spawn(async move {
        for _ in 0..3 {
            clock.sleep(2 * MS).await?;
        }
        Ok(clock.now() - begun)
    });
    let took = reactor.run_until(task).expect("it ends");
    assert!(took >= 6 * MS, "{took:?}");
}

/// The cancel reaches what is awaited, which leaves nothing behind.
pub fn cancelling_a_sleep_leaves_no_timer(stage: &mut Stage) {
    let reactor = stage.reactor().clone();
    let clock = reactor.clone();
    let task = reactor.spawn(async move { clock.sleep(3600 * 1000 * MS).await });
    assert_eq!(reactor.timers(), 1);
    task.cancel();
    let failure = reactor.run_until(task).expect_err("it was cancelled");
    assert!(failure.is::<Cancelled>() && reactor.timers() == 0);
}

/// Law 7: after `run` nothing is left, and everybody was told.
pub fn stop_ends_everything(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| probe.named("server"));
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "server made");
    let log = diary.clone();
    stage.reactor().connect(&at, Expect::new(move |error| log.note(format!("attempt {error:?}"))));
    stage.reactor().call_later(3600 * 1000 * MS, || ());
    let stop = stage.reactor().clone();
    stage.reactor().call_later(Duration::ZERO, move || stop.stop());
    stage.reactor().run().expect("the driver can wait");
    let reactor = stage.reactor();
    assert_eq!((reactor.connections(), reactor.ports(), reactor.timers()), (0, 0, 0));
    for end in ["client", "server"] {
        assert_eq!(diary.count(&format!("{end} made")), diary.count(&format!("{end} lost")), "{diary:?}");
    }
    assert_eq!(diary.count("attempt"), 1, "{diary:?}");
}
