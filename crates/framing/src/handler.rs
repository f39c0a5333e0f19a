//! What a user writes: what one connection does with its messages.
//!
//! [`Handler`] is what happens to the connection, with a default for everything. One small trait for each framing adds
//! what happens to messages: [`LineHandler`], [`LineOnlyHandler`], [`NetstringHandler`], [`IntNHandler`].

use std::any::{Any, TypeId};

use sestina_reactor::Lost;

use crate::conn::{FrameConn, IntNConn, LineConn, LineOnlyConn, NetstringConn};
use crate::decoder::Decoder;
use crate::errors::{LengthLimitExceeded, LineTooLong, NetstringError};
use crate::int_n_decoder::IntNDecoder;
use crate::int_n_format::Prefix;
use crate::line_decoder::LineDecoder;
use crate::line_only_decoder::LineOnlyDecoder;
use crate::netstring_decoder::NetstringDecoder;

/// What happens to a connection besides its messages. Every method has a default, so that it may be one line:
/// `impl Handler<LineDecoder> for Echo {}`.
///
/// The methods are those of [`Protocol`](sestina_reactor::Protocol), in the same order and with the same promises.
pub trait Handler<D: Decoder>: Any {
    /// The connection is there: greet, or wait for messages.
    fn connection_made(&mut self, conn: &mut FrameConn<'_, '_, D>) {
        let _ = conn;
    }

    /// The peer will send no more; all messages that were whole have been told. The default takes the peer as gone.
    fn read_closed(&mut self, conn: &mut FrameConn<'_, '_, D>) {
        conn.lose_connection();
    }

    /// More is queued to be sent than the high mark: stop writing until
    /// [`resume_producing`](Self::resume_producing).
    fn pause_producing(&mut self, conn: &mut FrameConn<'_, '_, D>) {
        let _ = conn;
    }

    /// The queue has fallen to the low mark: write on.
    fn resume_producing(&mut self, conn: &mut FrameConn<'_, '_, D>) {
        let _ = conn;
    }

    /// The time given to [`Conn::set_timer`](sestina_reactor::Conn::set_timer) has passed.
    fn timer(&mut self, conn: &mut FrameConn<'_, '_, D>) {
        let _ = conn;
    }

    /// The connection is over, and why. Messages that delivery was paused before are gone.
    fn connection_lost(&mut self, conn: &mut FrameConn<'_, '_, D>, why: Lost) {
        let _ = (conn, why);
    }

    /// For handlers that wrap another one: lends the part of this type, as
    /// [`Protocol::part`](sestina_reactor::Protocol::part) does.
    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        let _ = wanted;
        None
    }
}

/// What a connection of a [`LineReceiver`](crate::LineReceiver) does with its lines.
///
/// ```
/// use sestina_framing::{Handler, LineConn, LineDecoder, LineHandler, LineReceiver};
/// use sestina_reactor::{Address, Endpoint};
///
/// /// `put N`, and N bytes; each thing that was put is answered with a line.
/// #[derive(Default)]
/// struct Store { missing: usize }
/// impl Handler<LineDecoder> for Store {}
/// impl LineHandler for Store {
///     fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
///         let count = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("put ")?.parse().ok());
///         match count {
///             Some(count) => {
///                 self.missing = count;
///                 conn.set_raw_mode();
///             }
///             None => conn.lose_connection(),
///         }
///     }
///     fn raw_data_received(&mut self, conn: &mut LineConn<'_, '_>, data: &[u8]) {
///         let (mine, rest) = data.split_at(data.len().min(self.missing));
///         self.missing -= mine.len();
///         if self.missing == 0 {
///             conn.set_line_mode(rest); // what came behind the bytes is lines again
///             conn.send_line(b"stored").expect("no delimiter in it");
///         }
///     }
/// }
///
/// let reactor = sestina_reactor_mio::reactor()?;
/// let port = reactor.listen(&"tcp:0".parse()?, |_: &Address| LineReceiver::new(Store::default()))?;
/// let to = Endpoint::loopback(port.local_addr().port().ok_or("no port")?);
/// let connecting = reactor.connect_stream(&to);
/// let talk = reactor.spawn(async move {
///     let stream = connecting.await?;
///     stream.write_all("put 5\r\nhel").await?;
///     stream.write_all("loput 1\r\n!").await?;
///     stream.read_exact(16).await
/// });
/// assert_eq!(reactor.run_until(talk).map_err(|failure| failure.to_string())?, b"stored\r\nstored\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait LineHandler: Handler<LineDecoder> {
    /// A line came, without its delimiter.
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]);

    /// Bytes came in raw mode, never empty. [`LineConn::set_line_mode`](crate::FrameConn::set_line_mode) gives back
    /// those that are not wanted.
    ///
    /// # Panics
    /// Unless it is overridden, so that no bytes are lost in silence.
    fn raw_data_received(&mut self, conn: &mut LineConn<'_, '_>, data: &[u8]) {
        let _ = (conn, data);
        panic!("a handler that sets the raw mode says what to do with raw data: `raw_data_received`");
    }

    /// A line is too long. `rest` is what has come of it and behind it; how much that is depends on the network.
    ///
    /// If this does not close the connection, the bytes after `rest` are taken as the beginning of a line.
    fn line_length_exceeded(&mut self, conn: &mut LineConn<'_, '_>, rest: &[u8], error: LineTooLong) {
        let _ = (rest, error);
        conn.lose_connection();
    }
}

