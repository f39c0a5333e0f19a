//! What came in: delivered to the protocol, or discarded while the connection closes.

use crate::driver::Token;
use crate::inner::Reactor;
use crate::protocol::Protocol;
use crate::state::Reading;

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
    pub(crate) fn read(&self, token: Token, scratch: &mut [u8]) {
        let read_all = (0..READS_PER_TURN_MAX).any(|_| !self.read_once(token, scratch));
        if !read_all {
            self.mark_ready(token);
        }
    }

    /// False if there is nothing more to be read in this turn.
    fn read_once(&self, token: Token, scratch: &mut [u8]) -> bool {
        let came = self.take_in(token, scratch);
        let reads_on = match came {
            Came::Nothing => return false,
            Came::Bytes(0, to) => {
                self.upcall_and_settle(token, to, |protocol, conn| protocol.read_closed(conn))
            }
            Came::Bytes(count, to) => {
                let data = &scratch[..count];
                self.upcall_and_settle(token, to, |protocol, conn| protocol.data_received(conn, data))
            }
            Came::Layers(count) => self.settled(|| self.through_layers(token, &scratch[..count], count == 0)),
            Came::Inbox => self.settled(|| self.deliver_inbox(token)),
            Came::Dealt => self.settled(|| ()),
        };
        reads_on
            .unwrap_or_else(|| self.with_connection(token, |connection| connection.reads_on()) == Some(true))
    }

    /// Does something that may have changed more than was looked at, and what was asked for by it.
    fn settled(&self, f: impl FnOnce()) -> Option<bool> {
        f();
        self.settle();
        None
    }

    fn take_in(&self, token: Token, scratch: &mut [u8]) -> Came {
        let (mut is_news, mut is_cut) = (false, false);
        let came = self.with_wire(token, |wire, connection| {
            let reading = connection.state.reading();
            let received = match reading {
                Reading::No => return Came::Nothing,
                Reading::Inbox => return Came::Inbox,
                Reading::Discard => {
                    is_cut = wire.discard(connection, scratch, self.discard_bytes_max());
                    None
                }
                Reading::Layers => {
                    let count = wire.recv(connection, scratch);
                    let limit = self.discard_bytes_max();
                    is_cut = count.is_some_and(|count| wire.count_in(connection, count, limit));
                    count.filter(|_| !is_cut)
                }
                Reading::Deliver => wire.recv(connection, scratch),
            };
            match received {
                Some(count) if reading == Reading::Layers => Came::Layers(count),
                Some(count) => Came::Bytes(count, connection.take_protocol()),
                None => {
                    is_news = connection.listed.becomes_dirty();
                    Came::Dealt
                }
            }
        });
        self.list_dirty(token, is_news);
        if is_cut {
            self.note_talker(token);
        }
        came.unwrap_or(Came::Nothing)
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
