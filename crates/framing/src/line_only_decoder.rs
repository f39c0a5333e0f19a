//! Lines and nothing else.

use crate::decoder::{Decoder, Found};
use crate::errors::LineTooLong;
use crate::line_format::LineFormat;
use crate::partial::Partial;
use crate::splitter::Splitter;
use crate::work::Work;

/// Splits bytes cut anywhere into lines, for protocols without a raw mode.
///
/// ```
/// use sestina_framing::{Delimiter, LineFormat, LineOnlyDecoder};
///
/// let mut decoder = LineOnlyDecoder::new(LineFormat::default().with_delimiter(Delimiter::LF));
/// let mut lines = Vec::new();
/// for mut input in [&b"one\ntw"[..], b"o\nthree"] {
///     while let Some(line) = decoder.decode(&mut input)? {
///         lines.push(line.to_vec());
///     }
/// }
/// assert_eq!(lines, [&b"one"[..], b"two"]);
/// assert_eq!(decoder.buffered(), 5); // the stream ended within a line
/// # Ok::<(), sestina_framing::LineTooLong>(())
/// ```
///
/// # Limits
/// It keeps less than `line_bytes_max` and one delimiter.
#[derive(Debug)]
pub struct LineOnlyDecoder {
    splitter: Splitter,
}

impl LineOnlyDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(format: LineFormat) -> Self {
        Self { splitter: Splitter::new(format) }
    }

    /// The next line. Takes what it needs off the front of `input`; `None` means that all is taken and that more must
    /// come.
    ///
    /// # Errors
    /// If a line is too long: now, and at each call from then on, until [`clear`](Decoder::clear).
    #[inline]
    pub fn decode<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<&'a [u8]>, LineTooLong> {
        let found = self.splitter.advance(input)?;
        Ok(found.map(|found| found.lent.unwrap_or_else(|| self.splitter.partial.bytes())))
    }

    /// How many bytes of an unfinished line are kept. At the end of a stream: whether it ended within a line.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.splitter.partial.len()
    }

    /// What was done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.splitter.partial.work()
    }
}

impl Default for LineOnlyDecoder {
    fn default() -> Self {
        Self::new(LineFormat::default())
    }
}

impl Decoder for LineOnlyDecoder {
    type Format = LineFormat;
    type Error = LineTooLong;

    fn with_format(format: LineFormat) -> Self {
        Self::new(format)
    }

    fn format(&self) -> &LineFormat {
        &self.splitter.format
    }

    #[inline]
    fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, LineTooLong> {
        self.splitter.advance(input)
    }

    fn partial(&mut self) -> &mut Partial {
        &mut self.splitter.partial
    }

    fn clear(&mut self) {
        self.splitter.clear();
    }
}
