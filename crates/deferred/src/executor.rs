//! Whose tasks are running: each reactor has an executor and enters it for every turn.
//!
//! Walk: `spawn` asks for the current one; foreign wakers queue tasks in it; the reactor's loop runs them.
//! Invariant: nothing that belongs to a reactor is thread-local. The thread only knows which executor is entered
//! and which task runs; the default executor is for programs without a reactor.
//! Tests: `tests/suite/executor.rs`, `tests/suite/unhandled_errors.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::cells::peek;
use crate::deferred::Deferred;
use crate::drive;
use crate::outcome::Res;
use crate::registry::{Key, Registry};
use crate::task::{Resume, spawn_at};
use crate::unhandled::Unhandled;
use crate::waker::{TaskWaker, WakeQueue};

/// Where [`spawn`](crate::spawn)ed tasks live: one per reactor, entered for every turn of its loop.
///
/// It counts its tasks, runs those that foreign wakers have woken, hears of unhandled errors, and drops its
/// tasks when it is dropped. Programs without a reactor need none: each thread has a default one, see
/// [`run_woken`].
///
/// ```
/// use sestina_deferred::{Executor, deferred, spawn};
///
/// let executor = Executor::new(|| { /* wake the loop: something can run */ });
/// let (resolver, answer) = deferred::<u32>();
/// let d = executor.enter(|| spawn(async { Ok(answer.await? * 2) }));
/// assert_eq!(executor.tasks(), 1);
/// resolver.callback(21);
/// assert_eq!(executor.tasks(), 0);
/// assert_eq!(d.try_result().unwrap().unwrap(), 42);
/// ```
pub struct Executor {
    local: Rc<Local>,
}

impl Executor {
    /// An executor that calls `notify` when a task is woken while none was.
    ///
    /// `notify` may be called on any thread, and from inside of anything: it should only wake the loop.
    pub fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        let local = Local {
            registry: RefCell::default(),
            queue: Arc::new(WakeQueue::new(notify)),
            unhandled: RefCell::new(None),
            is_closed: Cell::new(false),
            now: Cell::new(Duration::ZERO),
        };
        Self { local: Rc::new(local) }
    }

    /// Runs `f`; what is spawned meanwhile belongs to this executor. Calls nest, and a panic of `f` leaves too.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        self.local.enter(f)
    }

    /// [`spawn`](crate::spawn) with this executor entered.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = Res<T>> + 'static) -> Deferred<T> {
        let at = Location::caller();
        self.enter(|| spawn_at(at, future))
    }

    /// Resumes the tasks that foreign wakers have woken, and returns how many.
    ///
    /// # Order
    /// In the order in which they were woken. Tasks that are woken meanwhile stay for the next call, so that
    /// a task that always wakes itself cannot stop the loop.
    pub fn run_woken(&self) -> usize {
        self.local.run_woken()
    }

    /// Whether [`run_woken`](Self::run_woken) has something to do: then a loop should not sleep.
    #[must_use]
    pub fn has_woken(&self) -> bool {
        !self.local.queue.is_empty()
    }

    /// Number of tasks that are pending.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.local.registry.borrow().len()
    }

    /// Sends unhandled errors to `hook` instead of stderr while this executor is entered.
    ///
    /// A [`collect_unhandled`](crate::collect_unhandled) that runs on this thread comes first.
    pub fn on_unhandled(&self, hook: impl Fn(&Unhandled) + 'static) {
        let old = self.local.unhandled.replace(Some(Rc::new(hook)));
        drop(old);
    }

    /// Says what time it is to the deferreds that are made from now on while this executor is entered: with
    /// debugging on, [`unfired`](crate::unfired()) then knows how long they have waited.
    ///
    /// A reactor says it in every turn. Any clock will do, as long as it is the one that `unfired` is asked with.
    pub fn tell_time(&self, now: Duration) {
        self.local.now.set(now);
    }

    /// Drops all tasks where they stand. Their deferreds fire [`Abandoned`](crate::Abandoned).
    ///
    /// # Order
    /// In the order in which their places were given out. Tasks that are started by what happens meanwhile
    /// stay.
    pub fn clear(&self) {
        let tasks = self.local.registry.borrow().all();
        self.enter(|| tasks.into_iter().for_each(Resume::abandon));
    }
}

