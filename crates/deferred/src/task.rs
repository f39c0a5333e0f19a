//! A future that runs as part of the deferred machinery: it starts at once, is resumed by what it awaits, and
//! can be cancelled.
//!
//! Walk: [`spawn`] polls it for the first time; a deferred that it awaits resumes it from the drive loop; a
//! foreign waker resumes it through its [`Executor`](crate::Executor).
//! Invariant: the future is taken out of its cell while it is polled, so nothing is borrowed then, and whoever
//! finds the cell empty knows that the task runs.
//! Tests: `tests/suite/tasks.rs`, `tests/suite/awaiting.rs`, `tests/suite/combinators.rs`.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::awaited::{self, Awaited};
use crate::core::Core;
use crate::debugging;
use crate::deferred::Deferred;
use crate::drive;
use crate::executor::{self, Local};
use crate::inspector::{self, WaitsOn};
use crate::next::{ForeignWait, Next};
use crate::node::{AnyNode, Node, Part, Source, weak};
use crate::outcome::Res;
use crate::panicked::{drop_quietly, guarded};
use crate::request::{Mode, Request, Verdict};
use crate::status::State;
use crate::unhandled;
use crate::waker::TaskWaker;

/// Runs an async block or function as a task, and gives its result as a deferred.
///
/// ```
/// use sestina_deferred::{deferred, spawn};
///
/// let (resolver, answer) = deferred::<String>();
/// let d = spawn(async {
///     let text = answer.await?;
///     Ok(text.parse::<u32>()?)
/// });
/// resolver.callback("42".to_owned()); // resumes the task, here and now
/// assert_eq!(d.try_result().unwrap().unwrap(), 42);
/// ```
///
/// # Order
/// Runs at once, to its first pending await. What it awaits resumes it in the middle of being fired, as a
/// callback would; a foreign future's waker only queues it, for [`Executor::run_woken`](crate::Executor::run_woken).
///
/// # Cancelling
/// A cancel reaches every deferred that the task awaits at that moment, also inside of `join!` and `select!`.
/// The task sees what they answer (mostly `Err(Cancelled)`) and may recover, clean up, or give up. While it
/// only awaits foreign futures, or runs, the request waits for the next deferred that it awaits; see
/// [`cancellable`](crate::cancellable()). [`abort`](Deferred::abort) drops the future where it stands.
///
/// # Errors
/// A panic becomes [`Panicked`](crate::Panicked). A task that nothing can ever wake again fails with
/// [`Abandoned`](crate::Abandoned).
///
/// # Limits
/// A task that awaits a deferred whose resolver it owns itself waits until it is cancelled, or until its executor is
/// dropped. Whether anything can wake a task is asked when it has been polled: one whose last foreign waker is dropped
/// later, without a word, waits as long.
#[track_caller]
pub fn spawn<T, F>(future: F) -> Deferred<T>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    spawn_at(Location::caller(), future)
}

/// The same for the user's line `at`.
pub(crate) fn spawn_at<T, F>(at: &'static Location<'static>, future: F) -> Deferred<T>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    let executor = executor::current();
    let wake = Arc::new(executor.new_waker());
    let head = Head {
        waker: Waker::from(Arc::clone(&wake)),
        wake,
        awaited: Awaited::default(),
        due: Cell::new(None),
        again: Cell::new(false),
        standing: Cell::new(Standing::New),
        executor,
    };
    let task = Task { head, future: Cell::new(Some(Box::pin(future))) };
    let node = Rc::new(Node { core: Core::default(), part: task });
    node.core.set_at(at);
    if debugging::is_on() {
        inspector::watch(&node);
    }
    match drive::enter_unless_deep() {
        Some(_level) => drive::run(Task::resume(Rc::clone(&node))),
        None => drive::queue(Rc::<Node<T, Task<F>>>::clone(&node)),
    }
    Deferred::from_node(node)
}

/// The part of a task's node.
pub(crate) struct Task<F> {
    head: Head,
    /// `None` while it is polled, and when it is done.
    future: Cell<Option<Pin<Box<F>>>>,
}

