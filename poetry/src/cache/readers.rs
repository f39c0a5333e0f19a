//! What readers get: a cursor each, pulled at their own speed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::Time;

use super::Cache;
use super::entry::State;
use super::flight::FlightId;
use super::log::{Log, count};
use super::orders::Order;
use super::reader::{Admission, Body, Mode, Place, Prospect, Reader, ReaderId, Reading};
use super::reasons::FlightError;
use super::store::LogId;

/// How often within its grace a reader that lags is looked at.
const LAG_CHECKS: u32 = 4;
/// The least time between two such looks.
const LAG_CHECK_MIN: Duration = Duration::from_millis(10);

impl Cache {
    /// A reader of a flight, at its first byte.
    pub(crate) fn seat(&mut self, id: FlightId, mode: Mode, admission: Admission) -> ReaderId {
        let log = self.flights.get(id.0).map(|flight| flight.log).expect("the flight is under way");
        let reader = self.sit(log, Some(id), mode, admission);
        let readers = self.store.reader_count(log);
        self.change_flight(id, |flight| {
            flight.linger_until = None;
            flight.readers_max = flight.readers_max.max(readers);
            if let Some(cursors) = &mut flight.window {
                *cursors.entry(0).or_default() += 1;
            }
        });
        reader
    }

    /// A reader of a fresh body.
    pub(crate) fn serve(&mut self, key: usize, mode: Mode) -> ReaderId {
        self.counters.hits += 1;
        self.seat_at_body(key, mode, Admission::Hit)
    }

    /// A reader of a body past its time.
    pub(crate) fn serve_stale(&mut self, key: usize, mode: Mode) -> ReaderId {
        self.counters.stale += 1;
        self.seat_at_body(key, mode, Admission::Stale)
    }

    fn seat_at_body(&mut self, key: usize, mode: Mode, admission: Admission) -> ReaderId {
        let log = self.entries[key].stored.expect("the state says that there is a body").log;
        self.eviction.used(key);
        self.sit(log, None, mode, admission)
    }

    fn sit(&mut self, log: LogId, flight: Option<FlightId>, mode: Mode, admission: Admission) -> ReaderId {
        let nowhere = Place::Failed(FlightError::Cancelled); // for as long as it takes to find a seat
        let reader = ReaderId(self.readers.insert(Reader::new(nowhere, mode, admission)));
        let seat = self.store.add_reader(log, reader.0);
        if let Some(reader) = self.readers.get_mut(reader.0) {
            reader.place = Place::At { log, seat, cursor: 0, flight };
        }
        reader
    }

    /// A fresh body that is one block, given to somebody who needs no reader for it, because it is given at once.
    pub fn give_at_once(&mut self, now: Time, key: &str) -> Option<Rc<[u8]>> {
        self.tick(now);
        let key = *self.keys.get(key).filter(|_| self.draining.is_none())?;
        let entry = &self.entries[key];
        let stored = entry.stored.filter(|_| matches!(entry.state, State::Fresh))?;
        let block = Rc::clone(self.store.log(stored.log)?.only_block()?);
        self.eviction.used(key);
        self.counters.hits += 1;
        self.counters.client_bytes += count(block.len());
        Some(block)
    }

