//! The state machine of a key: one function an event, one arm a state.
//!
//! | event | E empty | C connecting | S streaming | F fresh | T stale | R refreshing | N negative | U uncacheable |
//! |---|---|---|---|---|---|---|---|---|
//! | a client arrives | flight, ->C | joins | joins at the first byte | served | served if stale-while-revalidate, with a background flight ->R; else flight, ->C | served | served if stale-if-error; else refused | own flight |
//! | the last waiter leaves | - | by `on_abandon`: ->E (->T with a body in its time) | same | - | - | the flight goes on | - | its own flight is cut |
//! | bytes | - | ->S | handed on; too many: ->U, the flight alone | - | - | kept for later | - | handed on |
//! | good end | - | - | stored, ->F (time to live zero: ->E) | - | - | body swapped, ->F | - | closed |
//! | suspect end, error, time limit | - | all fail (stale-if-error first), ->N | same | - | - | body kept, ->T until the back-off ends | - | its readers fail |
//! | time passes | - | - | - | ->T | ->E | - | ->T or ->E | ->E |
//! | purge, soft | - | flight alone, ->E | same | ->T | T | flight cut, ->T | ->E | ->E |
//! | purge, hard | - | all fail, ->E | same | ->E | ->E | flight cut, ->E | ->E | ->E |
//! | memory is short | refused | refused | as too large | ->E by least use | ->E before F | flight cut, ->E | - | reads pause |
//!
//! Z, a flight that serves those alone whom it has, is no state of a key: see [`Bond::Alone`].
//! Tests: `tests/suite/cache_states.rs`.

use sestina_reactor::Time;

use super::Cache;
use super::deadlines::Due;
use super::entry::{Entry, State, Stored};
use super::flight::{Bond, FlightId, Outcome, Phase};
use super::log::count;
use super::reader::{Mode, ReaderId};
use super::reasons::{FlightError, Refusal, UpstreamEnd};
use super::settings::{OnAbandon, OnTooLarge};
use super::store::Owner;

/// How thorough a purge is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Purge {
    /// The body is past its time from now on; those who wait keep their flight.
    Soft,
    /// The body is gone, and those who wait fail.
    Hard,
}

/// A flight is nearly complete when so much of the last good body has come, in per cent.
const NEARLY_PERCENT: u64 = 95;
/// It is, too, when no more than this is missing, in bytes.
const NEARLY_BYTES: u64 = 16 * 1024;

impl Cache {
    /// **A client arrives.** Read at once: what is there is not announced.
    ///
    /// # Errors
    /// If it cannot be served now; nothing is begun then.
    pub fn subscribe(&mut self, now: Time, key: &str, mode: Mode) -> Result<ReaderId, Refusal> {
        self.tick(now);
        let seat = self.arrive(now, key, mode);
        match &seat {
            Err(Refusal::Negative(_)) => self.counters.negative += 1,
            Err(_) => self.counters.rejected += 1,
            Ok(_) => {}
        }
        seat
    }

    fn arrive(&mut self, now: Time, key: &str, mode: Mode) -> Result<ReaderId, Refusal> {
        if self.draining.is_some() {
            return Err(Refusal::Draining);
        }
        let key = self.key(key)?;
        let alone = !self.settings.coalesce;
        match &self.entries[key].state {
            State::Empty if alone => self.begin(now, key, Bond::Alone { store: true }, mode),
            State::Empty => self.begin(now, key, Bond::Attached, mode),
            State::Connecting(flight) | State::Streaming(flight) => self.join(*flight, mode),
            State::Fresh => Ok(self.serve(key, mode)),
            State::Stale { .. } if self.revalidates(now, key) => {
                let reader = self.serve_stale(key, mode); // first: room for the flight may cost the body
                self.refresh_behind(now, key);
                Ok(reader)
            }
            State::Stale { retry_at } => {
                let early = retry_at.is_some_and(|at| now < at);
                if early && self.helps_on_error(now, key) {
                    return Ok(self.serve_stale(key, mode));
                }
                let bond = if alone { Bond::Alone { store: true } } else { Bond::Attached };
                let begun = self.begin(now, key, bond, mode);
                if begun.is_err() && self.helps_on_error(now, key) {
                    return Ok(self.serve_stale(key, mode));
                }
                begun
            }
            State::Refreshing(_) if self.is_fresh(now, key) => Ok(self.serve(key, mode)),
            State::Refreshing(_) if self.revalidates(now, key) || self.helps_on_error(now, key) => {
                Ok(self.serve_stale(key, mode))
            }
            State::Refreshing(flight) => self.promote_and_join(*flight, mode),
            State::Negative { .. } if self.helps_on_error(now, key) => Ok(self.serve_stale(key, mode)),
            State::Negative { why, .. } => Err(Refusal::Negative(why.clone())),
            State::Uncacheable { .. } => self.begin(now, key, Bond::Alone { store: false }, mode),
        }
    }

