//! Lines.
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
