//! Lines out of bytes: what both line decoders share.
//!
//! Twisted's rule for the limit, in a form that no cut can change: the first `line_bytes_max + delimiter` bytes of a line
//! hold a whole delimiter, or the line is too long. So a line of just the limit is a line, and its delimiter may come late;
//! and no more bytes than these are ever looked at or kept.
//! Invariant: less than that is kept. Invariant: a splitter that failed stays failed until `clear`.
//! Tests: `tests/suite/lines.rs`.

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
    /// Of the format: a line and its delimiter.
    frame_bytes_max: usize,
    /// Of the format.
    delimiter_bytes: usize,
}

impl Splitter {
    pub(crate) fn new(format: LineFormat) -> Self {
        let (frame_bytes_max, delimiter_bytes) = (format.frame_bytes_max(), format.delimiter().len());
        let partial = Partial::default();
        Self { format, partial, begun: 0, has_failed: false, frame_bytes_max, delimiter_bytes }
    }

    /// The next line. Most lines lie whole in the input, so that path is short, and the rest is kept out of it.
    #[inline]
    pub(crate) fn advance<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, LineTooLong> {
        if self.partial.is_unused() && !self.has_failed {
            let window = &input[..input.len().min(self.frame_bytes_max)];
            if let Some(end) = self.format.delimiter().find(window) {
                self.partial.look_at(end);
                let (frame, rest) = input.split_at(end);
                *input = rest;
                return Ok(Some(Found::frame(Some(&frame[..end - self.delimiter_bytes]))));
            }
        }
        self.advance_over_cut(input)
    }

    #[cold]
    fn advance_over_cut<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, LineTooLong> {
        self.partial.begin();
        if self.has_failed {
            return Err(self.fail());
        }
        let kept = self.partial.len();
        let window = &input[..input.len().min(self.frame_bytes_max - kept)];
        let Some(end) = self.format.delimiter().end_in(&mut self.begun, window) else {
            self.partial.look_at(window.len() + window.len().min(self.delimiter_bytes - 1));
            if kept + window.len() == self.frame_bytes_max {
                return Err(self.fail());
            }
            self.partial.push(window, self.frame_bytes_max);
            *input = &input[window.len()..];
            return Ok(None);
        };
        self.partial.look_at(end);
        let (frame, rest) = input.split_at(end);
        *input = rest;
        if kept == 0 {
            return Ok(Some(Found::frame(Some(&frame[..end - self.delimiter_bytes]))));
        }
        self.partial.push(&frame[..end.saturating_sub(self.delimiter_bytes)], self.frame_bytes_max);
        self.partial.finish(kept + end - self.delimiter_bytes);
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
