//! Calls from other threads.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::driver::Wake;
use crate::inner::Reactor;

/// How many calls may wait for the loop; more are refused.
pub const REMOTE_CALLS_MAX: usize = 1_000_000;

type Call = Box<dyn FnOnce(&Reactor) + Send>;

/// A reactor, for other threads: `Send`, `Sync` and cheap to clone.
///
/// ```
/// let reactor = sestina_reactor_mio::reactor()?;
/// let remote = reactor.remote();
/// let thread = std::thread::spawn(move || remote.call_from_thread(|reactor| reactor.stop()));
/// reactor.run()?; // until the other thread has it stopped
/// thread.join().expect("no panic")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Wake,
    next_number: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    calls: VecDeque<Call>,
    closed: bool,
}

impl Shared {
    /// A thread that panicked while it held the lock left the list as it was: pushes and takes are whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote {
    /// Has the loop call `f` on its own thread, soon; wakes it if it sleeps.
    ///
    /// # Order
    /// Calls of one thread keep their order.
    ///
    /// # Errors
    /// If the reactor is gone, or [`REMOTE_CALLS_MAX`] calls wait. `f` is dropped then, on this thread.
    pub fn call_from_thread(&self, f: impl FnOnce(&Reactor) + Send + 'static) -> Result<(), RemoteError> {
        self.push(Box::new(f), REMOTE_CALLS_MAX)
    }

    /// As [`call_from_thread`](Self::call_from_thread), for answers that the reactor has asked for: there are never more
    /// of them than threads. If the reactor is gone they are dropped.
    pub(crate) fn bring(&self, f: impl FnOnce(&Reactor) + Send + 'static) {
        self.push(Box::new(f), usize::MAX).ok();
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.0.next_number.fetch_add(1, Ordering::Relaxed)
    }

    fn push(&self, call: Call, most: usize) -> Result<(), RemoteError> {
        let first = {
            let mut waiting = self.0.lock();
            if waiting.closed {
                return Err(RemoteError::Gone);
            }
            if waiting.calls.len() >= most {
                return Err(RemoteError::Full);
            }
            waiting.calls.push_back(call);
            waiting.calls.len() == 1
        };
        if first {
            (self.0.wake)();
        }
        Ok(())
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Remote")
    }
}

/// Why a call from a thread will not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RemoteError {
    /// The reactor is gone.
    Gone,
    /// Too many calls wait: the loop does not keep up.
    Full,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => out.write_str("the reactor is gone"),
            Self::Full => write!(out, "more than {REMOTE_CALLS_MAX} calls wait for the reactor"),
        }
    }
}

impl Error for RemoteError {}

/// The reactor's end of it; closes when the reactor goes.
pub(crate) struct Calls(Remote);

impl Calls {
    pub(crate) fn new(wake: Wake) -> Self {
        Self(Remote(Arc::new(Shared { waiting: Mutex::default(), wake, next_number: AtomicU64::new(0) })))
    }

    pub(crate) fn remote(&self) -> Remote {
        self.0.clone()
    }

    pub(crate) fn take(&self) -> VecDeque<Call> {
        std::mem::take(&mut self.0.0.lock().calls)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.0.lock().calls.is_empty()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        let calls = {
            let mut waiting = self.0.0.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.calls)
        };
        drop(calls); // user code: with nothing locked
    }
}
