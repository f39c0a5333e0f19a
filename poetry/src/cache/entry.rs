//! What is known about one key.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::Time;

use super::flight::FlightId;
use super::reasons::FlightError;
use super::store::LogId;

/// The states of a key: the columns of the table in `table.rs`.
#[derive(Clone, Debug, Default)]
pub(crate) enum State {
    /// **E**: nothing to give, nothing under way.
    #[default]
    Empty,
    /// **C**: a flight without a byte yet; its waiters are parked.
    Connecting(FlightId),
    /// **S**: a flight whose bytes are handed on as they come.
    Streaming(FlightId),
    /// **F**: a body to give.
    Fresh,
    /// **T**: a body past its time. `retry_at` is when it may be fetched again after a failure.
    Stale { retry_at: Option<Time> },
    /// **R**: a body past its time, and a flight in the background.
    Refreshing(FlightId),
    /// **N**: the upstream failed, and is left alone until `retry_at`.
    Negative { retry_at: Time, why: FlightError },
    /// **U**: the body was too large until a moment ago: everybody gets a flight of their own.
    Uncacheable { until: Time },
}

/// A body that was stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) log: LogId,
    pub(crate) stored_at: Time,
    /// `None` is for ever.
    pub(crate) fresh_until: Option<Time>,
    /// How many flights in a row brought these bytes.
    pub(crate) confirmations: u32,
    pub(crate) before: Before,
}

/// What a body had behind it when it was restored from a copy; nothing for one that a flight brought. A reactor's time
/// begins with its driver, so no point in it can say this.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    /// How old it was.
    pub(crate) age: Duration,
    /// For how long it had been past its time.
    pub(crate) past_time: Duration,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Rc<str>,
    /// Which flight may store: every flight and every purge raises it.
    pub(crate) generation: u64,
    pub(crate) state: State,
    /// In `Empty`, `Connecting`, `Streaming` and `Negative` it is there to compare with, and for `stale_if_error`.
    pub(crate) stored: Option<Stored>,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// How long the last good body was, in bytes.
    pub(crate) learned_len: Option<u64>,
    pub(crate) due: Option<Time>,
}

impl Entry {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            generation: 0,
            state: State::Empty,
            stored: None,
            failures: 0,
            learned_len: None,
            due: None,
        }
    }

    /// The flight that belongs to this key.
    pub(crate) const fn flight(&self) -> Option<FlightId> {
        match self.state {
            State::Connecting(flight) | State::Streaming(flight) | State::Refreshing(flight) => Some(flight),
            _ => None,
        }
    }
}