    /// **A client leaves.** No event concerns this reader after the call.
    pub fn cancel(&mut self, now: Time, reader: ReaderId) {
        self.tick(now);
        let flight = self.remove_reader(reader);
        if let Some(flight) = flight {
            self.counters.left += 1;
            self.left(now, flight);
        }
        self.use_freed_memory(now);
    }

    /// **The last waiter leaves**, if it was the last.
    pub(crate) fn left(&mut self, now: Time, id: FlightId) {
        let Some(flight) = self.flights.get(id.0) else { return };
        if self.store.reader_count(flight.log) > 0 {
            return self.slide(now, id);
        }
        let useless = flight.bond == (Bond::Alone { store: false });
        if flight.phase == Phase::Cut || (flight.errand && !useless) {
            return;
        }
        let goes_on = match (flight.bond, self.settings.on_abandon) {
            (Bond::Background, _) | (Bond::Attached | Bond::Alone { store: true }, OnAbandon::Finish) => true,
            (Bond::Alone { store: false }, _) | (_, OnAbandon::Cancel) => false,
            (_, OnAbandon::Adaptive) => self.is_nearly_complete(id),
            (_, OnAbandon::Linger(time)) => {
                self.change_flight(id, |flight| flight.linger_until = Some(now + time));
                true
            }
        };
        if !goes_on {
            self.abandon(now, id, Outcome::Abandoned);
        }
    }

    /// The flight is connected.
    pub fn connected(&mut self, now: Time, id: FlightId) {
        self.tick(now);
        self.change_flight(id, |flight| {
            if flight.phase == Phase::Connecting {
                flight.phase = Phase::Waiting;
                flight.progress = now;
            }
        });
    }

    /// **Bytes** come from the upstream.
    pub fn received(&mut self, now: Time, id: FlightId, bytes: &[u8]) {
        self.tick(now);
        let Some(flight) = self.flights.get(id.0).filter(|flight| flight.phase != Phase::Cut) else {
            return;
        };
        let (log, key, bond, windowed) = (flight.log, flight.key, flight.bond, flight.window.is_some());
        self.counters.upstream_bytes += count(bytes.len());
        let length = self.store.log(log).map_or(0, |log| log.len() + count(bytes.len()));
        let room = self.make_room(now, count(bytes.len()));
        if !windowed && (length > self.body_bytes_max() || !room) {
            self.too_large(now, id, room);
        }
        if !self.is_flying(id) {
            return;
        }
        self.store.change(log, |log| log.append(bytes));
        self.change_flight(id, |flight| {
            flight.phase = Phase::Streaming;
            flight.progress = now;
            flight.first_byte = flight.first_byte.or(Some(now));
        });
        if bond == Bond::Attached && matches!(self.entries[key].state, State::Connecting(_)) {
            self.enter(key, State::Streaming(id));
        }
        self.wake_readers(log, Mode::Stream);
        self.slide(now, id);
        if !room {
            self.wait_for_memory(id);
        }
    }

