//! What the cache did, in numbers: for metrics, the control socket, and tests.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::Time;

use super::Cache;
use super::entry::State;
use super::flight::{Bond, FlightId, Outcome, Phase};
use super::reasons::FlightError;
use super::store::Memory;

/// Counted since the start, unless a field says "now".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Readers that were given a fresh body.
    pub hits: u64,
    /// Readers that were given a body past its time.
    pub stale: u64,
    /// Readers that began a flight.
    pub misses: u64,
    /// Readers that joined a flight.
    pub collapsed: u64,
    /// Readers whose flight failed before their first byte, and who were given the body before it.
    pub rescued: u64,
    /// Readers turned away because the upstream had just failed.
    pub negative: u64,
    /// Readers that left a flight before its end.
    pub left: u64,
    /// Readers that got a flight of their own because the key's body is too large.
    pub uncacheable: u64,
    /// Readers turned away because of a limit.
    pub rejected: u64,
    /// Flights that were begun.
    pub fetches_begun: u64,
    /// Flights whose body was good.
    pub fetches_ok: u64,
    /// Flights that failed.
    pub fetches_error: u64,
    /// Flights whose end was suspect.
    pub fetches_suspect: u64,
    /// Flights that were cut because nobody waited, or because an operator or the end wanted it.
    pub fetches_cancelled: u64,
    /// Flights whose body was too large.
    pub fetches_too_large: u64,
    /// Flights that passed a time limit.
    pub fetches_stalled: u64,
    /// Bytes of flights that were cut before their end.
    pub cancelled_bytes: u64,
    /// Bytes that upstreams sent.
    pub upstream_bytes: u64,
    /// Bytes that readers took.
    pub client_bytes: u64,
    /// Bodies given up for others.
    pub evictions_size: u64,
    /// Bodies given up because their time was over.
    pub evictions_ttl: u64,
    /// Bodies given up by a purge.
    pub evictions_purge: u64,
    /// Readers of bodies that were given up, cut because memory was short.
    pub evictions_pressure: u64,
    /// Readers cut because they were too slow for a body that is not kept.
    pub slow_readers_detached: u64,
    /// Purges that found their key.
    pub purges: u64,
}

/// [`Counters`], and how things stand now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    counters: Counters,
    /// Flights now, those included that are being cut.
    pub flights: usize,
    /// Readers of flights now.
    pub waiters: usize,
    /// All readers now.
    pub readers: usize,
    /// Keys with a body now.
    pub entries: usize,
    /// Keys that are left alone after a failure now.
    pub negative_entries: usize,
    /// Memory now.
    pub memory: Memory,
}

impl std::ops::Deref for Statistics {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.counters
    }
}

/// How one key stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntryState {
    /// The key.
    pub key: Rc<str>,
    /// One word: `empty`, `connecting`, `streaming`, `fresh`, `stale`, `refreshing`, `negative`, `uncacheable`.
    pub state: &'static str,
    /// Its generation.
    pub generation: u64,
    /// How many bytes its body has.
    pub bytes: Option<u64>,
    /// How long ago the body was fetched.
    pub age: Option<Duration>,
    /// How long the body is still fresh; none if it is so for ever.
    pub fresh_for: Option<Duration>,
    /// When its upstream may be asked again after a failure.
    pub retry_in: Option<Duration>,
}

/// How one flight stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlightState {
    /// Which one.
    pub flight: FlightId,
    /// Which of all flights, counted from 1: its name for people.
    pub number: u64,
    /// Of which key.
    pub key: Rc<str>,
    /// Its generation.
    pub generation: u64,
    /// One word: `connecting`, `retrying`, `waiting`, `streaming`, `cut`.
    pub phase: &'static str,
    /// Whether newcomers join it.
    pub attached: bool,
    /// How many bytes came.
    pub bytes: u64,
    /// How many read it.
    pub readers: usize,
    /// How long it has been under way.
    pub age: Duration,
    /// Whether its upstream is paused.
    pub paused: bool,
}

impl Counters {
    /// Flights that ended without a body, for another reason than that nobody wanted it.
    #[must_use]
    pub const fn fetches_failed(&self) -> u64 {
        self.fetches_error + self.fetches_suspect + self.fetches_too_large + self.fetches_stalled
    }

