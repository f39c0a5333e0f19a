//! Foreign futures as cancel points.
//!
//! Tests: `tests/suite/cancellable.rs`.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::deferred::{Deferred, deferred};
use crate::outcome::Res;

/// Makes a future that knows nothing of cancelling a point at which a task can be cancelled.
///
/// # Cancelling
/// The future is dropped, and its place in the task gives `Err(Cancelled)`.
///
/// # Limits
/// Costs two allocations: the future is boxed, so that it may be dropped while its place lives on.
///
/// ```
/// use sestina_deferred::{Cancelled, cancellable, spawn};
///
/// let d = spawn(async {
///     match cancellable(std::future::pending::<u32>()).await {
///         Err(failure) if failure.is::<Cancelled>() => Ok("stopped"),
///         _ => Ok("done"),
///     }
/// });
/// d.cancel();
/// assert_eq!(d.try_result().unwrap().unwrap(), "stopped");
/// ```
#[track_caller]
pub fn cancellable<F: Future>(future: F) -> Cancellable<F> {
    let (resolver, trip) = deferred();
    resolver.disarm();
    Cancellable { running: Some(Running { future: Box::pin(future), trip }) }
}

/// The future of [`cancellable`].
#[must_use = "futures do nothing unless they are polled"]
pub struct Cancellable<F> {
    running: Option<Running<F>>,
}

struct Running<F> {
    future: Pin<Box<F>>,
    /// Nobody can fire it. The task awaits it beside the future, so a cancel reaches it.
    trip: Deferred<Infallible>,
}

/// # Panics
/// When it is polled again after it gave its answer.
impl<F: Future> Future for Cancellable<F> {
    type Output = Res<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let running = self.running.as_mut().expect("a Cancellable is not polled after it gave its answer");
        if !running.trip.is_fired()
            && let Poll::Ready(value) = running.future.as_mut().poll(context)
        {
            self.running = None;
            return Poll::Ready(Ok(value));
        }
        match Pin::new(&mut running.trip).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(cancelled)) => {
                self.running = None;
                Poll::Ready(Err(cancelled))
            }
            Poll::Ready(Ok(never)) => match never {},
        }
    }
}

impl<F> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.running.is_some() { "Cancellable(running)" } else { "Cancellable(done)" })
    }
}
