//! What a connection still has to send.
//!
//! Small writes are copied into pooled buffers, shared bodies are counted and never copied. Nearly all connections
//! have nothing to send nearly always, so what holds the pieces is borrowed from the reactor's pool while there are any:
//! an idle connection pays one pointer, and a write on an established connection allocates nothing. Nearly always all
//! that is queued are copies of a few bytes: they come first, in a buffer that comes with the rest.
//! Invariant: no piece is empty; `len` is the sum of all pieces; there are pieces only while `len` is not 0.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;
use std::rc::Rc;

/// A copy buffer stops taking further writes when it holds this many bytes.
const COPY_BYTES_MAX: usize = 64 * 1024;
/// How many emptied copy buffers for lists, and how many emptied pieces with a buffer of their own, a reactor keeps for the next
/// write: buffers of at most 8 MiB together.
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
    /// Copies that were queued before there was a list.
    first: Vec<u8>,
    /// How many bytes of `first` are sent.
    sent: usize,
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
        self.pieces.iter().flat_map(|pieces| pieces.unsent_first().into_iter().chain(pieces.listed()))
    }

    /// What is queued, if it is one piece: what `write` wants.
    #[must_use]
    pub fn only_piece(&self) -> Option<&[u8]> {
        let pieces = self.pieces.as_ref()?;
        match pieces.unsent_first() {
            Some(first) if pieces.list.is_empty() => Some(first),
            None if pieces.list.len() == 1 => pieces.listed().next(),
            _ => None,
        }
    }

    pub(crate) fn push_copy(&mut self, bytes: &[u8], pool: &mut BufferPool) {
        if bytes.is_empty() {
            return;
        }
        let pieces = self.pieces.get_or_insert_with(|| pool.take_with_buffer());
        pieces.len += bytes.len();
        if pieces.list.is_empty() && (pieces.first.is_empty() || fits(&pieces.first, bytes)) {
            pieces.first.extend_from_slice(bytes);
        } else {
            pieces.push_listed_copy(bytes, pool);
        }
    }

    pub(crate) fn push_shared(&mut self, body: Rc<[u8]>, range: Range<usize>, pool: &mut BufferPool) {
        if !range.is_empty() {
            let pieces = self.pieces.get_or_insert_with(|| pool.take_without_buffer());
            pieces.len += range.len();
            pieces.list.push_back(Piece::Shared { body, range });
        }
    }

    /// Forgets the first `count` bytes: they are sent.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize, pool: &mut BufferPool) {
        debug_assert!(count <= self.len(), "a driver sends no more than there is");
        match &mut self.pieces {
            Some(pieces) if count < pieces.len => pieces.advance(count, pool),
            _ => self.clear(pool),
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
    #[inline]
    pub(crate) fn clear(&mut self, pool: &mut BufferPool) {
        if let Some(pieces) = self.pieces.take() {
            pool.give_back(pieces);
        }
    }
}

/// Whether a copy buffer takes these bytes too.
fn fits(buffer: &[u8], bytes: &[u8]) -> bool {
    buffer.len() + bytes.len() <= COPY_BYTES_MAX
}

impl Pieces {
    fn unsent_first(&self) -> Option<&[u8]> {
        self.first.get(self.sent..).filter(|first| !first.is_empty())
    }

    fn listed(&self) -> impl Iterator<Item = &[u8]> {
        self.list.iter().map(Piece::bytes)
    }

    fn push_listed_copy(&mut self, bytes: &[u8], pool: &mut BufferPool) {
        match self.list.back_mut() {
            Some(Piece::Copied { bytes: last, .. }) if fits(last, bytes) => last.extend_from_slice(bytes),
            _ => {
                let mut copy = pool.take_buffer();
                copy.extend_from_slice(bytes);
                self.list.push_back(Piece::Copied { bytes: copy, start: 0 });
            }
        }
    }

    /// Forgets the first bytes, fewer than there are.
    fn advance(&mut self, count: usize, pool: &mut BufferPool) {
        self.len -= count;
        let of_first = count.min(self.first.len() - self.sent);
        self.sent += of_first;
        if self.sent == self.first.len() {
            self.sent = 0;
            pool.give_buffer_back(std::mem::take(&mut self.first));
        }
        let mut left = count - of_first;
        while let Some(piece) = self.list.front_mut() {
            let here = piece.bytes().len();
            if left < here {
                return piece.advance(left);
            }
            left -= here;
            self.drop_listed(pool);
        }
    }

