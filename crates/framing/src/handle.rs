//! A connection with framing, from anywhere.

use std::fmt;
use std::ops::Deref;
use std::rc::Weak;

use sestina_reactor::ConnHandle;

use crate::core::Core;
use crate::decoder::{Decoder, Format};
use crate::line_decoder::LineDecoder;
use crate::netstring_decoder::NetstringDecoder;

/// A connection, from anywhere on the reactor's thread, for as long as one likes. Does not keep it alive.
///
/// Dereferences to the reactor's [`ConnHandle`].
pub struct FrameHandle<D: Decoder> {
    conn: ConnHandle,
    core: Weak<Core<D>>,
}

/// A handle on a connection of a [`LineReceiver`](crate::LineReceiver).
pub type LineHandle = FrameHandle<LineDecoder>;
/// A handle on a connection of a [`NetstringReceiver`](crate::NetstringReceiver).
pub type NetstringHandle = FrameHandle<NetstringDecoder>;

impl<D: Decoder> FrameHandle<D> {
    pub(crate) fn new(conn: ConnHandle, core: Weak<Core<D>>) -> Self {
        Self { conn, core }
    }

    /// Sends a message, framed. A counted no-op when the connection is gone; nothing is sent either to one that was handed to
    /// another protocol ([`Conn::become_protocol`](sestina_reactor::Conn::become_protocol)).
    ///
    /// # Errors
    /// If the other end would not read this message. Nothing is sent then.
    pub fn send(&self, message: &[u8]) -> Result<(), <D::Format as Format>::Error> {
        match self.core.upgrade() {
            Some(core) => {
                core.decoder.borrow().format().frame(message)?.write(|piece| self.conn.write(piece))
            }
            None if self.conn.is_connected() => {} // another protocol's: it would read this without a frame
            None => self.conn.write(message),
        }
        Ok(())
    }

    /// See [`FrameConn::pause_delivery`](crate::FrameConn::pause_delivery).
    pub fn pause_delivery(&self) {
        if let Some(core) = self.core.upgrade() {
            core.pause(|| self.conn.pause_reading());
        }
    }

    /// See [`FrameConn::resume_delivery`](crate::FrameConn::resume_delivery).
    pub fn resume_delivery(&self) {
        if let Some(core) = self.core.upgrade() {
            core.resume(|| self.conn.resume_reading());
        }
    }
}

impl<D: Decoder> Deref for FrameHandle<D> {
    type Target = ConnHandle;

    fn deref(&self) -> &ConnHandle {
        &self.conn
    }
}

impl<D: Decoder> Clone for FrameHandle<D> {
    fn clone(&self) -> Self {
        Self { conn: self.conn.clone(), core: Weak::clone(&self.core) }
    }
}

impl<D: Decoder> fmt::Debug for FrameHandle<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame{:?}", self.conn)
    }
}
