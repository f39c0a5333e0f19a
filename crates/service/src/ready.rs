//! The word of a service that it has started. Silence is failure.
//!
//! Whoever drops the right to say "ready" without having said it, has failed. But a task that ends with an error drops it too,
//! a moment before its error is known; so while the task is polled, the drop is only noted.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use sestina_deferred::{Deferred, Failure, Resolver, deferred};

use crate::errors::NeverReady;

/// Whether a service has said that it is ready.
pub(crate) struct Ready {
    resolver: Cell<Option<Resolver<()>>>,
    polling: Cell<bool>,
    /// The right to say it was dropped while its task was polled.
    dropped: Cell<bool>,
}

/// The right to say it.
pub(crate) struct ReadyGuard(pub(crate) Rc<Ready>);

impl Ready {
    pub(crate) fn new() -> (Rc<Self>, Deferred<()>) {
        let (resolver, started) = deferred();
        let ready = Self {
            resolver: Cell::new(Some(resolver)),
            polling: Cell::new(false),
            dropped: Cell::new(false),
        };
        (Rc::new(ready), started)
    }

    pub(crate) fn say(&self) {
        if let Some(resolver) = self.resolver.take() {
            resolver.callback(());
        }
    }

    pub(crate) fn fail(&self, why: Failure) {
        if let Some(resolver) = self.resolver.take() {
            resolver.errback(why);
        }
    }

    /// Whether neither was said yet.
    pub(crate) fn is_open(&self) -> bool {
        let resolver = self.resolver.take();
        let is_open = resolver.is_some();
        self.resolver.set(resolver);
        is_open
    }

    /// Polls a future, and notices when it lets go of the right.
    pub(crate) async fn polling<T>(
        self: Rc<Self>,
        make: impl FnOnce() -> Pin<Box<dyn Future<Output = T>>>,
    ) -> T {
        self.polling.set(true);
        let mut future = make();
        poll_fn(move |task| {
            self.polling.set(true);
            let polled = future.as_mut().poll(task);
            self.polling.set(false);
            if matches!(polled, Poll::Pending) && self.dropped.get() {
                self.fail(Failure::new(NeverReady));
            }
            polled
        })
        .await
    }
}

impl Drop for ReadyGuard {
    fn drop(&mut self) {
        if self.0.polling.get() {
            self.0.dropped.set(true);
        } else {
            self.0.fail(Failure::new(NeverReady));
        }
    }
}
