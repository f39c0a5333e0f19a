//! What came in: delivered to the protocol, or discarded while the connection closes.

use crate::driver::Token;
use crate::inner::Reactor;
use crate::state::Reading;

/// The size of the one buffer that is read into and lent to `data_received`.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// After this many reads from one connection the others have their turn.
const READS_PER_TURN_MAX: u32 = 16;

/// What one try to read has brought.
enum Came {
    /// Nothing is to be read now.
    Nothing,
    /// All that there was to do is done.
    Dealt,
    /// So many bytes for the protocol; 0 is the peer's end.
    Bytes(usize),
    /// As `Bytes`, but the layers come first.
    Layers(usize),
    /// Something waits for the protocol above the socket.
    Inbox,
}

impl Reactor {
    /// Reads a connection that may have something, within the budget; what is left waits for the next turn.
    pub(crate) fn read(&self, token: Token) {
        let mut scratch = self.inner().scratch.take();
        scratch.resize(SCRATCH_BYTES, 0);
        let read_all = (0..READS_PER_TURN_MAX).any(|_| !self.read_once(token, &mut scratch));
        if !read_all {
            self.mark_ready(token);
            self.mark_dirty(token);
        }
        self.inner().scratch.set(scratch);
    }

    /// False if there is nothing more to be read.
    fn read_once(&self, token: Token, scratch: &mut [u8]) -> bool {
        match self.take_in(token, scratch) {
            Came::Nothing => return false,
            Came::Dealt => {}
            Came::Bytes(0) => self.upcall(token, |protocol, conn| protocol.read_closed(conn)),
            Came::Bytes(count) => {
                self.upcall(token, |protocol, conn| protocol.data_received(conn, &scratch[..count]));
            }
            Came::Layers(count) => self.through_layers(token, &scratch[..count], count == 0),
            Came::Inbox => self.deliver_inbox(token),
        }
        self.settle();
        self.goes_on(token)
    }

    /// Whether there is anything more to be read, or its next share to be sent.
    fn goes_on(&self, token: Token) -> bool {
        let goes_on = self.with_connection(token, |connection| {
            connection.state.reading() != Reading::No || connection.state.can_send()
        });
        goes_on == Some(true)
    }

    fn take_in(&self, token: Token, scratch: &mut [u8]) -> Came {
        let mut is_news = false;
        let came = self.with_wire(token, |wire, connection| {
            let reading = connection.state.reading();
            let received = match reading {
                Reading::No => {
                    // It may wait here for its next share of sending.
                    is_news = connection.state.can_send() && connection.listed.becomes_dirty();
                    return Came::Nothing;
                }
                Reading::Inbox => return Came::Inbox,
                Reading::Discard => {
                    wire.discard(connection, scratch, self.discard_bytes_max());
                    None
                }
                Reading::Deliver | Reading::Layers => wire.recv(connection, scratch),
            };
            match received {
                Some(count) if reading == Reading::Layers => Came::Layers(count),
                Some(count) => Came::Bytes(count),
                None => {
                    is_news = connection.listed.becomes_dirty();
                    Came::Dealt
                }
            }
        });
        if is_news {
            self.push_dirty(token);
        }
        came.unwrap_or(Came::Nothing)
    }

    /// One look at a connection that drains: reads a little and forgets it.
    pub(crate) fn discard_some(&self, token: Token, scratch: &mut [u8]) {
        self.with_wire(token, |wire, connection| {
            if connection.state.reading() == Reading::Discard {
                wire.discard(connection, scratch, self.discard_bytes_max());
            }
        });
    }

    fn discard_bytes_max(&self) -> u64 {
        self.inner().closings.borrow().limits.discard_bytes_max
    }
}
