//! A connection and its socket: the one place where bytes and ends cross the seam.
//!
//! Walk: flush.rs takes the steps that need nobody else, read.rs takes in what has come; both borrow all that a socket needs
//! once, with [`Reactor::with_wire`]. What a call to the socket changes is noted in the connection's state before the next one.
//! Tests: `tests/suite/fake_driver.rs`, and the contract.

use std::io;

use crate::close::LOOK_BYTES;
use crate::driver::{Driver, Received, Token};
use crate::errors::Lost;
use crate::inner::{Connection, Reactor};
use crate::queue::BufferPool;
use crate::state::{Drain, Input, Phase, Reading};
use crate::statistics::{Statistics, wide};
use crate::time::Time;

/// What a connection's socket needs.
pub(crate) struct Wire<'a> {
    driver: &'a mut dyn Driver,
    pool: &'a mut BufferPool,
    statistics: &'a mut Statistics,
    now: Time,
}

impl Reactor {
    /// A look at a connection with its socket. No user code in `f`.
    #[inline]
    pub(crate) fn with_wire<R>(
        &self,
        token: Token,
        f: impl FnOnce(&mut Wire<'_>, &mut Connection) -> R,
    ) -> Option<R> {
        let inner = self.inner();
        let mut driver = inner.driver.borrow_mut();
        let mut pool = inner.pool.borrow_mut();
        let mut statistics = inner.statistics.borrow_mut();
        let now = inner.now.get();
        let mut wire = Wire { driver: &mut **driver, pool: &mut pool, statistics: &mut statistics, now };
        self.with_connection(token, |connection| f(&mut wire, connection))
    }
}

impl Wire<'_> {
    /// Sends what the socket takes.
    pub(crate) fn send(&mut self, connection: &mut Connection) {
        let state = &mut connection.state;
        let sent = if state.is_ending() {
            self.driver.send_last(connection.sock, &state.queue)
        } else {
            self.driver.send(connection.sock, &state.queue)
        };
        match sent {
            Ok(count) => {
                connection.progress = self.now;
                state.sent(count, self.pool);
                self.statistics.bytes_sent += wide(count);
            }
            Err(error) => self.send_failed(connection, error),
        }
    }

