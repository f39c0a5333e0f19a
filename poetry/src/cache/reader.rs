//! Somebody who wants a body: a place in a log, and nothing queued.

use std::rc::Rc;

use sestina_reactor::Time;

use super::flight::FlightId;
use super::log::{BLOCK_BYTES, Piece};
use super::reasons::FlightError;
use super::slots::Ticket;
use super::store::{LogId, Seat};

/// Names a reader, until its body has ended or it left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ReaderId(pub(crate) Ticket);

/// What a reader wants to be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Mode {
    /// The bytes as they come.
    Stream,
    /// Nothing before the body is complete and found good.
    Whole,
}

/// How somebody who wanted a body came by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Admission {
    /// There was a fresh body.
    Hit,
    /// There was a body past its time that may still be given out.
    Stale,
    /// A flight was begun.
    Miss,
    /// A flight was joined.
    Collapsed,
    /// A flight for this reader alone was begun, because the key's body is too large to be kept.
    Uncacheable,
}

impl Admission {
    /// One word, in lower case: for logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Uncacheable => "uncacheable",
        }
    }
}

/// What there is for a reader.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reading<'cache> {
    /// These come next; [`Cache::advance`](super::Cache::advance) says how many were taken.
    Bytes(Piece<'cache>),
    /// Nothing yet: an [`Order::Wake`](super::Order::Wake) comes when there is.
    Wait,
    /// That was all. The reader is gone.
    End,
    /// For [`Mode::Whole`]: all of it. The reader is gone.
    Whole(Body),
    /// It ends here, and not cleanly. The reader is gone.
    Failed(FlightError),
}

/// What a read would find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Prospect {
    /// Bytes.
    More {
        /// Whether the body is complete: it needs no upstream any more.
        complete: bool,
    },
    /// Nothing yet.
    Waits,
    /// The clean end.
    End,
    /// A failure.
    Failed,
}

/// A complete body in shared blocks.
#[derive(Clone, Debug)]
pub struct Body {
    blocks: Rc<[Rc<[u8]>]>,
}

impl Body {
    /// A body made of these bytes, in blocks as the cache has them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { blocks: bytes.chunks(BLOCK_BYTES).map(Rc::from).collect() }
    }

    pub(crate) fn new<'log>(blocks: impl Iterator<Item = &'log Rc<[u8]>>) -> Self {
        Self { blocks: blocks.map(Rc::clone).collect() }
    }

    /// The blocks, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Rc<[u8]>] {
        &self.blocks
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.len()).sum()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) place: Place,
    pub(crate) mode: Mode,
    pub(crate) admission: Admission,
    /// It was told to wait, and wants to be woken.
    pub(crate) waiting: bool,
    /// Since when it has been a whole window behind.
    pub(crate) lagging_since: Option<Time>,
}

#[derive(Debug)]
pub(crate) enum Place {
    /// In this log, which this flight still writes.
    At { log: LogId, seat: Seat, cursor: u64, flight: Option<FlightId> },
    /// Its body ended early.
    Failed(FlightError),
}

impl Reader {
    pub(crate) const fn new(place: Place, mode: Mode, admission: Admission) -> Self {
        Self { place, mode, admission, waiting: false, lagging_since: None }
    }

    pub(crate) const fn cursor(&self) -> u64 {
        match self.place {
            Place::At { cursor, .. } => cursor,
            Place::Failed(_) => 0,
        }
    }
}

impl ReaderId {
    /// Its place among the readers: used again when it is gone.
    pub(crate) const fn place(self) -> usize {
        self.0.index()
    }
}
