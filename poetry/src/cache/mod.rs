//! The cache's core: bodies fetched once for all who want them, streamed while they come, kept, and given up.
//!
//! No sockets, no clock, no randomness of its own: [`Cache`] is told what happened and when, and answers with
//! [`Order`]s. `table.rs` is the state machine, event by event; beside it stand `flights.rs` (how a flight begins and
//! ends), `readers.rs` (what a reader gets) and `room.rs` (what goes when memory is short).
//!
//! ```text
//! front: a client      -> subscribe -> ReaderId         cache -> Order::Connect -> an upstream connection
//! front: read, advance <- Order::Wake                   upstream: received, ended -> cache
//! front: cancel (left) -> Order::Cut -> the upstream is aborted, and `ended` confirms it
//! ```
//!
//! Invariant: the state is changed first; whoever must hear of it is told by an order, after the call.
//! Invariant: at most one flight belongs to a key. Nothing is stored from a flight whose generation is old.
//! Invariant: every reader ends exactly once, by [`Reading::End`], [`Reading::Failed`], [`Reading::Whole`] or
//! [`Cache::cancel`], and got a prefix of its body, in order.
//! Invariant: memory counts every byte, and stays within its limit.
//! Tests: `tests/suite/cache_states.rs` (the table, cell by cell), `tests/suite/cache_model.rs` (random schedules).

mod checks;
mod deadlines;
mod entry;
mod eviction;
mod flight;
mod flights;
mod log;
mod orders;
mod reader;
mod readers;
mod reasons;
mod restore;
mod room;
mod settings;
mod slots;
mod statistics;
mod store;
mod table;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use sestina_reactor::Time;

use deadlines::Deadlines;
use entry::Entry;
use flight::Flight;
use reader::Reader;
use slots::Slots;
use store::Store;

pub use eviction::{Eviction, LeastRecentlyUsed};
pub use flight::{FlightId, FlightReport, Outcome};
pub use log::{BLOCK_BYTES, Piece};
pub use orders::{Order, StoredBody};
pub use reader::{Admission, Body, Mode, Prospect, ReaderId, Reading};
pub use reasons::{FlightError, Limit, Refusal, Suspicion, UpstreamEnd};
pub use restore::{KeptBody, NotRestored};
pub use settings::{
    BODY_BYTES_MAX, BackOff, Checks, FLIGHT_RESERVE_BYTES, FlightLimits, KEYS_MAX, MEMORY_BYTES_MAX,
    OnAbandon, OnSuspect, OnTooLarge, Settings, TTL, UPSTREAMS_MAX, WAITERS_MAX, WINDOW_BYTES,
};
pub use statistics::{Counters, EntryState, FlightState, Statistics};
pub use store::Memory;
pub use table::Purge;

/// The state machine: see the module.
///
/// ```
/// use sestina_poetry::cache::{Cache, Mode, Order, Reading, Settings, UpstreamEnd};
/// use sestina_reactor::{Lost, Time};
///
/// let now = Time::ZERO;
/// let mut cache = Cache::new(Settings::default(), 7);
/// let reader = cache.subscribe(now, "fascination", Mode::Stream).unwrap();
/// let Some(Order::Connect { flight, .. }) = cache.next_order() else { panic!("nobody fetches it") };
/// cache.connected(now, flight);
/// cache.received(now, flight, b"The fascination of what's difficult");
/// cache.ended(now, flight, UpstreamEnd::Lost(Lost::Done));
///
/// let Reading::Bytes(piece) = cache.read(now, reader) else { panic!("nothing came") };
/// let length = piece.as_bytes().len();
/// cache.advance(now, reader, length);
/// assert!(matches!(cache.read(now, reader), Reading::End));
/// assert_eq!(cache.statistics().fetches_ok, 1);
/// ```
pub struct Cache {
    settings: Settings,
    keys: BTreeMap<Rc<str>, usize>,
    entries: Vec<Entry>,
    free_entries: Vec<usize>,
    flights: Slots<Flight>,
    readers: Slots<Reader>,
    store: Store,
    eviction: Box<dyn Eviction>,
    /// Keys whose body goes before all others: it is past its time.
    past_time: BTreeSet<usize>,
    /// Flights that wait for memory.
    short_of_memory: BTreeSet<FlightId>,
    deadlines: Deadlines,
    orders: VecDeque<Order>,
    generation: u64,
    jitter: Jitter,
    draining: Option<Time>,
    drain_due: Option<Time>,
    counters: Counters,
}

impl Cache {
    /// An empty cache. `seed` decides the jitter of back-off and time to live.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self::with_eviction(settings, seed, LeastRecentlyUsed::default())
    }

    /// With another policy for what goes first.
    #[must_use]
    pub fn with_eviction(settings: Settings, seed: u64, eviction: impl Eviction + 'static) -> Self {
        Self {
            settings,
            keys: BTreeMap::new(),
            entries: Vec::new(),
            free_entries: Vec::new(),
            flights: Slots::new(),
            readers: Slots::new(),
            store: Store::new(),
            eviction: Box::new(eviction),
            past_time: BTreeSet::new(),
            short_of_memory: BTreeSet::new(),
            deadlines: Deadlines::default(),
            orders: VecDeque::new(),
            generation: 0,
            jitter: Jitter { state: seed },
            draining: None,
            drain_due: None,
            counters: Counters::default(),
        }
    }

    /// What was decided about it.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the owner must do next; ask until there is nothing. Orders are given in the order in which they arose.
    pub fn next_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Whether there is an order.
    #[must_use]
    pub fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// When [`Self::tick`] must be called, if nothing else is before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cache")
            .field("keys", &self.keys.len())
            .field("flights", &self.flights.len())
            .field("readers", &self.readers.len())
            .field("memory", &self.store.memory())
            .finish_non_exhaustive()
    }
}

/// Small random numbers, so that many keys do not fail or expire together.
struct Jitter {
    state: u64,
}

impl Jitter {
    /// `around`, or up to `percent` per cent less or more.
    fn vary(&mut self, around: std::time::Duration, percent: u32) -> std::time::Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let thousandths = u32::try_from((mixed >> 32) % u64::from(20 * percent + 1)).unwrap_or(0);
        around.saturating_mul(1000 - 10 * percent + thousandths) / 1000
    }
}
