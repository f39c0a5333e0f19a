//! Foreign futures as cancel points.

use std::rc::Rc;

use crate::common::{failure, unhandled, value};
use sestina_deferred::{Cancelled, Failure, cancellable, deferred, run_woken, spawn};

#[test]
fn a_cancel_drops_just_the_leaf() {
    // rule: 11
    let token = Rc::new(());
    let held = Rc::clone(&token);
    let (rollback, rolling_back) = deferred::<()>();
    let d = spawn(async move {
        let foreign = async move {
            let _held = held;
            std::future::pending::<u32>().await
        };
        match cancellable(foreign).await {
            Ok(n) => Ok(n),
            Err(failure) => {
                rolling_back.await?;
                Err(failure)
            }
        }
    });
    assert_eq!(Rc::strong_count(&token), 2);
    d.cancel_because(Failure::msg("why not"));
    assert_eq!(Rc::strong_count(&token), 1, "the foreign future is dropped");
    assert!(!d.is_fired(), "the task cleans up");
    rollback.callback(());
    let failure = failure(d);
    assert_eq!(failure.check::<Cancelled>().unwrap().reason().unwrap().to_string(), "why not");
}

#[test]
fn a_future_that_ends_by_itself_gives_its_value() {
    let (sender, receiver) = futures::channel::oneshot::channel::<u32>();
    let d = spawn(async { Ok(cancellable(receiver).await??) });
    sender.send(3).unwrap();
    assert_eq!(unhandled(|| assert_eq!(run_woken(), 1)), [""; 0]);
    assert_eq!(value(d), 3);
    assert_eq!(value(spawn(cancellable(async { 1 }))), 1);
}

#[test]
fn one_that_is_dropped_tells_nobody() {
    assert_eq!(unhandled(|| drop(cancellable(std::future::pending::<()>()))), [""; 0]);
    let d = spawn(async { cancellable(std::future::pending::<()>()).await });
    assert_eq!(unhandled(|| d.abort()), [""; 0]);
    assert!(failure(d).is::<Cancelled>());
}
