//! Ready-made layers: counting, a traffic log, rate limits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::layer::{Layer, LayerIo};
use crate::rate::{Bucket, PipeRate};
use crate::statistics::wide;
use crate::time::Time;

/// Counts the bytes that pass, in both directions; several connections may share one count.
///
/// ```
/// use sestina_reactor::{Conn, Counting, Protocol};
///
/// struct Counted(Counting);
/// impl Protocol for Counted {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.add_layer(self.0.clone());
///         conn.write(b"counted");
///     }
/// }
/// let count = Counting::default();
/// let protocol = Counted(count.clone());
/// assert_eq!((count.received(), count.sent()), (0, 0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counting {
    received: Rc<Cell<u64>>,
    sent: Rc<Cell<u64>>,
}

impl Counting {
    /// Bytes from the peer so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes for the peer so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }
}

fn add(count: &Cell<u64>, bytes: &[u8]) {
    count.set(count.get() + wide(bytes.len()));
}

impl Layer for Counting {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        add(&self.received, bytes);
        io.pass_up(bytes);
    }

    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        add(&self.sent, bytes);
        io.pass_down(bytes);
    }
}

/// How many bytes of one piece a traffic log shows, unless [`TrafficLog::with_bytes_max`] said otherwise.
pub const TRAFFIC_LOG_BYTES_MAX: usize = 1024;

/// Writes what passes into the log, at the level `trace`, escaped, with a name of your choice.
///
/// ```
/// use sestina_reactor::{Conn, Protocol, TrafficLog};
///
/// struct Server;
/// impl Protocol for Server {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.add_layer(TrafficLog::new("server").with_bytes_max(80));
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TrafficLog {
    name: String,
    bytes_max: usize,
}

impl TrafficLog {
    /// A log under this name, with at most [`TRAFFIC_LOG_BYTES_MAX`] bytes of each piece.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), bytes_max: TRAFFIC_LOG_BYTES_MAX }
    }

    /// Shows at most this many bytes of each piece.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    fn note(&self, direction: &str, bytes: &[u8]) {
        let shown = &bytes[..bytes.len().min(self.bytes_max)];
        tracing::trace!(name = %self.name, direction, count = bytes.len(), bytes = %shown.escape_ascii(), "traffic");
    }
}

impl Layer for TrafficLog {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.note("in", bytes);
        io.pass_up(bytes);
    }

    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.note("out", bytes);
        io.pass_down(bytes);
    }

    fn incoming_ended(&mut self, io: &mut LayerIo) {
        tracing::trace!(name = %self.name, direction = "in", "traffic ended");
        io.end_up();
    }

    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        tracing::trace!(name = %self.name, direction = "out", "traffic ended");
        io.end_down();
    }
}

/// How long a rate limit sleeps at least: shorter sleeps cost more than they even out.
const RATE_SLEEP_MIN: Duration = Duration::from_millis(1);

/// Lets through only so many bytes a second, in each direction: a token bucket each.
///
/// What has no token waits here (outgoing) or in the kernel (incoming: reading is paused), so the limit slows the
/// producer down, whichever side it is on.
///
/// ```
/// use sestina_reactor::{Conn, Protocol, RateLimit};
///
/// struct Slow;
/// impl Protocol for Slow {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.add_layer(RateLimit::new(10_000).with_burst(1_000)); // bytes a second, and at once after a pause
///         conn.write(b"a long story");
///     }
/// }
/// ```
#[derive(Debug)]
pub struct RateLimit {
    limit: PipeRate,
    outgoing: Lane,
    incoming: Lane,
}

impl RateLimit {
    /// This many bytes a second in each direction, and as many at once after a pause. At least one.
    #[must_use]
    pub fn new(bytes_per_second: u32) -> Self {
        let rate = u64::from(bytes_per_second.max(1));
        Self::with_limit(PipeRate::new(rate).with_burst(rate))
    }

    /// At most this many bytes at once after a pause. At least one.
    #[must_use]
    pub fn with_burst(self, bytes: u32) -> Self {
        Self::with_limit(self.limit.with_burst(u64::from(bytes)))
    }

    fn with_limit(limit: PipeRate) -> Self {
        Self { limit, outgoing: Lane::new(limit), incoming: Lane::new(limit) }
    }
}

/// One direction: what it may pass, and what waits.
#[derive(Debug)]
struct Lane {
    bucket: Bucket,
    waiting: Vec<u8>,
    ended: bool,
}

impl Lane {
    fn new(limit: PipeRate) -> Self {
        // Full, so it does not matter since when.
        Self { bucket: Bucket::new(limit, Time::ZERO), waiting: Vec::new(), ended: false }
    }

    /// The bytes that may pass now, and whether the end comes right after them.
    fn pass(&mut self, now: Time) -> (Vec<u8>, bool) {
        let count = self.waiting.len().min(self.bucket.fill(now));
        self.bucket.spend(count);
        let passed = self.waiting.drain(..count).collect();
        (passed, self.waiting.is_empty() && std::mem::take(&mut self.ended))
    }

    /// How long it takes until a good part of what waits may pass.
    fn delay(&self) -> Option<Duration> {
        let delay = || self.bucket.wait_for_half(self.waiting.len()).max(RATE_SLEEP_MIN);
        (!self.waiting.is_empty()).then(delay)
    }
}

impl RateLimit {
    fn go_on(&mut self, io: &mut LayerIo) {
        let (up, up_ended) = self.incoming.pass(io.now());
        io.pass_up(&up);
        if up_ended {
            io.end_up();
        }
        let (down, down_ended) = self.outgoing.pass(io.now());
        io.pass_down(&down);
        if down_ended {
            io.end_down();
        }
        io.pause_incoming(!self.incoming.waiting.is_empty());
        if let Some(delay) = self.incoming.delay().into_iter().chain(self.outgoing.delay()).min() {
            io.wake_after(delay);
        }
    }
}

impl Layer for RateLimit {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.incoming.waiting.extend_from_slice(bytes);
        self.go_on(io);
    }

    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.outgoing.waiting.extend_from_slice(bytes);
        self.go_on(io);
    }

    fn incoming_ended(&mut self, io: &mut LayerIo) {
        if self.incoming.waiting.is_empty() {
            return io.end_up();
        }
        self.incoming.ended = true;
    }

    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        if self.outgoing.waiting.is_empty() {
            return io.end_down();
        }
        self.outgoing.ended = true;
    }

    fn timer(&mut self, io: &mut LayerIo) {
        self.go_on(io);
    }

    fn held(&self) -> usize {
        self.outgoing.waiting.len()
    }
}