    fn drop_listed(&mut self, pool: &mut BufferPool) {
        if let Some(Piece::Copied { bytes, .. }) = self.list.pop_front() {
            pool.give_buffer_back(bytes);
        }
    }
}

/// Emptied pieces and copy buffers, kept so that a write on an established connection allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    #[expect(clippy::vec_box, reason = "a queue holds its pieces by a pointer: the boxes are what is kept")]
    free: Vec<Box<Pieces>>,
    /// For lists.
    free_buffers: Vec<Vec<u8>>,
}

impl BufferPool {
    #[inline]
    fn take(&mut self) -> Box<Pieces> {
        self.free.pop().unwrap_or_default()
    }

    /// For copies.
    #[inline]
    fn take_with_buffer(&mut self) -> Box<Pieces> {
        let mut pieces = self.take();
        if pieces.first.capacity() == 0 {
            pieces.first = self.take_buffer();
        }
        pieces
    }

    /// For a list: the buffer serves somebody else, for this one may be long on its way.
    #[inline]
    fn take_without_buffer(&mut self) -> Box<Pieces> {
        let mut pieces = self.take();
        if pieces.first.capacity() > 0 {
            self.give_buffer_back(std::mem::take(&mut pieces.first));
        }
        pieces
    }

    /// Large buffers, long lists and more than a handful are freed: peers that once were slow must not keep memory.
    fn give_back(&mut self, mut pieces: Box<Pieces>) {
        while !pieces.list.is_empty() {
            pieces.drop_listed(self);
        }
        if pieces.first.capacity() > COPY_BYTES_MAX {
            pieces.first = Vec::new();
        }
        if pieces.list.capacity() <= POOLED_PIECES_MAX && self.free.len() < POOLED_MAX {
            pieces.first.clear();
            (pieces.sent, pieces.len) = (0, 0);
            self.free.push(pieces);
        }
    }

    fn take_buffer(&mut self) -> Vec<u8> {
        self.free_buffers.pop().unwrap_or_default()
    }

    fn give_buffer_back(&mut self, mut buffer: Vec<u8>) {
        let is_worth_it = (1..=COPY_BYTES_MAX).contains(&buffer.capacity());
        if is_worth_it && self.free_buffers.len() < POOLED_MAX {
            buffer.clear();
            self.free_buffers.push(buffer);
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
        assert_eq!((queue.only_piece(), queue.pieces().count()), (Some(&b"one two "[..]), 1));
        queue.push_shared(Rc::from(&b"-- three --"[..]), 3..9, &mut pool);
        queue.push_copy(b"fo", &mut pool);
        queue.push_copy(b"ur", &mut pool);
        assert_eq!((all(&queue).as_slice(), queue.pieces().count()), (&b"one two three four"[..], 3));
        queue.advance(3, &mut pool);
        assert_eq!((all(&queue).as_slice(), queue.only_piece()), (&b" two three four"[..], None));
        queue.advance(6, &mut pool);
        assert_eq!((all(&queue).as_slice(), queue.pieces().count()), (&b"hree four"[..], 2));
        queue.advance(5, &mut pool);
        assert_eq!((queue.only_piece(), queue.len()), (Some(&b"four"[..]), 4));
        queue.push_copy(b" five", &mut pool);
        assert_eq!(queue.take(6, &mut pool), b"four f");
        assert_eq!((all(&queue).as_slice(), queue.len()), (&b"ive"[..], 3));
        queue.clear(&mut pool);
        assert!(queue.is_empty() && queue.pieces().next().is_none() && queue.only_piece().is_none());
    }

    #[test]
    fn many_copies_are_pieces_that_are_no_larger_than_they_may_be() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        let line = [7; 1000];
        (0..150).for_each(|_| queue.push_copy(&line, &mut pool));
        let lengths: Vec<usize> = queue.pieces().map(<[u8]>::len).collect();
        assert_eq!(lengths, [65_000, 65_000, 20_000]);
        queue.advance(64_999, &mut pool);
        queue.push_copy(&line, &mut pool);
        assert_eq!(queue.pieces().map(<[u8]>::len).collect::<Vec<_>>(), [1, 65_000, 21_000]);
    }

