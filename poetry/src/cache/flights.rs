//! How a flight begins, and the four ways in which it ends: its body is good, suspect, broken, or wanted by nobody.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{ConnectError, Time};

use super::Cache;
use super::deadlines::Due;
use super::entry::{Before, State, Stored};
use super::flight::{Bond, Flight, FlightId, FlightReport, Outcome, Phase};
use super::log::{Log, PACKED_BLOCK_BYTES, count};
use super::orders::{Order, StoredBody};
use super::reader::{Admission, Body, Mode, ReaderId};
use super::reasons::{FlightError, Refusal, Suspicion};
use super::settings::{FLIGHT_RESERVE_BYTES, OnSuspect};
use super::store::Owner;

/// How much a time to live varies, so that bodies do not expire together, in per cent.
const TTL_JITTER_PERCENT: u32 = 5;
/// How much a back-off varies, in per cent.
const BACK_OFF_JITTER_PERCENT: u32 = 20;
/// How long a refused connection waits for its next attempt.
const CONNECT_RETRY_PAUSE: Duration = Duration::from_millis(200);

impl Cache {
    /// Begins a flight for its first reader.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        key: usize,
        bond: Bond,
        mode: Mode,
    ) -> Result<ReaderId, Refusal> {
        let flight = self.take_off(now, key, bond)?;
        let (counter, admission) = match bond {
            Bond::Alone { store: false } => (&mut self.counters.uncacheable, Admission::Uncacheable),
            _ => (&mut self.counters.misses, Admission::Miss),
        };
        *counter += 1;
        if admission == Admission::Uncacheable && mode == Mode::Stream {
            self.change_flight(flight, |flight| flight.window = Some(BTreeMap::new()));
        }
        Ok(self.seat(flight, mode, admission))
    }

    /// Joins a flight that is under way.
    pub(crate) fn join(&mut self, id: FlightId, mode: Mode) -> Result<ReaderId, Refusal> {
        let log = self.flights.get(id.0).map(|flight| flight.log).expect("a key's flight is under way");
        if self.store.reader_count(log) >= self.settings.waiters_max {
            return Err(Refusal::Waiters(self.settings.waiters_max));
        }
        self.counters.collapsed += 1;
        Ok(self.seat(id, mode, Admission::Collapsed))
    }

    /// The body's time ran out while a background flight brings the next: who comes now joins that.
    pub(crate) fn promote_and_join(&mut self, id: FlightId, mode: Mode) -> Result<ReaderId, Refusal> {
        let seat = self.join(id, mode)?;
        self.change_flight(id, |flight| flight.bond = Bond::Attached);
        let flight = self.flights.get(id.0).expect("somebody just joined it");
        let state = match flight.phase {
            Phase::Streaming => State::Streaming(id),
            _ => State::Connecting(id),
        };
        let key = flight.key;
        self.enter(key, state);
        Ok(seat)
    }

    /// Begins a flight behind a body that is given out meanwhile; if it cannot begin, the body must do.
    pub(crate) fn refresh_behind(&mut self, now: Time, key: usize) {
        let early = matches!(self.entries[key].state, State::Stale { retry_at: Some(at) } if now < at);
        if !early {
            let _refused = self.take_off(now, key, Bond::Background).err();
        }
    }

    /// A flight without a reader yet.
    pub(crate) fn take_off(&mut self, now: Time, key: usize, bond: Bond) -> Result<FlightId, Refusal> {
        if self.flights.len() >= self.settings.upstreams_max {
            return Err(Refusal::Upstreams(self.settings.upstreams_max));
        }
        if !self.make_room(now, FLIGHT_RESERVE_BYTES) {
            return Err(Refusal::NoMemory);
        }
        // The room may have cost the body behind which it was to be.
        let bodiless = bond == Bond::Background && self.entries[key].stored.is_none();
        let bond = if bodiless { Bond::Attached } else { bond };
        let log = self.store.open();
        let generation = match bond {
            Bond::Alone { .. } => self.entries[key].generation,
            Bond::Attached | Bond::Background => self.raise_generation(key),
        };
        self.counters.fetches_begun += 1;
        let mut flight = Flight::new(key, generation, bond, log, now);
        flight.number = self.counters.fetches_begun;
        let id = FlightId(self.flights.insert(flight));
        self.change_flight(id, |_| ());
        match bond {
            Bond::Attached => self.enter(key, State::Connecting(id)),
            Bond::Background => self.enter(key, State::Refreshing(id)),
            Bond::Alone { .. } => {}
        }
        self.orders.push_back(Order::Connect { flight: id, key: Rc::clone(&self.entries[key].name) });
        Ok(id)
    }

    /// Changes a flight, and its deadline with it.
    pub(crate) fn change_flight(&mut self, id: FlightId, change: impl FnOnce(&mut Flight)) {
        let Some(flight) = self.flights.get_mut(id.0) else { return };
        change(flight);
        let at = flight.deadline(&self.settings.limits);
        self.deadlines.set(Due::Flight(id), &mut flight.due, at);
    }

    /// Whether its connection may still bring something.
    pub(crate) fn is_flying(&self, id: FlightId) -> bool {
        self.flights.get(id.0).is_some_and(|flight| flight.phase != Phase::Cut)
    }

    pub(crate) fn flight_ids(&self, choose: impl Fn(&Self, &Flight) -> bool) -> Vec<FlightId> {
        let flying = self.flights.iter().filter(|(_, flight)| flight.phase != Phase::Cut);
        flying.filter(|(_, flight)| choose(self, flight)).map(|(ticket, _)| FlightId(ticket)).collect()
    }

    /// One of its deadlines has come.
    pub(crate) fn flight_due(&mut self, now: Time, id: FlightId) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let limit = flight.limit(&self.settings.limits).filter(|(at, _, _)| *at <= now);
        if let Some((_, limit, after)) = limit {
            let connected = matches!(flight.phase, Phase::Waiting | Phase::Streaming | Phase::Connecting);
            return self.fail(now, id, FlightError::TimedOut(limit, after), connected);
        }
        if matches!(flight.phase, Phase::Retrying(at) if at <= now) {
            let key = Rc::clone(&self.entries[flight.key].name);
            self.change_flight(id, |flight| flight.phase = Phase::Connecting);
            return self.orders.push_back(Order::Connect { flight: id, key });
        }
        if flight.linger_until.is_some_and(|at| at <= now) {
            return self.abandon(now, id, Outcome::Abandoned);
        }
        self.check_laggards(now, id);
    }

    /// Whether a refused attempt is repeated, within the connect limit.
    pub(crate) fn connects_again(&mut self, now: Time, id: FlightId) -> bool {
        let Some(flight) = self.flights.get(id.0) else { return false };
        let left = flight.retries < self.settings.connect_retries && flight.phase == Phase::Connecting;
        if left {
            self.change_flight(id, |flight| {
                flight.retries += 1;
                flight.phase = Phase::Retrying(now + CONNECT_RETRY_PAUSE);
            });
        }
        left
    }

    /// **The end is clean**: the body is stored if it can be believed.
    pub(crate) fn complete(&mut self, now: Time, id: FlightId) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let (key, log, bond) = (flight.key, flight.log, flight.bond);
        let stores = match bond {
            Bond::Attached | Bond::Background => flight.generation == self.entries[key].generation,
            // The key's own flight, if an operator has begun one meanwhile, brings a newer body.
            Bond::Alone { store } => store && self.entries[key].flight().is_none(),
        };
        let suspicion = self.suspicion(key, log);
        if let Some(suspicion) = suspicion {
            return self.suspect(now, id, suspicion);
        }
        self.store.change(log, Log::seal);
        if stores {
            self.keep(now, key, log);
            let next = if self.settings.ttl == Some(Duration::ZERO) { State::Empty } else { State::Fresh };
            self.release_readers(log);
            self.enter(key, next);
        } else {
            self.release_readers(log);
            self.store.give(log, Owner::Nobody);
        }
        let outcome = if stores { Outcome::Stored } else { Outcome::Served };
        self.report(now, id, outcome);
        self.forget_flight(id);
    }

    fn suspicion(&self, key: usize, log: super::store::LogId) -> Option<Suspicion> {
        let body = self.store.log(log).filter(|_| !self.settings.trust_every_end)?;
        let last = self.entries[key].stored.and_then(|stored| self.store.log(stored.log));
        match body.is_whole() {
            true => self.settings.checks.suspicion(body, last),
            false => None,
        }
    }

    /// Stores a good body in the place of the one before.
    fn keep(&mut self, now: Time, key: usize, log: super::store::LogId) {
        let before = self.entries[key].stored.and_then(|stored| {
            let same = self.store.log(stored.log)?.len() == self.store.log(log)?.len()
                && self.store.log(stored.log)?.agrees_with(self.store.log(log)?);
            same.then_some(stored.confirmations)
        });
        let confirmations = before.unwrap_or(0).saturating_add(1);
        let confirmed = confirmations >= self.settings.checks.confirm;
        let ttl = match self.settings.ttl {
            Some(ttl) if confirmed => Some(self.jitter.vary(ttl, TTL_JITTER_PERCENT)),
            None if confirmed => None,
            ttl => Some(ttl.unwrap_or(Duration::MAX).min(self.settings.checks.probation)),
        };
        self.give_up_body(key);
        if self.free_bytes() >= count(PACKED_BLOCK_BYTES) {
            self.store.change(log, Log::pack);
        }
        let fresh_until = ttl.map(|ttl| now + ttl);
        self.store.give(log, Owner::Entry);
        self.eviction.stored(key);
        let entry = &mut self.entries[key];
        entry.stored =
            Some(Stored { log, stored_at: now, fresh_until, confirmations, before: Before::default() });
        entry.learned_len = self.store.log(log).map(Log::len);
        entry.failures = 0;
        let body = self.store.log(log).map_or_else(|| Body::from_bytes(&[]), |log| Body::new(log.blocks()));
        let key = Rc::clone(&entry.name);
        self.orders.push_back(Order::Stored(StoredBody { key, body, fresh_for: ttl, confirmations }));
    }

    /// **The end is clean, but this cannot be all.**
    fn suspect(&mut self, now: Time, id: FlightId, suspicion: Suspicion) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let log = flight.log;
        let passes = self.settings.on_suspect == OnSuspect::Finish && suspicion != Suspicion::Empty;
        if passes {
            self.store.change(log, Log::seal);
            self.fail_readers(log, Some(Mode::Whole), &FlightError::Suspect(suspicion));
            self.release_readers(log);
        }
        self.fail(now, id, FlightError::Suspect(suspicion), false);
    }

    /// **A flight fails**, once for all who wait. `cut`: its connection is still there.
    pub(crate) fn fail(&mut self, now: Time, id: FlightId, why: FlightError, cut: bool) {
        let Some(flight) = self.flights.get(id.0).filter(|flight| flight.phase != Phase::Cut) else { return };
        let (key, log, bond) = (flight.key, flight.log, flight.bond);
        match bond {
            Bond::Attached => self.enter_after_failure(now, key, &why),
            Bond::Background => {
                let retry_at = self.retry_at(now, key, &why);
                let next = self.after_background(now, key, retry_at);
                self.enter(key, next);
            }
            Bond::Alone { .. } => {}
        }
        if bond != (Bond::Alone { store: false }) && self.helps_on_error(now, key) {
            self.rescue_readers(key, log);
        }
        self.fail_readers(log, None, &why);
        self.end_flight(now, id, Outcome::Failed(why), cut);
    }

    fn enter_after_failure(&mut self, now: Time, key: usize, why: &FlightError) {
        let next = match self.retry_at(now, key, why) {
            Some(retry_at) => State::Negative { retry_at, why: why.clone() },
            None => self.stale_or_empty(key),
        };
        self.enter(key, next);
    }

    /// Counts a failure of a key's upstream, and says how long it is left alone. What an operator or the end wanted is none.
    fn retry_at(&mut self, now: Time, key: usize, why: &FlightError) -> Option<Time> {
        if matches!(why, FlightError::Cancelled | FlightError::Draining | FlightError::Purged) {
            return None;
        }
        let back_off = self.settings.back_off?;
        let failures = self.entries[key].failures;
        self.entries[key].failures = failures.saturating_add(1);
        let refused =
            matches!(why, FlightError::Unreachable(error) if matches!(**error, ConnectError::Refused(_)));
        let first = if refused { back_off.first_refused } else { back_off.first };
        let pause = first.saturating_mul(2_u32.saturating_pow(failures)).min(back_off.max);
        Some(now + self.jitter.vary(pause, BACK_OFF_JITTER_PERCENT))
    }

    /// **Nobody wants the flight any more.** The key is changed before the connection is touched, so that a newcomer
    /// begins a flight of its own and never joins one that is being cut.
    pub(crate) fn abandon(&mut self, now: Time, id: FlightId, outcome: Outcome) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let (key, bond) = (flight.key, flight.bond);
        if matches!(bond, Bond::Attached | Bond::Background) {
            self.raise_generation(key);
            let next = match bond {
                Bond::Background => self.after_background(now, key, None),
                _ => self.stale_or_empty(key),
            };
            self.enter(key, next);
        }
        self.end_flight(now, id, outcome, true);
    }

    /// Ends a flight that no key knows any more.
    pub(crate) fn end_alone(&mut self, id: FlightId, why: &FlightError) {
        let Some(flight) = self.flights.get(id.0).filter(|flight| flight.phase != Phase::Cut) else { return };
        let (log, now) = (flight.log, flight.progress);
        self.fail_readers(log, None, why);
        self.end_flight(now, id, Outcome::Failed(why.clone()), true);
    }

    fn end_flight(&mut self, now: Time, id: FlightId, outcome: Outcome, cut: bool) {
        self.report(now, id, outcome);
        let Some(flight) = self.flights.get(id.0) else { return };
        let connected = cut && !matches!(flight.phase, Phase::Retrying(_));
        self.store.give(flight.log, Owner::Nobody);
        if !connected {
            return self.forget_flight(id);
        }
        self.short_of_memory.remove(&id);
        self.change_flight(id, |flight| {
            flight.phase = Phase::Cut;
            flight.linger_until = None;
            flight.lag_at = None;
        });
        self.orders.push_back(Order::Cut(id));
    }

    /// Its connection is gone.
    pub(crate) fn forget_flight(&mut self, id: FlightId) {
        if let Some(mut flight) = self.flights.remove(id.0) {
            self.deadlines.set(Due::Flight(id), &mut flight.due, None);
            self.short_of_memory.remove(&id);
        }
    }

    fn report(&mut self, now: Time, id: FlightId, outcome: Outcome) {
        let Some(flight) = self.flights.get(id.0) else { return };
        let bytes = self.store.log(flight.log).map_or(0, Log::len);
        self.counters.count(&outcome, bytes);
        self.orders.push_back(Order::Report(FlightReport {
            key: Rc::clone(&self.entries[flight.key].name),
            number: flight.number,
            generation: flight.generation,
            outcome,
            bytes,
            duration: now - flight.started,
            first_byte: flight.first_byte.map(|at| at - flight.started),
            readers_max: flight.readers_max,
        }));
    }
}
