//! Lines, netstrings and strings with a length before them, out of bytes that are cut anywhere.
//!
//! Two floors. **Decoders** turn bytes into messages and do no I/O: [`LineDecoder`], [`LineOnlyDecoder`],
//! [`NetstringDecoder`], [`IntNDecoder`]. **Receivers** run them on the reactor: [`LineReceiver`], [`LineOnlyReceiver`],
//! [`NetstringReceiver`], [`IntNReceiver`] are protocols that call a handler of yours. A *format* holds the rules that both
//! directions share (delimiter, limits) and encodes: [`LineFormat`], [`NetstringFormat`], [`IntNFormat`].
//!
//! # A decoder alone
//!
//! Give it what came, wherever that is cut, and ask until there is no more:
//!
//! ```
//! use sestina_framing::{Format, NetstringDecoder, NetstringFormat};
//!
//! let format = NetstringFormat::default().with_string_bytes_max(1_000);
//! let mut decoder = NetstringDecoder::new(format);
//! let mut strings = Vec::new();
//! for mut input in [&b"5:he"[..], b"llo,5:wor", b"ld,"] {
//!     while let Some(string) = decoder.decode(&mut input)? {
//!         strings.push(String::from_utf8_lossy(string).into_owned());
//!     }
//! }
//! assert_eq!(strings, ["hello", "world"]);
//!
//! let mut out = Vec::new();
//! format.encode(b"hello", &mut out)?;
//! assert_eq!(out, b"5:hello,");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A receiver on the reactor
//!
//! A server that greets and sends each line back in capitals, and a client that asks and leaves:
//!
//! ```
//! use sestina_deferred::{Resolver, deferred};
//! use sestina_framing::{Handler, LineConn, LineDecoder, LineHandler, LineReceiver};
//! use sestina_reactor::{Address, Endpoint};
//!
//! struct Shout;
//! impl Handler<LineDecoder> for Shout {
//!     fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
//!         conn.send_line(b"speak").expect("no delimiter in it");
//!     }
//! }
//! impl LineHandler for Shout {
//!     fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
//!         conn.send_line(&line.to_ascii_uppercase()).expect("a line that came may be sent");
//!     }
//! }
//!
//! struct Ask(Option<Resolver<Vec<u8>>>);
//! impl Handler<LineDecoder> for Ask {}
//! impl LineHandler for Ask {
//!     fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
//!         if line == b"speak" {
//!             conn.send_line(b"softly").expect("no delimiter in it");
//!         } else if let Some(answer) = self.0.take() {
//!             conn.lose_connection();
//!             answer.callback(line.to_vec());
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reactor = sestina_reactor_mio::reactor()?;
//! let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| LineReceiver::new(Shout))?;
//! let number = port.local_addr().port().ok_or("no port")?;
//! let (resolver, answer) = deferred();
//! let mut resolver = Some(resolver);
//! reactor.connect(&Endpoint::loopback(number), move |_: &Address| LineReceiver::new(Ask(resolver.take())));
//! assert_eq!(reactor.run_until(answer).map_err(|failure| failure.to_string())?, b"SOFTLY");
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - **Cuts do not matter.** However the stream is cut, the messages and the first error are the same; after an error a
//!   decoder repeats it until it is cleared.
//! - **Each byte is looked at once and copied from the input at most once.** A message that lies whole in the input is lent
//!   from it; only the message at a cut is copied, into a buffer whose growth is paid by bytes that came: [`Work`] counts,
//!   says what a delimiter of several bytes adds, and `tests/suite/work.rs` holds it to that. Bytes that wait because delivery is
//!   paused are moved once more.
//! - **Memory has a bound**: the limit of the format, and one read of the reactor while delivery is paused. An announced
//!   length reserves nothing.
//! - **Limits** are numbers with a name, Twisted's default and an option: [`LINE_BYTES_MAX`], [`STRING_BYTES_MAX`].
//! - **A handler may do anything to its connection** within a message: change the mode, clear, pause, close. Nothing is
//!   delivered once the connection is on its way out, and delivery that goes on later is an upcall of its own.
//!
//! # From Twisted
//!
//! | Twisted | here | what is different |
//! |---|---|---|
//! | `LineReceiver` | [`LineReceiver`], [`LineHandler`] | the protocol and what it calls are two things; without a reactor: [`LineDecoder`] |
//! | `LineOnlyReceiver` | [`LineOnlyReceiver`], [`LineOnlyHandler`] | a line of just the limit is never refused because its delimiter is cut (Twisted counts half a delimiter as text) |
//! | `delimiter`, `MAX_LENGTH` | [`LineFormat`] | not class attributes; an empty delimiter cannot be made |
//! | `lineReceived`, `rawDataReceived` | [`LineHandler::line_received`], [`LineHandler::raw_data_received`] | no return value: close or pause the connection to stop |
//! | `lineLengthExceeded(rest)` | [`LineHandler::line_length_exceeded`] | told with the limit; the same in both line receivers |
//! | `sendLine` | [`FrameConn::send_line`] | refuses a line that holds the delimiter, instead of sending two |
//! | `setRawMode`, `setLineMode(extra)` | [`FrameConn::set_raw_mode`], [`FrameConn::set_line_mode`] | `extra` comes before everything else that waits; never parsed inside the call |
//! | `clearLineBuffer` | [`FrameConn::clear_line_buffer`] | on all receivers, as [`FrameConn::clear_buffer`] |
//! | `pauseProducing`, `resumeProducing` of a receiver | [`FrameConn::pause_delivery`], [`FrameConn::resume_delivery`] | all receivers; `resume` does not deliver inside the call. The upcalls [`Handler::pause_producing`] are about writing |
//! | `NetstringReceiver`, `stringReceived`, `sendString` | [`NetstringReceiver`], [`NetstringHandler`], [`FrameConn::send_string`] | `send_string` refuses what is above the limit |
//! | `NetstringParseError`, `brokenPeer` | [`NetstringError`], [`NetstringHandler::netstring_refused`] | the handler is told which of three errors it was; nothing is delivered afterwards |
//! | `Int8StringReceiver`, `Int16…`, `Int32…` | [`Int8Receiver`], [`Int16Receiver`], [`Int32Receiver`], [`IntNHandler`] | the legacy `recvd` does not exist |
//! | `lengthLimitExceeded(length)` | [`IntNHandler::length_limit_exceeded`] | told once, not at each read |
//! | `StringTooLongError` | [`StringTooLong`] | also for what is above the limit, since the other end would hang up |
//! | `transport.disconnecting` | [`Conn::is_closing`](sestina_reactor::Conn::is_closing) | all receivers look at it; in Twisted only those of lines do. To answer pipelined messages and then close, close in an answer: `conn.then(self, succeed(()), \|_, conn, _\| conn.lose_connection())` |
#![forbid(unsafe_code)]