    #[test]
    fn a_buffer_is_given_back_when_it_is_sent_and_not_when_all_is() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        queue.push_copy(&vec![1; COPY_BYTES_MAX + 1], &mut pool);
        queue.push_copy(b"and so on", &mut pool);
        queue.advance(COPY_BYTES_MAX + 1, &mut pool);
        let held =
            |queue: &WriteQueue| queue.pieces.as_ref().map(|pieces| (pieces.first.capacity(), pieces.sent));
        assert_eq!((held(&queue), pool.free_buffers.len()), (Some((0, 0)), 0), "a large one is freed");
        assert_eq!(queue.only_piece(), Some(&b"and so on"[..]));
        queue.clear(&mut pool);
        queue.push_copy(b"small", &mut pool);
        queue.push_shared(Rc::from(&b"shared"[..]), 0..6, &mut pool);
        assert_eq!(pool.free_buffers.len(), 0, "the one of before serves again");
        queue.advance(6, &mut pool);
        assert_eq!((held(&queue), pool.free_buffers.len()), (Some((0, 0)), 1));
        assert_eq!((all(&queue).as_slice(), queue.len()), (&b"hared"[..], 5));
    }

    #[test]
    fn a_body_holds_no_buffer_while_it_is_sent_and_gives_none_back() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        queue.push_copy(b"copied", &mut pool);
        queue.clear(&mut pool);
        queue.push_shared(Rc::from(&b"shared"[..]), 0..6, &mut pool);
        assert_eq!(
            (pool.free.len(), pool.free_buffers.len()),
            (0, 1),
            "the pieces are used, their buffer is not"
        );
        (0..5).for_each(|_| queue.advance(1, &mut pool));
        assert_eq!(pool.free_buffers.len(), 1);
        queue.clear(&mut pool);
        assert_eq!((pool.free.len(), pool.free_buffers.len()), (1, 1));
    }

    #[test]
    fn no_more_than_a_handful_and_no_long_list_is_kept() {
        let mut pool = BufferPool::default();
        let mut queues: Vec<WriteQueue> = (0..2 * POOLED_MAX).map(|_| WriteQueue::default()).collect();
        let body: Rc<[u8]> = Rc::from(&b"shared"[..]);
        for queue in &mut queues {
            queue.push_shared(Rc::clone(&body), 0..6, &mut pool);
            queue.push_copy(b"listed", &mut pool);
        }
        queues.iter_mut().for_each(|queue| queue.clear(&mut pool));
        assert_eq!((pool.free.len(), pool.free_buffers.len()), (POOLED_MAX, POOLED_MAX));
        let mut long = WriteQueue::default();
        (0..=POOLED_PIECES_MAX).for_each(|_| long.push_shared(Rc::clone(&body), 0..6, &mut pool));
        assert_eq!(pool.free.len(), POOLED_MAX - 1);
        long.clear(&mut pool);
        assert_eq!((pool.free.len(), Rc::strong_count(&body)), (POOLED_MAX - 1, 1));
    }

    #[test]
    fn what_is_emptied_serves_the_next_write_and_a_large_buffer_is_freed() {
        let (mut queue, mut pool) = (WriteQueue::default(), BufferPool::default());
        queue.push_copy(b"small", &mut pool);
        queue.advance(5, &mut pool);
        assert_eq!(pool.free.len(), 1);
        assert!(pool.free[0].first.is_empty() && pool.free[0].first.capacity() >= 5);
        queue.push_copy(&vec![0; COPY_BYTES_MAX + 1], &mut pool);
        assert!(pool.free.is_empty(), "the same pieces serve again");
        queue.push_copy(b"listed", &mut pool);
        queue.clear(&mut pool);
        assert_eq!((pool.free.len(), pool.free_buffers.len()), (1, 1));
        assert_eq!((pool.free[0].first.capacity(), pool.free[0].len, pool.free[0].sent), (0, 0, 0));
        assert!(pool.free_buffers[0].is_empty() && pool.free[0].list.is_empty());
    }
}
