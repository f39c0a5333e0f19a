//! Work at regular times, with a life.
//!
//! Tests: `tests/suite/work.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, IntoOutcome, maybe_deferred, succeed};
use sestina_reactor::LoopingCall;

use crate::context::ServiceContext;
use crate::monitor::Task;
use crate::service::{Details, Service};

/// Calls a closure at regular times, the first time when it starts: a [`LoopingCall`] with a life. The next call waits for
/// the deferred of the one before.
///
/// Its stop waits for a call that goes on, within the time limit of a stop; then that is aborted.
///
/// # Errors
/// A failure or a panic of the closure is one of the service; of a call that its stop waits for, one of the stop.
///
/// ```
/// use sestina_service::{Child, TimerService};
/// use std::time::Duration;
///
/// let sweep = Child::new("sweep", || {
///     TimerService::new(Duration::from_secs(60), |intervals| {
///         tracing::info!("sweeping, {intervals} minutes after the last time");
///         Ok(())
///     })
/// });
/// # drop(sweep);
/// ```
pub struct TimerService {
    interval: Duration,
    work: RefCell<Option<Work>>,
    ticks: RefCell<Option<LoopingCall>>,
    ended: RefCell<Option<Deferred<()>>>,
    /// The call that goes on.
    running: Rc<RefCell<Option<Task>>>,
    /// From now on the stop waits for that call, and tells how it ends.
    stopping: Rc<Cell<bool>>,
}

type Work = Box<dyn FnMut(u64) -> Deferred<()>>;

impl TimerService {
    /// Calls `work` this often, with the number of intervals that the call stands for.
    pub fn new<R: IntoOutcome<Out = ()>>(
        interval: Duration,
        mut work: impl FnMut(u64) -> R + 'static,
    ) -> Self {
        let work: Work = Box::new(move |count| maybe_deferred(|| work(count)));
        Self {
            interval,
            work: RefCell::new(Some(work)),
            ticks: RefCell::default(),
            ended: RefCell::default(),
            running: Rc::default(),
            stopping: Rc::default(),
        }
    }
}

impl Service for TimerService {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let work = self.work.borrow_mut().take();
        let Some(mut work) = work else { return succeed(()) };
        let (running, stopping, span) =
            (Rc::clone(&self.running), Rc::clone(&self.stopping), cx.span().clone());
        let ticks = LoopingCall::new(cx.reactor(), move |count| {
            let (task, answer) = Task::watching(span.in_scope(|| work(count)));
            *running.borrow_mut() = (!task.is_over()).then_some(task);
            let stopping = Rc::clone(&stopping);
            answer.add_errback(move |failure| if stopping.get() { Ok(()) } else { Err(failure) })
        });
        *self.ended.borrow_mut() = Some(ticks.start(self.interval, true));
        *self.ticks.borrow_mut() = Some(ticks);
        succeed(())
    }

    fn failed(&self) -> Option<Deferred<()>> {
        self.ended.borrow_mut().take()
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.stopping.set(true);
        let ticks = self.ticks.borrow_mut().take();
        if let Some(ticks) = ticks {
            ticks.stop();
        }
        let running = self.running.borrow_mut().take();
        match running.filter(|task| !task.is_over()) {
            None => succeed(()),
            Some(task) => {
                let ended = task.monitor().add_callback(|end| end.failure().cloned().map_or(Ok(()), Err));
                ended.on_cancel(move || task.abort())
            }
        }
    }

    fn details(&self) -> Details {
        Details::default().with_note(format!("every {:?}", self.interval))
    }
}

impl fmt::Debug for TimerService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TimerService(every {:?})", self.interval)
    }
}
