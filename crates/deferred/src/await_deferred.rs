//! Awaiting a deferred.
//!
//! Walk: polled by a task, which is then resumed from the drive loop, or by any other executor, whose waker is
//! called.
//! Tests: `tests/suite/awaiting.rs`, `tests/suite/combinators.rs`.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::deferred::Deferred;
use crate::holding::Holding;
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
        // Looks where it is, and moves only when something changes.
        let Some(node) = self.node() else {
            return match self.take_holding() {
                Holding::Value(value) => Poll::Ready(Ok(value)),
                Holding::Failed(unread) => Poll::Ready(Err(unread.read())),
                _ => panic!("a Deferred was polled after it gave its answer"),
            };
        };
        let mut answer = node.core().take_answer();
        if answer.is_none()
            && let Some(request) = task::wait(node, context.waker())
        {
            request::climb(Rc::<dyn Source<T>>::clone(node), request);
            answer = node.core().take_answer();
        }
        match answer {
            Some(answer) => {
                self.finish_polling();
                Poll::Ready(answer)
            }
            None => {
                self.become_awaited();
                Poll::Pending
            }
        }
    }
}
