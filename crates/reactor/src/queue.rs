//! What a connection still has to send.
//!
//! Small writes are copied into pooled buffers, shared bodies are counted and never copied. Nearly all connections
//! have nothing to send nearly always, so the list of pieces is borrowed from the reactor's pool while there are any:
//! an idle connection pays one pointer, and a write on an established connection allocates nothing.
//! Invariant: no piece is empty; `len` is the sum of all pieces; there is a list only while it has pieces.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;
use std::rc::Rc;

/// A copy buffer stops taking further writes when it holds this many bytes.
const COPY_BYTES_MAX: usize = 64 * 1024;
/// How many emptied copy buffers, and how many emptied lists, a reactor keeps for the next write.
const POOLED_MAX: usize = 64;
/// Lists that had more pieces than this are freed.
const POOLED_PIECES_MAX: usize = 64;

/// The bytes that one connection has still to send, in order.
///
/// A driver is lent the whole queue, so that one that hands buffers to the kernel can take more than a slice.
#[derive(Debug, Default)]
pub struct WriteQueue {
    pieces: Option<Box<Pieces>>,
}

#[derive(Debug, Default)]
struct Pieces {
    list: VecDeque<Piece>,
    len: usize,
}

/// A queue of shared bodies, one piece each: what a driver's tests send.
impl FromIterator<Rc<[u8]>> for WriteQueue {
    fn from_iter<I: IntoIterator<Item = Rc<[u8]>>>(bodies: I) -> Self {
        let (mut queue, mut pool) = (Self::default(), BufferPool::default());
        for body in bodies {
            let range = 0..body.len();
            queue.push_shared(body, range, &mut pool);
        }
        queue
    }
}

#[derive(Debug)]
enum Piece {
    Copied { bytes: Vec<u8>, start: usize },
    Shared { body: Rc<[u8]>, range: Range<usize> },
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Copied { bytes, start } => &bytes[*start..],
            Self::Shared { body, range } => &body[range.clone()],
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Copied { start, .. } => *start += count,
            Self::Shared { range, .. } => range.start += count,
        }
    }
}

impl WriteQueue {
    /// How many bytes are queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.as_ref().map_or(0, |pieces| pieces.len)
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_none()
    }

    /// Fills `slices` with the queue's beginning and says how many were filled: what `writev` wants.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, piece) in slices.iter_mut().zip(self.pieces()) {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    /// The queued pieces, in order. None is empty.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().flat_map(|pieces| pieces.list.iter()).map(Piece::bytes)
    }

    pub(crate) fn push_copy(&mut self, bytes: &[u8], pool: &mut BufferPool) {
        if bytes.is_empty() {
            return;
        }
        let pieces = self.pieces.get_or_insert_with(|| pool.take_list());
        pieces.len += bytes.len();
        if let Some(Piece::Copied { bytes: last, .. }) = pieces.list.back_mut()
            && last.len() + bytes.len() <= COPY_BYTES_MAX
        {
            last.extend_from_slice(bytes);
            return;
        }
        let mut copy = pool.take();
        copy.extend_from_slice(bytes);
        pieces.list.push_back(Piece::Copied { bytes: copy, start: 0 });
    }

    pub(crate) fn push_shared(&mut self, body: Rc<[u8]>, range: Range<usize>, pool: &mut BufferPool) {
        if !range.is_empty() {
            let pieces = self.pieces.get_or_insert_with(|| pool.take_list());
            pieces.len += range.len();
            pieces.list.push_back(Piece::Shared { body, range });
        }
    }

    /// Forgets the first `count` bytes: they are sent.
    pub(crate) fn advance(&mut self, count: usize, pool: &mut BufferPool) {
        let Some(pieces) = &mut self.pieces else { return };
        if count == pieces.len {
            return self.clear(pool);
        }
        pieces.len -= count;
        let mut left = count;
        while let Some(piece) = pieces.list.front_mut() {
            let here = piece.bytes().len();
            if left < here {
                return piece.advance(left);
            }
            left -= here;
            pieces.drop_first(pool);
        }
    }

    /// Takes the first `count` bytes out.
    pub(crate) fn take(&mut self, count: usize, pool: &mut BufferPool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        for piece in self.pieces() {
            let wanted = count - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(wanted)]);
        }
        self.advance(count, pool);
        bytes
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, pool: &mut BufferPool) {
        if let Some(mut pieces) = self.pieces.take() {
            while !pieces.list.is_empty() {
                pieces.drop_first(pool);
            }
            pieces.len = 0;
            pool.give_list_back(pieces);
        }
    }
}

impl Pieces {
    fn drop_first(&mut self, pool: &mut BufferPool) {
        if let Some(Piece::Copied { bytes, .. }) = self.list.pop_front() {
            pool.give_back(bytes);
        }
    }
}

/// Emptied copy buffers and lists, kept so that a write on an established connection allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    free: Vec<Vec<u8>>,
    #[expect(clippy::vec_box, reason = "a queue holds its list by a pointer: the boxes are what is kept")]
    free_lists: Vec<Box<Pieces>>,
}

impl BufferPool {
    fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Large buffers and more than a handful are freed: peers that once were slow must not keep memory.
    fn give_back(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= COPY_BYTES_MAX && self.free.len() < POOLED_MAX {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    fn take_list(&mut self) -> Box<Pieces> {
        self.free_lists.pop().unwrap_or_default()
    }

    fn give_list_back(&mut self, list: Box<Pieces>) {
        if list.list.capacity() <= POOLED_PIECES_MAX && self.free_lists.len() < POOLED_MAX {
            self.free_lists.push(list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queue: &WriteQueue) -> Vec<u8> {
        queue.pieces().flatten().copied().collect()
    }

    #[test]
    fn pieces_keep_their_order_and_leave_from_the_front() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        queue.push_copy(b"one ", &mut pool);
        queue.push_copy(b"two ", &mut pool);
        queue.push_shared(Rc::from(&b"-- three --"[..]), 3..9, &mut pool);
        queue.push_copy(b"four", &mut pool);
        assert_eq!((all(&queue).as_slice(), queue.pieces().count()), (&b"one two three four"[..], 3));
        queue.advance(9, &mut pool);
        assert_eq!(all(&queue), b"hree four");
        queue.advance(5, &mut pool);
        assert_eq!((all(&queue).as_slice(), queue.len()), (&b"four"[..], 4));
        queue.clear(&mut pool);
        assert!(queue.is_empty() && queue.pieces().next().is_none());
    }

    #[test]
    fn an_emptied_small_buffer_serves_the_next_write_and_a_large_one_is_freed() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        queue.push_copy(b"small", &mut pool);
        queue.advance(5, &mut pool);
        assert_eq!(pool.free.len(), 1);
        queue.push_copy(&vec![0; COPY_BYTES_MAX + 1], &mut pool);
        assert!(pool.free.is_empty());
        queue.clear(&mut pool);
        assert!(pool.free.is_empty());
        assert_eq!(pool.free_lists.len(), 1, "one list served both");
    }
}