    /// **The end** of the upstream's connection, or of the attempt; for a flight that was cut, that it is gone.
    pub fn ended(&mut self, now: Time, id: FlightId, end: UpstreamEnd) {
        self.tick(now);
        let Some(flight) = self.flights.get(id.0) else { return };
        if flight.phase == Phase::Cut {
            self.forget_flight(id);
            return self.use_freed_memory(now);
        }
        match end {
            UpstreamEnd::NotConnected(_) if self.connects_again(now, id) => {}
            UpstreamEnd::NotConnected(error) => self.fail(now, id, FlightError::Unreachable(error), false),
            UpstreamEnd::Lost(lost) if lost.is_clean() || self.settings.trust_every_end => {
                self.complete(now, id);
            }
            UpstreamEnd::Lost(lost) => self.fail(now, id, FlightError::Broken(lost), false),
        }
        self.use_freed_memory(now);
    }

    /// **Time passes**: everything whose deadline is not after `now`. The other calls do it first.
    pub fn tick(&mut self, now: Time) {
        while let Some(due) = self.deadlines.due(now) {
            match due {
                Due::Entry(key) => self.expire(now, key),
                Due::Flight(flight) => self.flight_due(now, flight),
                Due::Drain => self.drained(now),
            }
        }
        self.use_freed_memory(now);
    }

    fn expire(&mut self, now: Time, key: usize) {
        let past = self.entries[key].stored.is_some_and(|stored| now >= self.stale_until(&stored));
        let next = match &self.entries[key].state {
            State::Fresh | State::Negative { .. } | State::Stale { retry_at: Some(_) } if !past => {
                self.stale_or_empty(key)
            }
            State::Fresh | State::Stale { .. } => {
                self.counters.evictions_ttl += 1;
                State::Empty
            }
            _ => State::Empty,
        };
        self.enter(key, next);
    }

    /// **A purge** of one key. Says whether the key was known.
    pub fn purge(&mut self, now: Time, key: &str, how: Purge) -> bool {
        self.tick(now);
        let Some(&key) = self.keys.get(key) else { return false };
        self.counters.purges += 1;
        self.purge_entry(now, key, how);
        self.use_freed_memory(now);
        true
    }

    /// A purge of every key. Says how many there were.
    pub fn purge_all(&mut self, now: Time, how: Purge) -> usize {
        self.tick(now);
        let keys: Vec<usize> = self.keys.values().copied().collect();
        self.counters.purges += count(keys.len());
        keys.iter().for_each(|key| self.purge_entry(now, *key, how));
        self.use_freed_memory(now);
        keys.len()
    }

    fn purge_entry(&mut self, now: Time, key: usize, how: Purge) {
        let flight = self.entries[key].flight();
        self.raise_generation(key);
        if let Some(stored) = &mut self.entries[key].stored {
            stored.fresh_until = Some(stored.fresh_until.map_or(now, |until| until.min(now)));
        }
        let kept = match how {
            Purge::Soft => {
                matches!(self.entries[key].state, State::Fresh | State::Stale { .. } | State::Refreshing(_))
            }
            Purge::Hard => {
                self.counters.evictions_purge += u64::from(self.give_up_body(key));
                false
            }
        };
        self.entries[key].failures = 0;
        let next = if kept { self.stale_or_empty(key) } else { State::Empty };
        self.enter(key, next);
        let Some(flight) = flight else { return };
        let background = self.flights.get(flight.0).is_some_and(|flight| flight.bond == Bond::Background);
        if how == Purge::Hard || background {
            self.end_alone(flight, &FlightError::Purged);
        } else {
            self.change_flight(flight, |flight| flight.bond = Bond::Alone { store: false });
            self.left(now, flight); // nothing of it is stored: without a reader it is for nobody
        }
    }

    /// Fetches a key's body anew, also if nobody waits for it. What is there is given out meanwhile.
    ///
    /// # Errors
    /// If no flight can begin.
    pub fn refresh(&mut self, now: Time, key: &str) -> Result<(), Refusal> {
        self.tick(now);
        if self.draining.is_some() {
            return Err(Refusal::Draining);
        }
        let key = self.key(key)?;
        let bond = match self.entries[key].state {
            State::Connecting(_) | State::Streaming(_) | State::Refreshing(_) => return Ok(()),
            State::Fresh | State::Stale { .. } => Bond::Background,
            State::Empty | State::Negative { .. } | State::Uncacheable { .. } => Bond::Attached,
        };
        let flight = self.take_off(now, key, bond)?;
        self.change_flight(flight, |flight| flight.errand = true);
        Ok(())
    }

