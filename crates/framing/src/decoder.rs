//! What all decoders can do, and what all formats can: the seam between the decoders and the receivers.
//!
//! Implement both to run a framing of your own on [`Receiver`](crate::Receiver).

use std::error::Error;
use std::fmt;

use crate::partial::Partial;

/// What a step of a decoder found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<'i> {
    /// The frame, if it lies whole in the input; otherwise it is in [`Decoder::partial`].
    pub lent: Option<&'i [u8]>,
    /// Whether these are raw bytes, and not a frame.
    pub is_raw: bool,
}

impl<'i> Found<'i> {
    /// A frame that lies in the input (`Some`), or one that was built.
    #[inline]
    #[must_use]
    pub fn frame(lent: Option<&'i [u8]>) -> Self {
        Self { lent, is_raw: false }
    }

    /// Bytes that nobody splits.
    #[must_use]
    pub fn raw(lent: Option<&'i [u8]>) -> Self {
        Self { lent, is_raw: true }
    }
}

/// Turns bytes cut anywhere into messages, without I/O.
///
/// The decoders of this crate have a `decode` that is easier to call; this is what [`Receiver`](crate::Receiver) calls.
///
/// Laws: how the input is cut changes neither the messages nor the first error; after an error each step gives that
/// error again, until [`clear`](Self::clear).
pub trait Decoder: Sized + fmt::Debug + 'static {
    /// The rules that decoder and encoder share.
    type Format: Format;
    /// What the peer can do wrong.
    type Error: Error + Clone + 'static;

    /// A decoder at the beginning of a stream.
    fn with_format(format: Self::Format) -> Self;

    /// The rules.
    fn format(&self) -> &Self::Format;

    /// Takes what it needs off the front of `input`. `None`: all is taken, and more must come.
    ///
    /// # Errors
    /// The first thing that was wrong with the stream. `input` begins then with bytes that were not taken.
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, Self::Error>;

    /// The unfinished frame, or the one that the last step built.
    fn partial(&mut self) -> &mut Partial;

    /// Forgets an unfinished frame and an error: what comes next is the beginning of a message.
    fn clear(&mut self);
}

/// The rules of a framing, which both directions share; it encodes.
pub trait Format: Clone + Default + fmt::Debug + 'static {
    /// Why a message cannot be sent.
    type Error: Error + 'static;

    /// What stands before and behind a message.
    ///
    /// # Errors
    /// If the other end would not read this message.
    fn frame<'a>(&'a self, message: &'a [u8]) -> Result<Framed<'a>, Self::Error>;

    /// Adds the message to `out`, framed.
    ///
    /// # Errors
    /// If the other end would not read this message; `out` is as before then.
    fn encode(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Self::Error> {
        self.frame(message)?.write(|piece| out.extend_from_slice(piece));
        Ok(())
    }
}

/// The longest prefix of a frame: the digits of a `usize`, and a colon.
const HEAD_BYTES_MAX: usize = 21;

/// A message on its way out, in three pieces that need not be joined.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    /// Filled from its end, so that decimal digits can be written as they are divided off.
    head: [u8; HEAD_BYTES_MAX],
    head_at: usize,
    message: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Framed<'a> {
    /// A message and what comes behind it.
    #[must_use]
    pub fn new(message: &'a [u8], tail: &'a [u8]) -> Self {
        Self { head: [0; HEAD_BYTES_MAX], head_at: HEAD_BYTES_MAX, message, tail }
    }

    /// Puts bytes before what comes first now.
    ///
    /// # Panics
    /// If there are more than 21 bytes before the message.
    #[must_use]
    pub fn after(mut self, bytes: &[u8]) -> Self {
        let begin = self.head_at.checked_sub(bytes.len()).expect("the head has at most 21 bytes");
        self.head[begin..self.head_at].copy_from_slice(bytes);
        self.head_at = begin;
        self
    }

    /// Gives the pieces in order; empty ones are left out.
    pub fn write(&self, mut piece: impl FnMut(&[u8])) {
        for bytes in [&self.head[self.head_at..], self.message, self.tail] {
            if !bytes.is_empty() {
                piece(bytes);
            }
        }
    }
}
