//! Locks and semaphores.

use std::cell::Cell;
use std::rc::Rc;

use crate::common::{Log, failure, on_small_stack, unhandled, value};
use sestina_deferred::{
    Cancelled, Deferred, DeferredLock, DeferredSemaphore, Failure, Permit, deferred, gather_results, spawn,
};

/// Jobs that run in one go.
const JOBS: u32 = 100_000;

#[test]
fn a_lock_is_held_by_one_at_a_time_and_given_to_whoever_came_first() {
    let log = Log::new();
    let lock = DeferredLock::new();
    let first = value(lock.acquire());
    assert!(lock.is_locked());
    let waiting: Vec<Deferred<Permit>> = ["second", "third"]
        .map(|name| {
            let seen = log.clone();
            lock.acquire().inspect(move |_| seen.note(name))
        })
        .into();
    assert_eq!(lock.waiting(), 2);
    log.expect([]);
    let [second, third] = <[_; 2]>::try_from(waiting).unwrap();
    first.release();
    log.expect(["second"]);
    assert!(!third.is_fired());
    drop(value(second));
    log.expect(["third"]);
    drop(third);
    assert!(!lock.is_locked(), "a permit that nobody looked at is released");
}

#[test]
fn a_semaphore_lets_so_many_in() {
    let semaphore = DeferredSemaphore::new(2);
    let one = value(semaphore.acquire());
    let two = value(semaphore.acquire());
    let three = semaphore.acquire();
    assert!(!three.is_fired());
    assert_eq!((semaphore.free(), semaphore.limit(), semaphore.waiting()), (0, 2, 1));
    drop(two);
    assert!(three.is_fired());
    drop((one, three));
    assert_eq!((semaphore.free(), semaphore.waiting()), (2, 0));
}

#[test]
#[should_panic(expected = "at least one permit")]
fn a_semaphore_of_nothing_cannot_be_made() {
    drop(DeferredSemaphore::new(0));
}

#[test]
fn whoever_cancels_leaves_the_line() {
    // rule: 16
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let (quitter, patient) = (lock.acquire(), lock.acquire());
    quitter.cancel();
    assert!(failure(quitter).is::<Cancelled>());
    assert_eq!(lock.waiting(), 1);
    drop(held);
    assert!(patient.is_fired());
    drop(patient);
    assert!(!lock.is_locked());
}

#[test]
fn whoever_dropped_its_deferred_is_passed_over() {
    // rule: 16
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    drop(lock.acquire());
    let patient = lock.acquire();
    assert_eq!(unhandled(|| drop(held)), [""; 0]);
    assert!(patient.is_fired());
}

#[test]
fn run_holds_the_permit_until_the_job_has_its_answer() {
    let log = Log::new();
    let lock = DeferredLock::new();
    let (first, writing) = deferred::<u32>();
    let one = lock.run(move || writing);
    let seen = log.clone();
    let two = lock.run(move || {
        seen.note("second job");
        Ok(2)
    });
    log.expect([]);
    first.callback(1);
    log.expect(["second job"]);
    assert_eq!((value(one), value(two)), (1, 2));
    assert!(!lock.is_locked());
}

#[test]
fn the_permit_is_released_whether_the_job_fails_panics_or_is_cancelled() {
    let lock = DeferredLock::new();
    assert_eq!(
        failure(lock.run(|| -> Result<(), Failure> { Err(Failure::msg("oops")) })).to_string(),
        "oops"
    );
    assert!(!lock.is_locked());
    assert_eq!(failure(lock.run(|| -> Deferred<()> { panic!("bug") })).to_string(), "panicked: bug");
    assert!(!lock.is_locked());
    let (resolver, working) = deferred::<u32>();
    let job = lock.run(move || working);
    assert!(lock.is_locked());
    job.cancel();
    assert!(resolver.is_cancelled());
    assert!(!lock.is_locked());
    assert!(failure(job).is::<Cancelled>());
}

#[test]
fn a_job_that_is_cancelled_in_the_line_never_runs() {
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let job = lock.run(|| -> Result<u32, Failure> { unreachable!("it was cancelled") });
    job.cancel();
    drop(held);
    assert!(failure(job).is::<Cancelled>());
    assert!(!lock.is_locked());
}

#[test]
fn a_task_holds_a_permit_as_long_as_its_variable_lives() {
    let lock = DeferredLock::new();
    let (resolver, answer) = deferred::<u32>();
    let task = {
        let lock = lock.clone();
        spawn(async move {
            let _permit = lock.acquire().await?;
            answer.await
        })
    };
    let waiting = {
        let lock = lock.clone();
        spawn(async move {
            let _permit = lock.acquire().await?;
            Ok(7)
        })
    };
    assert!(!waiting.is_fired());
    resolver.callback(1);
    assert_eq!((value(task), value(waiting)), (1, 7));
    assert!(!lock.is_locked());
}

#[test]
fn an_aborted_task_in_the_line_leaves_it() {
    // rule: 16
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let task = {
        let lock = lock.clone();
        spawn(async move { lock.acquire().await.map(drop) })
    };
    assert_eq!(lock.waiting(), 1);
    assert_eq!(unhandled(|| task.abort()), [""; 0]);
    assert_eq!(lock.waiting(), 0);
    assert!(failure(task).is::<Cancelled>());
    drop(held);
    assert!(!lock.is_locked());
}

#[test]
fn a_lock_may_be_taken_again_from_inside_of_its_release() {
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let again = lock.clone();
    let d = lock.acquire().add_callback(move |permit| {
        drop(permit);
        again.acquire()
    });
    drop(held);
    drop(value(d));
    assert!(!lock.is_locked());
}

#[test]
fn a_hundred_thousand_jobs_that_do_not_wait_need_no_stack() {
    on_small_stack(|| {
        for permits in [1, 3] {
            let semaphore = DeferredSemaphore::new(permits);
            let (go, gate) = deferred::<()>();
            let gate = gate.share();
            let done = Rc::new(Cell::new(0));
            let jobs: Vec<_> = (0..JOBS)
                .map(|_| {
                    let (done, gate) = (Rc::clone(&done), gate.subscribe());
                    semaphore.run(move || gate.map(move |()| done.set(done.get() + 1)))
                })
                .collect();
            go.callback(());
            assert_eq!(done.get(), JOBS);
            assert_eq!(value(gather_results(jobs)).len(), usize::try_from(JOBS).unwrap());
            assert_eq!(semaphore.free(), permits);
        }
    });
}

#[test]
fn a_hundred_thousand_jobs_in_the_line_run_from_one_release() {
    on_small_stack(|| {
        let lock = DeferredLock::new();
        let held = value(lock.acquire());
        let done = Rc::new(Cell::new(0));
        for _ in 0..JOBS {
            let done = Rc::clone(&done);
            drop(lock.run(move || done.set(done.get() + 1)));
        }
        drop(held);
        assert_eq!(done.get(), JOBS);
        assert!(!lock.is_locked());
        let held = value(lock.acquire());
        let waiting: Vec<_> = (0..JOBS).map(|_| lock.acquire()).collect();
        waiting.iter().for_each(Deferred::cancel);
        waiting.into_iter().for_each(Deferred::ignore_errors);
        drop(held);
        assert!(!lock.is_locked());
    });
}
