//! Awaiting a deferred.
//!
//! Walk: polled by a task, which is then resumed from the drive loop, or by any other executor, whose waker is
//! called.
//! Tests: `tests/awaiting.rs`, `tests/combinators.rs`.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::deferred::Deferred;
use crate::holding::{Holding, Polled};
use crate::node::Source;
use crate::outcome::Res;
use crate::request;
use crate::task;

/// Nothing in a deferred points into it.
impl<T> Unpin for Deferred<T> {}

/// # Panics
/// When it is polled again after it gave its answer.
impl<T> Future for Deferred<T> {
    type Output = Res<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Res<T>> {
        let node = match self.take_holding() {
            Holding::Value(value) => return Poll::Ready(Ok(value)),
            Holding::Failed(unread) => return Poll::Ready(Err(unread.read())),
            Holding::Node(node) => node,
            Holding::Awaited(polled) => polled.into_node(),
            Holding::Taken => panic!("a Deferred was polled after it gave its answer"),
        };
        if let Some(answer) = node.core().take_answer() {
            return Poll::Ready(answer);
        }
        if let Some(request) = task::wait(&node, context.waker()) {
            request::climb(Rc::<dyn Source<T>>::clone(&node), request);
            if let Some(answer) = node.core().take_answer() {
                return Poll::Ready(answer);
            }
        }
        self.set_holding(Holding::Awaited(Polled::new(node)));
        Poll::Pending
    }
}
