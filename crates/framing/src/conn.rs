//! A connection as a handler sees it: the reactor's verbs, and those of its framing.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::Conn;

use crate::core::Core;
use crate::decoder::{Decoder, Format};
use crate::errors::{LineError, StringTooLong};
use crate::handle::FrameHandle;
use crate::int_n_decoder::IntNDecoder;
use crate::int_n_format::Prefix;
use crate::line_decoder::LineDecoder;
use crate::line_only_decoder::LineOnlyDecoder;
use crate::netstring_decoder::NetstringDecoder;

/// A connection, lent to its handler for one upcall. Dereferences to the reactor's [`Conn`]: `lose_connection`, `write`,
/// `set_timer`, `peer` and the rest are there too. An example for each framing stands with its handler:
/// [`LineHandler`](crate::LineHandler), [`IntNHandler`](crate::IntNHandler), and for netstrings with [`Receiver`](crate::Receiver).
pub struct FrameConn<'a, 'c, D: Decoder> {
    conn: &'a mut Conn<'c>,
    core: &'a Rc<Core<D>>,
    /// `None` outside the delivery of messages.
    delivery: Option<Delivery<'a>>,
}

/// The connection of a [`LineHandler`](crate::LineHandler).
pub type LineConn<'a, 'c> = FrameConn<'a, 'c, LineDecoder>;
/// The connection of a [`LineOnlyHandler`](crate::LineOnlyHandler).
pub type LineOnlyConn<'a, 'c> = FrameConn<'a, 'c, LineOnlyDecoder>;
/// The connection of a [`NetstringHandler`](crate::NetstringHandler).
pub type NetstringConn<'a, 'c> = FrameConn<'a, 'c, NetstringDecoder>;
/// The connection of an [`IntNHandler`](crate::IntNHandler).
pub type IntNConn<'a, 'c, P> = FrameConn<'a, 'c, IntNDecoder<P>>;

/// The input that is being delivered, and how far.
#[derive(Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) whole: &'a [u8],
    pub(crate) at: &'a Cell<usize>,
}

impl Delivery<'_> {
    /// Steps back over `extra` if that is what lies just before the place: nothing need be copied then.
    fn steps_back(&self, extra: &[u8]) -> bool {
        let delivered = &self.whole[..self.at.get()];
        let is_end =
            extra.len() <= delivered.len() && extra.as_ptr_range().end == delivered.as_ptr_range().end;
        if is_end {
            self.at.set(delivered.len() - extra.len());
        }
        is_end
    }
}

impl<'a, 'c, D: Decoder> FrameConn<'a, 'c, D> {
    pub(crate) fn new(conn: &'a mut Conn<'c>, core: &'a Rc<Core<D>>, delivery: Option<Delivery<'a>>) -> Self {
        Self { conn, core, delivery }
    }

    /// Stops delivery behind the running message; what has come is kept, and nothing more is read, so that the peer is
    /// slowed down. For those who answer one message at a time, or hand messages on to somebody slower.
    ///
    /// # Limits
    /// One read of the reactor is kept at most, and an unfinished frame.
    pub fn pause_delivery(&mut self) {
        self.core.pause(|| self.conn.pause_reading());
    }

    /// Delivery goes on, with what was kept first.
    ///
    /// # Order
    /// Within the delivery of a message: behind that message. Otherwise in an upcall of its own, never inside this one.
    pub fn resume_delivery(&mut self) {
        self.core.resume(|| self.conn.resume_reading());
    }

    /// Whether delivery is paused.
    #[must_use]
    pub fn is_delivery_paused(&self) -> bool {
        self.core.is_paused.get()
    }