/// What a task needs whatever its future is.
pub(crate) struct Head {
    waker: Waker,
    wake: Arc<TaskWaker>,
    pub(crate) awaited: Awaited,
    /// A request to stop that found nothing to stop: for the next deferred that is awaited.
    due: Cell<Option<Request>>,
    /// Resumed while it was being polled.
    again: Cell<bool>,
    standing: Cell<Standing>,
    executor: Rc<Local>,
}

/// What the executor knows of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has a key.
    New,
    /// It is listed as pending.
    Listed,
    /// It is listed, and the executor keeps it alive for a foreign waker.
    Parked,
    /// It is done, and its key is given back.
    Left,
}

/// A task whose future does not matter.
pub(crate) trait Resume: AnyNode {
    fn head(&self) -> &Head;

    /// Drops the future; the deferred fires `Abandoned`.
    fn abandon(self: Rc<Self>);
}

impl<T, F> Resume for Node<T, Task<F>>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    fn head(&self) -> &Head {
        &self.part.head
    }

    fn abandon(self: Rc<Self>) {
        if !self.core.status.state().is_open() {
            return;
        }
        let somebody_waits = self.core.settle(Err(self.core.abandoned()));
        self.part.release(self.core.at());
        if somebody_waits {
            drive::start_from_drop(self);
        }
    }
}

impl<T, F> Part<T> for Task<F>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    fn resume(node: Rc<Node<T, Self>>) -> Option<Rc<dyn AnyNode>> {
        let answer = advance(&node)?;
        node.core.settle(answer).then_some(node)
    }

    fn pass_up(node: &Rc<Node<T, Self>>, request: &Request) -> Verdict<T> {
        if request.mode == Mode::Abort {
            return Verdict::Settle(Err(request.failure()));
        }
        let head = &node.part.head;
        if node.core.status.state() != State::Running {
            // What was polled last may have been put aside since, in the same poll. One more poll shows what is
            // awaited now; it is spared if there is only one thing that can wake the task.
            if (head.wake.is_shared() || !head.awaited.is_single())
                && let Some(answer) = advance(node)
            {
                return Verdict::Settle(answer);
            }
            let mut awaited = head.awaited.snapshot(&**node);
            match awaited.len() {
                0 => {}
                1 => return awaited.pop().map_or(Verdict::Stay, Verdict::Up),
                _ => return Verdict::Fan(awaited),
            }
        }
        head.due.set(Some(request.clone()));
        Verdict::Stay
    }

    fn waits_on(node: &Node<T, Self>) -> WaitsOn {
        if node.core.status.state() != State::Waiting {
            return node.core.waits_on();
        }
        let awaited = node.part.head.awaited.snapshot(node);
        match awaited.is_empty() {
            true => WaitsOn::ForeignFuture,
            false => WaitsOn::Deferreds(awaited.iter().map(|node| node.at()).collect()),
        }
    }

    fn release(&self, at: &'static Location<'static>) {
        self.head.leave();
        drop_quietly(at, self.future.take());
    }
}

/// Polls until the future is done or waits. Returns what the task came to; `None` if it waits, runs already, or
/// was answered meanwhile.
fn advance<T, F>(node: &Rc<Node<T, Task<F>>>) -> Option<Res<T>>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    let head = &node.part.head;
    let Some(mut future) = node.part.future.take() else {
        head.again.set(true); // it is being polled right now
        return None;
    };
    let answer = loop {
        match poll(node, &mut future) {
            Some(answer) => break answer,
            None if node.core.status.state() != State::Running => {
                drop_quietly(node.core.at(), future); // it was aborted from inside of itself
                return None;
            }
            None if head.again.get() => {}
            None => match put_aside(node, future) {
                None => return None,
                Some(hopeless) => {
                    future = hopeless;
                    break Err(node.core.abandoned());
                }
            },
        }
    };
    head.leave();
    drop_quietly(node.core.at(), future);
    if !node.core.status.state().is_open() {
        unhandled::report_unless_cancelled(answer, node.core.at());
        return None; // a canceller answered while it ran
    }
    Some(answer)
}

