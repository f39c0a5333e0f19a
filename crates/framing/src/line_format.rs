//! The rules of lines: what ends them, and how long they may be.

use crate::decoder::{Format, Framed};
use crate::delimiter::Delimiter;
use crate::errors::LineError;

/// How long a line may be, in bytes, without its delimiter, unless [`LineFormat::with_line_bytes_max`] said otherwise:
/// Twisted's number.
pub const LINE_BYTES_MAX: usize = 16_384;

/// The rules of lines. The limit is for lines that come; as in Twisted, replies may be longer than commands.
///
/// ```
/// use sestina_framing::{Delimiter, Format, LineError, LineFormat};
///
/// let format = LineFormat::default().with_delimiter(Delimiter::LF);
/// let mut out = Vec::new();
/// format.encode(b"one", &mut out)?;
/// format.encode(b"", &mut out)?;
/// assert_eq!(out, b"one\n\n");
/// assert_eq!(format.encode(b"two\nlines", &mut out), Err(LineError::HoldsDelimiter));
/// # Ok::<(), LineError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineFormat {
    delimiter: Delimiter,
    line_bytes_max: usize,
}

impl LineFormat {
    /// Another delimiter than CR LF.
    #[must_use]
    pub fn with_delimiter(self, delimiter: Delimiter) -> Self {
        Self { delimiter, ..self }
    }

    /// Another limit than [`LINE_BYTES_MAX`].
    #[must_use]
    pub fn with_line_bytes_max(self, line_bytes_max: usize) -> Self {
        Self { line_bytes_max, ..self }
    }

    /// What ends a line.
    #[must_use]
    pub fn delimiter(&self) -> &Delimiter {
        &self.delimiter
    }

    /// How long a line that comes may be, without its delimiter.
    #[must_use]
    pub fn line_bytes_max(&self) -> usize {
        self.line_bytes_max
    }

    /// A line and its delimiter: the first delimiter must end within this.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        self.line_bytes_max.saturating_add(self.delimiter.len())
    }
}

impl Default for LineFormat {
    fn default() -> Self {
        Self { delimiter: Delimiter::CRLF, line_bytes_max: LINE_BYTES_MAX }
    }
}

impl Format for LineFormat {
    type Error = LineError;

    fn frame<'a>(&'a self, line: &'a [u8]) -> Result<Framed<'a>, LineError> {
        // "a\n" may not be sent with the delimiter "\n\n": the peer would read "a", and then a line that begins "\n".
        let delimiter = self.delimiter.as_bytes();
        let mut begun = 0;
        if self.delimiter.end_in(&mut begun, line).is_some()
            || self.delimiter.end_in(&mut begun, delimiter) != Some(delimiter.len())
        {
            return Err(LineError::HoldsDelimiter);
        }
        Ok(Framed::new(line, delimiter))
    }
}
