//! Every byte that the cache holds, counted by who needs it.
//!
//! A log is a flight's while it grows, an entry's once it is stored, and nobody's when it was given up: then its readers
//! pin it, and the last one frees it.
//!
//! Invariant: `memory()` is the sum over all logs, after every call.

use super::log::{Log, Piece};
use super::slots::{Slots, Ticket};

/// A log's ticket.
pub(crate) type LogId = Ticket;
/// A reader's ticket.
pub(crate) type ReaderTicket = Ticket;

/// What a stored body costs beyond its bytes.
pub(crate) const LOG_OVERHEAD_BYTES: u64 = 256;

/// Who needs a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    Flight,
    Entry,
    /// Its readers alone.
    Nobody,
}

/// Bytes in memory, by who needs them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Memory {
    /// Stored bodies.
    pub cache_bytes: u64,
    /// What flights have brought so far.
    pub flight_bytes: u64,
    /// Bodies that were given up and are still read.
    pub pinned_bytes: u64,
}

impl Memory {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.cache_bytes + self.flight_bytes + self.pinned_bytes
    }

    const fn of(&mut self, owner: Owner) -> &mut u64 {
        match owner {
            Owner::Flight => &mut self.flight_bytes,
            Owner::Entry => &mut self.cache_bytes,
            Owner::Nobody => &mut self.pinned_bytes,
        }
    }
}

/// Where a reader sits at its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seat(usize);

impl Seat {
    const NONE: Self = Self(usize::MAX);
}

/// Who reads a log. Coming and leaving cost the same for one reader and for ten thousand, and seats are used again.
#[derive(Default)]
struct Seats {
    seats: Vec<Option<ReaderTicket>>,
    free: Vec<usize>,
}

impl Seats {
    fn take(&mut self, reader: ReaderTicket) -> Seat {
        match self.free.pop() {
            Some(seat) => {
                self.seats[seat] = Some(reader);
                Seat(seat)
            }
            None => {
                self.seats.push(Some(reader));
                Seat(self.seats.len() - 1)
            }
        }
    }

    fn leave(&mut self, seat: Seat) {
        if self.seats.get_mut(seat.0).and_then(Option::take).is_some() {
            self.free.push(seat.0);
        }
    }

    fn iter(&self) -> impl Iterator<Item = ReaderTicket> {
        self.seats.iter().copied().flatten()
    }

    fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }
}

/// All logs.
pub(crate) struct Store {
    logs: Slots<Held>,
    memory: Memory,
}

struct Held {
    log: Log,
    owner: Owner,
    readers: Seats,
    /// What `memory` counts for it.
    counted: u64,
}

impl Store {
    pub(crate) const fn new() -> Self {
        let memory = Memory { cache_bytes: 0, flight_bytes: 0, pinned_bytes: 0 };
        Self { logs: Slots::new(), memory }
    }

    pub(crate) const fn memory(&self) -> Memory {
        self.memory
    }

    /// A new log, for a flight.
    pub(crate) fn open(&mut self) -> LogId {
        let held = Held { log: Log::default(), owner: Owner::Flight, readers: Seats::default(), counted: 0 };
        let id = self.logs.insert(held);
        self.recount(id);
        id
    }

    pub(crate) fn log(&self, id: LogId) -> Option<&Log> {
        self.logs.get(id).map(|held| &held.log)
    }

    /// Changes a log, and counts again.
    pub(crate) fn change<R>(&mut self, id: LogId, change: impl FnOnce(&mut Log) -> R) -> Option<R> {
        let result = change(&mut self.logs.get_mut(id)?.log);
        self.recount(id);
        Some(result)
    }

    pub(crate) fn read(&self, id: LogId, cursor: u64) -> Option<Piece<'_>> {
        self.logs.get(id).and_then(|held| held.log.at(cursor))
    }

    /// Gives the log to another owner; one that is nobody's and has no reader is freed.
    pub(crate) fn give(&mut self, id: LogId, owner: Owner) {
        let Some(held) = self.logs.get_mut(id) else { return };
        *self.memory.of(held.owner) -= std::mem::take(&mut held.counted);
        held.owner = owner;
        self.recount(id);
        self.free_if_unneeded(id);
    }

    /// Gives a reader a seat at a log, which it must keep for its leave.
    pub(crate) fn add_reader(&mut self, id: LogId, reader: ReaderTicket) -> Seat {
        self.logs.get_mut(id).map_or(Seat::NONE, |held| held.readers.take(reader))
    }

    pub(crate) fn remove_reader(&mut self, id: LogId, seat: Seat) {
        if let Some(held) = self.logs.get_mut(id) {
            held.readers.leave(seat);
        }
        self.free_if_unneeded(id);
    }

    pub(crate) fn reader_count(&self, id: LogId) -> usize {
        self.logs.get(id).map_or(0, |held| held.readers.len())
    }

    pub(crate) fn readers(&self, id: LogId) -> impl Iterator<Item = ReaderTicket> {
        self.logs.get(id).into_iter().flat_map(|held| held.readers.iter())
    }

    /// The readers of logs that are nobody's.
    pub(crate) fn pinning(&self) -> impl Iterator<Item = ReaderTicket> {
        let pinned = self.logs.iter().filter(|(_, held)| held.owner == Owner::Nobody);
        pinned.flat_map(|(_, held)| held.readers.iter())
    }

    fn free_if_unneeded(&mut self, id: LogId) {
        let Some(held) = self.logs.get(id) else { return };
        if held.owner == Owner::Nobody && held.readers.len() == 0 {
            *self.memory.of(Owner::Nobody) -= held.counted;
            self.logs.remove(id);
        }
    }

    fn recount(&mut self, id: LogId) {
        let Some(held) = self.logs.get_mut(id) else { return };
        let now = held.log.held() + LOG_OVERHEAD_BYTES;
        let counted = std::mem::replace(&mut held.counted, now);
        let sum = self.memory.of(held.owner);
        *sum = *sum + now - counted;
    }
}
