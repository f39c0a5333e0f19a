//! Netstrings out of bytes.

use crate::decoder::{Decoder, Found};
use crate::errors::NetstringError;
use crate::netstring_format::NetstringFormat;
use crate::partial::Partial;
use crate::work::Work;

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The length. `None` before its first digit.
    Length(Option<usize>),
    /// The string of this length, or the comma behind it.
    Text(usize),
    Failed(NetstringError),
}

/// Splits bytes cut anywhere into netstrings.
///
/// A string that lies whole in the input is lent from it; only the string at a cut is copied.
///
/// ```
/// use sestina_framing::{NetstringDecoder, NetstringError, NetstringFormat};
///
/// let mut decoder = NetstringDecoder::new(NetstringFormat::default());
/// let mut strings = Vec::new();
/// for mut input in [&b"5:hel"[..], b"lo,0:,1", b"1:hello world,"] {
///     while let Some(string) = decoder.decode(&mut input)? {
///         strings.push(string.to_vec());
///     }
/// }
/// assert_eq!(strings, [&b"hello"[..], b"", b"hello world"]);
///
/// let mut input = &b"05:hello,"[..];
/// assert_eq!(decoder.decode(&mut input), Err(NetstringError::MalformedLength));
/// let mut input = &b"5:hello,"[..];
/// assert_eq!(decoder.decode(&mut input), Err(NetstringError::MalformedLength), "it stays so");
/// # Ok::<(), NetstringError>(())
/// ```
///
/// # Limits
/// It keeps at most `string_bytes_max`, and reserves no more than 256 bytes or four times what has come, whatever length
/// is announced. A length is given up at the digit that brings it above the limit.
#[derive(Debug)]
pub struct NetstringDecoder {
    format: NetstringFormat,
    state: State,
    partial: Partial,
}

impl NetstringDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(format: NetstringFormat) -> Self {
        Self { format, state: State::Length(None), partial: Partial::default() }
    }

    /// The next string. Takes what it needs off the front of `input`; `None` means that all is taken and that more
    /// must come.
    ///
    /// # Errors
    /// The first thing that was wrong: now, and at each call from then on.
    #[inline]
    pub fn decode<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<&'a [u8]>, NetstringError> {
        let found = self.advance(input)?;
        Ok(found.map(|found| found.lent.unwrap_or_else(|| self.partial.bytes())))
    }

    /// Whether the stream may end here: it is not within a netstring.
    #[must_use]
    pub fn is_between_strings(&self) -> bool {
        matches!(self.state, State::Length(None))
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

    fn fail(&mut self, error: NetstringError) -> NetstringError {
        self.state = State::Failed(error);
        error
    }

    /// Goes on with a length. The digits are judged one by one, so their number needs no limit of its own.
    fn length(
        &mut self,
        mut length: Option<usize>,
        input: &mut &[u8],
    ) -> Result<Option<usize>, NetstringError> {
        while let Some((&byte, rest)) = input.split_first() {
            self.partial.look_at(1);
            *input = rest;
            length = Some(match (length, byte) {
                (Some(length), b':') => return Ok(Some(length)),
                (None, b'0'..=b'9') => self.longer(0, byte)?,
                (Some(1..), b'0'..=b'9') => self.longer(length.unwrap_or(0), byte)?,
                _ => return Err(NetstringError::MalformedLength),
            });
        }
        self.state = State::Length(length);
        Ok(None)
    }

    fn longer(&self, length: usize, digit: u8) -> Result<usize, NetstringError> {
        let string_bytes_max = self.format.string_bytes_max();
        let longer = length.checked_mul(10).and_then(|tens| tens.checked_add(usize::from(digit - b'0')));
        longer
            .filter(|length| *length <= string_bytes_max)
            .ok_or(NetstringError::TooLong { string_bytes_max })
    }
}

impl Default for NetstringDecoder {
    fn default() -> Self {
        Self::new(NetstringFormat::default())
    }
}

impl Decoder for NetstringDecoder {
    type Format = NetstringFormat;
    type Error = NetstringError;

    fn with_format(format: NetstringFormat) -> Self {
        Self::new(format)
    }

    fn format(&self) -> &NetstringFormat {
        &self.format
    }

    #[inline]
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, NetstringError> {
        self.partial.begin();
        let length = match self.state {
            State::Failed(error) => return Err(error),
            State::Text(length) => length,
            State::Length(begun) => match self.length(begun, input) {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.fail(error)),
            },
        };
        self.state = State::Text(length);
        let Some(lent) = self.partial.take_off(input, length, ",".len()) else { return Ok(None) };
        let Some((&comma, rest)) = input.split_first() else { return Ok(None) };
        self.partial.look_at(1);
        if comma != b',' {
            return Err(self.fail(NetstringError::MissingComma));
        }
        *input = rest;
        self.state = State::Length(None);
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
        self.state = State::Length(None);
    }
}
