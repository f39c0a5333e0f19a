//! Strings with a length before them, out of bytes.

use crate::decoder::{Decoder, Found};
use crate::errors::LengthLimitExceeded;
use crate::int_n_format::{IntNFormat, Prefix};
use crate::partial::Partial;
use crate::work::Work;

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The length, of which `bytes` are there.
    Length {
        value: u32,
        bytes: usize,
    },
    /// The string of this length.
    Text(usize),
    Failed(LengthLimitExceeded),
}

const BEGINNING: State = State::Length { value: 0, bytes: 0 };

/// Splits bytes cut anywhere into strings with a length before them.
///
/// A string that lies whole in the input is lent from it; only the string at a cut is copied.
///
/// ```
/// use sestina_framing::{Int16Decoder, Int16Format};
///
/// let mut decoder = Int16Decoder::new(Int16Format::default());
/// let mut strings = Vec::new();
/// for mut input in [&b"\x00"[..], b"\x05hello\x00\x00\x00\x03y", b"ou"] {
///     while let Some(string) = decoder.decode(&mut input)? {
///         strings.push(string.to_vec());
///     }
/// }
/// assert_eq!(strings, [&b"hello"[..], b"", b"you"]);
/// # Ok::<(), sestina_framing::LengthLimitExceeded>(())
/// ```
///
/// # Limits
/// It keeps at most `string_bytes_max`, and reserves no more than 256 bytes or four times what has come, whatever length
/// is announced.
#[derive(Debug)]
pub struct IntNDecoder<P> {
    format: IntNFormat<P>,
    state: State,
    partial: Partial,
}

/// Splits bytes into strings with a length of 8 bits before them.
pub type Int8Decoder = IntNDecoder<u8>;
/// Splits bytes into strings with a length of 16 bits before them.
pub type Int16Decoder = IntNDecoder<u16>;
/// Splits bytes into strings with a length of 32 bits before them.
pub type Int32Decoder = IntNDecoder<u32>;

impl<P: Prefix> IntNDecoder<P> {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(format: IntNFormat<P>) -> Self {
        Self { format, state: BEGINNING, partial: Partial::default() }
    }

    /// The next string. Takes what it needs off the front of `input`; `None` means that all is taken and that more
    /// must come.
    ///
    /// # Errors
    /// If a string is too long: now, and at each call from then on.
    #[inline]
    pub fn decode<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<&'a [u8]>, LengthLimitExceeded> {
        let found = self.advance(input)?;
        Ok(found.map(|found| found.lent.unwrap_or_else(|| self.partial.bytes())))
    }

    /// Whether the stream may end here: it is not within a string or its length.
    #[must_use]
    pub fn is_between_strings(&self) -> bool {
        matches!(self.state, State::Length { bytes: 0, .. })
    }

    /// How many bytes of an unfinished string are kept.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// What was done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.partial.work()
    }

    /// Goes on with a length.
    fn length(
        &mut self,
        begun: (u32, usize),
        input: &mut &[u8],
    ) -> Result<Option<usize>, LengthLimitExceeded> {
        let (prefix, rest) = input.split_at(input.len().min(P::BYTES - begun.1));
        self.partial.look_at(prefix.len());
        *input = rest;
        let value = prefix.iter().fold(begun.0, |value, byte| value << 8 | u32::from(*byte));
        let bytes = begun.1 + prefix.len();
        if bytes < P::BYTES {
            self.state = State::Length { value, bytes };
            return Ok(None);
        }
        let string_bytes_max = self.format.string_bytes_max();
        let length = usize::try_from(value).ok().filter(|length| *length <= string_bytes_max);
        length.map(Some).ok_or(LengthLimitExceeded { length: value, string_bytes_max })
    }
}

impl<P: Prefix> Default for IntNDecoder<P> {
    fn default() -> Self {
        Self::new(IntNFormat::default())
    }
}

impl<P: Prefix> Decoder for IntNDecoder<P> {
    type Format = IntNFormat<P>;
    type Error = LengthLimitExceeded;

    fn with_format(format: IntNFormat<P>) -> Self {
        Self::new(format)
    }

    fn format(&self) -> &IntNFormat<P> {
        &self.format
    }

    #[inline]
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, LengthLimitExceeded> {
        self.partial.begin();
        let length = match self.state {
            State::Failed(error) => return Err(error),
            State::Text(length) => length,
            State::Length { value, bytes } => match self.length((value, bytes), input) {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
            },
        };
        let Some(lent) = self.partial.take_off(input, length, 0) else {
            self.state = State::Text(length);
            return Ok(None);
        };
        self.state = BEGINNING;
        if lent.is_none() {
            self.partial.finish(length);
        }
        Ok(Some(Found::frame(lent)))
    }

    fn partial(&mut self) -> &mut Partial {
        &mut self.partial
    }

    fn clear(&mut self) {
        self.partial.forget();
        self.state = BEGINNING;
    }
}
