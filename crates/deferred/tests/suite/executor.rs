//! Executors: whose tasks run where, and foreign wakers.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use crate::common::{Log, failure, unhandled, value};
use futures::channel::oneshot;
use sestina_deferred::{Abandoned, Deferred, Executor, deferred, run_woken, spawn};

fn notified() -> (Executor, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let executor = Executor::new(move || {
        seen.fetch_add(1, Ordering::SeqCst);
    });
    (executor, count)
}

/// A task that waits for a foreign future.
fn foreign() -> (oneshot::Sender<u32>, Deferred<u32>) {
    let (sender, receiver) = oneshot::channel::<u32>();
    (sender, spawn(async { Ok(receiver.await?) }))
}

#[test]
fn a_foreign_waker_only_queues_and_notifies_when_the_queue_was_empty() {
    let (executor, notifications) = notified();
    let ((one, d1), (two, d2)) = executor.enter(|| (foreign(), foreign()));
    assert_eq!(executor.tasks(), 2);
    assert!(!executor.has_woken());
    one.send(1).unwrap();
    two.send(2).unwrap();
    assert_eq!(notifications.load(Ordering::SeqCst), 1);
    assert!(executor.has_woken());
    assert!(!d1.is_fired());
    assert_eq!(executor.run_woken(), 2);
    assert!(!executor.has_woken());
    assert_eq!(executor.tasks(), 0);
    assert_eq!((value(d1), value(d2)), (1, 2));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "waking from another thread is what is tested")]
fn a_waker_may_be_called_from_any_thread() {
    let (executor, notifications) = notified();
    let (sender, d) = executor.enter(foreign);
    std::thread::spawn(move || sender.send(7).unwrap()).join().unwrap();
    assert_eq!(notifications.load(Ordering::SeqCst), 1);
    assert_eq!(executor.run_woken(), 1);
    assert_eq!(value(d), 7);
}

#[test]
fn tasks_belong_to_the_executor_that_is_entered_innermost() {
    let (outer, inner) = (Executor::default(), Executor::default());
    let (r1, r2, r3) = outer.enter(|| {
        let (r1, d1) = deferred::<()>();
        drop(spawn(d1));
        let (r2, d2) = deferred::<()>();
        inner.enter(|| drop(spawn(d2)));
        let (r3, d3) = deferred::<()>();
        drop(spawn(d3));
        (r1, r2, r3)
    });
    assert_eq!((outer.tasks(), inner.tasks()), (2, 1));
    r2.callback(());
    assert_eq!((outer.tasks(), inner.tasks()), (2, 0));
    r1.callback(());
    r3.callback(());
    assert_eq!(outer.tasks(), 0);
}

#[test]
fn what_a_task_spawns_belongs_to_its_own_executor() {
    let (one, two) = (Executor::default(), Executor::default());
    let (go, gate) = deferred::<()>();
    let (_keep, waiting) = deferred::<()>();
    let _task = one.enter(|| {
        spawn(async move {
            gate.await?;
            spawn(waiting).await
        })
    });
    two.enter(|| go.callback(())); // resumed while another one is entered
    assert_eq!((one.tasks(), two.tasks()), (2, 0));
}

#[test]
fn dropping_an_executor_drops_its_tasks_whatever_they_wait_for() {
    let log = Log::new();
    let executor = Executor::default();
    let token = Rc::new(());
    let (resolver, answer) = deferred::<u32>();
    let held = (Rc::clone(&token), Rc::clone(&token));
    let (sender, receiver) = oneshot::channel::<u32>();
    let (one, two) = executor.enter(|| {
        let one = spawn(async move {
            let _held = held.0;
            answer.await
        });
        let two = spawn(async move {
            let _held = held.1;
            Ok(receiver.await?)
        });
        (one, two)
    });
    let seen = log.clone();
    let one = one.inspect(move |answer| seen.note(answer.as_ref().unwrap_err().to_string()));
    drop(executor);
    log.expect(["abandoned: nobody is left to give the answer"]);
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(resolver.is_cancelled());
    assert!(sender.is_canceled());
    assert!(failure(one).is::<Abandoned>());
    assert!(failure(two).is::<Abandoned>());
    assert!(sender.send(1).is_err());
}

#[test]
fn clearing_an_executor_leaves_it_usable() {
    let executor = Executor::default();
    let (_sender, d) = executor.enter(foreign);
    executor.clear();
    assert_eq!(executor.tasks(), 0);
    assert!(failure(d).is::<Abandoned>());
    let (sender, d) = executor.enter(foreign);
    sender.send(1).unwrap();
    assert_eq!(executor.run_woken(), 1);
    assert_eq!(value(d), 1);
}

