//! The waker that foreign futures are given: it only queues the task.
//!
//! Walk: cloned by foreign futures, called from any thread; `Executor::run_woken` does the work.
//! Invariant: waking never runs a task, because it may happen under a lock or on another thread.
//! Invariant: after each wake-up there is a poll that sees what was written before it.
//! Tests: `tests/suite/executor.rs`, `tests/suite/wake_ups.rs`.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use crate::registry::Key;

/// One task's waker.
pub(crate) struct TaskWaker {
    key: Key,
    /// Woken, and not polled since.
    is_woken: AtomicBool,
    queue: Arc<WakeQueue>,
}

impl TaskWaker {
    pub(crate) fn new(key: Key, queue: Arc<WakeQueue>) -> Self {
        Self { key, is_woken: AtomicBool::new(false), queue }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// The poll that begins stands for every wake-up so far, so it must see what was written before each of them. Only a
    /// swap reads the last one: a store could hide one of which this thread knows nothing yet, and nobody would poll for
    /// it. A poll that nobody has asked for is spared the swap.
    pub(crate) fn begin_poll(&self) {
        if self.is_woken.load(Ordering::Relaxed) {
            self.is_woken.swap(false, Ordering::Acquire);
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.is_woken.load(Ordering::Acquire)
    }

    /// Whether anybody outside of the task can wake it, or has done so.
    pub(crate) fn is_shared(self: &Arc<Self>) -> bool {
        // The task itself has two: one to poll with, and this.
        const OWN: usize = 2;
        if Arc::strong_count(self) > OWN {
            return true;
        }
        // A clone that woke the task on another thread and is gone now must be seen as woken.
        fence(Ordering::Acquire);
        self.is_woken()
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.queue.push(self.key);
        }
    }
}

/// The tasks that were woken, for one executor.
pub(crate) struct WakeQueue {
    woken: Mutex<Woken>,
    notify: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Woken {
    keys: Vec<Key>,
    is_closed: bool,
}

impl WakeQueue {
    pub(crate) fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self { woken: Mutex::default(), notify: Box::new(notify) }
    }

    fn push(&self, key: Key) {
        let mut woken = self.lock();
        if woken.is_closed {
            return;
        }
        let was_empty = woken.keys.is_empty();
        woken.keys.push(key);
        drop(woken); // whoever is notified may look at the queue
        if was_empty {
            (self.notify)();
        }
    }

    /// Takes what was queued so far.
    pub(crate) fn take(&self) -> Vec<Key> {
        std::mem::take(&mut self.lock().keys)
    }

    /// Puts back what was taken and has not had its turn, before what was queued since.
    pub(crate) fn put_back(&self, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        let mut woken = self.lock();
        if woken.is_closed {
            return;
        }
        let since = std::mem::replace(&mut woken.keys, keys.to_vec());
        let was_empty = since.is_empty();
        woken.keys.extend(since);
        drop(woken); // as in `push`
        if was_empty {
            (self.notify)();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().keys.is_empty()
    }

    pub(crate) fn close(&self) {
        let mut woken = self.lock();
        woken.is_closed = true;
        woken.keys.clear();
    }

    /// Nothing that can panic runs under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
