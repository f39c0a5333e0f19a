//! Memory: what must go when a byte is wanted and none is left.

use sestina_reactor::Time;

use super::Cache;
use super::entry::State;
use super::flight::{FlightId, Outcome};
use super::log::{Log, count};
use super::reader::{Place, ReaderId};
use super::reasons::FlightError;
use super::settings::FLIGHT_RESERVE_BYTES;

impl Cache {
    /// How large a body may be: a quarter of all memory at most, so that one body cannot push out all others.
    pub(crate) fn body_bytes_max(&self) -> u64 {
        self.settings.body_bytes_max.min(self.settings.memory_bytes_max / 4)
    }

    /// How much more may be held. What a flight's upstream may have sent before it can be paused is set aside.
    pub(crate) fn free_bytes(&self) -> u64 {
        let reserved = FLIGHT_RESERVE_BYTES * count(self.flights.len());
        self.settings.memory_bytes_max.saturating_sub(self.store.memory().total() + reserved)
    }

    /// Gives up bodies until `bytes` more may be held: those past their time, then those least used, then readers of
    /// bodies that were given up. Says whether there is room now.
    pub(crate) fn make_room(&mut self, now: Time, bytes: u64) -> bool {
        while self.free_bytes() < bytes {
            let victim = self.past_time.first().copied().or_else(|| self.eviction.victim());
            match victim {
                Some(key) => self.evict(now, key),
                None if self.cut_slowest_pinning_reader() => {}
                None => return false,
            }
        }
        true
    }

    fn evict(&mut self, now: Time, key: usize) {
        let refreshing = match self.entries[key].state {
            State::Refreshing(flight) => Some(flight),
            _ => None,
        };
        self.counters.evictions_size += u64::from(self.give_up_body(key));
        self.past_time.remove(&key);
        if let Some(flight) = refreshing {
            return self.abandon(now, flight, Outcome::Failed(FlightError::NoMemory));
        }
        if matches!(self.entries[key].state, State::Fresh | State::Stale { .. }) {
            self.enter(key, State::Empty);
        }
    }

    /// Of the readers that alone keep a body in memory, the one with the most to go.
    fn cut_slowest_pinning_reader(&mut self) -> bool {
        let left = |place: &Place| match place {
            Place::At { log, cursor, flight: None, .. } => {
                self.store.log(*log).map(Log::len).map(|len| len - cursor)
            }
            Place::At { .. } | Place::Failed(_) => None,
        };
        let pinning = self.store.pinning();
        let slowest =
            pinning.filter_map(|id| Some((left(&self.readers.get(id)?.place)?, ReaderId(id)))).max();
        let Some((_, reader)) = slowest else { return false };
        self.counters.evictions_pressure += 1;
        self.fail_reader(reader, &FlightError::NoMemory);
        true
    }

    /// There was no room for what this flight brought: it is paused until there is.
    pub(crate) fn wait_for_memory(&mut self, id: FlightId) {
        if !self.is_flying(id) || !self.short_of_memory.insert(id) {
            return;
        }
        if self.flights.get(id.0).is_some_and(|flight| !flight.paused) {
            self.pause(id);
        }
    }

    /// Memory may have become free: flights that waited for it go on.
    pub(crate) fn use_freed_memory(&mut self, now: Time) {
        while !self.short_of_memory.is_empty() && self.free_bytes() > 0 {
            let Some(id) = self.short_of_memory.pop_first() else { return };
            self.resume(now, id);
            self.slide(now, id);
        }
    }
}
