//! Tasks: when they run, how they end, and what a cancel does to them.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{
    Abandoned, Answer, CancelHandle, Cancelled, Deferred, Failure, Res, deferred, fail, run_woken, spawn,
    succeed,
};

#[test]
fn a_task_runs_at_once_to_its_first_pending_await() {
    // rule: 11
    // spec: P17-04, P17-15
    let log = Log::new();
    let (resolver, answer) = deferred::<u32>();
    let inside = log.clone();
    let d = spawn(async move {
        inside.note("started");
        let n = answer.await?;
        inside.note(format!("got {n}"));
        Ok(n + 1)
    });
    log.note("spawned");
    resolver.callback(1);
    log.note("fired");
    log.expect(["started", "spawned", "got 1", "fired"]);
    assert_eq!(value(d), 2);
}

#[test]
fn an_await_of_what_has_fired_does_not_stop() {
    // spec: P17-16
    let d = spawn(async { Ok(succeed(1).await? + succeed(2).await?) });
    assert_eq!(value(d), 3);
}

#[test]
fn a_failure_is_an_err_at_the_await_and_may_be_handled_there() {
    // spec: P17-12, P17-17
    let (resolver, answer) = deferred::<u32>();
    let d = spawn(async move {
        match answer.await {
            Ok(_) => Ok("no error".to_owned()),
            Err(failure) => Ok(failure.to_string()),
        }
    });
    resolver.errback(Failure::msg("malfunction"));
    assert_eq!(value(d), "malfunction");
}

#[test]
fn what_a_task_returns_is_the_answer_of_its_deferred() {
    // spec: P17-19, P17-20
    assert_eq!(value(spawn(async { Ok(1) })), 1);
    let d = spawn(async {
        let n: u32 = fail::<u32>(Failure::msg("uh oh")).await?;
        Ok(n)
    });
    assert_eq!(failure(d).to_string(), "uh oh");
}

#[test]
fn tasks_take_turns_when_what_they_await_fires() {
    // spec: P17-05, P17-06, P17-21, P17-28
    let log = Log::new();
    let steps = |name: &'static str, log: &Log| {
        let (r1, d1) = deferred::<()>();
        let (r2, d2) = deferred::<()>();
        let log = log.clone();
        let d = spawn(async move {
            log.note(format!("{name} first"));
            d1.await?;
            log.note(format!("{name} second"));
            d2.await?;
            log.note(format!("{name} third"));
            Ok(())
        });
        (r1, r2, d)
    };
    let (a1, a2, a) = steps("a", &log);
    let (b1, b2, b) = steps("b", &log);
    a1.callback(());
    b1.callback(());
    b2.callback(());
    a2.callback(());
    log.expect(["a first", "b first", "a second", "b second", "b third", "a third"]);
    value(a);
    value(b);
}

