//! What counts as awaited, and what happens to a deferred that was polled.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::common::{failure, unhandled, value};
use sestina_deferred::{Cancelled, Deferred, Failure, deferred, spawn, succeed};

fn poll_once<T>(d: &mut Deferred<T>) -> Poll<Result<T, Failure>> {
    Pin::new(d).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn dropping_a_polled_deferred_cancels_it_and_swallows_only_cancelled() {
    // rule: 12
    let (resolver, mut d) = deferred::<u32>();
    assert!(poll_once(&mut d).is_pending());
    assert_eq!(unhandled(|| drop(d)), [""; 0]);
    assert!(resolver.is_cancelled());

    let (resolver, mut d) = deferred::<u32>();
    resolver.on_cancel(|| Failure::msg("cannot stop"));
    assert!(poll_once(&mut d).is_pending());
    assert_eq!(unhandled(|| drop(d)), ["cannot stop"]);
}

#[test]
fn dropping_a_deferred_that_was_not_polled_does_not_cancel_it() {
    let (resolver, d) = deferred::<u32>();
    drop(d);
    assert!(!resolver.is_cancelled());
    resolver.callback(1);
}

#[test]
fn a_polled_deferred_that_failed_is_reported_when_it_is_dropped() {
    let (resolver, mut d) = deferred::<u32>();
    assert!(poll_once(&mut d).is_pending());
    resolver.errback(Failure::msg("late"));
    assert_eq!(unhandled(|| drop(d)), ["late"]);
}

#[test]
fn a_polled_deferred_may_get_callbacks_again() {
    let (resolver, mut d) = deferred::<u32>();
    assert!(poll_once(&mut d).is_pending());
    let d = d.map(|n| n + 1);
    resolver.callback(1);
    assert_eq!(value(d), 2);

    let (resolver, mut d) = deferred::<u32>();
    assert!(poll_once(&mut d).is_pending());
    drop(d.map(|n| n + 1)); // a chain again: dropping it detaches
    assert!(!resolver.is_cancelled());
    resolver.callback(1);
}

#[test]
#[should_panic(expected = "polled after it gave its answer")]
fn polling_after_the_answer_panics() {
    let mut d = succeed(1);
    assert!(poll_once(&mut d).is_ready());
    drop(poll_once(&mut d));
}

#[test]
fn a_foreign_executor_may_await_a_deferred() {
    assert_eq!(futures::executor::block_on(succeed(1)).unwrap(), 1);
    let (resolver, d) = deferred::<u32>();
    let both = async {
        let fire = async { resolver.callback(2) };
        futures::join!(d, fire).0
    };
    assert_eq!(futures::executor::block_on(both).unwrap(), 2);
}

#[test]
fn a_cancel_reaches_what_is_awaited_now_and_not_what_was_put_aside() {
    let (first, one) = deferred::<u32>();
    let (second, two) = deferred::<u32>();
    let (third, three) = deferred::<u32>();
    let d = spawn(async move {
        let mut aside = one;
        // Polls both; `two` wins later, `aside` is kept for another time.
        let winner = poll_fn(|context| {
            assert!(Pin::new(&mut aside).poll(context).is_pending());
            Poll::Ready(())
        });
        winner.await;
        two.await?;
        let answer = three.await;
        aside.ignore_errors();
        answer
    });
    second.callback(0);
    d.cancel();
    assert!(third.is_cancelled());
    assert!(!first.is_cancelled(), "put aside, not awaited");
    assert!(failure(d).is::<Cancelled>());
}

#[test]
fn a_polled_deferred_that_moves_to_another_task_is_cancelled_with_that_one() {
    // rule: 12
    let (resolver, answer) = deferred::<u32>();
    let place: Rc<RefCell<Option<Deferred<u32>>>> = Rc::default();
    let given = Rc::clone(&place);
    let (keep, waiting) = deferred::<u32>();
    let first = spawn(async move {
        let mut answer = answer;
        poll_fn(|context| {
            assert!(Pin::new(&mut answer).poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        *given.borrow_mut() = Some(answer);
        waiting.await
    });
    let moved = place.borrow_mut().take().unwrap();
    let second = spawn(async move { Ok(moved.await? + 1) });
    first.cancel();
    assert!(keep.is_cancelled());
    assert!(!resolver.is_cancelled(), "the first task does not await it any more");
    assert!(failure(first).is::<Cancelled>());
    second.cancel();
    assert!(resolver.is_cancelled());
    assert!(failure(second).is::<Cancelled>());

    // And it resumes the second task, too.
    let (resolver, mut answer) = deferred::<u32>();
    assert!(poll_once(&mut answer).is_pending());
    let task = spawn(async move { Ok(answer.await? + 1) });
    resolver.callback(1);
    assert_eq!(value(task), 2);
}

#[test]
fn a_waker_that_panics_is_caught() {
    use std::sync::Arc;
    struct Bad;
    impl std::task::Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let (resolver, mut d) = deferred::<u32>();
    let waker = Waker::from(Arc::new(Bad));
    assert!(Pin::new(&mut d).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(unhandled(|| resolver.callback(1)), ["panicked: in a waker"]);
    assert_eq!(value(d), 1);
}
