//! Asking a reactor for an answer from another thread.
//!
//! Invariant: the deferred lives and dies on the reactor's thread; this side has its result, or a failure that says why
//! there is none. Tests: `threads.rs` of the contract.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use sestina_deferred::{CancelHandle, Deferred, Failure};

use crate::inner::Reactor;
use crate::reactor::Stopped;
use crate::remote::{Remote, RemoteError};

impl Remote {
    /// Has the reactor call `f` on its own thread, and gives the answer of the deferred as a future for this one. Begins
    /// at once, also if the future is never polled.
    ///
    /// # Errors
    /// What the deferred fails with; [`RemoteError`] if the reactor is gone or does not keep up. If the reactor ends first
    /// the deferred is cancelled because of [`Stopped`].
    ///
    /// # Cancelling
    /// Dropping the future cancels the deferred. A panic of `f` is logged there, and is [`RemoteError::Gone`] here.
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// use std::time::Duration;
    ///
    /// let remote = reactor.remote();
    /// let other = std::thread::spawn(move || {
    ///     let answer = remote.run(|reactor| reactor.defer_later(Duration::from_millis(1), || Ok(7)));
    ///     let answer = futures::executor::block_on(answer);
    ///     remote.call_from_thread(|reactor| reactor.stop()).expect("it still runs");
    ///     answer
    /// });
    /// reactor.run()?;
    /// assert_eq!(other.join().expect("no panic").expect("it came"), 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Reactor) -> Deferred<T> + Send + 'static,
    ) -> RemoteAnswer<T> {
        let slot = Arc::new(Slot::default());
        let number = self.next_number();
        let promise = Promise(Arc::clone(&slot));
        let sent = self.call_from_thread(move |reactor| {
            let answer = f(reactor);
            reactor.inner().remote_runs.borrow_mut().insert(number, answer.canceller());
            let weak = reactor.downgrade();
            drop(answer.add_both(move |result| {
                if let Some(reactor) = weak.upgrade() {
                    reactor.inner().remote_runs.borrow_mut().remove(&number);
                }
                promise.0.put(result);
            }));
        });
        if let Err(error) = sent {
            slot.put(Err(error.into()));
        }
        RemoteAnswer { slot, remote: self.clone(), number }
    }
}

impl Reactor {
    /// The reactor ends: what other threads wait for is cancelled, so that they hear of it.
    pub(crate) fn stop_remote_runs(&self) {
        let runs = self.inner().remote_runs.take();
        for canceller in runs.into_values() {
            self.guard("a canceller", move || canceller.cancel_because(Stopped));
        }
    }
}

/// The answer of [`Remote::run`]: a future that may go to any thread.
pub struct RemoteAnswer<T> {
    slot: Arc<Slot<T>>,
    remote: Remote,
    number: u64,
}

enum State<T> {
    Waiting(Option<Waker>),
    Here(Result<T, Failure>),
    Taken,
}

struct Slot<T>(Mutex<State<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(State::Waiting(None)))
    }
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first answer counts.
    fn put(&self, result: Result<T, Failure>) {
        let mut state = self.lock();
        let State::Waiting(waker) = &mut *state else { return };
        let waker = waker.take();
        *state = State::Here(result);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The reactor's duty to answer: dropped unanswered, it says that the reactor is gone.
struct Promise<T>(Arc<Slot<T>>);

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.0.put(Err(RemoteError::Gone.into()));
    }
}

impl<T> Future for RemoteAnswer<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Here(result) => Poll::Ready(result),
            State::Waiting(_) => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
            State::Taken => Poll::Ready(Err(RemoteError::Gone.into())),
        }
    }
}

impl<T> Drop for RemoteAnswer<T> {
    fn drop(&mut self) {
        let waiting = matches!(&*self.slot.lock(), State::Waiting(_));
        if waiting {
            let number = self.number;
            // If it cannot be said any more there is nobody left to hear it.
            self.remote
                .call_from_thread(move |reactor| {
                    let canceller: Option<CancelHandle> =
                        reactor.inner().remote_runs.borrow_mut().remove(&number);
                    if let Some(canceller) = canceller {
                        canceller.cancel();
                    }
                })
                .ok();
        }
    }
}

impl<T> fmt::Debug for RemoteAnswer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RemoteAnswer({})", self.number)
    }
}