mod conn;
mod core;
mod decoder;
mod delimiter;
mod errors;
mod handle;
mod handler;
mod int_n_decoder;
mod int_n_format;
mod kept;
mod line_decoder;
mod line_format;
mod line_only_decoder;
mod netstring_decoder;
mod netstring_format;
mod partial;
mod receiver;
mod splitter;
mod work;

pub use crate::conn::{FrameConn, IntNConn, LineConn, LineOnlyConn, NetstringConn};
pub use crate::decoder::{Decoder, Format, Found, Framed};
pub use crate::delimiter::Delimiter;
pub use crate::errors::{
    EmptyDelimiter, LengthLimitExceeded, LineError, LineTooLong, NetstringError, StringTooLong,
};
pub use crate::handle::{FrameHandle, LineHandle, NetstringHandle};
pub use crate::handler::{Deliver, Handler, IntNHandler, LineHandler, LineOnlyHandler, NetstringHandler};
pub use crate::int_n_decoder::{Int8Decoder, Int16Decoder, Int32Decoder, IntNDecoder};
pub use crate::int_n_format::{Int8Format, Int16Format, Int32Format, IntNFormat, Prefix};
pub use crate::line_decoder::{LineDecoder, LineMessage};
pub use crate::line_format::{LINE_BYTES_MAX, LineFormat};
pub use crate::line_only_decoder::LineOnlyDecoder;
pub use crate::netstring_decoder::NetstringDecoder;
pub use crate::netstring_format::{NetstringFormat, STRING_BYTES_MAX};
pub use crate::partial::Partial;
pub use crate::receiver::{
    Int8Receiver, Int16Receiver, Int32Receiver, IntNReceiver, LineOnlyReceiver, LineReceiver,
    NetstringReceiver, Receiver,
};
pub use crate::work::Work;
