//! Lines, and raw bytes between them.

use crate::decoder::{Decoder, Found};
use crate::errors::LineTooLong;
use crate::line_format::LineFormat;
use crate::partial::Partial;
use crate::splitter::Splitter;
use crate::work::Work;

/// What a [`LineDecoder`] gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineMessage<'a> {
    /// A line, without its delimiter.
    Line(&'a [u8]),
    /// Bytes as they came, never empty: in raw mode.
    Raw(&'a [u8]),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Line,
    Raw,
}

/// Splits bytes cut anywhere into lines. The mode may change between two messages.
///
/// A line that lies whole in the input is lent from it; only the line at a cut is copied.
///
/// ```
/// use sestina_framing::{LineDecoder, LineFormat, LineMessage};
///
/// // A length, and that many bytes: line mode and raw mode by turns.
/// let mut decoder = LineDecoder::new(LineFormat::default());
/// let (mut wanted, mut body) = (0, Vec::new());
/// for piece in [&b"5\r"[..], b"\nhel", b"lo3\r\nyou"] {
///     let mut input = piece;
///     while let Some(message) = decoder.decode(&mut input)? {
///         match message {
///             LineMessage::Line(line) => {
///                 wanted = str::from_utf8(line).unwrap().parse().unwrap();
///                 decoder.set_raw_mode();
///             }
///             LineMessage::Raw(data) => {
///                 let mine = data.len().min(wanted);
///                 body.extend_from_slice(&data[..mine]);
///                 wanted -= mine;
///                 if wanted == 0 {
///                     input = &piece[piece.len() - (data.len() - mine)..]; // what is not wanted comes again
///                     decoder.set_line_mode();
///                 }
///             }
///         }
///     }
/// }
/// assert_eq!(body, b"helloyou");
/// # Ok::<(), sestina_framing::LineTooLong>(())
/// ```
///
/// # Limits
/// It keeps less than `line_bytes_max` and one delimiter.
#[derive(Debug)]
pub struct LineDecoder {
    splitter: Splitter,
    mode: Mode,
}

impl LineDecoder {
    /// A decoder at the beginning of a stream, in line mode.
    #[must_use]
    pub fn new(format: LineFormat) -> Self {
        Self { splitter: Splitter::new(format), mode: Mode::Line }
    }

    /// The next message. Takes what it needs off the front of `input`; `None` means that all is taken and that more
    /// must come.
    ///
    /// # Errors
    /// If a line is too long: now, and at each call from then on, until [`clear`](Decoder::clear).
    #[inline]
    pub fn decode<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<LineMessage<'a>>, LineTooLong> {
        let Some(found) = self.advance(input)? else { return Ok(None) };
        let bytes = found.lent.unwrap_or_else(|| self.splitter.partial.bytes());
        Ok(Some(if found.is_raw { LineMessage::Raw(bytes) } else { LineMessage::Line(bytes) }))
    }

    /// What comes next is given as it comes: all that is left of the input at once, so that bytes which turn out to be
    /// unwanted are the end of the input. If an unfinished line is [kept](Self::buffered), which is never so between two
    /// messages of one input, its bytes are given first.
    pub fn set_raw_mode(&mut self) {
        self.mode = Mode::Raw;
    }

    /// What comes next is lines again.
    pub fn set_line_mode(&mut self) {
        self.mode = Mode::Line;
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

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new(LineFormat::default())
    }
}

impl Decoder for LineDecoder {
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
        if self.mode == Mode::Line || self.splitter.has_failed() {
            return self.splitter.advance(input);
        }
        self.splitter.partial.begin();
        if !self.splitter.partial.is_empty() {
            self.splitter.release();
            return Ok(Some(Found::raw(None)));
        }
        let all = std::mem::take(input);
        Ok((!all.is_empty()).then(|| Found::raw(Some(all))))
    }

    fn partial(&mut self) -> &mut Partial {
        &mut self.splitter.partial
    }

    fn clear(&mut self) {
        self.splitter.clear();
    }
}
