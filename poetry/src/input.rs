//! Input that nobody asked for: a poet does not listen, but has to hear.
//!
//! Bytes are read and dropped, because unread ones would make the kernel reset the connection and the client lose the
//! end of its poem. A client that sends without end is cut.
//! Tests: `tests/suite/talking_clients.rs`.

use sestina_reactor::Conn;

/// How much a client may say to a poet before it is cut, unless its `with_input_bytes_max` said otherwise. As much as the
/// reactor discards after a polite close by default.
pub const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How much one client has said.
#[derive(Debug)]
pub(crate) struct DroppedInput {
    bytes: u64,
    bytes_max: u64,
}

impl DroppedInput {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes: 0, bytes_max }
    }

    /// Drops `data`; cuts the connection when it is too much.
    pub(crate) fn drop_bytes(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        drop_bytes(conn, data, &mut self.bytes, self.bytes_max);
    }
}

/// As [`DroppedInput::drop_bytes`], for those who keep the limit elsewhere. `bytes` is how much the client has said.
pub(crate) fn drop_bytes(conn: &mut Conn<'_>, data: &[u8], bytes: &mut u64, bytes_max: u64) {
    *bytes = bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
    if *bytes > bytes_max {
        tracing::warn!(peer = %conn.peer(), limit = bytes_max, "connection cut: it talks without end");
        conn.abort();
    }
}
