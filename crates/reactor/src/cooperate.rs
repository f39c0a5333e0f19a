//! Long computations in small slices, so that the loop stays responsive.
//!
//! All tasks of a reactor share one slice of each turn, in turn.
//! Invariant: a task's work is taken out while it runs. Tests: `tests/suite/cooperating.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Resolver, deferred};

use crate::inner::Reactor;

/// How long the tasks together may hold the loop, in each turn.
pub const SLICE: Duration = Duration::from_millis(10);
/// How many steps the tasks together may make in each turn: the bound where no time passes, as in a simulation.
pub const SLICE_STEPS_MAX: u32 = 10_000;

/// What one step of a long computation leaves to do.
#[derive(Debug)]
pub enum Work {
    /// There are further steps.
    More,
    /// There are further steps, after this has fired.
    Wait(Deferred<()>),
    /// That was the last one.
    Done,
}

type Step = Box<dyn FnMut() -> Work>;

/// A long computation that shares the loop; [`Reactor::cooperate`] starts it. Dropping this changes nothing.
#[derive(Clone)]
pub struct CooperativeTask(Rc<Task>);

struct Task {
    reactor: crate::inner::WeakReactor,
    /// Taken out while it runs; gone when it is over.
    step: RefCell<Option<Step>>,
    /// How often it was paused.
    paused: Cell<u32>,
    /// Whether it waits for a deferred of its own.
    waits: Cell<bool>,
    queued: Cell<bool>,
    /// Who started it.
    place: &'static Location<'static>,
    end: RefCell<End>,
}

enum End {
    /// It goes on; these want to know its end.
    Open(Vec<Resolver<()>>),
    Done,
    Stopped,
    Failed(Failure),
}

/// The task was stopped before its computation was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskStopped;

impl fmt::Display for TaskStopped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the task was stopped before it was done")
    }
}

impl Error for TaskStopped {}

/// The tasks of one reactor that want a step.
#[derive(Default)]
pub(crate) struct Cooperator {
    ready: RefCell<VecDeque<Weak<Task>>>,
    /// Unfinished tasks live here: whoever started one may have dropped it.
    all: RefCell<Vec<Rc<Task>>>,
}

impl Cooperator {
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.borrow().is_empty()
    }

    pub(crate) fn take_all(&self) -> Vec<CooperativeTask> {
        self.all.borrow().iter().cloned().map(CooperativeTask).collect()
    }

    /// Who started them.
    pub(crate) fn places(&self) -> Vec<&'static Location<'static>> {
        self.all.borrow().iter().map(|task| task.place).collect()
    }

    /// Takes all out, unfinished; the caller drops them with nothing borrowed.
    pub(crate) fn forget_all(&self) -> Vec<CooperativeTask> {
        self.ready.borrow_mut().clear();
        self.all.take().into_iter().map(CooperativeTask).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.borrow().len()
    }
}

impl Reactor {
    /// Calls `step` again and again, in slices of at most [`SLICE`] a turn together with the other tasks, until it
    /// says [`Work::Done`].
    ///
    /// A failure (of what it waits for, or by a panic) that comes while nobody waits for [`CooperativeTask::when_done`]
    /// is logged and counted as unhandled.
    ///
    /// # Panics
    /// A panic of `step` ends the task with [`Panicked`](sestina_deferred::Panicked).
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// use sestina_reactor::Work;
    ///
    /// let mut numbers = 1..=1000;
    /// let task = reactor.cooperate(move || if numbers.next().is_some() { Work::More } else { Work::Done });
    /// reactor.run_until(task.when_done()).expect("it ends");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn cooperate(&self, step: impl FnMut() -> Work + 'static) -> CooperativeTask {
        let task = Rc::new(Task {
            reactor: self.downgrade(),
            step: RefCell::new(Some(Box::new(step))),
            paused: Cell::new(0),
            waits: Cell::new(false),
            queued: Cell::new(false),
            place: Location::caller(),
            end: RefCell::new(End::Open(Vec::new())),
        });
        self.inner().cooperator.all.borrow_mut().push(Rc::clone(&task));
        let task = CooperativeTask(task);
        task.queue();
        task
    }

    /// One slice: steps of all tasks in turn.
    pub(crate) fn run_slice(&self) {
        let clock = || self.inner().driver.borrow().now();
        if self.inner().cooperator.is_idle() {
            return;
        }
        let begun = clock();
        for _ in 0..SLICE_STEPS_MAX {
            let task = self.inner().cooperator.ready.borrow_mut().pop_front();
            let Some(task) = task else { return };
            if let Some(task) = task.upgrade() {
                self.count(|statistics| statistics.callbacks += 1);
                CooperativeTask(task).run();
                self.settle();
            }
            if clock() - begun >= SLICE {
                return;
            }
        }
    }
}

