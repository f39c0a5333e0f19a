//! What a decoder has done: the price of its answers, in bytes.

/// How many bytes a decoder looked at and moved since it was made.
///
/// A law of this crate is stated in it: for `n` bytes of input in `c` pieces, a decoder looks at no more than
/// `n + c * (d - 1)` bytes (`d` is the length of the delimiter; 1 for strings) and moves no more than `7 * n / 3`, of
/// which at most `n` from the input; the rest is the growth of the buffer. A frame that lies whole in a piece is not moved,
/// and one of at most 256 bytes that does not is moved once. Text of strings is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Work {
    /// Bytes that were compared with something.
    pub looked_at: u64,
    /// Bytes that were copied from the input into the buffer, or from a buffer into a larger one.
    pub moved: u64,
}

impl Work {
    #[inline]
    pub(crate) fn look_at(&mut self, bytes: usize) {
        self.looked_at += count(bytes);
    }

    pub(crate) fn move_bytes(&mut self, bytes: usize) {
        self.moved += count(bytes);
    }
}

#[inline]
fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