/// Polls once. `None` if it is pending.
fn poll<T, F>(node: &Rc<Node<T, Task<F>>>, future: &mut Pin<Box<F>>) -> Option<Res<T>>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    let head = &node.part.head;
    node.core.status.set_state(State::Running);
    head.again.set(false);
    head.awaited.begin_poll();
    head.wake.begin_poll();
    let _current = executor::run_inside(Rc::<Node<T, Task<F>>>::clone(node));
    let mut answer = None;
    let polled = guarded(node.core.at(), || {
        // Most polls are pending, and return nothing this way: not even a copy.
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(&head.waker)) {
            answer = Some(ready);
        }
    });
    match polled {
        Ok(()) => answer,
        Err(panicked) => Some(Err(panicked)),
    }
}

/// Keeps the future until something wakes the task. Gives it back if nothing can, or nothing may.
fn put_aside<T, F>(node: &Rc<Node<T, Task<F>>>, future: Pin<Box<F>>) -> Option<Pin<Box<F>>>
where
    T: 'static,
    F: Future<Output = Res<T>> + 'static,
{
    let head = &node.part.head;
    let is_shared = head.wake.is_shared();
    if head.executor.is_closed() || !(is_shared || head.awaited.has_direct(&**node)) {
        return Some(future);
    }
    node.part.future.set(Some(future));
    node.core.status.set_state(State::Waiting);
    if is_shared || head.standing.get() != Standing::Listed {
        let task: Rc<dyn Resume> = Rc::<Node<T, Task<F>>>::clone(node);
        head.stay(&task, is_shared);
    }
    None
}

impl Head {
    pub(crate) fn executor(&self) -> Rc<Local> {
        Rc::clone(&self.executor)
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.wake.is_woken()
    }

    /// Tells the executor about a pending task: to count it, to drop it with the others, and to keep it alive
    /// if only a foreign waker knows it.
    fn stay(&self, task: &Rc<dyn Resume>, is_shared: bool) {
        let before = self.standing.get();
        if before == Standing::New {
            self.executor.list(self.wake.key(), task);
        }
        if is_shared != (before == Standing::Parked) {
            self.executor.park(self.wake.key(), is_shared.then(|| Rc::clone(task)));
        }
        self.standing.set(if is_shared { Standing::Parked } else { Standing::Listed });
    }

    /// The task is done.
    fn leave(&self) {
        if self.standing.replace(Standing::Left) != Standing::Left {
            self.executor.strike(self.wake.key());
        }
    }
}

/// Registers `node` with whoever polls it. Returns a request to stop that has waited for this moment.
pub(crate) fn wait<T: 'static>(node: &Rc<dyn Source<T>>, waker: &Waker) -> Option<Request> {
    let link = weak(node);
    let Some(task) = executor::current_task() else {
        wait_with(node, waker, None);
        return None;
    };
    let head = task.head();
    if node.core().is_awaited_by_other(&*task) {
        awaited::give_up(); // it moves from that task to this one
    }
    if waker.will_wake(&head.waker) {
        head.awaited.note_direct(link);
        node.core().set_next(Next::Task(Rc::clone(&task)));
    } else if wait_with(node, waker, Some(&task)) {
        head.awaited.note_foreign(link, &*task);
    }
    head.due.take()
}

/// Registers a foreign waker. Returns whether the node was not yet awaited inside of `task`.
fn wait_with<T: 'static>(node: &Rc<dyn Source<T>>, waker: &Waker, task: Option<&Rc<dyn Resume>>) -> bool {
    let old = node.core().take_next();
    let is_new = task.is_some_and(|task| !(matches!(old, Next::Waker(_)) && old.belongs_to(&**task)));
    let next = match old {
        Next::Waker(mut wait) => {
            wait.waker.clone_from(waker);
            wait.task = task.map(Rc::downgrade);
            wait
        }
        _ => Box::new(ForeignWait { waker: waker.clone(), task: task.map(Rc::downgrade) }),
    };
    node.core().set_next(Next::Waker(next));
    is_new
}

/// Whether both are the same task.
pub(crate) fn is_same_task(one: &dyn Resume, other: &dyn Resume) -> bool {
    std::ptr::addr_eq(one, other)
}