#[test]
fn cancelling_a_task_cancels_what_it_awaits_and_the_task_sees_it() {
    // rule: 11
    // spec: P17-40
    let log = Log::new();
    let (resolver, answer) = deferred::<u32>();
    resolver.on_cancel(log.noting("the producer is told"));
    let inside = log.clone();
    let d = spawn(async move {
        let answer = answer.await;
        inside.note(format!("{answer:?}").split(" at").next().unwrap());
        answer
    });
    d.cancel();
    log.expect(["the producer is told", "Err(Failure(Cancelled"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_task_may_refuse_to_be_cancelled() {
    // spec: P17-40
    let (_first, answer) = deferred::<u32>();
    let (second, other) = deferred::<u32>();
    let d = spawn(async move {
        match answer.await {
            Err(failure) if failure.is::<Cancelled>() => other.await,
            answer => answer,
        }
    });
    d.cancel();
    assert!(!d.is_fired());
    second.callback(7);
    assert_eq!(value(d), 7);
}

#[test]
fn a_task_may_answer_a_cancel_with_a_value() {
    let (_resolver, answer) = deferred::<u32>();
    let d = spawn(async move { Ok(answer.await.unwrap_or(42)) });
    d.cancel();
    assert_eq!(value(d), 42);
}

#[test]
fn a_task_may_clean_up_asynchronously_and_then_be_cancelled() {
    // rule: 11
    let log = Log::new();
    let (_commit, committing) = deferred::<u32>();
    let (rollback, rolling_back) = deferred::<u32>();
    let inside = log.clone();
    let d = spawn(async move {
        inside.note("BEGIN");
        inside.note("COMMIT");
        match committing.await {
            Ok(n) => Ok(n),
            Err(failure) => {
                inside.note("ROLLBACK");
                rolling_back.await?;
                inside.note("rolled back");
                Err(failure)
            }
        }
    });
    d.cancel();
    log.expect(["BEGIN", "COMMIT", "ROLLBACK"]);
    assert!(!d.is_fired());
    rollback.callback(0);
    log.expect(["rolled back"]);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn each_further_cancel_reaches_what_is_awaited_then() {
    // rule: 11
    let (first, one) = deferred::<u32>();
    let (second, two) = deferred::<u32>();
    let d = spawn(async move {
        drop(one.await);
        two.await
    });
    d.cancel();
    assert!(first.is_cancelled());
    assert!(!second.is_cancelled());
    d.cancel();
    assert!(second.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_producer_that_says_later_keeps_the_task_waiting() {
    let (resolver, answer) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    let d = spawn(answer);
    d.cancel();
    assert!(!d.is_fired());
    resolver.callback(1);
    assert_eq!(value(d), 1);
}

#[test]
fn a_cancel_goes_through_tasks_that_await_tasks() {
    // spec: P17-40
    let (resolver, answer) = deferred::<u32>();
    let inner = spawn(async move { Ok(answer.await? + 1) });
    let middle = spawn(async move { Ok(inner.await? + 1) });
    let outer = spawn(async move { Ok(middle.await? + 1) });
    outer.cancel();
    assert!(resolver.is_cancelled());
    assert!(failure(outer).is::<Cancelled>());
}

#[test]
fn a_cancel_from_inside_of_the_task_waits_for_the_next_await() {
    let handle: Rc<Cell<Option<CancelHandle>>> = Rc::default();
    let (first, one) = deferred::<()>();
    let (second, two) = deferred::<u32>();
    let own = Rc::clone(&handle);
    let d = spawn(async move {
        one.await?;
        own.take().unwrap().cancel();
        two.await
    });
    handle.set(Some(d.canceller()));
    first.callback(());
    assert!(second.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_cancel_that_finds_only_foreign_futures_waits_for_the_next_deferred() {
    // rule: 11
    let (sender, receiver) = futures::channel::oneshot::channel::<()>();
    let (resolver, answer) = deferred::<u32>();
    let d = spawn(async move {
        receiver.await?;
        succeed(()).await?; // has fired: there is nothing to cancel
        answer.await
    });
    d.cancel();
    assert!(!d.is_fired());
    assert!(!resolver.is_cancelled());
    sender.send(()).unwrap();
    assert_eq!(run_woken(), 1);
    assert!(resolver.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn the_reason_of_a_cancel_reaches_the_await() {
    let (_resolver, answer) = deferred::<u32>();
    let d = spawn(async move {
        let failure = answer.await.unwrap_err();
        let cancelled = failure.check::<Cancelled>().unwrap();
        Ok(cancelled.reason().unwrap().to_string())
    });
    d.cancel_because(Failure::msg("the service stops"));
    assert_eq!(value(d), "the service stops");
}

#[test]
fn aborting_drops_the_future_where_it_stands_and_cancels_what_it_awaited() {
    // rule: 11
    struct Guard(Log);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.note("dropped");
        }
    }
    let log = Log::new();
    let (resolver, answer) = deferred::<u32>();
    let guard = Guard(log.clone());
    let inside = log.clone();
    let d = spawn(async move {
        let _guard = guard;
        let answer = answer.await;
        inside.note("not reached");
        answer
    });
    assert_eq!(unhandled(|| d.abort()), [""; 0]);
    log.expect(["dropped"]);
    assert!(resolver.is_cancelled());
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_task_may_abort_itself() {
    let handle: Rc<Cell<Option<CancelHandle>>> = Rc::default();
    let (first, one) = deferred::<()>();
    let (second, two) = deferred::<u32>();
    let own = Rc::clone(&handle);
    let token = Rc::new(());
    let held = Rc::clone(&token);
    let d = spawn(async move {
        let _held = held;
        one.await?;
        own.take().unwrap().abort();
        two.await
    });
    handle.set(Some(d.canceller()));
    first.callback(());
    assert!(second.is_cancelled(), "dropped with the future");
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_task_that_nothing_can_wake_is_abandoned() {
    // rule: 13
    assert!(failure(spawn(pending::<Res<u32>>())).is::<Abandoned>());
    let (resolver, answer) = deferred::<u32>();
    let d = spawn(async move {
        answer.await?;
        pending::<Res<u32>>().await
    });
    assert!(!d.is_fired());
    resolver.callback(1);
    assert!(failure(d).is::<Abandoned>());
}

#[test]
fn a_task_that_dropped_what_it_awaited_is_abandoned() {
    let (_resolver, answer) = deferred::<u32>();
    let mut answer = Some(answer);
    let d = spawn(poll_fn(move |context| {
        let mut polled = answer.take().unwrap();
        assert!(std::pin::Pin::new(&mut polled).poll(context).is_pending());
        Poll::<Res<u32>>::Pending
    }));
    assert!(failure(d).is::<Abandoned>());
}

#[test]
fn a_task_that_gave_what_it_awaited_to_another_task_is_abandoned() {
    let (resolver, answer) = deferred::<u32>();
    let other: Rc<Cell<Option<Deferred<u32>>>> = Rc::default();
    let place = Rc::clone(&other);
    let mut answer = Some(answer);
    let d = spawn(poll_fn(move |context| {
        let mut polled = answer.take().unwrap();
        assert!(std::pin::Pin::new(&mut polled).poll(context).is_pending());
        place.set(Some(spawn(polled)));
        Poll::<Res<u32>>::Pending
    }));
    assert!(failure(d).is::<Abandoned>());
    resolver.callback(1);
    assert_eq!(value(other.take().unwrap()), 1);
}

#[test]
fn a_task_that_wakes_itself_is_queued() {
    let mut polls = 0;
    let d = spawn(poll_fn(move |context| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(Ok(polls));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }));
    assert!(!d.is_fired());
    assert_eq!(run_woken(), 1);
    assert!(!d.is_fired());
    assert_eq!(run_woken(), 1);
    assert_eq!(value(d), 3);
    assert_eq!(run_woken(), 0);
}

#[test]
fn a_detached_task_goes_on() {
    let log = Log::new();
    let (resolver, answer) = deferred::<u32>();
    let inside = log.clone();
    drop(spawn(async move {
        let n = answer.await?;
        inside.note(format!("got {n}"));
        Ok(())
    }));
    resolver.callback(1);
    log.expect(["got 1"]);
}

#[test]
fn a_task_may_be_fired_by_itself_while_it_awaits() {
    let (resolver, answer) = deferred::<u32>();
    let d = spawn(async move {
        let fire = async move {
            resolver.callback(5);
            Ok::<(), Failure>(())
        };
        let (n, ()) = futures::try_join!(answer, fire)?;
        Ok(n)
    });
    assert_eq!(value(d), 5);
}

#[test]
fn a_canceller_of_a_task_may_answer_for_it() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    let (resolver, answer) = deferred::<u32>();
    let d: Deferred<u32> = spawn(async move {
        let _held = held;
        answer.await
    })
    .on_cancel(|| Ok(11));
    d.cancel();
    assert_eq!(value(d), 11);
    assert_eq!(Rc::strong_count(&token), 1, "the future is dropped");
    assert!(resolver.is_cancelled());
}

#[test]
fn a_task_may_await_ten_thousand_answers_that_are_there() {
    // spec: P17-40
    const AWAITS: u32 = 10_000;
    let d = spawn(async {
        let mut sum = 0;
        for _ in 0..AWAITS {
            sum += succeed(1).await?;
        }
        Ok(sum)
    });
    assert_eq!(value(d), AWAITS);
}

#[test]
fn an_endless_task_can_be_cancelled() {
    // spec: P17-39
    let resolvers: Rc<std::cell::RefCell<Vec<sestina_deferred::Resolver<()>>>> = Rc::default();
    let inside = Rc::clone(&resolvers);
    let d: Deferred<()> = spawn(async move {
        loop {
            let (resolver, tick) = deferred();
            inside.borrow_mut().push(resolver);
            tick.await?;
        }
    });
    for _ in 0..3 {
        let resolver = resolvers.borrow_mut().pop().unwrap();
        resolver.callback(());
    }
    assert!(!d.is_fired());
    d.cancel();
    assert!(failure(d).is::<Cancelled>());
}
