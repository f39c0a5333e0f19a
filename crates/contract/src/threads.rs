//! Work on other threads, and for them.

use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sestina_deferred::{Cancelled, Deferred, Failure, Panicked, gather_results};
use sestina_reactor::{Stopped, ThreadPoolFull};

use crate::Stage;

/// Values and failures.
pub fn a_job_on_a_thread_brings_its_result(stage: &mut Stage) {
    let text = "a poem".to_owned();
    let length = stage.answer(stage.reactor().defer_to_thread(move || Ok(text.len())));
    assert_eq!(length.expect("it was counted"), 6);
    let failed = stage.answer(stage.reactor().defer_to_thread(|| "x".parse::<u32>().map_err(Failure::from)));
    assert!(failed.is_err_and(|failure| failure.is::<std::num::ParseIntError>()));
    assert_eq!(stage.reactor().threads(), 0);
}

/// The panic is the answer, and the pool goes on.
pub fn a_panicking_job_fails(stage: &mut Stage) {
    let panics: Deferred<()> = stage.reactor().defer_to_thread(|| panic!("on purpose"));
    let failure = stage.answer(panics).expect_err("it panicked");
    assert_eq!(failure.check::<Panicked>().map(Panicked::message), Some("on purpose"));
    assert_eq!(stage.answer(stage.reactor().defer_to_thread(|| Ok(1))).expect("the pool goes on"), 1);
}

/// What jobs wait at: as long as it is locked here, those that have a thread keep it.
type Gate = Arc<Mutex<()>>;

fn job_at(stage: &Stage, gate: &Gate) -> Deferred<()> {
    let gate = Arc::clone(gate);
    stage.reactor().defer_to_thread(move || {
        drop(gate.lock());
        Ok(())
    })
}

/// More jobs than threads, all of which wait at a gate: the last one cannot have started, and never does.
pub fn a_job_that_has_not_started_can_be_cancelled(stage: &mut Stage) {
    // spec: P19-37
    const MORE_THAN_THREADS: usize = 100;
    let gate = Gate::default();
    let closed = gate.lock().expect("no job panics");
    let others: Vec<Deferred<()>> = (0..MORE_THAN_THREADS).map(|_| job_at(stage, &gate)).collect();
    let (started, never) = mpsc::channel::<()>();
    let last = stage.reactor().defer_to_thread(move || started.send(()).map_err(Failure::new));
    last.cancel();
    let failure = last.try_result().expect("it was answered at once").expect_err("it was cancelled");
    assert!(failure.is::<Cancelled>());
    drop(closed);
    stage.answer(gather_results(others)).expect("the others are done");
    // The job is thrown away, and the channel with it, when its turn comes.
    stage.until("the job to be gone", || never.try_recv() == Err(TryRecvError::Disconnected));
    assert_eq!(stage.reactor().threads(), 0);
}

/// There is a bound; what was taken before is done, and then there is room again.
pub fn a_full_pool_refuses_and_goes_on(stage: &mut Stage) {
    const FAR_TOO_MANY: usize = 100_000;
    let gate = Gate::default();
    let closed = gate.lock().expect("no job panics");
    let mut taken = Vec::new();
    let refused = loop {
        let job = job_at(stage, &gate);
        if job.is_fired() {
            break job;
        }
        taken.push(job);
        assert!(taken.len() < FAR_TOO_MANY, "nothing bounds the queue");
    };
    let failure = refused.try_result().expect("it has fired").expect_err("nothing was done");
    assert!(failure.is::<ThreadPoolFull>(), "{failure}");
    assert_eq!(stage.reactor().threads(), taken.len(), "what was refused is not counted");
    drop(closed);
    stage.answer(gather_results(taken)).expect("what was taken is done");
    assert_eq!(stage.answer(stage.reactor().defer_to_thread(|| Ok(1))).expect("there is room"), 1);
    assert_eq!(stage.reactor().threads(), 0);
}

/// The timer that it waited for is gone.
pub fn a_dropped_future_cancels(stage: &mut Stage) {
    let remote = stage.reactor().remote();
    let never = remote.run(|reactor| reactor.sleep(Duration::from_secs(3600)));
    stage.until("the sleep to begin", || stage.reactor().timers() == 2);
    drop(never);
    stage.until("the sleep to be cancelled", || stage.reactor().timers() == 1);
}

/// In any order, each once.
pub fn many_jobs_bring_many_answers(stage: &mut Stage) {
    let answers = (0..200_u64).map(|number| stage.reactor().defer_to_thread(move || Ok(number * number)));
    let all = stage.answer(gather_results(answers)).expect("all have come");
    assert!(all.iter().zip(0..).all(|(square, number): (&u64, u64)| *square == number * number));
    assert_eq!(stage.reactor().threads(), 0);
}

/// Law 7: nobody waits for ever, and no job is counted any more.
pub fn the_end_of_the_reactor_answers_what_threads_owe(stage: &mut Stage) {
    let jobs: Vec<Deferred<u32>> = (0..20).map(|_| stage.reactor().defer_to_thread(|| Ok(7))).collect();
    stage.reactor().stop();
    stage.reactor().run().expect("the driver can wait");
    assert_eq!(stage.reactor().threads(), 0);
    for job in jobs {
        // A job that was quick has brought its answer; the others are told that it never will.
        match job.try_result().expect("it was answered") {
            Ok(answer) => assert_eq!(answer, 7),
            Err(failure) => assert!(failure.is::<Stopped>(), "{failure}"),
        }
    }
}
