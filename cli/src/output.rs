//! The standard output and the standard error, written by threads of their own: a slow reader of what we print holds up
//! no loop, and whoever prints can wait for room.
//!
//! A descriptor of ours may have been made non-blocking by whoever shares it: then the thread waits for it.
//! Invariant: what one [`Writer`] was given is written in that order.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};
use rustix::stdio;

/// How many bytes may wait to be written before [`Writer::room`] lets its caller wait, and [`Writer::has_room`] says no.
const WAITING_BYTES_MAX: usize = 256 * 1024;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Self::Out => stdio::stdout(),
            Self::Err => stdio::stderr(),
        }
    }
}

/// A thread that writes. It is not waited for when this is dropped: nobody knows how long it will take.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Stream, Vec<u8>)>,
    /// Bytes in the queue, and those that are being written.
    waiting: usize,
    /// What is being written.
    current: Option<Stream>,
    /// Why the standard output takes no more.
    failure: Option<io::Error>,
    has_failed: bool,
    /// Nobody waits for the standard output any more.
    is_left: bool,
    is_closed: bool,
    waker: Option<Waker>,
}

impl Writer {
    /// # Errors
    /// If there is no thread to be had.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        thread::Builder::new().name("output".to_owned()).spawn(move || writing.work())?;
        Ok(Self { shared })
    }

    /// Queues bytes. Never blocks.
    pub(crate) fn push(&self, stream: Stream, bytes: Vec<u8>) {
        let mut state = self.shared.lock();
        if bytes.is_empty() || (stream == Stream::Out && (state.has_failed || state.is_left)) {
            return;
        }
        state.waiting += bytes.len();
        state.queue.push_back((stream, bytes));
        self.shared.changed.notify_one();
    }

    /// Whether [`WAITING_BYTES_MAX`] or less waits: for those who would rather lose something than wait.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.lock().waiting <= WAITING_BYTES_MAX
    }

    /// Waits until [`WAITING_BYTES_MAX`] or less waits.
    pub(crate) fn room(&self) -> Room {
        Room { shared: Arc::clone(&self.shared), enough: WAITING_BYTES_MAX }
    }

    /// Waits until all is written.
    pub(crate) fn drained(&self) -> Room {
        Room { shared: Arc::clone(&self.shared), enough: 0 }
    }

    /// Whether nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.lock().waiting == 0
    }

    /// Why the standard output takes no more, once.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.shared.lock().failure.take()
    }

    /// Forgets what waits for the standard output; nobody waits for it any more.
    pub(crate) fn leave(&self) {
        let mut state = self.shared.lock();
        state.is_left = true;
        state.forget_output();
        state.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
    }
}

impl State {
    fn forget_output(&mut self) {
        let forgotten: usize = self
            .queue
            .iter()
            .filter(|(stream, _)| *stream == Stream::Out)
            .map(|(_, bytes)| bytes.len())
            .sum();
        self.queue.retain(|(stream, _)| *stream == Stream::Err);
        self.waiting -= forgotten;
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some((stream, bytes)) = self.next() {
            let result = write_all(stream.descriptor(), &bytes);
            let mut state = self.lock();
            state.waiting -= bytes.len();
            state.current = None;
            if let (Err(error), Stream::Out) = (result, stream) {
                state.failure = Some(error);
                state.has_failed = true;
                state.forget_output();
            }
            state.wake();
        }
    }

    fn next(&self) -> Option<(Stream, Vec<u8>)> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.is_closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let next = state.queue.pop_front();
        state.current = next.as_ref().map(|(stream, _)| *stream);
        next
    }
}

fn write_all(descriptor: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(descriptor, bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut wanted = [PollFd::new(&descriptor, PollFlags::OUT)];
                match poll(&mut wanted, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Ready when little enough waits, or nobody waits for the standard output any more.
#[derive(Debug)]
pub(crate) struct Room {
    shared: Arc<Shared>,
    enough: usize,
}

impl Future for Room {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        let may_stay = state.is_left && state.queue.is_empty() && state.current != Some(Stream::Err);
        if state.waiting <= self.enough || may_stay {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_nobody_takes_anything_there_is_room_for_a_while() {
        let without_thread = Writer { shared: Arc::default() };
        let pieces = (0..).take_while(|_| {
            let has_room = without_thread.has_room();
            without_thread.push(Stream::Out, vec![b'-'; 1024]);
            has_room
        });
        assert_eq!(pieces.count(), WAITING_BYTES_MAX / 1024 + 1);
    }
}