/// What a connection of a [`LineOnlyReceiver`](crate::LineOnlyReceiver) does with its lines.
pub trait LineOnlyHandler: Handler<LineOnlyDecoder> {
    /// A line came, without its delimiter.
    fn line_received(&mut self, conn: &mut LineOnlyConn<'_, '_>, line: &[u8]);

    /// A line is too long: see [`LineHandler::line_length_exceeded`].
    fn line_length_exceeded(&mut self, conn: &mut LineOnlyConn<'_, '_>, rest: &[u8], error: LineTooLong) {
        let _ = (rest, error);
        conn.lose_connection();
    }
}

/// What a connection of a [`NetstringReceiver`](crate::NetstringReceiver) does with its strings.
pub trait NetstringHandler: Handler<NetstringDecoder> {
    /// A string came.
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]);

    /// What came is no netstring, or one that is too long. Told once; nothing more is delivered, because there is no
    /// way to find the next one. An override may say a last word, and should end the connection.
    fn netstring_refused(&mut self, conn: &mut NetstringConn<'_, '_>, error: NetstringError) {
        let _ = error;
        conn.lose_connection();
    }
}

/// What a connection of an [`IntNReceiver`](crate::IntNReceiver) does with its strings.
///
/// ```
/// use sestina_framing::{Handler, IntNConn, IntNDecoder, IntNHandler, Int16Receiver};
/// use sestina_reactor::{Address, Endpoint};
///
/// struct Echo;
/// impl Handler<IntNDecoder<u16>> for Echo {}
/// impl IntNHandler<u16> for Echo {
///     fn string_received(&mut self, conn: &mut IntNConn<'_, '_, u16>, string: &[u8]) {
///         conn.send_string(string).expect("what came may be sent");
///     }
/// }
///
/// let reactor = sestina_reactor_mio::reactor()?;
/// let port = reactor.listen(&"tcp:0".parse()?, |_: &Address| Int16Receiver::new(Echo))?;
/// let connecting = reactor.connect_stream(&Endpoint::loopback(port.local_addr().port().ok_or("no port")?));
/// let talk = reactor.spawn(async move {
///     let stream = connecting.await?;
///     stream.write_all(b"\0\x05hello").await?;
///     stream.read_exact(7).await
/// });
/// assert_eq!(reactor.run_until(talk).map_err(|failure| failure.to_string())?, b"\0\x05hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait IntNHandler<P: Prefix>: Handler<IntNDecoder<P>> {
    /// A string came.
    fn string_received(&mut self, conn: &mut IntNConn<'_, '_, P>, string: &[u8]);

    /// The peer announced a string that is too long. Told once; nothing more is delivered, because there is no way to
    /// find the next one. An override may say a last word, and should end the connection.
    fn length_limit_exceeded(&mut self, conn: &mut IntNConn<'_, '_, P>, error: LengthLimitExceeded) {
        let _ = error;
        conn.lose_connection();
    }
}

/// How a decoder's messages reach a handler: which methods they are. Implement it, with [`Decoder`], for a framing of
/// your own.
pub trait Deliver<H>: Decoder {
    /// Hands over a frame, or raw bytes.
    fn deliver(handler: &mut H, conn: &mut FrameConn<'_, '_, Self>, bytes: &[u8], is_raw: bool);

    /// Tells an error, once. `rest` is what has come and was not delivered. If the decoder is
    /// [cleared](FrameConn::start_again) here, delivery goes on; otherwise it has ended.
    fn refuse(handler: &mut H, conn: &mut FrameConn<'_, '_, Self>, rest: &[u8], error: Self::Error);
}

impl<H: LineHandler> Deliver<H> for LineDecoder {
    fn deliver(handler: &mut H, conn: &mut LineConn<'_, '_>, bytes: &[u8], is_raw: bool) {
        if is_raw {
            handler.raw_data_received(conn, bytes);
        } else {
            handler.line_received(conn, bytes);
        }
    }

    fn refuse(handler: &mut H, conn: &mut LineConn<'_, '_>, rest: &[u8], error: LineTooLong) {
        conn.start_again();
        handler.line_length_exceeded(conn, rest, error);
    }
}

impl<H: LineOnlyHandler> Deliver<H> for LineOnlyDecoder {
    fn deliver(handler: &mut H, conn: &mut LineOnlyConn<'_, '_>, line: &[u8], _: bool) {
        handler.line_received(conn, line);
    }

    fn refuse(handler: &mut H, conn: &mut LineOnlyConn<'_, '_>, rest: &[u8], error: LineTooLong) {
        conn.start_again();
        handler.line_length_exceeded(conn, rest, error);
    }
}

impl<H: NetstringHandler> Deliver<H> for NetstringDecoder {
    fn deliver(handler: &mut H, conn: &mut NetstringConn<'_, '_>, string: &[u8], _: bool) {
        handler.string_received(conn, string);
    }

    fn refuse(handler: &mut H, conn: &mut NetstringConn<'_, '_>, _: &[u8], error: NetstringError) {
        handler.netstring_refused(conn, error);
    }
}

impl<P: Prefix, H: IntNHandler<P>> Deliver<H> for IntNDecoder<P> {
    fn deliver(handler: &mut H, conn: &mut IntNConn<'_, '_, P>, string: &[u8], _: bool) {
        handler.string_received(conn, string);
    }

    fn refuse(handler: &mut H, conn: &mut IntNConn<'_, '_, P>, _: &[u8], error: LengthLimitExceeded) {
        handler.length_limit_exceeded(conn, error);
    }
}
