//! What a service is lent: the reactor, the tree, the log; and what it starts, which ends with it.
//!
//! Invariant: when an instance is over, nothing that it started through its context goes on: no task, no call.
//! Tests: `tests/suite/lives.rs`, `tests/suite/supervision.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::time::Duration;

use sestina_deferred::{
    CancelHandle, Cancelled, Deferred, Failure, IntoOutcome, Resolver, deferred, maybe_deferred, succeed,
};
use sestina_reactor::{DelayedCall, Reactor};

use crate::errors::Stopping;
use crate::machine::Id;
use crate::monitor::Task;
use crate::ready::ReadyGuard;
use crate::tree::{Inner, Tree};

/// What a service is lent for one life: the reactor, the tree it is part of, its place in the log. A cheap clone.
///
/// What is started here (tasks, calls) belongs to the service: an error or a panic in it is a failure of the service, and it
/// is cancelled when the service stops and gone when it has stopped.
///
/// ```
/// use sestina_service::service;
/// use std::time::Duration;
///
/// let heart = service("heart", |cx| async move {
///     let beat = cx.clone();
///     cx.spawn(async move {
///         loop {
///             beat.reactor().sleep(Duration::from_secs(1)).await?; // cancelled when the service stops
///             tracing::info!("still alive");
///         }
///     });
///     cx.ready();
///     cx.stopped().await
/// });
/// # drop(heart);
/// ```
#[derive(Clone)]
pub struct ServiceContext {
    life: Rc<Life>,
    /// For services that say when they are ready.
    ready: Option<Rc<ReadyGuard>>,
}

/// One instance's life.
pub(crate) struct Life {
    reactor: Reactor,
    tree: Weak<Inner>,
    id: Id,
    instance: u64,
    path: String,
    span: tracing::Span,
    next: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, CancelHandle>>,
    calls: RefCell<BTreeMap<u64, DelayedCall>>,
    /// Told when the last task has ended.
    idle: RefCell<Vec<Resolver<()>>>,
    /// Told when the service is to stop.
    stop: RefCell<Vec<Resolver<()>>>,
    stopping: Cell<bool>,
    over: Cell<bool>,
    /// What went wrong in a task while it was being stopped.
    trouble: RefCell<Option<Failure>>,
}

impl ServiceContext {
    pub(crate) fn new(reactor: &Reactor, tree: &Rc<Inner>, id: Id, instance: u64, path: String) -> Self {
        let span = tracing::info_span!("service", path = %path);
        let life = Life {
            reactor: reactor.clone(),
            tree: Rc::downgrade(tree),
            id,
            instance,
            path,
            span,
            next: Cell::new(0),
            tasks: RefCell::default(),
            calls: RefCell::default(),
            idle: RefCell::default(),
            stop: RefCell::default(),
            stopping: Cell::new(false),
            over: Cell::new(false),
            trouble: RefCell::default(),
        };
        Self { life: Rc::new(life), ready: None }
    }

    /// The same for a service that says itself when it is ready.
    pub(crate) fn with_ready(&self, guard: ReadyGuard) -> Self {
        Self { life: Rc::clone(&self.life), ready: Some(Rc::new(guard)) }
    }

