//! What the end of a reactor means for those who wait on other threads, and for those who wait for other threads.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sestina_deferred::Cancelled;
use sestina_reactor::Stopped;

#[test]
fn a_job_that_hangs_does_not_hold_the_end_up_and_its_deferred_says_so() {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let (hold, held) = mpsc::channel::<()>();
    let answer = reactor.defer_to_thread(move || {
        held.recv().ok();
        Ok(())
    });
    assert_eq!(reactor.threads(), 1);
    reactor.stop();
    reactor.run().expect("it can wait");
    let failure = answer.try_result().expect("it has fired").expect_err("it was stopped");
    assert!(failure.is::<Stopped>() && reactor.threads() == 0, "{failure}");
    drop(hold);
}

#[test]
fn a_future_of_another_thread_hears_that_the_reactor_has_ended() {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let mut future = pin!(reactor.remote().run(|reactor| reactor.sleep(Duration::from_secs(3600))));
    let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    assert_eq!(reactor.timers(), 1, "it sleeps");
    reactor.stop();
    reactor.run().expect("it can wait");
    let Poll::Ready(Err(failure)) = poll() else { panic!("it was answered with a failure") };
    let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
    assert!(reason.is_some_and(|reason| reason.is::<Stopped>()) && reactor.timers() == 0, "{failure}");
}
