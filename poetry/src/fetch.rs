//! Fetching one poem into memory, and why that may fail.
//!
//! Walk: [`Fetch::start`] makes an attempt (`attempt.rs`) and gathers its pieces. Several poems, piece by piece, with
//! retries: [`Downloads`](crate::Downloads).
//! Tests: `tests/suite/fetching.rs`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::Deferred;
use sestina_reactor::{Endpoint, Lost, Reactor};

use crate::attempt::{Bounds, Sink, attempt};
use crate::poem::{POEM_BYTES_MAX, Poem};

/// Fetches a poem without any options: [`Fetch`] has them.
///
/// # Errors
/// The deferred fails with a [`ConnectError`](sestina_reactor::ConnectError), or with a [`FetchError`] when there was a connection.
///
/// # Cancelling
/// Stops connecting, or cuts the connection, at once; then the deferred fails with `Cancelled`.
///
/// ```
/// use sestina_poetry::{FastPoetry, Poem, get_poem};
/// use sestina_reactor::Endpoint;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10000".parse()?;
/// reactor.listen(&at, FastPoetry::new(Poem::from_bytes("a poem of one line")))?;
/// let poem = reactor.run_until(get_poem(&reactor, &at)).map_err(|failure| failure.to_string())?;
/// assert_eq!(poem.as_bytes(), b"a poem of one line");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn get_poem(reactor: &Reactor, from: &Endpoint) -> Deferred<Poem> {
    Fetch::new(from.clone()).start(reactor)
}

/// One download: from where, within which limits, and who wants to hear how far it is.
///
/// ```
/// use sestina_poetry::{Fetch, Poem, SlowPoetry};
/// use sestina_reactor::Endpoint;
/// use std::cell::RefCell;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10001".parse()?;
/// reactor.listen(&at, SlowPoetry::new(Poem::from_bytes("as slow as possible")))?;
/// let heard = Rc::new(RefCell::new(Vec::new()));
/// let hears = Rc::clone(&heard);
/// let fetch = Fetch::new(at)
///     .with_idle_max(Duration::from_secs(30))
///     .on_progress(move |bytes| hears.borrow_mut().push(bytes));
/// reactor.run_until(fetch.start(&reactor)).map_err(|failure| failure.to_string())?;
/// assert_eq!(*heard.borrow(), [10, 19]); // so many bytes so far
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Fetch {
    from: Endpoint,
    bytes_max: usize,
    idle_max: Option<Duration>,
    progress: Option<Progress>,
}

/// Hears how many bytes have come.
type Progress = Box<dyn FnMut(usize)>;

impl Fetch {
    /// A download from this poet: at most [`POEM_BYTES_MAX`], however long it takes.
    #[must_use]
    pub fn new(from: Endpoint) -> Self {
        Self { from, bytes_max: POEM_BYTES_MAX, idle_max: None, progress: None }
    }

    /// Sets how long a poem may be.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Sets how long the poet may send nothing. Connecting has the endpoint's own limit.
    #[must_use]
    pub fn with_idle_max(self, idle_max: Duration) -> Self {
        Self { idle_max: Some(idle_max), ..self }
    }

    /// Has `f` called with the number of bytes so far, whenever some came.
    #[must_use]
    pub fn on_progress(self, f: impl FnMut(usize) + 'static) -> Self {
        Self { progress: Some(Box::new(f)), ..self }
    }

    /// Starts it. Nothing fires from inside this call.
    ///
    /// # Errors
    /// See [`get_poem`].
    ///
    /// # Cancelling
    /// See [`get_poem`].
    pub fn start(self, reactor: &Reactor) -> Deferred<Poem> {
        let bounds = Bounds { bytes_max: self.bytes_max, idle_max: self.idle_max };
        let gathering = Gathering { received: Vec::new(), progress: self.progress };
        attempt(reactor, &self.from, bounds, gathering).map(|gathering| Poem::from_bytes(gathering.received))
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Fetch")
            .field("from", &self.from)
            .field("bytes_max", &self.bytes_max)
            .field("idle_max", &self.idle_max)
            .finish_non_exhaustive()
    }
}

/// A poem in the making.
struct Gathering {
    received: Vec<u8>,
    progress: Option<Progress>,
}

impl Sink for Gathering {
    fn piece(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.received.extend_from_slice(bytes);
        if let Some(progress) = &mut self.progress {
            progress(self.received.len());
        }
        Ok(())
    }
}

/// Why there was a connection and no poem.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The poet reset the connection: what came is perhaps a part of a poem.
    Reset {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes had come.
        received: usize,
    },
    /// The poet sent nothing for longer than `with_idle_max` allows.
    TimedOut {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes had come.
        received: usize,
        /// The limit that passed.
        limit: Duration,
    },
    /// The poem is longer than `with_bytes_max` allows.
    TooLarge {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes were allowed.
        limit: usize,
    },
    /// The poet closed the connection and had sent nothing.
    Empty {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
    },
    /// The poem took longer than [`FetchOptions::with_timeout`](crate::FetchOptions::with_timeout) allows.
    TookTooLong {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes had come.
        received: usize,
        /// The limit that passed.
        limit: Duration,
    },
    /// A download that was interrupted could not go on: the poet now has another poem, and a part of the first is used.
    Different {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes are used.
        used: usize,
    },
    /// Too much is held for later already, and nothing of it can be let go: see [`Merge::room`](crate::Merge::room).
    NoRoom {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes may be held, over all poems.
        limit: usize,
    },
    /// The poem of another poet was first: see [`race`](crate::race).
    NotFirst {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
    },
    /// The connection ended in another way; the reason is the source.
    Lost {
        /// The poet, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes had come.
        received: usize,
        /// How it ended.
        why: Lost,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset { peer, received } => {
                write!(out, "{peer} reset the connection after {received} bytes: that is not a whole poem")
            }
            Self::TimedOut { peer, received, limit } => {
                write!(out, "{peer} sent nothing for {limit:?} after {received} bytes: allow it more time")
            }
            Self::TooLarge { peer, limit } => {
                write!(out, "{peer} sends more than {limit} bytes: allow more, or is that no poet?")
            }
            Self::Empty { peer } => {
                write!(out, "{peer} closed the connection without a poem: its log may say why")
            }
            Self::TookTooLong { peer, received, limit } => {
                write!(out, "{peer} took longer than {limit:?}, {received} bytes came: allow it more time")
            }
            Self::Different { peer, used } => {
                write!(out, "{peer} has another poem now, and the first {used} bytes of the old one are used")
            }
            Self::NoRoom { peer, limit } => {
                write!(
                    out,
                    "no room for the poem of {peer}: the poems that are held have {limit} bytes already"
                )
            }
            Self::NotFirst { peer } => write!(out, "{peer} was not the first"),
            Self::Lost { peer, received, .. } => {
                write!(out, "lost {peer} after {received} bytes: that is not a whole poem")
            }
        }
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Lost { why, .. } => Some(why),
            _ => None,
        }
    }
}
