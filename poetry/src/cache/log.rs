//! What an upstream said, once for all who read it: an append-only row of shared blocks.
//!
//! Small pieces are packed into the open block, so that a poet who says ten bytes at a time costs ten bytes a time. A
//! full block never changes, and readers share it by reference count. The front may be forgotten when all have read it:
//! then the log is a window.
//!
//! A log that is kept is packed into larger blocks once, because every reader pays for each block.
//!
//! Invariant: every closed block but the last of a sealed log has exactly `block_bytes` bytes.
//! Tests: below, and `tests/suite/cache_states.rs`.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

/// How many bytes a block of a flight holds.
pub const BLOCK_BYTES: usize = 16 * 1024;
/// How many bytes a block of a body holds that is kept.
pub(crate) const PACKED_BLOCK_BYTES: usize = 1024 * 1024;

/// The bytes of one flight, or of one stored body.
pub(crate) struct Log {
    /// How many bytes came, those that were forgotten included.
    len: u64,
    /// How many bytes at the front were forgotten: whole blocks.
    forgotten: u64,
    blocks: VecDeque<Rc<[u8]>>,
    block_bytes: usize,
    open: Vec<u8>,
    sealed: bool,
}

impl Default for Log {
    fn default() -> Self {
        let blocks = VecDeque::new();
        Self { len: 0, forgotten: 0, blocks, block_bytes: BLOCK_BYTES, open: Vec::new(), sealed: false }
    }
}

/// A part of a log.
#[derive(Debug)]
pub enum Piece<'log> {
    /// Of a closed block: may be queued by reference.
    Shared(Rc<[u8]>, Range<usize>),
    /// Of the open block: must be copied.
    Open(&'log [u8]),
}

impl Piece<'_> {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Shared(block, range) => &block[range.clone()],
            Self::Open(bytes) => bytes,
        }
    }
}

impl Log {
    /// How many bytes came, those that were forgotten included.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How much memory it takes.
    pub(crate) fn held(&self) -> u64 {
        let closed = self.len - self.forgotten - count(self.open.len());
        closed + count(self.open.capacity())
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Appends at the end. A sealed log takes nothing.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        debug_assert!(!self.sealed, "nothing comes after the end");
        self.len += count(bytes.len());
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.open.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.open.extend_from_slice(now);
            if self.open.len() == BLOCK_BYTES {
                self.blocks.push_back(std::mem::take(&mut self.open).into());
            }
            bytes = later;
        }
    }

    /// It is complete: the open block becomes one of exactly its size.
    pub(crate) fn seal(&mut self) {
        self.sealed = true;
        if !self.open.is_empty() {
            self.blocks.push_back(std::mem::take(&mut self.open).into());
        }
    }

    /// Packs a sealed log that was kept whole into larger blocks, one after the other.
    pub(crate) fn pack(&mut self) {
        if !self.sealed || !self.is_whole() || self.blocks.len() < 2 || self.block_bytes != BLOCK_BYTES {
            return;
        }
        let mut packed = VecDeque::new();
        while !self.blocks.is_empty() {
            let some = self.blocks.len().min(PACKED_BLOCK_BYTES / BLOCK_BYTES);
            let bytes: Vec<Rc<[u8]>> = self.blocks.drain(..some).collect();
            packed.push_back(Rc::from(bytes.concat()));
        }
        (self.blocks, self.block_bytes) = (packed, PACKED_BLOCK_BYTES);
    }

    /// The bytes from `cursor` to the end of their block; `None` at the end.
    ///
    /// Bytes that were forgotten are gone: whoever may still want them is detached first.
    pub(crate) fn at(&self, cursor: u64) -> Option<Piece<'_>> {
        let offset = usize::try_from(cursor.checked_sub(self.forgotten)?).ok()?;
        let (index, start) = (offset / self.block_bytes, offset % self.block_bytes);
        match self.blocks.get(index) {
            Some(block) if start < block.len() => Some(Piece::Shared(Rc::clone(block), start..block.len())),
            Some(_) => None,
            None => self.open.get(start..).filter(|rest| !rest.is_empty()).map(Piece::Open),
        }
    }

    /// Everything from `cursor` on, block by block; of a sealed log.
    pub(crate) fn rest(&self, cursor: u64) -> impl Iterator<Item = (&Rc<[u8]>, Range<usize>)> {
        let offset = cursor.checked_sub(self.forgotten).and_then(|offset| usize::try_from(offset).ok());
        let offset = offset.filter(|_| self.sealed).unwrap_or(usize::MAX);
        let (first, mut start) = (offset / self.block_bytes, offset % self.block_bytes);
        self.blocks.iter().skip(first).map(move |block| {
            let range = std::mem::take(&mut start).min(block.len())..block.len();
            (block, range)
        })
    }

    /// Forgets whole blocks before `cursor`. What stays is a window.
    pub(crate) fn forget_before(&mut self, cursor: u64) {
        while self.forgotten + count(BLOCK_BYTES) <= cursor && self.blocks.len() > usize::from(self.sealed) {
            self.blocks.pop_front();
            self.forgotten += count(BLOCK_BYTES);
        }
    }

    /// Whether nothing was forgotten, so that it can be read from its first byte.
    pub(crate) fn is_whole(&self) -> bool {
        self.forgotten == 0
    }

    /// The block of a sealed log that has one and no other, if it is a small one.
    pub(crate) fn only_block(&self) -> Option<&Rc<[u8]>> {
        let small = |block: &&Rc<[u8]>| block.len() <= BLOCK_BYTES;
        self.blocks.front().filter(small).filter(|_| self.sealed && self.is_whole() && self.blocks.len() == 1)
    }

    /// The closed blocks: everything, of a log that is sealed and whole.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Rc<[u8]>> {
        self.blocks.iter()
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(AsRef::as_ref).chain([self.open.as_slice()])
    }

    /// Whether this log begins as `other` does, for as long as both last.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let length = usize::try_from(self.len().min(other.len())).unwrap_or(usize::MAX);
        self.bytes().take(length).eq(other.bytes().take(length))
    }

    fn bytes(&self) -> impl Iterator<Item = &u8> {
        self.pieces().flatten()
    }

    pub(crate) fn ends_with(&self, ending: &[u8]) -> bool {
        let skipped = self.len().checked_sub(count(ending.len()) + self.forgotten);
        skipped.and_then(|skipped| usize::try_from(skipped).ok()).is_some_and(|skipped| {
            let (whole, start) = (skipped / self.block_bytes, skipped % self.block_bytes);
            self.pieces().skip(whole).flatten().skip(start).eq(ending)
        })
    }
}

