//! What happens when: moved calls, repeated calls, slices of long computations, the beginning and the end of the loop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, deferred};
use sestina_reactor::{LoopingCall, Phase, TaskStopped, Work};

use crate::{Diary, Stage};

const MS: Duration = Duration::from_millis(1);

/// Sooner, later, and not at all any more; the deadline says when.
pub fn a_call_can_be_moved(stage: &mut Stage) {
    let (diary, reactor) = (Diary::default(), stage.reactor());
    let call = |after: Duration, line: &'static str| {
        let log = diary.clone();
        reactor.call_later(after, move || log.note(line))
    };
    let (sooner, later, delayed) = (call(3600 * 1000 * MS, "sooner"), call(MS, "later"), call(MS, "delayed"));
    let first = delayed.deadline().expect("it is active");
    assert!(sooner.reset(2 * MS) && later.reset(12 * MS) && delayed.delay(5 * MS));
    assert_eq!(delayed.deadline(), Some(first + 5 * MS));
    assert!(sooner.is_active() && later.is_active());
    stage.until_noted(&diary, "later");
    assert_eq!(diary.take(), ["sooner", "delayed", "later"]);
    for over in [sooner, later, delayed] {
        assert!(!over.is_active() && over.deadline().is_none());
        assert!(!over.cancel() && !over.reset(MS) && !over.delay(MS), "it is over");
    }
    assert_eq!(stage.reactor().timers(), 0);
}

/// A timer that is set by a timer, for now, waits for the next turn: others have theirs first.
pub fn a_timer_for_now_comes_in_the_next_turn(stage: &mut Stage) {
    let (diary, reactor) = (Diary::default(), stage.reactor().clone());
    let (log, again) = (diary.clone(), reactor.clone());
    reactor.call_later(Duration::ZERO, move || {
        let (turns, inner) = (again.statistics().turns, log.clone());
        log.note("first");
        let clock = again.clone();
        again.call_later(Duration::ZERO, move || {
            assert!(clock.statistics().turns > turns, "it came in the same turn");
            inner.note("from the first");
        });
    });
    let log = diary.clone();
    reactor.call_later(Duration::ZERO, move || log.note("second"));
    stage.until_noted(&diary, "from the first");
    assert_eq!(diary.take(), ["first", "second", "from the first"]);
}

/// Law 6, and the timers after it come as if nothing had been.
pub fn a_panicking_timer_harms_nobody(stage: &mut Stage) {
    stage.expect_panics(1);
    let diary = Diary::default();
    stage.reactor().call_later(MS, || panic!("on purpose, in a timer"));
    let log = diary.clone();
    stage.reactor().call_later(MS, move || log.note("after it"));
    stage.until_noted(&diary, "after it");
}

/// A tick that takes longer than the interval: the missed ones are counted, and the beat is kept.
pub fn a_looping_call_keeps_its_beat_and_counts_what_it_missed(stage: &mut Stage) {
    let (ticks, reactor) = (Rc::new(RefCell::new(Vec::new())), stage.reactor().clone());
    let (seen, clock) = (Rc::clone(&ticks), reactor.clone());
    let begun = reactor.now();
    let beat = LoopingCall::new(&reactor, move |count| {
        seen.borrow_mut().push((clock.now() - begun, count));
        // The second tick takes two and a half intervals.
        if seen.borrow().len() == 2 { clock.sleep(25 * MS) } else { clock.sleep(Duration::ZERO) }
    });
    let ended = beat.start(10 * MS, false);
    stage.until("five ticks", || ticks.borrow().len() == 5);
    assert!(beat.is_running());
    beat.stop();
    stage.answer(ended).expect("it was stopped");
    let ticks = ticks.borrow();
    let total: u64 = ticks.iter().map(|(_, count)| count).sum();
    assert!(ticks[2].1 >= 2, "two beats went by while the second tick lasted: {ticks:?}");
    for (at, count) in ticks.iter() {
        assert!(*at >= 10 * MS && *count >= 1, "{ticks:?}");
    }
    // Each tick is told how many intervals it stands for, so together they are the time that has passed.
    let last = ticks[4].0;
    assert_eq!(u128::from(total), last.as_millis() / 10, "{ticks:?}");
}

/// The next tick waits for the deferred of the one before, and a failure ends the loop.
pub fn a_looping_call_waits_for_its_answer_and_ends_with_a_failure(stage: &mut Stage) {
    let (count, gate) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
    let (ticks, keep) = (Rc::clone(&count), Rc::clone(&gate));
    let beat = LoopingCall::new(stage.reactor(), move |_| {
        ticks.set(ticks.get() + 1);
        let (resolver, answer) = deferred::<()>();
        *keep.borrow_mut() = Some(resolver);
        answer
    });
    let ended = beat.start(MS, true);
    stage.until("the first tick", || count.get() == 1);
    stage.pass(10 * MS);
    assert_eq!(count.get(), 1, "the first one has not answered");
    gate.take().expect("it was kept").callback(());
    stage.until("the second tick", || count.get() == 2);
    gate.take().expect("it was kept").errback(Failure::msg("no more"));
    assert_eq!(stage.answer(ended).expect_err("it failed").to_string(), "no more");
    assert!(!beat.is_running());
}

