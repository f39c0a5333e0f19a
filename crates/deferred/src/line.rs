//! A line of deferreds that wait for something that is handed out one by one.
//!
//! Walk: [`DeferredSemaphore`](crate::DeferredSemaphore) and [`DeferredQueue`](crate::DeferredQueue) keep one.
//! Invariant: first come, first served; whoever cancels leaves the line at once.
//! Tests: `tests/suite/locks.rs`, `tests/suite/queues.rs`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::deferred::Deferred;
use crate::resolver::Resolver;

/// The line.
pub(crate) struct Line<T: 'static> {
    waiting: Rc<RefCell<Waiting<T>>>,
}

struct Waiting<T: 'static> {
    /// By ticket, in the order in which they came.
    resolvers: BTreeMap<u64, Resolver<T>>,
    tickets: u64,
}

impl<T> Line<T> {
    pub(crate) fn new() -> Self {
        Self { waiting: Rc::new(RefCell::new(Waiting { resolvers: BTreeMap::new(), tickets: 0 })) }
    }

    /// Goes to the end of the line.
    #[track_caller]
    pub(crate) fn join(&self) -> Deferred<T> {
        let (resolver, deferred) = Deferred::new();
        let mut waiting = self.waiting.borrow_mut();
        let ticket = waiting.tickets;
        waiting.tickets += 1;
        let line = Rc::downgrade(&self.waiting);
        resolver.on_cancel(move || {
            let left = line.upgrade().and_then(|line| line.borrow_mut().resolvers.remove(&ticket));
            if let Some(resolver) = left {
                resolver.disarm(); // the cancel answers
            }
        });
        waiting.resolvers.insert(ticket, resolver);
        deferred
    }

    /// Gives `value` to the first in the line who can still see it.
    ///
    /// # Errors
    /// Gives it back if there is nobody.
    pub(crate) fn offer(&self, mut value: T) -> Result<(), T> {
        loop {
            let first = self.waiting.borrow_mut().resolvers.pop_first();
            let Some((_, resolver)) = first else { return Err(value) };
            match resolver.try_callback(value) {
                Ok(()) => return Ok(()),
                Err(returned) => value = returned,
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.borrow().resolvers.len()
    }
}
