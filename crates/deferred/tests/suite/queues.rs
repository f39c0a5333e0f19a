//! Queues.

use crate::common::{failure, unhandled, value};
use sestina_deferred::{Cancelled, DeferredQueue, QueueUnderflow, spawn};

#[test]
fn values_wait_for_takers_and_takers_for_values_in_order() {
    let queue = DeferredQueue::new();
    let early: Vec<_> = (0..2).map(|_| queue.get()).collect();
    assert_eq!((queue.size(), queue.backlog()), (0, 2));
    for n in 1..=4 {
        queue.put(n).unwrap();
    }
    assert_eq!((queue.size(), queue.backlog()), (2, 0));
    assert_eq!(early.into_iter().map(value).collect::<Vec<_>>(), [1, 2]);
    assert_eq!([value(queue.get()), value(queue.get())], [3, 4]);
}

#[test]
fn a_full_queue_gives_the_value_back() {
    let queue = DeferredQueue::with_limits(Some(1), None);
    queue.put("first").unwrap();
    let overflow = queue.put("second").unwrap_err();
    assert_eq!(overflow.to_string(), "the queue is full");
    assert_eq!(overflow.into_value(), "second");
    assert_eq!(value(queue.get()), "first");
    queue.put("third").unwrap();

    let queue = DeferredQueue::with_limits(Some(0), None);
    assert!(queue.put(1).is_err());
    let taker = queue.get();
    queue.put(2).unwrap();
    assert_eq!(value(taker), 2);
}

#[test]
fn too_many_takers_fail() {
    let queue = DeferredQueue::<u32>::with_limits(None, Some(1));
    let first = queue.get();
    assert!(failure(queue.get()).is::<QueueUnderflow>());
    queue.put(1).unwrap();
    assert_eq!(value(first), 1);
    let waiting = queue.get();
    waiting.discard();
    let again = queue.get();
    queue.put(2).unwrap();
    assert_eq!(value(again), 2, "a taker that left makes room");
}

#[test]
fn a_taker_that_cancels_leaves_its_value_to_the_next() {
    // rule: 16
    let queue = DeferredQueue::new();
    let (quitter, gone, patient) = (queue.get(), queue.get(), queue.get());
    quitter.cancel();
    drop(gone);
    assert_eq!(unhandled(|| queue.put(1).unwrap()), [""; 0]);
    assert_eq!(value(patient), 1);
    assert!(failure(quitter).is::<Cancelled>());
    assert_eq!((queue.size(), queue.backlog()), (0, 0));
}

#[test]
fn a_worker_task_takes_from_a_queue_until_it_is_cancelled() {
    let queue = DeferredQueue::new();
    let jobs = queue.clone();
    let worker = spawn(async move {
        let mut sum = 0;
        loop {
            match jobs.get().await {
                Ok(n) => sum += n,
                Err(_) => return Ok(sum),
            }
        }
    });
    for n in [1, 2, 3] {
        queue.put(n).unwrap();
    }
    worker.cancel();
    assert_eq!(value(worker), 6);
    queue.put(4).unwrap();
    assert_eq!(queue.size(), 1, "the worker took nothing with it");
}

#[test]
fn a_hundred_thousand_takers_that_put_need_no_stack() {
    const TAKERS: u32 = 100_000;
    crate::common::on_small_stack(|| {
        let queue = DeferredQueue::new();
        for _ in 0..TAKERS {
            let next = queue.clone();
            drop(queue.get().map(move |n: u32| next.put(n + 1).unwrap()));
        }
        queue.put(0).unwrap();
        assert_eq!(value(queue.get()), TAKERS);
    });
}
