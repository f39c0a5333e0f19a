//! A connection as an async value: the same connection, the same laws, for code that reads from top to bottom.
//!
//! Built on [`Protocol`](crate::Protocol) and [`ConnHandle`](crate::ConnHandle) alone: link.rs has the protocol, inbox.rs and outbox.rs the
//! two directions, serve.rs the ways to get a stream.
//! Invariant: bytes that were received leave the stream only in the answer of a read that somebody gets.
//! Tests: `tests/suite/streaming.rs`, and `async_streams.rs` of the contract.

mod buffer;
mod error;
mod inbox;
#[cfg(feature = "futures-io")]
mod io;
mod link;
mod outbox;
mod serve;

use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Deferred, fail};

pub use self::error::StreamError;
use self::inbox::Want;
use self::link::Link;
use self::outbox::Until;
use crate::address::Address;
use crate::errors::Lost;
use crate::pipe::{PipeOptions, Piped, pipe};

/// Larger bodies are counted instead of copied into the queue.
const COPY_BYTES_MAX: usize = 64 * 1024;

/// A connection, as a value with methods that give deferreds.
///
/// Reads and writes do not borrow the stream, so that both may be waited for at once. Several reads are answered in
/// the order of the calls. At most about [`HIGH_MARK_BYTES`](crate::HIGH_MARK_BYTES) are received ahead of the
/// reads: then the peer has to wait, and neither its end nor a reset is noticed, except by writing.
///
/// Dropping a stream closes politely: what was written is sent first. [`abort`](Self::abort) cuts.
///
/// # Cancelling
/// Every deferred here answers a cancel at once, and nothing is lost by it: what was received stays for the next read,
/// what was written is sent. The same when a deferred is dropped before it has fired.
///
/// # Errors
/// [`Lost`] when the connection has ended in a way that leaves no answer, [`StreamError`] otherwise. What came before
/// the end can be read in every case.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// let port = reactor.serve(&"tcp:0".parse().expect("an endpoint"), |stream| async move {
///     let name = stream.read_until(b'\n', 100).await?;
///     stream.write_all([b"hello ", &name[..]].concat()).await
/// }).expect("a free port");
///
/// let at = sestina_reactor::Endpoint::loopback(port.local_addr().port().expect("an IP address"));
/// let connecting = reactor.connect_stream(&at);
/// let answer = reactor.spawn(async move {
///     let stream = connecting.await?;
///     stream.write_all(b"world\n").await?;
///     stream.read_to_end(1000).await
/// });
/// assert_eq!(reactor.run_until(answer).expect("it answers"), b"hello world\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Stream {
    link: Rc<Link>,
    peer: Address,
    #[cfg(feature = "futures-io")]
    polled: io::Polled,
}

impl Stream {
    fn new(link: Rc<Link>, peer: Address) -> Self {
        Self {
            link,
            peer,
            #[cfg(feature = "futures-io")]
            polled: io::Polled::default(),
        }
    }

    /// What has come, at least one byte; nothing at the peer's end.
    #[track_caller]
    pub fn read(&self) -> Deferred<Vec<u8>> {
        self.link.read(Want::Some)
    }

    /// Exactly `count` bytes.
    ///
    /// # Errors
    /// [`StreamError::UnexpectedEnd`] if the peer finishes before.
    #[track_caller]
    pub fn read_exact(&self, count: usize) -> Deferred<Vec<u8>> {
        self.link.read(Want::Exactly(count))
    }

    /// All up to this byte and with it, at most `max` bytes; nothing if the peer finishes before the first one.
    ///
    /// # Errors
    /// [`StreamError::TooLong`] if `max` bytes have come without it; [`StreamError::UnexpectedEnd`] if the peer
    /// finishes in the middle.
    #[track_caller]
    pub fn read_until(&self, byte: u8, max: usize) -> Deferred<Vec<u8>> {
        self.link.read(Want::Until { byte, max, scanned: 0 })
    }

    /// All until the peer's end.
    ///
    /// # Errors
    /// [`StreamError::TooLong`] as soon as more than `max` bytes have come.
    #[track_caller]
    pub fn read_to_end(&self, max: usize) -> Deferred<Vec<u8>> {
        self.link.read(Want::All { max })
    }

    /// Writes, and fires as soon as it is time to write more: at once while less than
    /// [`HIGH_MARK_BYTES`](crate::HIGH_MARK_BYTES) are queued, else when the queue has fallen to
    /// [`LOW_MARK_BYTES`](crate::LOW_MARK_BYTES).
    ///
    /// # Order
    /// The bytes are queued now, also if nobody waits for the answer.
    ///
    /// # Cancelling
    /// Ends the waiting; the bytes are sent all the same.
    #[track_caller]
    pub fn write_all(&self, bytes: impl AsRef<[u8]>) -> Deferred<()> {
        let bytes = bytes.as_ref();
        if bytes.len() > COPY_BYTES_MAX {
            return self.write_shared(Rc::from(bytes));
        }
        self.write_with(|link| link.conn.write(bytes))
    }

    /// The same for a shared body, which is counted and not copied.
    #[track_caller]
    pub fn write_shared(&self, body: Rc<[u8]>) -> Deferred<()> {
        self.write_with(|link| link.conn.write_shared(body))
    }

    #[track_caller]
    fn write_with(&self, write: impl FnOnce(&Link)) -> Deferred<()> {
        match self.link.check_writable() {
            Ok(()) => {
                write(&self.link);
                self.link.written(Until::Room)
            }
            Err(failure) => fail(failure),
        }
    }

    /// Fires when everything written so far has been handed to the system.
    #[track_caller]
    pub fn flush(&self) -> Deferred<()> {
        match &self.link.check_lost() {
            Some(why) if !why.is_clean() => fail(why.clone()),
            _ => self.link.written(Until::Empty),
        }
    }

    /// Finishes our direction after what was written; the peer's goes on. Fires when all has been handed to the system.
    ///
    /// # Cancelling
    /// Ends the waiting; our direction finishes all the same.
    #[track_caller]
    pub fn shutdown(&self) -> Deferred<()> {
        self.link.shut();
        self.flush()
    }

    /// Closes politely, as dropping does, and tells how the connection ended.
    ///
    /// # Cancelling
    /// Ends the waiting; the connection closes all the same.
    #[track_caller]
    pub fn close(self) -> Deferred<Lost> {
        self.when_lost()
    }

    /// Cuts the connection with a reset, without sending what was written.
    pub fn abort(self) {
        self.link.conn.abort();
    }

    /// Fires when the connection is gone, and says how it ended.
    #[track_caller]
    pub fn when_lost(&self) -> Deferred<Lost> {
        self.link.when_lost()
    }

    /// Whether a peer that has finished may still want our answer. The beginning is `false`: the peer's end means
    /// that it has hung up, which a task of [`serve`](crate::Reactor::serve) learns by a cancel if it waits for
    /// something else than this stream. Has no other effect.
    pub fn set_half_close(&self, allowed: bool) {
        self.link.half_closes.set(allowed);
    }

    /// Connects this stream to another one, in both directions, until both have finished; see
    /// [`pipe`](crate::pipe()). What was received and not read yet goes first.
    ///
    /// # Cancelling
    /// Cuts both connections.
    #[track_caller]
    pub fn pipe(self, other: Self, options: PipeOptions) -> Deferred<Piped> {
        let (left, right, done) = pipe(options);
        self.link.start_pipe(left);
        other.link.start_pipe(right);
        done
    }

    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// How many bytes were received and not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.link.unread()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.link.let_go();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stream").field("peer", &self.peer).field("unread", &self.unread()).finish()
    }
}
