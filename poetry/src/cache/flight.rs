//! One fetch under way, owned by the cache and never by who asked first.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::Time;

use super::reasons::{FlightError, Limit};
use super::settings::FlightLimits;
use super::slots::Ticket;
use super::store::LogId;

/// Names a flight, also after its end: then calls with it do nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FlightId(pub(crate) Ticket);

/// How a flight and its key belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bond {
    /// The key's flight: newcomers join it, and its body is stored.
    Attached,
    /// The key's flight while an older body is given out. Nobody reads it.
    Background,
    /// **Z**: it serves those alone whom it has. `store` if its body is stored all the same, unless the key has a flight of its own.
    Alone { store: bool },
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Connecting,
    /// Refused; it connects again then.
    Retrying(Time),
    /// Connected, without a byte.
    Waiting,
    Streaming,
    /// Cut; its connection is not confirmed to be gone.
    Cut,
}

/// One fetch.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) key: usize,
    /// Counted from 1, over all keys.
    pub(crate) number: u64,
    pub(crate) generation: u64,
    pub(crate) bond: Bond,
    pub(crate) phase: Phase,
    pub(crate) log: LogId,
    pub(crate) started: Time,
    /// When it connected, said something, or was resumed last.
    pub(crate) progress: Time,
    pub(crate) first_byte: Option<Time>,
    pub(crate) retries: u32,
    /// An operator wants its body, so that nobody's leaving ends it.
    pub(crate) errand: bool,
    pub(crate) linger_until: Option<Time>,
    pub(crate) paused: bool,
    /// Where the readers are, if what all have read is forgotten.
    pub(crate) window: Option<BTreeMap<u64, usize>>,
    /// When the next reader has lagged too long.
    pub(crate) lag_at: Option<Time>,
    pub(crate) readers_max: usize,
    pub(crate) due: Option<Time>,
}

impl Flight {
    pub(crate) const fn new(key: usize, generation: u64, bond: Bond, log: LogId, now: Time) -> Self {
        Self {
            key,
            number: 0,
            generation,
            bond,
            phase: Phase::Connecting,
            log,
            started: now,
            progress: now,
            first_byte: None,
            retries: 0,
            errand: false,
            linger_until: None,
            paused: false,
            window: None,
            lag_at: None,
            readers_max: 0,
            due: None,
        }
    }

    /// The limit that passes first, if nothing comes.
    pub(crate) fn limit(&self, limits: &FlightLimits) -> Option<(Time, Limit, Duration)> {
        let total = if self.bond == Bond::Background { limits.background } else { limits.total };
        let phase = match self.phase {
            Phase::Connecting | Phase::Retrying(_) => Some((self.started, Limit::Connect, limits.connect)),
            Phase::Waiting if !self.paused => Some((self.progress, Limit::FirstByte, limits.first_byte)),
            Phase::Streaming if !self.paused => Some((self.progress, Limit::Idle, limits.idle)),
            Phase::Waiting | Phase::Streaming | Phase::Cut => None,
        };
        let total = (self.phase != Phase::Cut).then_some((self.started, Limit::Total, total));
        let set = [phase, total].into_iter().flatten().filter(|(_, _, after)| !after.is_zero());
        set.map(|(from, limit, after)| (from + after, limit, after)).min()
    }

    /// When it must be looked at again.
    pub(crate) fn deadline(&self, limits: &FlightLimits) -> Option<Time> {
        let retry = match self.phase {
            Phase::Retrying(at) => Some(at),
            _ => None,
        };
        let limit = self.limit(limits).map(|(at, _, _)| at);
        [retry, limit, self.linger_until, self.lag_at].into_iter().flatten().min()
    }
}

/// How a flight ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Its body was stored.
    Stored,
    /// Its body was given to its readers and not stored.
    Served,
    /// It failed, or was ended for this reason.
    Failed(FlightError),
    /// The last waiter left.
    Abandoned,
}

impl Outcome {
    /// One word, in lower case: for logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Served => "served",
            Self::Abandoned => "abandoned",
            Self::Failed(why) => match why {
                FlightError::Unreachable(_) => "unreachable",
                FlightError::Broken(_) => "broken",
                FlightError::TimedOut(..) => "stalled",
                FlightError::Suspect(_) => "suspect",
                FlightError::TooLarge(_) => "too-large",
                FlightError::NoMemory => "no-memory",
                FlightError::Purged => "purged",
                FlightError::Lagging => "lagging",
                FlightError::Cancelled => "cancelled",
                FlightError::Draining => "draining",
            },
        }
    }

    /// Who ended the flight before its end, if it was not the upstream.
    #[must_use]
    pub const fn ended_by(&self) -> Option<&'static str> {
        match self {
            Self::Stored | Self::Served => None,
            Self::Abandoned => Some("the last waiter"),
            Self::Failed(why) => match why {
                FlightError::Unreachable(_) | FlightError::Broken(_) | FlightError::Suspect(_) => None,
                FlightError::TimedOut(..) => Some("a time limit"),
                FlightError::TooLarge(_) | FlightError::NoMemory => Some("a memory limit"),
                FlightError::Purged => Some("a purge"),
                FlightError::Lagging => Some("a slow reader"),
                FlightError::Cancelled => Some("an operator"),
                FlightError::Draining => Some("the shutdown"),
            },
        }
    }
}

/// What the log says of a flight, once, at its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlightReport {
    /// Of which key.
    pub key: Rc<str>,
    /// Which of all flights, counted from 1.
    pub number: u64,
    /// Which of the key's flights.
    pub generation: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// How many bytes came.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
    /// How long the first byte took, if one came.
    pub first_byte: Option<Duration>,
    /// How many read it at once, at most.
    pub readers_max: usize,
}
