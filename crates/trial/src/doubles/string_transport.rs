//! One protocol on a connection whose other side is the test.

use std::time::Duration;

use sestina_reactor::{Close, ConnHandle, Key, Protocol, Reactor};

use super::by_hand::{ByHand, Incoming};

/// A connection in memory that records what its protocol writes. Below the protocol is the real state machine: marks,
/// closing and the order of upcalls are those of every connection.
///
/// ```
/// use sestina_reactor::{Conn, Protocol};
/// use sestina_trial::{Ending, StringTransport};
///
/// struct Echo;
/// impl Protocol for Echo {
///     fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
///         conn.write(data);
///     }
/// }
///
/// let transport = StringTransport::new(Echo);
/// transport.feed(b"hello");
/// assert_eq!(transport.take(), b"hello");
/// transport.end(); // the peer is gone
/// assert_eq!(transport.ending(), Some(Ending::Closed));
/// ```
///
/// # Panics
/// If a method is called from inside an upcall of its own protocol. A panic of the protocol is caught by the reactor, as
/// always: the connection is then aborted, and the test harness finds the panic in the log.
#[derive(Debug)]
pub struct StringTransport {
    hand: ByHand,
    socket: Key,
    conn: ConnHandle,
}

/// How a protocol has ended its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It will write no more; it may still read.
    Finished,
    /// It is closed.
    Closed,
    /// It was cut.
    Reset,
}

impl StringTransport {
    /// A connection with this protocol; `connection_made` has been called.
    ///
    /// # Panics
    /// If `connection_made` panics.
    #[must_use]
    #[track_caller]
    pub fn new(protocol: impl Protocol) -> Self {
        let hand = ByHand::new();
        let (socket, conn) = hand.connect(protocol);
        Self { hand, socket, conn }
    }

    /// These bytes arrive.
    pub fn feed(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.hand.comes(self.socket, Incoming::Bytes(bytes.to_vec()));
        }
        self.hand.settle();
    }

    /// These bytes arrive one by one.
    pub fn feed_each_byte(&self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.feed(&[*byte]));
    }

    /// The peer will send no more.
    pub fn end(&self) {
        self.hand.comes(self.socket, Incoming::End);
        self.hand.settle();
    }

    /// The peer resets the connection.
    pub fn reset(&self) {
        self.hand.comes(self.socket, Incoming::Reset);
        self.hand.settle();
    }

    /// The peer reads nothing any more: what is written stays queued, and above its high mark the protocol is told.
    pub fn pause(&self) {
        self.hand.with(self.socket, |socket| socket.is_full = true);
    }

    /// The peer reads again.
    pub fn resume(&self) {
        self.hand.opens(self.socket);
        self.hand.settle();
    }

    /// All that was sent and not taken.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        self.hand.settle();
        self.hand.with(self.socket, |socket| socket.sent.clone())
    }

    /// Takes all that was sent.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.hand.settle();
        self.hand.with(self.socket, |socket| std::mem::take(&mut socket.sent))
    }

    /// Bytes that the protocol has written and that are not sent: the peer does not read.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.conn.queued()
    }

    /// How the protocol has ended the connection, if it has.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.hand.settle();
        self.hand.with(self.socket, |socket| match socket.closed {
            Some(Close::Polite) => Some(Ending::Closed),
            Some(Close::Reset) => Some(Ending::Reset),
            None => socket.finished.then_some(Ending::Finished),
        })
    }

    /// Lets time pass: for the connection's timers, and those of [`reactor`](Self::reactor).
    pub fn advance(&self, time: Duration) {
        self.hand.advance(time);
    }

    /// The connection, as others than its protocol see it.
    #[must_use]
    pub fn conn(&self) -> &ConnHandle {
        &self.conn
    }

    /// The reactor of this connection, which has no other.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        self.hand.reactor()
    }
}

impl Drop for StringTransport {
    /// Ends the connection, if it is still there: its protocol is told.
    fn drop(&mut self) {
        self.hand.end();
    }
}
