//! Many poems, one output: which bytes are printed when, as a pure state machine.
//!
//! It is fed with what happens to the downloads, in whatever order that happens, and is an iterator over what is to be
//! printed because of it. No I/O, no time.
//!
//! Walk: fed by whoever takes the events of [`Downloads`](crate::Downloads); what it yields is written by the program.
//! Invariant: `held_bytes` is the sum of what all slots hold.
//! Invariant: what was yielded is never yielded again.
//! Tests: `tests/suite/client_merge.rs`.

use std::collections::VecDeque;

/// How much may be held for later, over all poems, unless [`Merge::with_held_bytes_max`] says otherwise.
pub const HELD_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// In which order poems are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Order {
    /// Each poem when it is whole, whoever is first. A torn poem is not printed.
    Completion,
    /// All at the end, in the order in which they were asked for. A torn poem is not printed.
    Given,
    /// In the order in which they were asked for: the one whose turn it is as it arrives, the others are held meanwhile.
    /// What came of a torn poem is printed, whether it was its turn or not: so the output does not depend on time.
    Stream,
    /// The first that is whole, and nothing else.
    First,
}

/// What is to be printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Print {
    /// The number of the download, from 0.
    pub task: usize,
    /// The bytes, never none.
    pub bytes: Vec<u8>,
}

/// How a download ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PoemEnd {
    /// The poem is whole.
    Whole,
    /// There was none, or only a part of one.
    Torn,
}

/// How a download that was interrupted may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// From its beginning: nothing of it was printed.
    Afresh,
    /// Behind what came already, which was printed: the poem must begin with the same bytes.
    Continue,
}

/// Whether one more piece of a download can be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Yes.
    Enough,
    /// Not now: what is held must become less, and it will.
    Later,
    /// Never: nothing that is held is let go before this download has ended.
    Never,
}

/// The poems of several downloads, put in order.
///
/// ```
/// use sestina_poetry::{Merge, Order, PoemEnd};
///
/// let mut merge = Merge::new(Order::Stream, 2);
/// merge.piece(1, b"second\n");
/// assert_eq!(merge.next(), None); // its turn has not come
/// merge.piece(0, b"fir");
/// assert_eq!(merge.next().unwrap().bytes, b"fir"); // at once
/// merge.piece(0, b"st\n");
/// merge.end(0, PoemEnd::Whole);
/// let rest: Vec<u8> = merge.flat_map(|print| print.bytes).collect();
/// assert_eq!(rest, b"st\nsecond\n");
/// ```
#[derive(Debug)]
pub struct Merge {
    order: Order,
    /// Nothing is yielded before all have ended.
    is_collecting: bool,
    /// No poem passes before it is whole.
    is_whole_only: bool,
    ends_lines: bool,
    slots: Vec<Slot>,
    /// The first download that has not ended.
    first: usize,
    /// Downloads in the order in which they ended.
    ended: Vec<usize>,
    held_bytes: usize,
    held_bytes_max: usize,
    ready: VecDeque<Print>,
}

#[derive(Debug, Default)]
struct Slot {
    held: Vec<u8>,
    /// The last byte that was yielded.
    last: Option<u8>,
    end: Option<PoemEnd>,
}

impl Merge {
    /// For so many downloads, numbered from 0.
    #[must_use]
    pub fn new(order: Order, downloads: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(downloads, Slot::default);
        Self {
            order,
            is_collecting: order == Order::Given,
            is_whole_only: false,
            ends_lines: false,
            slots,
            first: 0,
            ended: Vec::new(),
            held_bytes: 0,
            held_bytes_max: HELD_BYTES_MAX,
            ready: VecDeque::new(),
        }
    }

    /// Has a poem that does not end with a line feed get one, so that the next begins on a line of its own.
    #[must_use]
    pub fn ending_lines(self) -> Self {
        Self { ends_lines: true, ..self }
    }

    /// Holds everything until all downloads have ended.
    #[must_use]
    pub fn collecting(self) -> Self {
        Self { is_collecting: true, ..self }
    }

    /// Prints whole poems only, also in the order of [`Order::Stream`]: something is still to be done with each.
    #[must_use]
    pub fn whole_poems_only(self) -> Self {
        Self { is_whole_only: true, ..self }
    }

    /// Sets how much may be held for later, in bytes, over all poems: see [`Merge::room`].
    #[must_use]
    pub fn with_held_bytes_max(self, held_bytes_max: usize) -> Self {
        Self { held_bytes_max, ..self }
    }