impl Default for Executor {
    /// An executor whose wakers notify nobody: its owner asks [`has_woken`](Self::has_woken).
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl Drop for Executor {
    /// Drops all tasks. From now on a task that is spawned in here is dropped at its first pending await.
    fn drop(&mut self) {
        self.local.is_closed.set(true);
        self.local.queue.close();
        self.clear();
        drop(self.local.unhandled.take());
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("tasks", &self.tasks())
            .field("has_woken", &self.has_woken())
            .finish()
    }
}

/// Runs the woken tasks of the executor that is entered, or of this thread's default one.
///
/// ```
/// use sestina_deferred::{run_woken, spawn};
///
/// let (sender, receiver) = futures::channel::oneshot::channel(); // a foreign future
/// let d = spawn(async move { Ok(receiver.await?) });
/// sender.send(7).unwrap(); // only queues the task
/// assert_eq!(run_woken(), 1);
/// assert_eq!(d.try_result().unwrap().unwrap(), 7);
/// ```
pub fn run_woken() -> usize {
    current().run_woken()
}

/// Says what time it is to the executor that is entered, or to this thread's default one: see
/// [`Executor::tell_time`].
///
/// ```
/// use sestina_deferred::{deferred, set_debugging, tell_time, unfired};
/// use std::time::Duration;
///
/// set_debugging(true);
/// tell_time(Duration::from_secs(10));
/// let (_resolver, _d) = deferred::<u32>();
/// assert_eq!(unfired(Duration::from_secs(12))[0].waited(), Duration::from_secs(2));
/// # set_debugging(false);
/// ```
pub fn tell_time(now: Duration) {
    current().now.set(now);
}

/// What time it is, as far as anybody said so.
pub(crate) fn now() -> Duration {
    current().now.get()
}

/// The part of an executor that its tasks share.
pub(crate) struct Local {
    registry: RefCell<Registry>,
    queue: Arc<WakeQueue>,
    unhandled: RefCell<Option<Hook>>,
    is_closed: Cell<bool>,
    /// For debugging: what its owner's clock said last.
    now: Cell<Duration>,
}

type Hook = Rc<dyn Fn(&Unhandled)>;

impl Local {
    pub(crate) fn new_waker(&self) -> TaskWaker {
        TaskWaker::new(self.registry.borrow_mut().reserve(), Arc::clone(&self.queue))
    }

    pub(crate) fn list(&self, key: Key, task: &Rc<dyn Resume>) {
        self.registry.borrow_mut().list(key, Rc::downgrade(task));
    }

    /// Keeps a task alive, or no longer.
    pub(crate) fn park(&self, key: Key, task: Option<Rc<dyn Resume>>) {
        let old = self.registry.borrow_mut().park(key, task);
        drop(old); // after the borrow: dropping a task is user code
    }

    pub(crate) fn strike(&self, key: Key) {
        let old = self.registry.borrow_mut().strike(key);
        drop(old);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    fn enter<R>(self: &Rc<Self>, f: impl FnOnce() -> R) -> R {
        let _place = Place { entered: swap_entered(Some(Rc::clone(self))), task: swap_task(None) };
        f()
    }

    fn run_woken(self: &Rc<Self>) -> usize {
        let keys = self.queue.take();
        if keys.is_empty() {
            return 0;
        }
        let mut round = Round { keys: keys.into_iter(), queue: &self.queue };
        self.enter(|| round.keys.by_ref().filter(|key| self.resume(*key)).count())
    }

    fn resume(&self, key: Key) -> bool {
        let task = self.registry.borrow_mut().get(key);
        // A task that was resumed by a deferred since it was woken has seen what woke it.
        let Some(task) = task.filter(|task| task.head().is_woken()) else { return false };
        drive::start(task);
        true
    }
}

/// The woken tasks whose turn has not come yet. If the destructor of an answer panics, they stay woken.
struct Round<'a> {
    keys: std::vec::IntoIter<Key>,
    queue: &'a WakeQueue,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.queue.put_back(self.keys.as_slice());
    }
}

thread_local! {
    static ENTERED: Cell<Option<Rc<Local>>> = const { Cell::new(None) };
    static TASK: Cell<Option<Rc<dyn Resume>>> = const { Cell::new(None) };
    static DEFAULT: Executor = Executor::default();
}

/// What was current before, and will be again.
struct Place {
    entered: Option<Rc<Local>>,
    task: Option<Rc<dyn Resume>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        swap_entered(self.entered.take());
        swap_task(self.task.take());
    }
}

/// A thread that ends has no current executor any more.
fn swap_entered(executor: Option<Rc<Local>>) -> Option<Rc<Local>> {
    ENTERED.try_with(|entered| entered.replace(executor)).ok().flatten()
}

fn swap_task(task: Option<Rc<dyn Resume>>) -> Option<Rc<dyn Resume>> {
    TASK.try_with(|current| current.replace(task)).ok().flatten()
}

/// The task that is being polled until the guard is dropped.
pub(crate) fn run_inside(task: Rc<dyn Resume>) -> RunningTask {
    RunningTask { outer: swap_task(Some(task)) }
}

/// Makes the outer task the current one again.
pub(crate) struct RunningTask {
    outer: Option<Rc<dyn Resume>>,
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        drop(swap_task(self.outer.take()));
    }
}

/// The task that is being polled.
pub(crate) fn current_task() -> Option<Rc<dyn Resume>> {
    TASK.try_with(peek).ok().flatten()
}

/// The executor of the running task, else the one that is entered, else this thread's own.
pub(crate) fn current() -> Rc<Local> {
    innermost().unwrap_or_else(|| {
        // A thread that ends has no default any more: its last tasks get one that is closed.
        DEFAULT
            .try_with(|executor| Rc::clone(&executor.local))
            .unwrap_or_else(|_| Rc::clone(&Executor::default().local))
    })
}

fn innermost() -> Option<Rc<Local>> {
    if let Some(task) = current_task() {
        return Some(task.head().executor());
    }
    ENTERED.try_with(peek).ok().flatten()
}

/// Where unhandled errors go, if somebody wants them.
pub(crate) fn unhandled_hook() -> Option<Hook> {
    innermost().and_then(|executor| executor.unhandled.borrow().clone())
}