    /// Ends a flight on an operator's word: its readers fail. Says whether it was under way.
    pub fn cancel_flight(&mut self, now: Time, id: FlightId) -> bool {
        self.tick(now);
        let flying = self.is_flying(id);
        if flying {
            self.fail(now, id, FlightError::Cancelled, true);
            self.use_freed_memory(now);
        }
        flying
    }

    /// **Shutdown.** Newcomers are refused from now on; flights go on until `deadline` and are cut then.
    pub fn drain(&mut self, now: Time, deadline: Time) {
        self.tick(now);
        self.draining = Some(deadline);
        let unread: Vec<FlightId> =
            self.flight_ids(|cache, flight| cache.store.reader_count(flight.log) == 0);
        unread
            .into_iter()
            .for_each(|flight| self.abandon(now, flight, Outcome::Failed(FlightError::Draining)));
        self.deadlines.set(Due::Drain, &mut self.drain_due, Some(deadline));
        self.tick(now);
    }

    /// Whether nothing is under way: no flight, no reader.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.flights.len() == 0 && self.readers.len() == 0
    }

    fn drained(&mut self, now: Time) {
        self.deadlines.set(Due::Drain, &mut self.drain_due, None);
        for flight in self.flight_ids(|_, _| true) {
            self.fail(now, flight, FlightError::Draining, true);
        }
        self.fail_all_readers(&FlightError::Draining);
    }

    /// **The body is too large**, or memory is short: the flight goes on alone, through a window.
    fn too_large(&mut self, now: Time, id: FlightId, room: bool) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let (key, bond, log) = (flight.key, flight.bond, flight.log);
        let why = if room { FlightError::TooLarge(self.body_bytes_max()) } else { FlightError::NoMemory };
        if self.settings.on_too_large == OnTooLarge::Fail {
            return self.fail(now, id, why, true);
        }
        if matches!(bond, Bond::Attached | Bond::Background) {
            self.raise_generation(key);
            self.give_up_body(key);
            self.enter(key, State::Uncacheable { until: now + self.settings.uncacheable_ttl });
        }
        self.fail_readers(log, Some(Mode::Whole), &why);
        if self.store.reader_count(log) == 0 {
            return self.end_alone(id, &why);
        }
        let cursors = self.cursors(log);
        self.change_flight(id, |flight| {
            flight.bond = Bond::Alone { store: false };
            flight.window = Some(cursors);
        });
    }

    /// Puts a key into a state, with the deadline that the state has.
    pub(crate) fn enter(&mut self, key: usize, state: State) {
        self.entries[key].state = state;
        let past_time = !matches!(self.entries[key].state, State::Fresh);
        if past_time && self.entries[key].stored.is_some() {
            self.past_time.insert(key);
        } else {
            self.past_time.remove(&key);
        }
        let at = self.entry_deadline(&self.entries[key]);
        let mut due = self.entries[key].due;
        self.deadlines.set(Due::Entry(key), &mut due, at);
        self.entries[key].due = due;
    }

    fn entry_deadline(&self, entry: &Entry) -> Option<Time> {
        let stale_until = entry.stored.map(|stored| self.stale_until(&stored));
        match &entry.state {
            State::Fresh => entry.stored.and_then(|stored| stored.fresh_until),
            State::Stale { .. } => stale_until,
            State::Negative { retry_at, .. } => Some(*retry_at),
            State::Uncacheable { until } => Some(*until),
            State::Empty | State::Connecting(_) | State::Streaming(_) | State::Refreshing(_) => None,
        }
    }

    /// Until when a body may be given out at all.
    fn stale_until(&self, stored: &Stored) -> Time {
        let longest = self.settings.stale_while_revalidate.max(self.settings.stale_if_error);
        let left = longest.saturating_sub(stored.before.past_time);
        stored.fresh_until.map_or(Time::from_nanos(u64::MAX), |until| until + left)
    }

    /// Where a key goes that has perhaps a body past its time.
    pub(crate) fn stale_or_empty(&self, key: usize) -> State {
        match self.entries[key].stored {
            Some(_) => State::Stale { retry_at: None },
            None => State::Empty,
        }
    }

    /// Whether the body of a key is in its time: one that is fetched anew on an operator's word may be.
    pub(crate) fn is_fresh(&self, now: Time, key: usize) -> bool {
        self.entries[key].stored.is_some_and(|stored| stored.fresh_until.is_none_or(|until| now < until))
    }

    /// Where a key goes whose flight in the background has ended without a body.
    pub(crate) fn after_background(&self, now: Time, key: usize, retry_at: Option<Time>) -> State {
        match self.entries[key].stored {
            Some(_) if self.is_fresh(now, key) => State::Fresh,
            Some(_) => State::Stale { retry_at },
            None => State::Empty,
        }
    }

    fn revalidates(&self, now: Time, key: usize) -> bool {
        let window = self.settings.stale_while_revalidate;
        self.is_within(now, key, window)
    }

    pub(crate) fn helps_on_error(&self, now: Time, key: usize) -> bool {
        self.is_within(now, key, self.settings.stale_if_error)
    }

    fn is_within(&self, now: Time, key: usize, window: std::time::Duration) -> bool {
        self.entries[key].stored.is_some_and(|stored| {
            let left = window.saturating_sub(stored.before.past_time);
            stored.fresh_until.is_some_and(|until| now < until + left)
        })
    }

    fn is_nearly_complete(&self, id: FlightId) -> bool {
        let Some(flight) = self.flights.get(id.0) else { return false };
        let Some(learned) = self.entries[flight.key].learned_len else { return false };
        let length = self.store.log(flight.log).map_or(0, super::log::Log::len);
        length * 100 >= learned * NEARLY_PERCENT || length + NEARLY_BYTES >= learned
    }

    /// The place of a key; a new one if it was not known.
    pub(crate) fn key(&mut self, name: &str) -> Result<usize, Refusal> {
        if let Some(key) = self.keys.get(name) {
            return Ok(*key);
        }
        if self.keys.len() >= self.settings.keys_max && !self.forget_a_key() {
            return Err(Refusal::Keys(self.settings.keys_max));
        }
        let entry = Entry::new(name);
        let name = std::rc::Rc::clone(&entry.name);
        let key = match self.free_entries.pop() {
            Some(key) => {
                self.entries[key] = entry;
                key
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        self.keys.insert(name, key);
        Ok(key)
    }

    /// Makes place for a new key: at the cost of one that has nothing to give, else of a body. A key with a flight stays.
    fn forget_a_key(&mut self) -> bool {
        let is_idle = |key: &usize| !self.flights.iter().any(|(_, flight)| flight.key == *key);
        let find = |wanted: &dyn Fn(&Entry) -> bool| {
            self.keys.values().copied().find(|key| wanted(&self.entries[*key]) && is_idle(key))
        };
        let key = find(&|entry| matches!(entry.state, State::Empty))
            .or_else(|| self.eviction.victim().filter(is_idle))
            .or_else(|| find(&|entry| entry.stored.is_some()));
        let Some(key) = key else { return false };
        self.counters.evictions_size += u64::from(self.give_up_body(key));
        self.enter(key, State::Empty);
        let name = std::rc::Rc::clone(&self.entries[key].name);
        self.keys.remove(&name);
        self.free_entries.push(key);
        true
    }

    /// Drops a key's body; readers keep it as long as they read. Says whether there was one.
    pub(crate) fn give_up_body(&mut self, key: usize) -> bool {
        let Some(stored) = self.entries[key].stored.take() else { return false };
        self.eviction.removed(key);
        self.past_time.remove(&key);
        self.store.give(stored.log, Owner::Nobody);
        true
    }

    pub(crate) fn raise_generation(&mut self, key: usize) -> u64 {
        self.generation += 1;
        self.entries[key].generation = self.generation;
        self.generation
    }
}
