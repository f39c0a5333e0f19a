//! What came in: delivered to the protocol, or discarded while the connection closes.

use crate::driver::Token;
use crate::inner::Reactor;
use crate::protocol::Protocol;
use crate::state::Reading;
use crate::turn::Serving;

/// The size of the one buffer that is read into and lent to `data_received`.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// After this many reads from one connection the others have their turn.
const READS_PER_TURN_MAX: u32 = 16;

/// What one try to read has brought.
enum Came {
    /// Nothing is to be read now.
    Nothing,
    /// Nothing for anybody: it was discarded, or there was nothing, or the connection has failed. The flush looks at what that
    /// has changed.
    Dealt,
    /// So many bytes for the protocol, which is lent for them; 0 is the peer's end.
    Bytes(usize, Box<dyn Protocol>),
    /// As `Bytes`, but the layers come first.
    Layers(usize),
    /// Something waits for the protocol above the socket.
    Inbox,
}

impl Reactor {
    /// Reads a connection that may have something, within the budget; what is left waits for the next turn.
    ///
    /// False if it is no connection, or gone: then nothing was done.
    pub(crate) fn read(&self, token: Token, serving: &mut Serving<'_>) -> bool {
        for round in 0..READS_PER_TURN_MAX {
            let is_first = round == 0;
            let Some(came) = self.take_in(token, serving, is_first) else { return !is_first };
            if !self.bring(token, came, serving) {
                return true;
            }
        }
        self.mark_ready(token);
        true
    }

    /// Brings on what has come. False if there is nothing more to be read in this turn.
    #[inline(always)]
    fn bring(&self, token: Token, came: Came, serving: &mut Serving<'_>) -> bool {
        let reads_on = match came {
            Came::Nothing => return false,
            Came::Bytes(0, to) => self.tell_end(token, to),
            Came::Bytes(count, to) => {
                let data = &serving.scratch()[..count];
                self.upcall_and_settle(token, to, |protocol, conn| protocol.data_received(conn, data))
            }
            Came::Layers(count) => {
                let data = &serving.scratch()[..count];
                self.settled(|| self.through_layers(token, data, count == 0))
            }
            Came::Inbox => self.settled(|| self.deliver_inbox(token)),
            Came::Dealt => self.settled(|| ()),
        };
        reads_on
            .unwrap_or_else(|| self.with_connection(token, |connection| connection.reads_on()) == Some(true))
    }

    #[inline(never)]
    fn tell_end(&self, token: Token, to: Box<dyn Protocol>) -> Option<bool> {
        self.upcall_and_settle(token, to, |protocol, conn| protocol.read_closed(conn))
    }

    /// Does something that may have changed more than was looked at, and what was asked for by it.
    fn settled(&self, f: impl FnOnce()) -> Option<bool> {
        f();
        self.settle();
        None
    }

    /// `is_first`: takes it off the list of those that are ready; one that has rested is flushed as well. `None` if it is no
    /// connection, or gone.
    #[inline(always)]
    fn take_in(&self, token: Token, serving: &mut Serving<'_>, is_first: bool) -> Option<Came> {
        let (mut is_news, mut is_cut) = (false, false);
        let came = self.with_wire(token, |wire, connection| {
            if is_first {
                is_news = connection.state.listed.leaves_ready() && connection.state.listed.becomes_dirty();
            }
            let reading = connection.state.reading();
            if matches!(reading, Reading::No | Reading::Inbox) {
                return if reading == Reading::No { Came::Nothing } else { Came::Inbox };
            }
            let scratch = serving.scratch();
            let received = if reading == Reading::Deliver {
                wire.recv(connection, scratch)
            } else {
                let limit = self.discard_bytes_max();
                wire.recv_unread(connection, scratch, limit, &mut is_cut)
            };
            match received {
                Some(count) if reading == Reading::Layers => Came::Layers(count),
                Some(count) => Came::Bytes(count, connection.take_protocol()),
                None => {
                    is_news |= connection.state.listed.becomes_dirty();
                    Came::Dealt
                }
            }
        });
        self.list_dirty(token, is_news);
        if is_cut {
            self.note_talker(token);
        }
        came
    }

    /// One look at a connection that drains: reads a little and forgets it.
    pub(crate) fn discard_some(&self, token: Token, scratch: &mut [u8]) {
        let is_cut = self.with_wire(token, |wire, connection| {
            connection.state.reading() == Reading::Discard
                && wire.discard(connection, scratch, self.discard_bytes_max())
        });
        if is_cut == Some(true) {
            self.note_talker(token);
        }
    }

    #[cold]
    fn note_talker(&self, token: Token) {
        let limit = self.discard_bytes_max();
        tracing::warn!(peer = ?self.peer(token), limit, "connection cut: it still sends after our end");
    }

    fn discard_bytes_max(&self) -> u64 {
        self.inner().closings.borrow().limits.discard_bytes_max
    }
}
