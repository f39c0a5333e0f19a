//! The frame that is not whole yet: the only bytes that a decoder keeps.
//!
//! A frame that lies whole in one piece of input never comes here: it is lent from the input. What comes here is the
//! part of a frame that a cut has separated from the rest.
//! Invariant: nothing is reserved on the word of the peer: room is at most four times what has come, and never passes what
//! the frame may need. So bytes move again when the room grows; a list of pieces, joined when the frame is whole, would move
//! each of them again, which is more on average.
//! Invariant: a built frame stays until the next step, so that it can be lent.
//! Tests: `tests/suite/work.rs`, and every law.

use crate::work::Work;

/// The first room of a buffer, in bytes: most frames that are cut at all fit.
const ROOM_BYTES_FIRST: usize = 256;
/// How many times what has come a buffer has room for when it grows.
const ROOM_GROWTH: usize = 4;
/// A buffer that grew beyond this is freed with its frame, so that idle connections stay small.
const ROOM_BYTES_KEPT: usize = 4 * 1024;

/// The bytes of a frame that is not whole yet, or of one that has just become whole.
#[derive(Debug, Default)]
pub struct Partial {
    bytes: Vec<u8>,
    /// Whether `bytes` are a whole frame that somebody may be looking at.
    is_whole: bool,
    work: Work,
}

impl Partial {
    /// To be called first in each step of a decoder: a whole frame has been seen by now.
    #[inline]
    pub fn begin(&mut self) {
        if self.is_whole {
            self.forget();
        }
    }

    /// Whether nothing is kept, and nothing is lent: [`begin`](Self::begin) has nothing to do.
    #[inline]
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.bytes.is_empty() && !self.is_whole
    }

    /// Adds bytes of a frame that has `frame_bytes_max` bytes at most.
    pub fn push(&mut self, bytes: &[u8], frame_bytes_max: usize) {
        let needed = self.bytes.len() + bytes.len();
        if needed > self.bytes.capacity() {
            let room =
                needed.saturating_mul(ROOM_GROWTH).max(ROOM_BYTES_FIRST).min(frame_bytes_max).max(needed);
            self.work.move_bytes(self.bytes.len());
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.work.move_bytes(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// The first `length` bytes are a whole frame now.
    pub fn finish(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.is_whole = true;
    }

    /// Takes `length` bytes off the input: `Some(Some(..))` lends them from it, if nothing was kept and `trailer` bytes
    /// follow; `Some(None)` means that all `length` bytes are here; `None` that more must come.
    #[inline]
    pub fn take_off<'i>(
        &mut self,
        input: &mut &'i [u8],
        length: usize,
        trailer: usize,
    ) -> Option<Option<&'i [u8]>> {
        if self.bytes.is_empty() && input.len() >= length.saturating_add(trailer) {
            let (frame, rest) = input.split_at(length);
            *input = rest;
            return Some(Some(frame));
        }
        self.take_off_cut(input, length)
    }

    #[cold]
    fn take_off_cut<'i>(&mut self, input: &mut &'i [u8], length: usize) -> Option<Option<&'i [u8]>> {
        let (piece, rest) = input.split_at(input.len().min(length - self.bytes.len()));
        self.push(piece, length);
        *input = rest;
        (self.bytes.len() == length).then_some(None)
    }

    /// The bytes of the frame so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes of an unfinished frame are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_whole { 0 } else { self.bytes.len() }
    }

    /// Whether no unfinished frame is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the bytes out, to hold them while the decoder is free for changes.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        self.is_whole = false;
        std::mem::take(&mut self.bytes)
    }

    /// Brings back what [`take`](Self::take) gave, for the next frame, unless there is a buffer already.
    pub fn give_back(&mut self, bytes: Vec<u8>) {
        if self.bytes.capacity() == 0 {
            self.bytes = bytes;
            self.forget();
        }
    }

    /// Forgets the frame.
    pub fn forget(&mut self) {
        self.is_whole = false;
        if self.bytes.capacity() > ROOM_BYTES_KEPT {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Counts bytes that the decoder compared with something.
    #[inline]
    pub fn look_at(&mut self, bytes: usize) {
        self.work.look_at(bytes);
    }
}
