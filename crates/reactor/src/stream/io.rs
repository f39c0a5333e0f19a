//! A stream where code wants `AsyncRead` and `AsyncWrite` of futures-io.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use sestina_deferred::{Cancelled, Deferred, Failure};

use super::Stream;
use super::inbox::Want;
use super::outbox::Until;
use crate::errors::Lost;

/// What a poll waits for, until it is asked again. A poll that nobody repeats has taken nothing.
#[derive(Default)]
pub(super) struct Polled {
    read: Option<Deferred<Vec<u8>>>,
    write: Option<Deferred<()>>,
    flush: Option<Deferred<()>>,
}

/// Never pending for long without a reason; see [`Stream`] for what cancelling and dropping mean.
impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let link = &this.link;
        // The answer that something is there counts also when somebody else has taken it since: then it is asked again.
        loop {
            let fresh = this.polled.read.is_none();
            ready!(poll_answer(&mut this.polled.read, cx, || link.read(Want::Notice)))?;
            let count = link.read_into(into);
            if count > 0 || fresh || link.is_ended() {
                return Poll::Ready(Ok(count));
            }
        }
    }
}

/// `poll_close` finishes our direction, as `shutdown` does; dropping the stream closes the connection.
impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let link = &this.link;
        ready!(poll_answer(&mut this.polled.write, cx, || link.written(Until::Room)))?;
        let count = bytes.len().min(super::COPY_BYTES_MAX);
        link.check_writable().map_err(|failure| to_io(&failure))?;
        link.conn.write(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut flush = this.polled.flush.take();
        let polled = poll_answer(&mut flush, cx, || this.flush());
        this.polled.flush = flush;
        polled
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.link.is_shut() {
            self.link.shut();
        }
        self.poll_flush(cx)
    }
}

/// Polls the answer that is waited for, or a new one.
fn poll_answer<T: 'static>(
    slot: &mut Option<Deferred<T>>,
    cx: &mut Context<'_>,
    ask: impl FnOnce() -> Deferred<T>,
) -> Poll<io::Result<T>> {
    let answer = ready!(Pin::new(slot.get_or_insert_with(ask)).poll(cx));
    *slot = None;
    Poll::Ready(answer.map_err(|failure| to_io(&failure)))
}

fn to_io(failure: &Failure) -> io::Error {
    use io::ErrorKind as Kind;
    if let Some(cancelled) = failure.check::<Cancelled>() {
        return io::Error::other(cancelled.clone());
    }
    let Some(lost) = failure.check::<Lost>() else {
        return io::Error::new(Kind::BrokenPipe, failure.to_string());
    };
    let kind = match lost {
        Lost::Reset => Kind::ConnectionReset,
        Lost::Aborted => Kind::ConnectionAborted,
        Lost::TimedOut => Kind::TimedOut,
        Lost::Os(error) => error.kind(),
        Lost::Done | Lost::Closed => Kind::BrokenPipe,
    };
    io::Error::new(kind, lost.clone())
}
