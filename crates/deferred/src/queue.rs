//! Values on one side, takers on the other, whoever comes first.
//!
//! Invariant: there are never both: values wait for takers, or takers wait for values.
//! Tests: `tests/suite/queues.rs`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use crate::deferred::{Deferred, fail, succeed};
use crate::line::Line;

/// Hands values from those who have them to those who want them. Clones are the same queue.
///
/// ```
/// use sestina_deferred::DeferredQueue;
///
/// let queue = DeferredQueue::new();
/// let early = queue.get();
/// queue.put("first").unwrap();
/// queue.put("second").unwrap();
/// assert_eq!(early.try_result().unwrap().unwrap(), "first");
/// assert_eq!(queue.get().try_result().unwrap().unwrap(), "second");
/// ```
///
/// # Limits
/// [`new`](Self::new) makes one that grows without a bound; [`with_limits`](Self::with_limits) does not.
pub struct DeferredQueue<T: 'static> {
    inner: Rc<Inner<T>>,
}

struct Inner<T: 'static> {
    values: RefCell<VecDeque<T>>,
    line: Line<T>,
    size_max: usize,
    backlog_max: usize,
}

impl<T> DeferredQueue<T> {
    /// A queue without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(None, None)
    }

    /// A queue in which at most `size_max` values wait, and at most `backlog_max` takers. `None` is no limit.
    ///
    /// ```
    /// use sestina_deferred::{DeferredQueue, QueueUnderflow};
    ///
    /// let queue = DeferredQueue::with_limits(Some(1), Some(0));
    /// assert!(queue.get().try_result().unwrap().unwrap_err().is::<QueueUnderflow>());
    /// queue.put(1).unwrap();
    /// assert_eq!(queue.put(2).unwrap_err().into_value(), 2);
    /// ```
    #[must_use]
    pub fn with_limits(size_max: Option<usize>, backlog_max: Option<usize>) -> Self {
        let inner = Inner {
            values: RefCell::new(VecDeque::new()),
            line: Line::new(),
            size_max: size_max.unwrap_or(usize::MAX),
            backlog_max: backlog_max.unwrap_or(usize::MAX),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Gives a value to whoever has waited longest, or keeps it for the next.
    ///
    /// # Errors
    /// [`QueueOverflow`], with the value, if as many wait as may.
    pub fn put(&self, value: T) -> Result<(), QueueOverflow<T>> {
        let Err(value) = self.inner.line.offer(value) else { return Ok(()) };
        let mut values = self.inner.values.borrow_mut();
        if values.len() >= self.inner.size_max {
            return Err(QueueOverflow { value });
        }
        values.push_back(value);
        Ok(())
    }

    /// Takes the oldest value, or waits for one.
    ///
    /// # Errors
    /// [`QueueUnderflow`] if as many wait as may.
    ///
    /// # Cancelling
    /// Whoever cancels leaves the line, and the values go to the others. Whoever drops the deferred stays in it, counts
    /// as one that waits, and is passed over in its turn.
    #[track_caller]
    #[must_use = "the value is lost with it"]
    pub fn get(&self) -> Deferred<T> {
        let value = self.inner.values.borrow_mut().pop_front();
        match value {
            Some(value) => succeed(value),
            None if self.inner.line.len() >= self.inner.backlog_max => fail(QueueUnderflow),
            None => self.inner.line.join(),
        }
    }

    /// Number of values that wait.
    #[must_use]
    pub fn size(&self) -> usize {
        self.inner.values.borrow().len()
    }

    /// Number of takers that wait.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.inner.line.len()
    }
}

impl<T> Clone for DeferredQueue<T> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

impl<T> Default for DeferredQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for DeferredQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeferredQueue({} values, {} waiting)", self.size(), self.backlog())
    }
}

/// The queue has as many values as it may. Wait for takers, or raise the limit.
pub struct QueueOverflow<T> {
    value: T,
}

impl<T> QueueOverflow<T> {
    /// The value that found no place.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> fmt::Display for QueueOverflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full")
    }
}

impl<T> fmt::Debug for QueueOverflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueOverflow")
    }
}

impl<T> Error for QueueOverflow<T> {}

/// As many takers wait for the queue as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueUnderflow;

impl fmt::Display for QueueUnderflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many wait for the queue")
    }
}

impl Error for QueueUnderflow {}