    /// How many bytes of an unfinished message have come. In `read_closed`: whether the peer stopped within one.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.core.decoder.borrow_mut().partial().len()
    }

    /// A handle on this connection, to be kept.
    #[must_use]
    pub fn handle(&self) -> FrameHandle<D> {
        FrameHandle::new(self.conn.handle(), Rc::downgrade(self.core))
    }

    /// Brings the answer of `deferred` to this handler, with this connection: as [`Conn::then`].
    ///
    /// `me` is the handler itself (`self`), or the part of it that [`Handler::part`](crate::Handler::part) lends.
    pub fn then<P: 'static, T: 'static>(
        &mut self,
        me: &P,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut FrameConn<'_, '_, D>, Result<T, Failure>) + 'static,
    ) {
        self.core.expects_answers.set(true);
        let core = Rc::clone(self.core);
        self.conn.then(me, deferred, move |me: &mut P, conn: &mut Conn<'_>, result| {
            f(me, &mut FrameConn::new(conn, &core, None), result);
        });
    }

    /// Takes back what has come and was not delivered: an unfinished message, and all behind the running one. What comes
    /// next is the beginning of a message. Of an unfinished string its text is given, not the length before it.
    pub fn clear_buffer(&mut self) -> Vec<u8> {
        let mut decoder = self.core.decoder.borrow_mut();
        let mut rest = match decoder.partial() {
            partial if partial.is_empty() => Vec::new(),
            partial => partial.take(),
        };
        decoder.clear();
        self.core.has_refused.set(false);
        rest.extend_from_slice(self.core.kept.take().bytes());
        if let Some(Delivery { whole, at }) = self.delivery {
            rest.extend_from_slice(&whole[at.replace(whole.len())..]);
        }
        rest
    }

    /// For [`Deliver::refuse`](crate::Deliver::refuse): the decoder forgets its error, and delivery goes on.
    pub fn start_again(&mut self) {
        self.core.decoder.borrow_mut().clear();
        self.core.has_refused.set(false);
    }

    /// Sends a message, framed. `send_line` and `send_string` are this.
    ///
    /// # Errors
    /// If the other end would not read this message. Nothing is sent then.
    pub fn send(&mut self, message: &[u8]) -> Result<(), <D::Format as Format>::Error> {
        let decoder = self.core.decoder.borrow();
        decoder.format().frame(message)?.write(|piece| self.conn.write(piece));
        Ok(())
    }

    /// Puts bytes before those that come next.
    fn put_back(&mut self, extra: &[u8]) {
        match self.delivery {
            Some(delivery) if !self.core.has_kept() && delivery.steps_back(extra) => {}
            _ => self.core.kept.borrow_mut().put_before(extra),
        }
        if self.delivery.is_none() && self.core.has_kept() && !self.core.is_paused.get() {
            self.core.wake();
        }
    }
}

impl FrameConn<'_, '_, LineDecoder> {
    /// Sends a line and the delimiter.
    ///
    /// # Errors
    /// If the line holds the delimiter. Nothing is sent then.
    pub fn send_line(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.send(line)
    }

    /// What comes behind the running line is given to `raw_data_received`, as it comes.
    pub fn set_raw_mode(&mut self) {
        self.core.decoder.borrow_mut().set_raw_mode();
    }

    /// What comes next is lines again, beginning with `extra`: the end of the raw data that is not wanted.
    ///
    /// If `extra` is the end of the running raw data, as it should be, nothing is copied.
    pub fn set_line_mode(&mut self, extra: &[u8]) {
        self.core.decoder.borrow_mut().set_line_mode();
        self.put_back(extra);
    }

    /// Twisted's name of [`clear_buffer`](Self::clear_buffer).
    pub fn clear_line_buffer(&mut self) -> Vec<u8> {
        self.clear_buffer()
    }
}

impl FrameConn<'_, '_, LineOnlyDecoder> {
    /// Sends a line and the delimiter.
    ///
    /// # Errors
    /// If the line holds the delimiter. Nothing is sent then.
    pub fn send_line(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.send(line)
    }
}

impl FrameConn<'_, '_, NetstringDecoder> {
    /// Whether the stream may end here: not within a netstring. Also in `connection_lost`.
    #[must_use]
    pub fn is_between_strings(&self) -> bool {
        self.core.decoder.borrow().is_between_strings()
    }

    /// Sends a string as a netstring.
    ///
    /// # Errors
    /// If it is longer than the limit. Nothing is sent then.
    pub fn send_string(&mut self, string: &[u8]) -> Result<(), StringTooLong> {
        self.send(string)
    }
}

impl<P: Prefix> FrameConn<'_, '_, IntNDecoder<P>> {
    /// Sends a string with its length before it.
    ///
    /// # Errors
    /// If it is longer than the limit, or than the prefix can count. Nothing is sent then.
    pub fn send_string(&mut self, string: &[u8]) -> Result<(), StringTooLong> {
        self.send(string)
    }
}

impl<'c, D: Decoder> Deref for FrameConn<'_, 'c, D> {
    type Target = Conn<'c>;

    fn deref(&self) -> &Conn<'c> {
        self.conn
    }
}

impl<D: Decoder> DerefMut for FrameConn<'_, '_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.conn
    }
}

impl<D: Decoder> fmt::Debug for FrameConn<'_, '_, D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame{:?}", self.conn)
    }
}