    #[cold]
    #[inline(never)]
    fn send_failed(&mut self, connection: &mut Connection, error: io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => connection.state.blocked(),
            io::ErrorKind::Interrupted => {}
            _ => connection.state.over(Lost::from_io(error), self.pool),
        }
    }

    /// Sends our end.
    #[inline(never)]
    pub(crate) fn finish(&mut self, connection: &mut Connection) {
        match self.driver.finish(connection.sock) {
            Ok(()) => connection.state.finished(),
            // The peer's reset can come between the last send and the FIN.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                connection.state.over(Lost::Reset, self.pool);
            }
            Err(error) => connection.state.over(Lost::from_io(error), self.pool),
        }
    }

    /// Looks once whether the peer has said anything: if not, or if it has finished, it is the end; else the connection drains as
    /// politely as any.
    #[inline(never)]
    pub(crate) fn look(&mut self, connection: &mut Connection) {
        match self.try_recv(connection, &mut [0; LOOK_BYTES]) {
            Tried::Bytes(count) => {
                connection.state.discard(count);
                connection.state.set_drain(Drain::Always);
            }
            Tried::Nothing | Tried::End => connection.state.over(Lost::Closed, self.pool),
            Tried::Again | Tried::Over => {}
        }
    }

    /// Our end is sent. False if the peer had finished before: then it is the end.
    #[inline(never)]
    pub(crate) fn begin_to_drain(&mut self, connection: &mut Connection) -> bool {
        let state = &mut connection.state;
        connection.progress = self.now;
        state.drains_from(self.now);
        state.set_input(Input::Ready);
        let goes_on = state.input() != Input::Finished;
        if !goes_on {
            state.over(Lost::Closed, self.pool);
        }
        goes_on
    }

    /// Registers the socket with the poller: once, and only when it has to wait for something.
    #[inline(never)]
    pub(crate) fn watch(&mut self, connection: &mut Connection, token: Token) {
        connection.state.watched();
        match self.driver.watch(connection.sock, token) {
            Ok(()) => self.statistics.watched += 1,
            Err(error) => connection.state.over(Lost::from_io(error), self.pool),
        }
    }

    /// One try. `Some(0)` is the peer's end; `None` means that there is nothing, or that the connection is over.
    #[inline(always)]
    pub(crate) fn recv(&mut self, connection: &mut Connection, scratch: &mut [u8]) -> Option<usize> {
        match self.try_recv(connection, scratch) {
            Tried::Bytes(count) => Some(count),
            Tried::End => Some(0),
            Tried::Nothing | Tried::Again | Tried::Over => None,
        }
    }

    /// Receives what no protocol is to read as it is: for layers, or nobody. Gives what is for layers. `is_cut`: see `count_in`.
    #[inline(never)]
    pub(crate) fn recv_unread(
        &mut self,
        connection: &mut Connection,
        scratch: &mut [u8],
        limit: u64,
        is_cut: &mut bool,
    ) -> Option<usize> {
        if connection.state.reading() == Reading::Layers {
            let count = self.recv(connection, scratch)?;
            *is_cut = self.count_in(connection, count, limit);
            (!*is_cut).then_some(count)
        } else {
            *is_cut = self.discard(connection, scratch, limit);
            None
        }
    }

    /// Reads and forgets; the peer's end is the end of a connection that drains. True if it was cut: see `count_in`.
    #[inline(never)]
    pub(crate) fn discard(&mut self, connection: &mut Connection, scratch: &mut [u8], limit: u64) -> bool {
        let Some(count) = self.recv(connection, scratch) else { return false };
        if matches!(connection.state.phase(), Phase::Draining { .. }) {
            connection.progress = self.now;
            if count == 0 {
                connection.state.over(Lost::Closed, self.pool);
            }
        }
        self.count_in(connection, count, limit)
    }

    /// Counts what the peer says after `lose_connection`. True if that was more than `limit` bytes: then it is cut.
    #[inline(never)]
    pub(crate) fn count_in(&mut self, connection: &mut Connection, count: usize, limit: u64) -> bool {
        let state = &mut connection.state;
        let closes = matches!(state.phase(), Phase::Closing { .. } | Phase::Draining { .. });
        let is_cut = closes && state.discard(count) > limit;
        if is_cut {
            state.over(Lost::Aborted, self.pool);
        }
        is_cut
    }

    #[inline(always)]
    fn try_recv(&mut self, connection: &mut Connection, scratch: &mut [u8]) -> Tried {
        let state = &mut connection.state;
        match self.driver.recv(connection.sock, scratch) {
            Ok(Received { count: 0, .. }) => {
                state.set_input(Input::Finished);
                Tried::End
            }
            Ok(Received { count, more }) => {
                if !more {
                    state.set_input(Input::Quiet);
                }
                if matches!(state.phase(), Phase::Open) {
                    connection.progress = self.now;
                }
                self.statistics.bytes_received += wide(count);
                Tried::Bytes(count)
            }
            Err(error) => self.recv_failed(connection, error),
        }
    }

    #[inline(never)]
    fn recv_failed(&mut self, connection: &mut Connection, error: io::Error) -> Tried {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                connection.state.set_input(Input::Quiet);
                Tried::Nothing
            }
            io::ErrorKind::Interrupted => Tried::Again,
            _ => {
                connection.state.over(Lost::from_io(error), self.pool);
                Tried::Over
            }
        }
    }
}

/// What a try to receive has given.
enum Tried {
    Bytes(usize),
    /// The peer has finished.
    End,
    Nothing,
    /// It was interrupted.
    Again,
    /// The connection has failed.
    Over,
}
