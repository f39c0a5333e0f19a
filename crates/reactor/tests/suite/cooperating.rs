//! Long computations in slices.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::fake::Fake;
use sestina_deferred::{Deferred, Failure, Panicked, fail};
use sestina_reactor::{Reactor, SLICE_STEPS_MAX, TaskStopped, Work};

fn counting(steps: u32, done: &Rc<Cell<u32>>) -> impl FnMut() -> Work + 'static {
    let done = Rc::clone(done);
    move || {
        done.set(done.get() + 1);
        if done.get() < steps { Work::More } else { Work::Done }
    }
}

fn turn(reactor: &Reactor) {
    reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
}

fn failure(answer: Deferred<()>) -> Failure {
    answer.try_result().expect("it has fired").expect_err("it failed")
}

#[test]
fn a_slice_is_bounded_and_shared_by_all_tasks() {
    let (reactor, one, two) = (Fake::default().reactor(), Rc::default(), Rc::default());
    let first = reactor.cooperate(counting(SLICE_STEPS_MAX, &one));
    let second = reactor.cooperate(counting(SLICE_STEPS_MAX, &two));
    turn(&reactor);
    assert_eq!((one.get(), two.get()), (SLICE_STEPS_MAX / 2, SLICE_STEPS_MAX / 2));
    assert_eq!((reactor.next_timeout(), reactor.tasks()), (Some(Duration::ZERO), 2));
    turn(&reactor);
    assert!(first.is_done() && second.is_done() && reactor.tasks() == 0);
    assert!(first.when_done().try_result().expect("it has fired").is_ok());
    assert_eq!(reactor.next_timeout(), None);
}

#[test]
fn pauses_are_counted_and_a_stopped_task_says_so() {
    let (reactor, steps) = (Fake::default().reactor(), Rc::default());
    let task = reactor.cooperate(counting(u32::MAX, &steps));
    task.pause();
    task.pause();
    task.resume();
    turn(&reactor);
    assert_eq!((steps.get(), reactor.next_timeout()), (0, None));
    task.resume();
    turn(&reactor);
    assert_eq!(steps.get(), SLICE_STEPS_MAX);
    let ended = task.when_done();
    task.stop();
    task.stop();
    turn(&reactor);
    assert_eq!(steps.get(), SLICE_STEPS_MAX);
    assert!(failure(ended).is::<TaskStopped>() && failure(task.when_done()).is::<TaskStopped>());
}

#[test]
fn a_task_waits_for_deferreds_and_ends_with_their_failure() {
    let (reactor, order) = (Fake::default().reactor(), Rc::new(RefCell::new(Vec::new())));
    let (clock, note, mut step) = (reactor.clone(), Rc::clone(&order), 0);
    let task = reactor.cooperate(move || {
        step += 1;
        note.borrow_mut().push((step, clock.now().as_nanos()));
        match step {
            1 => Work::Wait(clock.sleep(Duration::from_nanos(7))),
            _ => Work::Wait(fail(Failure::msg("enough"))),
        }
    });
    let failure = reactor.run_until(task.when_done()).expect_err("it failed");
    assert_eq!((failure.to_string().as_str(), &*order.borrow()), ("enough", &vec![(1, 0), (2, 7)]));
}

#[test]
fn a_stray_resume_does_not_shorten_what_a_task_waits_for() {
    let (reactor, steps) = (Fake::default().reactor(), Rc::new(Cell::new(0)));
    let (clock, note) = (reactor.clone(), Rc::clone(&steps));
    let task = reactor.cooperate(move || {
        note.set(note.get() + 1);
        if note.get() == 1 { Work::Wait(clock.sleep(Duration::from_nanos(7))) } else { Work::Done }
    });
    turn(&reactor);
    task.resume();
    turn(&reactor);
    assert_eq!(steps.get(), 1);
    reactor.run_until(task.when_done()).expect("it ends");
    assert_eq!((steps.get(), reactor.now().as_nanos()), (2, 7));
}

#[test]
fn a_failure_that_nobody_waits_for_is_counted_as_unhandled() {
    let reactor = Fake::default().reactor();
    reactor.cooperate(|| panic!("on purpose"));
    turn(&reactor);
    assert_eq!((reactor.statistics().unhandled_errors, reactor.tasks()), (1, 0));
    let awaited = reactor.cooperate(|| panic!("on purpose")).when_done();
    turn(&reactor);
    assert!(failure(awaited).is::<Panicked>() && reactor.statistics().unhandled_errors == 1);
}

#[test]
fn a_panic_ends_that_task_and_a_step_may_stop_its_own() {
    let reactor = Fake::default().reactor();
    let panics = reactor.cooperate(|| panic!("on purpose"));
    let own: Rc<RefCell<Option<sestina_reactor::CooperativeTask>>> = Rc::default();
    let itself = Rc::clone(&own);
    let stops = reactor.cooperate(move || {
        itself.borrow_mut().take().expect("put there").stop();
        Work::More
    });
    *own.borrow_mut() = Some(stops.clone());
    turn(&reactor);
    assert!(failure(panics.when_done()).is::<Panicked>() && failure(stops.when_done()).is::<TaskStopped>());
}