/// A length in memory as a length of a stream.
pub(crate) fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Log, PACKED_BLOCK_BYTES, count};

    fn read(log: &Log) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(piece) = log.at(count(bytes.len())) {
            bytes.extend_from_slice(piece.as_bytes());
        }
        bytes
    }

    #[test]
    fn what_was_appended_in_pieces_is_read_as_it_came() {
        let poem: Vec<u8> = (0..=255).cycle().take(3 * BLOCK_BYTES + 7).collect();
        for cut in [1, 10, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1] {
            let mut log = Log::default();
            poem.chunks(cut).for_each(|piece| log.append(piece));
            assert_eq!(read(&log), poem, "open, cut at {cut}");
            assert!(log.ends_with(&poem[poem.len() - 20..]) && !log.ends_with(b"x"));
            log.seal();
            assert_eq!(read(&log), poem, "sealed, cut at {cut}");
            assert_eq!((log.len(), log.held()), (count(poem.len()), count(poem.len())));
        }
    }

    #[test]
    fn packing_changes_no_byte() {
        for length in [
            7,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            PACKED_BLOCK_BYTES,
            2 * PACKED_BLOCK_BYTES + 5 * BLOCK_BYTES + 3,
        ] {
            let poem: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut log = Log::default();
            log.append(&poem);
            log.seal();
            let before = log.held();
            log.pack();
            assert_eq!((log.held(), log.blocks().count()), (before, length.div_ceil(PACKED_BLOCK_BYTES)));
            assert!(read(&log) == poem && log.ends_with(&poem[length - 7..]), "{length}");
            let half = count(length / 2);
            let rest: Vec<u8> = log.rest(half).flat_map(|(block, range)| block[range].to_vec()).collect();
            assert!(rest == poem[length / 2..], "{length}");
            assert_eq!(log.rest(log.len()).map(|(_, range)| range.len()).sum::<usize>(), 0);
        }
    }

    #[test]
    fn a_sealed_log_of_whole_blocks_ends_where_its_last_block_ends() {
        let mut log = Log::default();
        log.append(&[7; 2 * BLOCK_BYTES]);
        log.seal();
        assert!(log.at(log.len()).is_none());
        assert!(log.at(log.len() - 1).is_some());
    }

    #[test]
    fn a_window_forgets_only_what_lies_before_the_cursor() {
        let mut log = Log::default();
        log.append(&[1; 2 * BLOCK_BYTES + 5]);
        log.forget_before(count(BLOCK_BYTES) + 1);
        assert!(log.at(0).is_none(), "the first block is gone");
        assert!(log.at(count(BLOCK_BYTES)).is_some() && !log.is_whole());
        assert_eq!(log.len(), count(2 * BLOCK_BYTES + 5));
    }

    #[test]
    fn logs_agree_when_one_begins_the_other() {
        let (mut short, mut long, mut other) = (Log::default(), Log::default(), Log::default());
        short.append(b"Once upon");
        long.append(b"Once upon a midnight dreary");
        other.append(b"Once up in");
        assert!(short.agrees_with(&long) && long.agrees_with(&short));
        assert!(!other.agrees_with(&long));
    }
}