impl CooperativeTask {
    /// Fires when the computation is done; fails with [`TaskStopped`], or with the failure that ended it. Can be
    /// asked for any number of times, also afterwards.
    #[track_caller]
    pub fn when_done(&self) -> Deferred<()> {
        let (resolver, answer) = deferred();
        let settled = match &mut *self.0.end.borrow_mut() {
            End::Open(waiting) => {
                waiting.push(resolver);
                return answer;
            }
            End::Done => Ok(()),
            End::Stopped => Err(TaskStopped.into()),
            End::Failed(failure) => Err(failure.clone()),
        };
        resolver.resolve(settled);
        answer
    }

    /// No step until as many [`resume`](Self::resume) as there were `pause`.
    pub fn pause(&self) {
        self.0.paused.set(self.0.paused.get() + 1);
    }

    /// Takes one [`pause`](Self::pause) back. Without one it does nothing; what the task itself waits for
    /// ([`Work::Wait`]) it does not shorten.
    pub fn resume(&self) {
        self.0.paused.set(self.0.paused.get().saturating_sub(1));
        self.queue();
    }

    /// No further step; [`when_done`](Self::when_done) fails with [`TaskStopped`]. Without effect when it is over.
    pub fn stop(&self) {
        self.end(End::Stopped, &Err(TaskStopped.into()));
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !matches!(&*self.0.end.borrow(), End::Open(_))
    }

    fn queue(&self) {
        let wanted = !self.is_done() && self.may_run() && !self.0.queued.get();
        if let (true, Some(reactor)) = (wanted, self.0.reactor.upgrade()) {
            self.0.queued.set(true);
            reactor.inner().cooperator.ready.borrow_mut().push_back(Rc::downgrade(&self.0));
            reactor.nudge();
        }
    }

    fn may_run(&self) -> bool {
        self.0.paused.get() == 0 && !self.0.waits.get()
    }

    fn run(self) {
        self.0.queued.set(false);
        if !self.may_run() || self.is_done() {
            return;
        }
        let step = self.0.step.borrow_mut().take();
        let Some(mut step) = step else { return };
        let work = sestina_deferred::maybe_deferred(|| Ok(step())).try_result();
        let over = self.is_done(); // it may have stopped itself
        if !over {
            *self.0.step.borrow_mut() = Some(step);
        }
        match work {
            Ok(Ok(Work::More)) => self.queue(),
            Ok(Ok(Work::Done)) => self.end(End::Done, &Ok(())),
            Ok(Ok(Work::Wait(answer))) => {
                self.0.waits.set(true);
                drop(answer.add_both(move |result| {
                    self.0.waits.set(false);
                    match result {
                        Ok(()) => self.queue(),
                        Err(failure) => self.fail(failure),
                    }
                }));
            }
            Ok(Err(failure)) => self.fail(failure),
            Err(pending) => pending.ignore_errors(),
        }
    }

    /// Ends with a failure; one that nobody waits for is not lost in silence.
    fn fail(&self, failure: Failure) {
        let unseen = matches!(&*self.0.end.borrow(), End::Open(waiting) if waiting.is_empty());
        if unseen {
            if let Some(reactor) = self.0.reactor.upgrade() {
                reactor.count(|statistics| statistics.unhandled_errors += 1);
            }
            let (at, error) = (failure.location(), Box::<dyn Error>::from(failure.clone()));
            tracing::error!(error = &*error, %at, "a cooperative task failed");
        }
        self.end(End::Failed(failure.clone()), &Err(failure));
    }

    fn end(&self, how: End, answer: &Result<(), Failure>) {
        if self.is_done() {
            return;
        }
        let before = self.0.end.replace(how);
        let step = self.0.step.borrow_mut().take();
        if let Some(reactor) = self.0.reactor.upgrade() {
            reactor.inner().cooperator.all.borrow_mut().retain(|task| !Rc::ptr_eq(task, &self.0));
        }
        drop(step);
        if let End::Open(waiting) = before {
            for resolver in waiting {
                resolver.resolve(answer.clone());
            }
        }
    }
}

impl fmt::Debug for CooperativeTask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CooperativeTask").field("done", &self.is_done()).finish()
    }
}
