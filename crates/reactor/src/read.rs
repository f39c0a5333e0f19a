//! What came in: delivered to the protocol, or discarded while the connection closes.

use std::io;

use crate::driver::{Received, Token};
use crate::errors::Lost;
use crate::inner::Reactor;
use crate::state::{Input, Phase, Reading};

/// The size of the one buffer that is read into and lent to `data_received`.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// After this many reads from one connection the others have their turn.
const READS_PER_TURN_MAX: u32 = 16;

impl Reactor {
    /// Reads a connection that may have something, within the budget; what is left waits for the next turn.
    pub(crate) fn read(&self, token: Token) {
        let mut scratch = self.inner().scratch.take();
        scratch.resize(SCRATCH_BYTES, 0);
        let mut reads = 0;
        loop {
            let reading = self.with_connection(token, |connection| connection.state.reading());
            match reading {
                Some(Reading::No) | None => break,
                Some(_) if reads == READS_PER_TURN_MAX => {
                    self.mark_ready(token);
                    break;
                }
                Some(Reading::Deliver) => self.deliver(token, &mut scratch),
                Some(Reading::Layers) => self.deliver_to_layers(token, &mut scratch),
                Some(Reading::Inbox) => self.deliver_inbox(token),
                Some(Reading::Discard) => self.discard(token, &mut scratch),
            }
            reads += 1;
            self.settle();
        }
        self.inner().scratch.set(scratch);
    }

    fn deliver_to_layers(&self, token: Token, scratch: &mut [u8]) {
        if let Some(count) = self.recv(token, scratch) {
            self.through_layers(token, &scratch[..count], count == 0);
        }
    }

    fn deliver(&self, token: Token, scratch: &mut [u8]) {
        match self.recv(token, scratch) {
            Some(0) => self.upcall(token, |protocol, conn| protocol.read_closed(conn)),
            Some(count) => {
                self.upcall(token, |protocol, conn| protocol.data_received(conn, &scratch[..count]))
            }
            None => {}
        }
    }

    /// Reads and forgets, within limits; the peer's end is the end of a connection that drains.
    pub(crate) fn discard(&self, token: Token, scratch: &mut [u8]) {
        let limit = self.inner().closings.borrow().limits.discard_bytes_max;
        let now = self.now();
        let Some(count) = self.recv(token, scratch) else { return };
        let mut pool = self.inner().pool.borrow_mut();
        self.with_connection(token, |connection| {
            let discarded = connection.state.discard(count);
            let draining = matches!(connection.state.phase(), Phase::Draining { .. });
            if draining {
                connection.progress = now;
            }
            if count == 0 && draining {
                connection.state.over(Lost::Closed, &mut pool);
            } else if discarded > limit {
                tracing::warn!(peer = %connection.peer, limit, "connection cut: it still sends after our end");
                connection.state.over(Lost::Aborted, &mut pool);
            }
        });
        drop(pool);
        self.mark_dirty(token);
    }

    /// One try. `Some(0)` is the peer's end; `None` means that there is nothing, or that the connection is over.
    fn recv(&self, token: Token, scratch: &mut [u8]) -> Option<usize> {
        let now = self.now();
        let mut pool = self.inner().pool.borrow_mut();
        let mut driver = self.inner().driver.borrow_mut();
        let received = self.with_connection(token, |connection| {
            let state = &mut connection.state;
            match driver.recv(connection.sock, scratch) {
                Ok(Received { count: 0, .. }) => {
                    state.set_input(Input::Finished);
                    return Some(0);
                }
                Ok(Received { count, more }) => {
                    if !more {
                        state.set_input(Input::Quiet);
                    }
                    if matches!(state.phase(), Phase::Open) {
                        connection.progress = now;
                    }
                    return Some(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => state.set_input(Input::Quiet),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => state.over(Lost::from_io(error), &mut pool),
            }
            None
        });
        drop((driver, pool));
        let received = received.flatten();
        let count = u64::try_from(received.unwrap_or(0)).unwrap_or(u64::MAX);
        self.count(|statistics| statistics.bytes_received += count);
        if received.is_none() {
            self.mark_dirty(token);
        }
        received
    }
}
