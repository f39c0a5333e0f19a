//! What an operator may decide about the cache, with its defaults.

use std::time::Duration;

/// How long a body is fresh; `None` is for ever, as in the introduction.
pub const TTL: Option<Duration> = None;
/// The longest body that is kept and shared whole, in bytes.
pub const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// All memory for bodies, flights, and bodies that are still read after they were given up, in bytes.
pub const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How far the upstream of a body that is too large may be ahead of its fastest reader, and a reader behind that one
/// before its grace begins, in bytes.
pub const WINDOW_BYTES: u64 = 1024 * 1024;
/// How many different keys are remembered.
pub const KEYS_MAX: usize = 1024;
/// How many may wait for one flight.
pub const WAITERS_MAX: usize = 10_000;
/// How many upstream connections there may be at once, those included that are being cut.
pub const UPSTREAMS_MAX: usize = 64;
/// What an upstream may have read from its socket before it can be paused, in bytes: set aside for each flight.
pub const FLIGHT_RESERVE_BYTES: u64 = 64 * 1024;

/// What the cache does when the last waiter of a flight leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnAbandon {
    /// The upstream is cut at once: part 19 of the introduction.
    Cancel,
    /// It is cut if nobody else came within this time.
    Linger(Duration),
    /// It goes on, and what it brings is stored.
    Finish,
    /// It goes on if the body is nearly complete, judged by the length of the last good one; else it is cut.
    Adaptive,
}

/// What the readers of a body get whose end is suspect. It is not stored in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnSuspect {
    /// A reset: the only sign of an error that the protocol has.
    Abort,
    /// A clean end. For upstreams that are known to shorten their poems.
    Finish,
}

/// What happens to a body over [`Settings::body_bytes_max`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OnTooLarge {
    /// Its readers get it through a bounded window; it is not stored, and the key is marked.
    Window,
    /// The flight fails.
    Fail,
}

/// The time limits of a flight. Zero is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FlightLimits {
    /// To the connection, all repeated attempts included.
    pub connect: Duration,
    /// From the connection to the first byte.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// For the whole flight.
    pub total: Duration,
    /// For the whole of a flight that nobody waits for.
    pub background: Duration,
}

impl Default for FlightLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: Duration::ZERO,
            background: Duration::from_secs(300),
        }
    }
}

/// What makes the end of a body suspect.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Checks {
    /// Whether a body may be empty.
    pub allow_empty: bool,
    /// The fewest bytes of a good body.
    pub bytes_min: u64,
    /// How every good body ends; nothing is no check.
    pub ending: Vec<u8>,
    /// Whether a body is suspect that stops within the last good one.
    pub prefix: bool,
    /// How many flights must bring the same bytes before they are fresh for the whole time to live.
    pub confirm: u32,
    /// How long a body is fresh that is not confirmed yet.
    pub probation: Duration,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            allow_empty: false,
            bytes_min: 0,
            ending: Vec::new(),
            prefix: true,
            confirm: 1,
            probation: Duration::from_secs(5),
        }
    }
}

/// How long an upstream that failed is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BackOff {
    /// After the first failure; each further one doubles it.
    pub first: Duration,
    /// After the first failure, if the connection was refused: a restart is short.
    pub first_refused: Duration,
    /// It never gets longer than this.
    pub max: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            first_refused: Duration::from_millis(200),
            max: Duration::from_secs(30),
        }
    }
}

/// Everything that can be decided about a [`Cache`](super::Cache).
///
/// ```
/// use sestina_poetry::cache::{OnAbandon, Settings};
/// use std::time::Duration;
///
/// let mut settings = Settings::default();
/// settings.ttl = Some(Duration::from_secs(2 * 3600)); // exercise 14.2
/// settings.on_abandon = OnAbandon::Linger(Duration::from_secs(1));
/// assert_eq!(settings.upstreams_max, 64);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How long a body is fresh; `None` is for ever, zero is for those alone who waited for it.
    pub ttl: Option<Duration>,
    /// After its time to live: how long a body is still given out while a flight brings a new one.
    pub stale_while_revalidate: Duration,
    /// After its time to live: how long a body is still given out when no new one can be had.
    pub stale_if_error: Duration,
    /// What happens when the last waiter leaves.
    pub on_abandon: OnAbandon,
    /// What the readers of a suspect body get.
    pub on_suspect: OnSuspect,
    /// What happens to a body that is too large.
    pub on_too_large: OnTooLarge,
    /// How long a key stays marked whose body was too large.
    pub uncacheable_ttl: Duration,
    /// See [`BODY_BYTES_MAX`].
    pub body_bytes_max: u64,
    /// See [`MEMORY_BYTES_MAX`].
    pub memory_bytes_max: u64,
    /// See [`WINDOW_BYTES`].
    pub window_bytes: u64,
    /// How long a reader of a body that is too large may lag a whole window behind the fastest one before it is cut.
    pub lag_grace: Duration,
    /// See [`KEYS_MAX`].
    pub keys_max: usize,
    /// See [`WAITERS_MAX`].
    pub waiters_max: usize,
    /// See [`UPSTREAMS_MAX`].
    pub upstreams_max: usize,
    /// How often a refused or unreachable upstream is tried again within the connect limit.
    pub connect_retries: u32,
    /// The time limits of a flight.
    pub limits: FlightLimits,
    /// What makes an end suspect.
    pub checks: Checks,
    /// How long a failed upstream is left alone; `None`: not at all, the next client tries again.
    pub back_off: Option<BackOff>,
    /// Whether those who want the same key share a flight. The introduction's proxies do not.
    pub coalesce: bool,
    /// Whether every end counts as a clean one, a reset too. The introduction's proxies do so.
    pub trust_every_end: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: TTL,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            on_abandon: OnAbandon::Cancel,
            on_suspect: OnSuspect::Abort,
            on_too_large: OnTooLarge::Window,
            uncacheable_ttl: Duration::from_secs(120),
            body_bytes_max: BODY_BYTES_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            window_bytes: WINDOW_BYTES,
            lag_grace: Duration::from_secs(5),
            keys_max: KEYS_MAX,
            waiters_max: WAITERS_MAX,
            upstreams_max: UPSTREAMS_MAX,
            connect_retries: 0,
            limits: FlightLimits::default(),
            checks: Checks::default(),
            back_off: Some(BackOff::default()),
            coalesce: true,
            trust_every_end: false,
        }
    }
}
