//! Bytes that came and may not be delivered yet, because delivery is paused.

/// Bytes that wait, from a place on.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// Invariant: lies within `bytes`, and before their end unless there are none.
    at: usize,
}

impl Kept {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Comes behind what is kept.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The first `count` bytes were delivered. Nothing moves.
    pub(crate) fn advance(&mut self, count: usize) {
        self.at += count;
        if self.at == self.bytes.len() {
            *self = Self::default();
        }
    }

    /// Comes before what is kept.
    pub(crate) fn put_before(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes.splice(..self.at, bytes.iter().copied());
            self.at = 0;
        }
    }
}
