//! The slow poet: a few bytes, a pause, a few bytes, to each client at its own pace.
//!
//! Walk: each connection has the reactor's one timer for it, and a place in the shared poem: nothing else, so thousands
//! of clients are thousands of small structs. A client that does not read pauses its own timer and nobody else's.
//! Differs from the original: `num_bytes` counts bytes, where the original counts characters, so a poem that is not
//! ASCII comes in smaller pieces; and the end comes together with the last piece, not one delay later.
//! Invariant: a paused poet has no timer.
//! Tests: `tests/suite/slow_poetry.rs`, `tests/suite/talking_clients.rs`.

use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, Factory, Lost, Protocol};

use crate::input::{INPUT_BYTES_MAX, drop_bytes};
use crate::poem::Poem;

/// How many bytes a slow poet sends at a time, unless [`SlowPoetry::with_num_bytes`] said otherwise.
pub const SLOW_NUM_BYTES: NonZeroUsize = NonZeroUsize::new(10).expect("ten is not zero");
/// How long a slow poet waits between two pieces, unless [`SlowPoetry::with_delay`] said otherwise.
pub const SLOW_DELAY: Duration = Duration::from_millis(700);

/// Serves a poem to everybody who connects, `num_bytes` every `delay`; the first piece comes at once.
///
/// A client that has closed its own direction still gets the rest: only a reset ends a poem early. What a client says
/// is dropped.
///
/// # Limits
/// A client that says more than [`INPUT_BYTES_MAX`] is cut. A poem has less than 4 GiB: a connection that has
/// sent so much of a longer one panics.
///
/// ```
/// use sestina_poetry::{Poem, SlowPoetry, get_poem};
/// use sestina_reactor::Endpoint;
/// use std::time::Duration;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10001".parse()?;
/// let poet = SlowPoetry::new(Poem::from_bytes([b'o'; 90]))
///     .with_num_bytes(30.try_into()?)
///     .with_delay(Duration::from_secs(1));
/// reactor.listen(&at, poet)?;
/// let begun = reactor.now();
/// reactor.run_until(get_poem(&reactor, &at)).map_err(|failure| failure.to_string())?;
/// assert_eq!((reactor.now() - begun).as_secs(), 2); // three pieces, two pauses
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SlowPoetry {
    plan: Rc<Plan>,
}

/// What all connections of a [`SlowPoetry`] do alike: there may be thousands, and each pays one pointer for it.
#[derive(Clone, Debug)]
struct Plan {
    poem: Poem,
    num_bytes: NonZeroUsize,
    delay: Duration,
    input_bytes_max: u64,
}

impl SlowPoetry {
    /// Serves this poem, [`SLOW_NUM_BYTES`] every [`SLOW_DELAY`].
    #[must_use]
    pub fn new(poem: Poem) -> Self {
        let (num_bytes, delay, input_bytes_max) = (SLOW_NUM_BYTES, SLOW_DELAY, INPUT_BYTES_MAX);
        Self { plan: Rc::new(Plan { poem, num_bytes, delay, input_bytes_max }) }
    }

    /// Sets how many bytes are sent at a time.
    #[must_use]
    pub fn with_num_bytes(mut self, num_bytes: NonZeroUsize) -> Self {
        Rc::make_mut(&mut self.plan).num_bytes = num_bytes;
        self
    }

    /// Sets how long the pause between two pieces is. Zero is one piece in each turn of the reactor.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        Rc::make_mut(&mut self.plan).delay = delay;
        self
    }

    /// Sets how much a client may say before it is cut.
    #[must_use]
    pub fn with_input_bytes_max(mut self, input_bytes_max: u64) -> Self {
        Rc::make_mut(&mut self.plan).input_bytes_max = input_bytes_max;
        self
    }
}

impl Factory for SlowPoetry {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        let plan = Rc::clone(&self.plan);
        Some(Box::new(SlowPoet { plan, heard: 0, sent: 0, pace: Pace::Flowing }))
    }
}

/// Whether a client takes what it gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Flowing,
    /// The client does not read: no timer runs.
    Paused,
}

/// One connection of a [`SlowPoetry`].
struct SlowPoet {
    plan: Rc<Plan>,
    /// Bytes that the client has said.
    heard: u64,
    /// Bytes of the poem that were written. Invariant: never above the poem's length.
    sent: u32,
    pace: Pace,
}

impl SlowPoet {
    fn write_piece(&mut self, conn: &mut Conn<'_>) {
        let (plan, begin) = (&*self.plan, self.sent());
        let end = plan.poem.len().min(begin.saturating_add(plan.num_bytes.get()));
        conn.write_shared_range(plan.poem.share(), begin..end);
        if end == plan.poem.len() {
            conn.lose_connection();
        } else {
            conn.set_timer(plan.delay);
        }
        self.sent = u32::try_from(end).expect("a poem is shorter than 4 GiB");
    }

    fn sent(&self) -> usize {
        usize::try_from(self.sent).expect("an index of the poem")
    }
}

impl Protocol for SlowPoet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        tracing::info!("sending {} bytes of poetry to {}, slowly", self.plan.poem.len(), conn.peer());
        self.write_piece(conn);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.write_piece(conn);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        drop_bytes(conn, data, &mut self.heard, self.plan.input_bytes_max);
    }

    /// A client that has said all it wanted to say may still listen.
    fn read_closed(&mut self, _conn: &mut Conn<'_>) {}

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        self.pace = Pace::Paused;
        conn.cancel_timer();
    }

    /// Comes without a pause too; then the timer runs and keeps its time.
    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        let paused = std::mem::replace(&mut self.pace, Pace::Flowing) == Pace::Paused;
        if paused && self.sent() < self.plan.poem.len() {
            conn.set_timer(self.plan.delay);
        }
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        let whole = self.plan.poem.len();
        if self.sent() < whole {
            tracing::info!("{} left after {} of {whole} bytes: {why}", conn.peer(), self.sent);
        }
    }
}