    /// The reactor.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        &self.life.reactor
    }

    /// The tree: to find other services, and to add some.
    ///
    /// # Panics
    /// If nobody holds the tree any more: then no service of it runs, and this one was kept by somebody else.
    #[must_use]
    pub fn tree(&self) -> Tree {
        Tree::from_inner(self.life.tree.upgrade().expect("a tree lives as long as its services run"))
    }

    /// Its place in the tree, such as `poetry/tcp`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.life.path
    }

    /// Its place in the log: a span with its path. Steps and calls of a service run in it; enter it in what you start by
    /// other means.
    #[must_use]
    pub fn span(&self) -> &tracing::Span {
        &self.life.span
    }

    /// The start of a [`service`](crate::service()) is done: those after it may start. Once is enough; for other services
    /// their `start` says it.
    pub fn ready(&self) {
        if let Some(ready) = &self.ready {
            ready.0.say();
        }
    }

    /// Fires when the service is to stop: for tasks with nothing to do but to be there.
    ///
    /// # Cancelling
    /// Fires [`Cancelled`], and waits no more. In the task of a [`service`](crate::service()) the cancel that is its stop
    /// arrives here, and is answered with success.
    pub fn stopped(&self) -> Deferred<()> {
        if self.life.stopping.get() {
            return succeed(());
        }
        let (resolver, answer) = deferred();
        resolver.on_cancel_with(|cancelled: &Cancelled| {
            let stops = cancelled.reason().is_some_and(Failure::is::<Stopping>);
            if stops { Ok(()) } else { Err(Failure::new(cancelled.clone())) }
        });
        self.life.stop.borrow_mut().push(resolver);
        answer
    }

    /// The service has failed: it is stopped, and its parent decides what follows. The first time counts.
    #[track_caller]
    pub fn fail(&self, why: impl Into<Failure>) {
        self.end(Err(why.into()));
    }

    pub(crate) fn end(&self, result: Result<(), Failure>) {
        if let Some(tree) = self.life.tree.upgrade() {
            tree.ended(self.life.id, self.life.instance, result);
        }
    }

    /// Runs a task that belongs to the service. An error is a failure of the service.
    ///
    /// # Cancelling
    /// Cancelled because of [`Stopping`] when the service stops, after its own `stop`, which waits for it; aborted when
    /// that takes too long.
    pub fn spawn(&self, task: impl Future<Output = Result<(), Failure>> + 'static) -> Task {
        let running = self.life.span.in_scope(|| self.life.reactor.spawn(task));
        self.watch(running)
    }

    /// Makes an answer that will come one of the service's tasks: its failure is a failure of the service.
    ///
    /// # Cancelling
    /// As with [`spawn`](Self::spawn).
    pub fn watch(&self, answer: Deferred<()>) -> Task {
        let context = self.clone_without_ready();
        self.keep(answer, move |result| {
            if let Err(failure) = result {
                context.fail(failure);
            }
        })
    }

    /// Has a task counted; `end` is told its end, unless it ended because the service stops.
    pub(crate) fn keep(&self, answer: Deferred<()>, end: impl FnOnce(Result<(), Failure>) + 'static) -> Task {
        let number = self.life.number();
        let (task, answer) = Task::watching(answer);
        self.life.tasks.borrow_mut().insert(number, task.canceller());
        if self.life.over.get() {
            task.abort();
        } else if self.life.stopping.get() {
            task.canceller().cancel_because(Stopping);
        }
        let life = Rc::clone(&self.life);
        drop(answer.add_both(move |result| {
            let stopping = life.stopping.get();
            if !stopping {
                end(result);
            } else if let Err(failure) = result
                && !failure.is::<Cancelled>()
            {
                life.trouble.borrow_mut().get_or_insert(failure);
            }
            life.task_ended(number);
        }));
        task
    }

    /// Calls `f` after this time, unless the service stops first. A failure or a panic of `f` is one of the service.
    pub fn call_later<R: IntoOutcome<Out = ()>>(
        &self,
        after: Duration,
        f: impl FnOnce() -> R + 'static,
    ) -> DelayedCall {
        let number = self.life.number();
        let context = self.clone_without_ready();
        let call = self.life.reactor.call_later(after, move || {
            context.life.calls.borrow_mut().remove(&number);
            let answer = context.life.span.in_scope(|| maybe_deferred(f));
            if answer.is_fired() {
                drop(answer.add_errback(move |failure| context.fail(failure)));
            } else {
                context.watch(answer);
            }
        });
        self.life.calls.borrow_mut().insert(number, call.clone());
        if self.life.over.get() {
            call.cancel();
        }
        call
    }

    /// What outlives the block of a service must not keep its start waiting.
    pub(crate) fn clone_without_ready(&self) -> Self {
        Self { life: Rc::clone(&self.life), ready: None }
    }

    /// Its own `stop` has answered: ends what it started, and answers when that has ended.
    pub(crate) fn end_tasks(&self) -> Deferred<()> {
        self.begin_stop();
        let life = Rc::clone(&self.life);
        let tasks: Vec<CancelHandle> = life.tasks.borrow().values().cloned().collect();
        for task in tasks {
            task.cancel_because(Stopping);
        }
        let ended = if life.tasks.borrow().is_empty() {
            succeed(())
        } else {
            let (resolver, ended) = deferred();
            life.idle.borrow_mut().push(resolver);
            ended
        };
        ended.add_callback(move |()| {
            let trouble = life.trouble.borrow_mut().take();
            trouble.map_or(Ok(()), Err)
        })
    }

    /// From now on its tasks end because it stops.
    pub(crate) fn begin_stop(&self) {
        self.life.stopping.set(true);
        let waiting = std::mem::take(&mut *self.life.stop.borrow_mut());
        for resolver in waiting {
            resolver.callback(());
        }
        self.life.cancel_calls();
    }

    /// The instance is over, whatever still wants to go on.
    pub(crate) fn close(&self) {
        self.begin_stop();
        self.life.over.set(true);
        let tasks: Vec<CancelHandle> = self.life.tasks.borrow().values().cloned().collect();
        for task in tasks {
            task.abort();
        }
        let idle = std::mem::take(&mut *self.life.idle.borrow_mut());
        drop(idle);
    }

    /// Tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.life.tasks.borrow().len()
    }
}

impl Life {
    fn number(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn task_ended(&self, number: u64) {
        let task = self.tasks.borrow_mut().remove(&number);
        drop(task);
        if self.tasks.borrow().is_empty() {
            let idle = std::mem::take(&mut *self.idle.borrow_mut());
            for resolver in idle {
                resolver.callback(());
            }
        }
    }

    fn cancel_calls(&self) {
        let calls = std::mem::take(&mut *self.calls.borrow_mut());
        for call in calls.into_values() {
            call.cancel();
        }
    }
}

impl fmt::Debug for ServiceContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ServiceContext({}, instance {})", self.life.path, self.life.instance)
    }
}
