//! The pool: bounded, parallel, survives panics, ends with the driver.

use crate::common::{DEADLINE, Host};
use sestina_reactor::{Driver, Job};
use sestina_reactor_mio::Options;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

fn offload(host: &mut Host, job: impl FnOnce() + Send + 'static) {
    assert!(host.driver.offload(Box::new(job)).is_ok(), "the pool has room");
}

/// A job that runs until the other end of this channel is dropped.
fn busy() -> (Sender<()>, impl FnOnce() + Send + 'static) {
    let (release, released) = channel();
    (release, move || assert!(released.recv().is_err()))
}

fn next<T>(answers: &Receiver<T>) -> T {
    answers.recv_timeout(DEADLINE).expect("an answer comes")
}

#[test]
fn jobs_run_at_the_same_time_on_threads_with_names() {
    const JOBS: usize = 4;
    let mut host = Host::with(Options::default().with_threads_max(JOBS));
    let (meeting, (names, heard)) = (Arc::new(Barrier::new(JOBS)), channel());
    for _ in 0..JOBS {
        let (meeting, names) = (Arc::clone(&meeting), names.clone());
        offload(&mut host, move || {
            meeting.wait(); // nobody passes before all are here
            names.send(thread::current().name().map(str::to_owned)).expect("heard");
        });
    }
    let names: BTreeSet<_> = (0..JOBS).map(|_| next(&heard).expect("has a name")).collect();
    assert_eq!(names, (1..=JOBS).map(|number| format!("sestina-pool-{number}")).collect());
}

#[test]
fn the_queue_ends_and_hands_the_job_back() {
    let mut host = Host::with(Options::default().with_threads_max(2).with_queued_jobs_max(1));
    let ((release, first), (answers, heard)) = (busy(), channel());
    let (second_release, second) = busy();
    offload(&mut host, first);
    offload(&mut host, second);
    let told = answers.clone();
    offload(&mut host, move || told.send("waited").expect("heard")); // waits for a thread

    let job: Job = Box::new(move || answers.send("handed back").expect("heard"));
    let Err(job) = host.driver.offload(job) else { panic!("the queue has no end") };
    job();
    assert_eq!(next(&heard), "handed back");
    drop((release, second_release));
    assert_eq!(next(&heard), "waited");
}

#[test]
fn a_panic_ends_its_job_and_nothing_else() {
    let mut host = Host::with(Options::default().with_threads_max(1));
    let (answers, heard) = channel();
    for round in 0..3 {
        offload(&mut host, || panic!("this panic is part of the test"));
        offload(&mut host, || std::panic::panic_any(17));
        let answers = answers.clone();
        offload(&mut host, move || answers.send((round, thread::current().id())).expect("heard"));
    }
    let (rounds, threads): (Vec<_>, BTreeSet<_>) =
        (0..3).map(|_| next(&heard)).map(|(round, thread)| (round, format!("{thread:?}"))).unzip();
    assert_eq!((rounds, threads.len()), (vec![0, 1, 2], 1));
}

#[test]
fn a_job_that_ended_makes_room() {
    let mut host = Host::with(Options::default().with_threads_max(1).with_queued_jobs_max(0));
    let ((answers, heard), end) = (channel(), Instant::now() + DEADLINE);
    for round in 0..20 {
        let answers = answers.clone();
        let mut job: Job = Box::new(move || answers.send(round).expect("heard"));
        // Its place is free a moment after the job before was heard.
        while let Err(back) = host.driver.offload(job) {
            assert!(Instant::now() < end, "the place is never free again");
            thread::yield_now();
            job = back;
        }
        assert_eq!(next(&heard), round);
    }
}

thread_local! {
    /// Tells when its thread ends.
    static LAST_WORD: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// Waits until every sender is gone.
fn all_gone(heard: &Receiver<()>) {
    assert_eq!(heard.recv_timeout(DEADLINE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn idle_threads_end_with_the_driver() {
    let mut host = Host::new();
    let ((alive, ended), (met, meetings)) = (channel(), channel());
    let meeting = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let (alive, meeting, met) = (alive.clone(), Arc::clone(&meeting), met.clone());
        offload(&mut host, move || {
            LAST_WORD.with(|word| word.replace(Some(alive)));
            meeting.wait();
            met.send(()).expect("heard");
        });
    }
    next(&meetings);
    next(&meetings);
    drop(alive);
    drop(host);
    all_gone(&ended);
}

#[test]
fn a_driver_does_not_wait_for_a_job_that_hangs_and_drops_those_that_wait() {
    let mut host = Host::with(Options::default().with_threads_max(1));
    let ((release, hangs), (alive, ended)) = (busy(), channel::<()>());
    let (started, has_started) = channel();
    offload(&mut host, move || {
        started.send(()).expect("heard");
        hangs();
    });
    next(&has_started);
    offload(&mut host, move || assert!(alive.send(()).is_err(), "it ran"));
    drop(host); // returns although the first job hangs
    all_gone(&ended); // dropped, and never run
    drop(release);
}