#[test]
fn a_task_that_is_spawned_while_its_executor_is_dropped_does_not_outlive_it() {
    let executor = Executor::default();
    let late = Rc::new(std::cell::RefCell::new(None));
    let place = Rc::clone(&late);
    let (_keep, waiting) = deferred::<u32>();
    struct SpawnOnDrop<F: FnMut()>(F);
    impl<F: FnMut()> Drop for SpawnOnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let mut waiting = Some(waiting);
    let bomb = SpawnOnDrop(move || *place.borrow_mut() = Some(spawn(waiting.take().unwrap())));
    let (_gate, gated) = deferred::<u32>();
    let d = executor.enter(|| {
        spawn(async move {
            let _bomb = bomb;
            gated.await
        })
    });
    drop(executor);
    assert!(failure(d).is::<Abandoned>());
    let late = late.borrow_mut().take().unwrap();
    assert!(failure(late).is::<Abandoned>());
}

#[test]
fn tasks_that_are_woken_meanwhile_wait_for_the_next_round() {
    let executor = Executor::default();
    let forever: Deferred<()> = executor.enter(|| {
        spawn(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    });
    for _ in 0..3 {
        assert!(executor.has_woken());
        assert_eq!(executor.run_woken(), 1);
    }
    forever.abort();
    assert_eq!(executor.run_woken(), 0);
    forever.ignore_errors();
}

#[test]
fn a_panic_in_the_destructor_of_an_answer_leaves_the_other_woken_tasks_to_the_next_round() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let (executor, notifications) = notified();
    let (first, receiver) = oneshot::channel::<()>();
    drop(executor.spawn(async {
        receiver.await?;
        Ok(Bomb) // nobody wants it
    }));
    let (second, d) = executor.enter(foreign);
    first.send(()).unwrap();
    second.send(2).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| executor.run_woken())).is_err());
    assert!(!d.is_fired());
    assert!(executor.has_woken());
    assert_eq!(notifications.load(Ordering::SeqCst), 2);
    assert_eq!(executor.run_woken(), 1);
    assert_eq!(value(d), 2);
}

#[test]
fn woken_tasks_run_in_the_order_in_which_they_were_woken() {
    let log = Log::new();
    let executor = Executor::default();
    let senders: Vec<_> = executor.enter(|| {
        ["a", "b", "c"]
            .map(|name| {
                let seen = log.clone();
                let (sender, d) = foreign();
                drop(d.inspect(move |_| seen.note(name)));
                sender
            })
            .into()
    });
    for sender in senders.into_iter().rev() {
        sender.send(0).unwrap();
    }
    assert_eq!(executor.run_woken(), 3);
    log.expect(["c", "b", "a"]);
}

#[test]
fn a_task_that_is_woken_twice_runs_once() {
    let wakers: Rc<std::cell::RefCell<Option<Waker>>> = Rc::default();
    let inside = Rc::clone(&wakers);
    let polls = Rc::new(std::cell::Cell::new(0));
    let count = Rc::clone(&polls);
    let d: Deferred<()> = spawn(poll_fn(move |context| {
        count.set(count.get() + 1);
        *inside.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }));
    let waker = wakers.borrow().clone().unwrap();
    waker.wake_by_ref();
    waker.wake_by_ref();
    assert_eq!(run_woken(), 1);
    assert_eq!(polls.get(), 2);
    assert_eq!(unhandled(move || d.discard()), [""; 0]);
}

#[test]
fn a_task_that_a_deferred_resumes_is_known_to_nobody_when_it_is_done() {
    let executor = Executor::default();
    let (resolver, answer) = deferred::<u32>();
    let d = executor.enter(|| spawn(answer));
    assert_eq!(executor.tasks(), 1);
    drop(d);
    assert_eq!(executor.tasks(), 1, "detached, not gone");
    resolver.callback(1);
    assert_eq!(executor.tasks(), 0);
    assert_eq!(executor.enter(|| value(spawn(async { Ok(1) }))), 1);
    assert_eq!(executor.tasks(), 0);
}

#[test]
fn a_panic_leaves_the_executor_that_was_entered_before() {
    let (outer, inner) = (Executor::default(), Executor::default());
    let (_r, d) = deferred::<()>();
    outer.enter(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| inner.enter(|| panic!("in a turn"))));
        assert!(caught.is_err());
        drop(spawn(d));
    });
    assert_eq!((outer.tasks(), inner.tasks()), (1, 0));
}

#[test]
fn the_default_executor_of_a_thread_serves_programs_without_a_reactor() {
    let (sender, d) = foreign();
    assert_eq!(run_woken(), 0);
    sender.send(3).unwrap();
    assert_eq!(run_woken(), 1);
    assert_eq!(value(d), 3);
}
