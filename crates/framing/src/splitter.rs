//! Lines out of bytes: what both line decoders share.
//!
//! Twisted's rule for the limit, in a form that no cut can change: the first `line_bytes_max + delimiter` bytes of a line
//! hold a whole delimiter, or the line is too long. So a line of just the limit is a line, and its delimiter may come late;
//! and no more bytes than these are ever looked at or kept.
//! Invariant: less than that is kept. Invariant: a splitter that failed stays failed until `clear`.
//! Tests: `tests/lines.rs`.

use crate::decoder::Found;
use crate::errors::LineTooLong;
use crate::line_format::LineFormat;
use crate::partial::Partial;

#[derive(Debug)]
pub(crate) struct Splitter {
    pub(crate) format: LineFormat,
    pub(crate) partial: Partial,
    /// How many bytes at the end of `partial` may be the beginning of a delimiter.
    begun: usize,
    has_failed: bool,
}

impl Splitter {
    pub(crate) fn new(format: LineFormat) -> Self {
        Self { format, partial: Partial::default(), begun: 0, has_failed: false }
    }

    #[inline]
    pub(crate) fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, LineTooLong> {
        self.partial.begin();
        if self.has_failed {
            return Err(LineTooLong { line_bytes_max: self.format.line_bytes_max() });
        }
        let frame_bytes_max = self.format.frame_bytes_max();
        let kept = self.partial.len();
        let window = &input[..input.len().min(frame_bytes_max - kept)];
        let Some(end) = self.format.delimiter().end_in(&mut self.begun, window) else {
            let twice = window.len().min(self.format.delimiter().len() - 1);
            self.partial.look_at(window.len() + twice);
            if kept + window.len() == frame_bytes_max {
                return Err(self.fail());
            }
            self.partial.push(window, frame_bytes_max);
            *input = &input[window.len()..];
            return Ok(None);
        };
        self.partial.look_at(end);
        let delimiter = self.format.delimiter().len();
        let (frame, rest) = input.split_at(end);
        *input = rest;
        if kept == 0 {
            return Ok(Some(Found::frame(Some(&frame[..end - delimiter]))));
        }
        self.partial.push(&frame[..end.saturating_sub(delimiter)], frame_bytes_max);
        self.partial.finish(kept + end - delimiter);
        Ok(Some(Found::frame(None)))
    }

    fn fail(&mut self) -> LineTooLong {
        self.has_failed = true;
        LineTooLong { line_bytes_max: self.format.line_bytes_max() }
    }

    /// Whether what comes next must say again what went wrong.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The bytes of an unfinished line are no line any more.
    pub(crate) fn release(&mut self) {
        self.begun = 0;
        let kept = self.partial.len();
        self.partial.finish(kept);
    }

    pub(crate) fn clear(&mut self) {
        self.partial.forget();
        (self.begun, self.has_failed) = (0, false);
    }
}