    /// What there is for a reader now. After [`Reading::End`], [`Reading::Whole`] and [`Reading::Failed`] the reader is
    /// gone; of a reader that is gone it is [`Reading::End`].
    pub fn read(&mut self, now: Time, id: ReaderId) -> Reading<'_> {
        let Some(reader) = self.readers.get_mut(id.0) else { return Reading::End };
        let (log, cursor) = match &reader.place {
            Place::At { log, cursor, .. } => (*log, *cursor),
            Place::Failed(why) => {
                let why = why.clone();
                self.readers.remove(id.0);
                return Reading::Failed(why);
            }
        };
        let sealed = self.store.log(log).is_some_and(Log::is_sealed);
        if reader.mode == Mode::Whole && sealed {
            let body = self.store.log(log).map(|log| Body::new(log.blocks()));
            self.remove_reader(id);
            self.use_freed_memory(now);
            return body.map_or(Reading::End, Reading::Whole);
        }
        let held = self.store.log(log).map_or(0, Log::len) > cursor;
        reader.waiting = reader.mode == Mode::Whole || !held;
        match (held && reader.mode == Mode::Stream, sealed) {
            (true, _) => self.store.read(log, cursor).map_or(Reading::Wait, Reading::Bytes),
            (false, false) => Reading::Wait,
            (false, true) => {
                self.remove_reader(id);
                self.use_freed_memory(now);
                Reading::End
            }
        }
    }

    /// How this reader came by its body; `None` when it is gone. A reader of a flight that failed may become one of the
    /// body that there was before.
    #[must_use]
    pub fn admission(&self, id: ReaderId) -> Option<Admission> {
        self.readers.get(id.0).map(|reader| reader.admission)
    }

    /// How many bytes this reader took; `None` when it is gone.
    #[must_use]
    pub fn cursor(&self, id: ReaderId) -> Option<u64> {
        self.readers.get(id.0).map(Reader::cursor)
    }

    /// How many bytes there are of what this reader reads; `None` when it is gone, or has failed.
    #[must_use]
    pub fn length(&self, id: ReaderId) -> Option<u64> {
        match self.readers.get(id.0)?.place {
            Place::At { log, .. } => self.store.log(log).map(Log::len),
            Place::Failed(_) => None,
        }
    }

    /// How things stand for this reader, without reading; `None` when it is gone.
    #[must_use]
    pub fn prospect(&self, id: ReaderId) -> Option<Prospect> {
        let reader = self.readers.get(id.0)?;
        let Place::At { log, cursor, flight, .. } = reader.place else { return Some(Prospect::Failed) };
        let log = self.store.log(log)?;
        let shown = reader.mode == Mode::Stream && log.len() > cursor;
        Some(match flight {
            _ if log.is_sealed() && log.len() <= cursor => Prospect::End,
            Some(_) if shown => Prospect::More { complete: false },
            Some(_) => Prospect::Waits,
            None => Prospect::More { complete: true },
        })
    }

    /// Everything that is left of a complete body for this reader, block by block; nothing if it is not complete, or is
    /// wanted whole. [`Self::advance`] says how much of it was taken.
    pub fn rest(&self, id: ReaderId) -> impl Iterator<Item = (&Rc<[u8]>, Range<usize>)> {
        let place = self.readers.get(id.0).filter(|reader| reader.mode == Mode::Stream).map(|it| &it.place);
        let log = match place {
            Some(Place::At { log, cursor, flight: None, .. }) => {
                self.store.log(*log).map(|log| (log, *cursor))
            }
            _ => None,
        };
        log.into_iter().flat_map(|(log, cursor)| log.rest(cursor))
    }

    /// A reader took this many of the bytes that it was shown.
    pub fn advance(&mut self, now: Time, id: ReaderId, bytes: usize) {
        let Some(Reader { place: Place::At { cursor, flight, .. }, .. }) = self.readers.get_mut(id.0) else {
            return;
        };
        let (before, flight) = (*cursor, *flight);
        *cursor += count(bytes);
        let after = *cursor;
        self.counters.client_bytes += count(bytes);
        if let Some(flight) = flight {
            self.move_cursor(flight, before, Some(after));
            self.slide(now, flight);
            self.use_freed_memory(now);
        }
    }

    fn move_cursor(&mut self, id: FlightId, before: u64, after: Option<u64>) {
        let Some(cursors) = self.flights.get_mut(id.0).and_then(|flight| flight.window.as_mut()) else {
            return;
        };
        if let Some(here) = cursors.get_mut(&before) {
            *here -= 1;
            if *here == 0 {
                cursors.remove(&before);
            }
        }
        if let Some(after) = after {
            *cursors.entry(after).or_default() += 1;
        }
    }

    /// Where the readers of a log are.
    pub(crate) fn cursors(&self, log: LogId) -> BTreeMap<u64, usize> {
        let mut cursors = BTreeMap::new();
        for reader in self.store.readers(log).filter_map(|reader| self.readers.get(reader)) {
            *cursors.entry(reader.cursor()).or_default() += 1;
        }
        cursors
    }

    /// Takes a reader away. Gives the flight that it read.
    pub(crate) fn remove_reader(&mut self, id: ReaderId) -> Option<FlightId> {
        let reader = self.readers.remove(id.0)?;
        let Place::At { log, seat, cursor, flight } = reader.place else { return None };
        self.store.remove_reader(log, seat);
        if let Some(flight) = flight {
            self.move_cursor(flight, cursor, None);
        }
        flight
    }

    pub(crate) fn wake_readers(&mut self, log: LogId, mode: Mode) {
        let readers = &mut self.readers;
        let orders = &mut self.orders;
        for id in self.store.readers(log) {
            let Some(reader) = readers.get_mut(id).filter(|reader| reader.waiting && reader.mode == mode)
            else {
                continue;
            };
            reader.waiting = false;
            orders.push_back(Order::Wake(ReaderId(id)));
        }
    }

    /// The log is complete: its readers go on without the flight.
    pub(crate) fn release_readers(&mut self, log: LogId) {
        let readers: Vec<_> = self.store.readers(log).collect();
        for reader in readers {
            if let Some(Reader { place: Place::At { flight, .. }, .. }) = self.readers.get_mut(reader) {
                *flight = None;
            }
        }
        self.wake_readers(log, Mode::Stream);
        self.wake_readers(log, Mode::Whole);
    }

    /// Ends the readers that are still of this flight's log, or those of one mode.
    pub(crate) fn fail_readers(&mut self, log: LogId, mode: Option<Mode>, why: &FlightError) {
        let readers: Vec<_> = self.store.readers(log).collect();
        for reader in readers {
            let wanted = self.readers.get(reader).is_some_and(|reader| {
                let of_flight = matches!(reader.place, Place::At { flight: Some(_), .. });
                of_flight && mode.is_none_or(|mode| reader.mode == mode)
            });
            if wanted {
                self.fail_reader(ReaderId(reader), why);
            }
        }
    }

    pub(crate) fn fail_all_readers(&mut self, why: &FlightError) {
        let readers: Vec<_> = self.readers.iter().map(|(ticket, _)| ReaderId(ticket)).collect();
        readers.into_iter().for_each(|reader| self.fail_reader(reader, why));
    }

    pub(crate) fn fail_reader(&mut self, id: ReaderId, why: &FlightError) {
        let Some(reader) = self.readers.get_mut(id.0) else { return };
        let place = std::mem::replace(&mut reader.place, Place::Failed(why.clone()));
        let Place::At { log, seat, cursor, flight } = place else { return };
        reader.waiting = false;
        // Also to those who did not wait: one whose client takes nothing would never ask.
        self.orders.push_back(Order::Wake(id));
        self.store.remove_reader(log, seat);
        if let Some(flight) = flight {
            self.move_cursor(flight, cursor, None);
        }
    }

    /// Stale-if-error: readers that were given nothing yet get the body that there was.
    pub(crate) fn rescue_readers(&mut self, key: usize, log: LogId) {
        let Some(stored) = self.entries[key].stored.filter(|stored| stored.log != log) else { return };
        let readers: Vec<_> = self.store.readers(log).collect();
        for id in readers {
            let Some(reader) = self.readers.get_mut(id).filter(|reader| reader.cursor() == 0) else {
                continue;
            };
            let Place::At { seat, flight: Some(_), .. } = reader.place else { continue };
            let other = self.store.add_reader(stored.log, id);
            reader.place = Place::At { log: stored.log, seat: other, cursor: 0, flight: None };
            reader.admission = Admission::Stale;
            self.counters.rescued += 1;
            if std::mem::take(&mut reader.waiting) {
                self.orders.push_back(Order::Wake(ReaderId(id)));
            }
            self.store.remove_reader(log, seat);
        }
    }

    /// The window of a flight whose body is not kept: forget what all have read; pause the upstream while the fastest
    /// reader is a window behind it.
    ///
    /// A reader a window behind the fastest has its grace. Meanwhile what it lacks is held in memory that nobody else
    /// uses, so that it holds up nobody; only when there is none, the upstream waits for it.
    pub(crate) fn slide(&mut self, now: Time, id: FlightId) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let Some(cursors) = &flight.window else { return };
        let (log, paused, window) = (flight.log, flight.paused, self.settings.window_bytes);
        let length = self.store.log(log).map_or(0, Log::len);
        let slowest = cursors.first_key_value().map_or(length, |(cursor, _)| *cursor);
        let fastest = cursors.last_key_value().map_or(length, |(cursor, _)| *cursor);
        self.store.change(log, |log| log.forget_before(slowest));
        let (behind, lag) = (length - fastest, length - slowest);
        let wait = behind >= window || (lag >= window && !self.has_slack(lag));
        let go_on = behind <= window / 2 && (lag <= window / 2 || self.has_slack(lag + window / 2));
        if !paused && wait {
            self.pause(id);
        } else if paused && go_on && !self.short_of_memory.contains(&id) {
            self.resume(now, id);
        }
        let watched = self.flights.get(id.0).is_some_and(|flight| flight.lag_at.is_some());
        if fastest - slowest >= window && !watched {
            self.check_laggards(now, id);
        }
    }

    /// Whether so much may be held for those who lag: only of memory that nobody else uses.
    fn has_slack(&self, bytes: u64) -> bool {
        bytes < self.settings.memory_bytes_max / 4 && self.free_bytes() >= self.settings.window_bytes
    }

    pub(crate) fn pause(&mut self, id: FlightId) {
        self.change_flight(id, |flight| flight.paused = true);
        self.orders.push_back(Order::Pause(id));
    }

    pub(crate) fn resume(&mut self, now: Time, id: FlightId) {
        self.change_flight(id, |flight| {
            flight.paused = false;
            flight.progress = now;
        });
        self.orders.push_back(Order::Resume(id));
    }

    /// Notes since when readers have been a window behind the fastest, which ends only when they are half of it behind,
    /// and cuts those for whom it has been too long. Looks again as long as there is one.
    pub(crate) fn check_laggards(&mut self, now: Time, id: FlightId) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let (log, window, grace) = (flight.log, self.settings.window_bytes, self.settings.lag_grace);
        let cursors = flight.window.as_ref();
        let fastest = cursors.and_then(|it| it.last_key_value()).map_or(0, |(cursor, _)| *cursor);
        let soon = now + (grace / LAG_CHECKS).max(LAG_CHECK_MIN);
        let mut late = Vec::new();
        let mut next: Option<Time> = None;
        for id in self.store.readers(log) {
            let Some(reader) = self.readers.get_mut(id) else { continue };
            let behind = fastest.saturating_sub(reader.cursor());
            reader.lagging_since = match reader.lagging_since {
                _ if behind <= window / 2 => None,
                None if behind >= window => Some(now),
                since => since,
            };
            match reader.lagging_since {
                Some(since) if since + grace <= now => late.push(ReaderId(id)),
                Some(since) => next = Some((since + grace).min(soon).min(next.unwrap_or(soon))),
                None => {}
            }
        }
        self.change_flight(id, |flight| flight.lag_at = next);
        if late.is_empty() {
            return;
        }
        for reader in late {
            self.counters.slow_readers_detached += 1;
            self.fail_reader(reader, &FlightError::Lagging);
        }
        self.left(now, id);
    }
}