    /// Counts the end of a flight.
    pub(crate) const fn count(&mut self, outcome: &Outcome, bytes: u64) {
        let counter = match outcome {
            Outcome::Stored | Outcome::Served => &mut self.fetches_ok,
            Outcome::Abandoned => &mut self.fetches_cancelled,
            Outcome::Failed(why) => match why {
                FlightError::Suspect(_) => &mut self.fetches_suspect,
                FlightError::TimedOut(..) => &mut self.fetches_stalled,
                FlightError::TooLarge(_) => &mut self.fetches_too_large,
                FlightError::Cancelled | FlightError::Draining | FlightError::Purged => {
                    &mut self.fetches_cancelled
                }
                FlightError::Unreachable(_)
                | FlightError::Broken(_)
                | FlightError::NoMemory
                | FlightError::Lagging => &mut self.fetches_error,
            },
        };
        *counter += 1;
        if !matches!(outcome, Outcome::Stored | Outcome::Served) {
            self.cancelled_bytes += bytes;
        }
    }
}

impl Cache {
    /// What was done, and how things stand.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let waiters = self.flights.iter().map(|(_, flight)| self.store.reader_count(flight.log)).sum();
        let negative = self.entries.iter().filter(|entry| matches!(entry.state, State::Negative { .. }));
        Statistics {
            counters: self.counters,
            flights: self.flights.len(),
            waiters,
            readers: self.readers.len(),
            entries: self.entries.iter().filter(|entry| entry.stored.is_some()).count(),
            negative_entries: negative.count(),
            memory: self.store.memory(),
        }
    }

    /// What was done: cheaper than [`Self::statistics`].
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How much memory there is in use: cheaper than [`Self::statistics`].
    #[must_use]
    pub const fn memory(&self) -> Memory {
        self.store.memory()
    }

    /// The flight of this number, while it is there.
    #[must_use]
    pub fn flight_by_number(&self, number: u64) -> Option<FlightId> {
        let mut flights = self.flights.iter();
        flights.find(|(_, flight)| flight.number == number).map(|(ticket, _)| FlightId(ticket))
    }

    /// Every key that is known, by name.
    #[must_use]
    pub fn entries(&self, now: Time) -> Vec<EntryState> {
        self.keys.values().map(|key| self.entry_state(now, *key)).collect()
    }

    fn entry_state(&self, now: Time, key: usize) -> EntryState {
        let entry = &self.entries[key];
        let retry_at = match &entry.state {
            State::Negative { retry_at, .. } => Some(*retry_at),
            State::Stale { retry_at } => *retry_at,
            _ => None,
        };
        EntryState {
            key: Rc::clone(&entry.name),
            state: entry.state.word(),
            generation: entry.generation,
            bytes: entry.stored.and_then(|stored| Some(self.store.log(stored.log)?.len())),
            age: entry.stored.map(|stored| now - stored.stored_at + stored.before.age),
            fresh_for: entry.stored.and_then(|stored| Some(stored.fresh_until? - now)),
            retry_in: retry_at.map(|at| at - now),
        }
    }

    /// Every flight under way, in no order that means anything.
    #[must_use]
    pub fn flights(&self, now: Time) -> Vec<FlightState> {
        let flights = self.flights.iter();
        flights
            .map(|(ticket, flight)| FlightState {
                flight: FlightId(ticket),
                number: flight.number,
                key: Rc::clone(&self.entries[flight.key].name),
                generation: flight.generation,
                phase: flight.phase.word(),
                attached: !matches!(flight.bond, Bond::Alone { .. }) && flight.phase != Phase::Cut,
                bytes: self.store.log(flight.log).map_or(0, super::log::Log::len),
                readers: self.store.reader_count(flight.log),
                age: now - flight.started,
                paused: flight.paused,
            })
            .collect()
    }
}

impl State {
    const fn word(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Connecting(_) => "connecting",
            Self::Streaming(_) => "streaming",
            Self::Fresh => "fresh",
            Self::Stale { .. } => "stale",
            Self::Refreshing(_) => "refreshing",
            Self::Negative { .. } => "negative",
            Self::Uncacheable { .. } => "uncacheable",
        }
    }
}

impl Phase {
    const fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Retrying(_) => "retrying",
            Self::Waiting => "waiting",
            Self::Streaming => "streaming",
            Self::Cut => "cut",
        }
    }
}