/// Slices: a computation that never ends does not stop timers, can be paused, and ends when it is stopped.
pub fn a_long_computation_lets_others_work(stage: &mut Stage) {
    let (steps, diary) = (Rc::new(Cell::new(0_u64)), Diary::default());
    let count = Rc::clone(&steps);
    let endless = stage.reactor().cooperate(move || {
        count.set(count.get() + 1);
        Work::More
    });
    let log = diary.clone();
    stage.reactor().call_later(MS / 20, move || log.note("a timer"));
    stage.until_noted(&diary, "a timer");
    assert!(steps.get() > 0);
    endless.pause();
    let so_far = steps.get();
    stage.pass(5 * MS);
    assert_eq!(steps.get(), so_far, "it is paused");
    endless.resume();
    stage.until("more steps", || steps.get() > so_far);
    let done = endless.when_done();
    endless.stop();
    assert!(stage.answer(done).expect_err("it was stopped").is::<TaskStopped>() && endless.is_done());
    let mut left = 10;
    let finite = stage.reactor().cooperate(move || {
        left -= 1;
        if left == 0 { Work::Done } else { Work::More }
    });
    stage.answer(finite.when_done()).expect("it ends");
    assert_eq!(stage.reactor().tasks(), 0);
}

/// `call_when_running` waits for the loop, whoever turns it, and in a running one for the next turn.
pub fn calls_wait_for_the_loop_to_run(stage: &mut Stage) {
    let (diary, reactor) = (Diary::default(), stage.reactor().clone());
    let (log, again) = (diary.clone(), reactor.clone());
    reactor.call_when_running(move || {
        log.note(format!("running: {}", again.is_running()));
        let (inner, stop) = (log.clone(), again.clone());
        again.call_when_running(move || {
            inner.note("at once");
            stop.stop();
        });
        assert!(!log.has("at once"), "no verb calls user code");
    });
    assert_eq!(diary.take(), [""; 0], "nobody has turned the loop");
    reactor.run().expect("the driver can wait");
    assert_eq!(diary.take(), ["running: true", "at once"]);
    assert!(!reactor.is_running());
    let log = diary.clone();
    reactor.call_when_running(move || log.note("a host's turn is the loop too"));
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO), "a host is told that it has something to do");
    reactor.turn(None).expect("the driver can wait");
    assert_eq!(diary.take(), ["a host's turn is the loop too"]);
}

/// Law 7: `before` is awaited while everything works, then `during`, then nothing is left, then `after`.
pub fn shutdown_triggers_run_in_their_phases_and_before_is_awaited(stage: &mut Stage) {
    let (diary, reactor) = (Diary::default(), stage.reactor().clone());
    let (_port, _) = stage.serve(&diary, |probe| probe.named("server"));
    for (phase, line) in [(Phase::After, "after"), (Phase::During, "during"), (Phase::Before, "before")] {
        let (log, clock) = (diary.clone(), reactor.clone());
        reactor.add_trigger(phase, move || -> Deferred<()> {
            log.note(format!("{line}: {} ports", clock.ports()));
            let told = log.clone();
            clock.sleep(5 * MS).map(move |()| told.note(format!("{line} has answered")))
        });
    }
    let never = diary.clone();
    let removed = reactor.add_trigger(Phase::Before, move || {
        never.note("never");
        Ok(())
    });
    assert!(removed.remove() && !removed.remove());
    reactor
        .add_trigger(Phase::Before, || Err::<(), Failure>(Failure::msg("a failure does not stop the stop")));
    reactor.call_later(Duration::ZERO, {
        let stop = reactor.clone();
        move || stop.stop()
    });
    reactor.run().expect("the driver can wait");
    let lines = diary.take();
    assert_eq!(
        lines,
        ["before: 1 ports", "before has answered", "during: 1 ports", "after: 0 ports"],
        "answers of the later phases are not waited for"
    );
}

/// `crash` waits for nobody.
pub fn a_crash_does_not_wait_for_triggers(stage: &mut Stage) {
    let reactor = stage.reactor().clone();
    let (resolver, never) = deferred::<()>();
    let mut never = Some(never);
    reactor.add_trigger(Phase::Before, move || never.take().unwrap_or_else(|| sestina_deferred::succeed(())));
    let crash = reactor.clone();
    reactor.call_later(MS, move || crash.crash());
    let begun = reactor.now();
    reactor.run().expect("the driver can wait");
    assert!(reactor.now() - begun < Duration::from_secs(30));
    resolver.callback(());
}

/// What a loop that hosts this one has to know: how long it may sleep, and that something is to be done at once.
pub fn a_host_is_told_how_long_it_may_sleep(stage: &mut Stage) {
    let (diary, reactor) = (Diary::default(), stage.reactor().clone());
    reactor.turn(Some(Duration::ZERO)).expect("the driver can wait");
    assert_eq!(reactor.next_timeout(), None, "nothing is to be done");
    let log = diary.clone();
    reactor.call_later(20 * MS, move || log.note("due"));
    let sleep = reactor.next_timeout().expect("a timer waits");
    assert!(sleep <= 20 * MS, "{sleep:?}");
    reactor.turn(Some(Duration::ZERO)).expect("the driver can wait");
    assert!(!diary.has("due"), "a turn that may not sleep does not");
    stage.until_noted(&diary, "due");
    let (_port, at) = stage.serve(&diary, |probe| probe.named("server"));
    let client = stage.connect(&at, crate::Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client made");
    stage.until_noted(&diary, "server made");
    client.disconnect();
    assert_eq!(
        reactor.next_timeout(),
        Some(Duration::ZERO),
        "a verb outside of the loop is to be carried out"
    );
    stage.until_alone();
}
