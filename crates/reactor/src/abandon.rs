//! The end without a word: what is left of a process that was killed.
//!
//! Walk: called by a simulation when a host crashes. Nothing else in the house ends a reactor like this.
//! Tests: `tests/suite/fake_driver.rs`.

use std::collections::BTreeMap;

use crate::close::Closings;
use crate::errors::ConnectError;
use crate::inner::{Entry, Reactor};

/// How often everything is dropped again because the drops made something new.
const ROUNDS_MAX: u32 = 16;

impl Reactor {
    /// Drops everything that is left, connections, ports, attempts, timers, tasks and calls from threads, and tells
    /// nobody: no `connection_lost`, no `connection_failed`. Sockets are not closed either: they end with the driver.
    /// A simulated host that crashes does this; programs want [`Reactor::stop`] or [`Reactor::clear`].
    ///
    /// Dropping is user code all the same: a deferred whose producer goes fires `Abandoned`.
    ///
    /// # Panics
    /// If called from inside the loop.
    pub fn abandon(&self) {
        self.entered(|reactor| {
            let inner = reactor.inner();
            for _ in 0..ROUNDS_MAX {
                let keys = inner.entries.borrow().keys();
                for key in keys {
                    let entry = inner.entries.borrow_mut().remove(key);
                    let attempt = match &entry {
                        Some(Entry::Attempt(attempt)) => Some(attempt.outcome()),
                        _ => None,
                    };
                    reactor.guard("the drop of what a crash left", move || drop(entry));
                    if let Some(outcome) = attempt {
                        let why = ConnectError::Cancelled;
                        reactor.guard("the answer of an attempt", move || outcome.failed(&why));
                    }
                }
                let jobs = inner.timers.borrow_mut().clear();
                reactor.guard("the drop of a timer", move || drop(jobs));
                let calls = inner.calls.take();
                reactor.guard("the drop of a call from a thread", move || drop(calls));
                reactor.guard("the drop of a task", || inner.executor.clear());
                let tasks = inner.cooperator.forget_all();
                reactor.guard("the drop of a cooperative task", move || drop(tasks));
                let jobs = inner.thread_jobs.take();
                reactor.guard("the drop of a job on a thread", move || drop(jobs));
                let runs = inner.remote_runs.take();
                reactor.guard("the drop of what a thread waits for", move || drop(runs));
                let watchers = (inner.watchers.lost.take(), inner.watchers.idle.take());
                reactor.guard("the drop of who watches", move || drop(watchers));
                let triggers = (inner.triggers.take(), inner.startup.take());
                reactor.guard("the drop of a trigger", move || drop(triggers));
                let signals = inner.signals.replace(BTreeMap::new());
                reactor.guard("the drop of a signal handler", move || drop(signals));
                if inner.entries.borrow().is_empty() && reactor.timers() == 0 {
                    break;
                }
            }
            inner.dirty.borrow_mut().clear();
            inner.ready.borrow_mut().clear();
            let mut closings = inner.closings.borrow_mut();
            let limits = closings.limits;
            *closings = Closings::default();
            closings.limits = limits;
        });
        self.inner().stopping.set(false);
        self.inner().ending.set(false);
    }
}