    /// A piece of a poem came.
    ///
    /// # Panics
    /// If there is no such download.
    pub fn piece(&mut self, task: usize, bytes: &[u8]) {
        if self.slots[task].end.is_some() || bytes.is_empty() {
            return;
        }
        if self.passes(task) {
            self.print(task, bytes.to_vec());
        } else {
            self.slots[task].held.extend_from_slice(bytes);
            self.held_bytes += bytes.len();
        }
    }

    /// A download was interrupted and may be tried again: how? What is held of it is forgotten.
    ///
    /// # Panics
    /// If there is no such download.
    pub fn again(&mut self, task: usize) -> Again {
        if self.slots[task].last.is_some() {
            return Again::Continue;
        }
        drop(self.take_held(task));
        Again::Afresh
    }

    /// Takes another text instead of what is held of this poem, before its end.
    ///
    /// # Panics
    /// If there is no such download.
    pub fn replace(&mut self, task: usize, bytes: Vec<u8>) {
        if self.slots[task].end.is_none() {
            drop(self.take_held(task));
            self.held_bytes += bytes.len();
            self.slots[task].held = bytes;
        }
    }

    /// A download ended.
    ///
    /// # Panics
    /// If there is no such download.
    pub fn end(&mut self, task: usize, end: PoemEnd) {
        if self.slots[task].end.is_some() {
            return;
        }
        self.slots[task].end = Some(end);
        let is_kept = match self.order {
            Order::Completion | Order::Given => end == PoemEnd::Whole,
            Order::Stream => end == PoemEnd::Whole || !self.is_whole_only,
            Order::First => end == PoemEnd::Whole && !self.has_whole(),
        };
        if !is_kept {
            drop(self.take_held(task));
        }
        self.ended.push(task);
        self.pass_turn();
        match (self.is_collecting, self.order) {
            (true, _) if self.ended.len() < self.slots.len() => {}
            (true, Order::Given | Order::Stream) => (0..self.slots.len()).for_each(|task| self.release(task)),
            (true, _) => std::mem::take(&mut self.ended).into_iter().for_each(|task| self.release(task)),
            (false, Order::Stream) => {}
            (false, _) => self.release(task),
        }
    }

    /// Whether one more piece of this download can be taken. The first download that has not ended always may go on:
    /// so the others that wait will be let go.
    #[must_use]
    pub fn room(&self, task: usize) -> Room {
        if self.held_bytes < self.held_bytes_max {
            Room::Enough
        } else if self.is_collecting {
            Room::Never
        } else if task == self.first {
            Room::Enough
        } else {
            Room::Later
        }
    }

    /// Whether something is ready to be printed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many bytes are held for later.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// In the order of arrival, the one whose turn it is passes through.
    fn passes(&self, task: usize) -> bool {
        self.order == Order::Stream && !self.is_collecting && !self.is_whole_only && task == self.first
    }

    fn has_whole(&self) -> bool {
        self.ended.iter().any(|&task| self.slots[task].end == Some(PoemEnd::Whole))
    }

    /// The turn passes over all that have ended to the first that has not. What is held of it is printed now.
    fn pass_turn(&mut self) {
        while self.first < self.slots.len() {
            let is_over = self.slots[self.first].end.is_some();
            if self.order == Order::Stream && !self.is_collecting && (is_over || !self.is_whole_only) {
                self.release(self.first);
            }
            if !is_over {
                return;
            }
            self.first += 1;
        }
    }

    /// Prints what is held, and the end of the last line if that was all.
    fn release(&mut self, task: usize) {
        let held = self.take_held(task);
        self.print(task, held);
        let slot = &self.slots[task];
        let has_open_line = slot.last.is_some_and(|last| last != b'\n');
        if self.ends_lines && slot.end.is_some() && has_open_line {
            self.print(task, b"\n".to_vec());
        }
    }

    fn print(&mut self, task: usize, bytes: Vec<u8>) {
        if let Some(&last) = bytes.last() {
            self.slots[task].last = Some(last);
            self.ready.push_back(Print { task, bytes });
        }
    }

    fn take_held(&mut self, task: usize) -> Vec<u8> {
        let held = std::mem::take(&mut self.slots[task].held);
        self.held_bytes -= held.len();
        held
    }
}

/// What is to be printed now; `None` until more is fed.
impl Iterator for Merge {
    type Item = Print;

    fn next(&mut self) -> Option<Print> {
        self.ready.pop_front()
    }
}
