//! Fetching a poem: connect, take everything, and believe only a clean end.
//!
//! The protocol has no length, so the end of the connection is the end of the poem, and how it ended is all that tells
//! a whole poem from a torn one. Only [`Lost::Done`] is a poem.
//!
//! Walk: [`Fetch::start`] connects; the connection's protocol collects and fires the deferred in `connection_lost`.
//! Tests: `tests/fetching.rs`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Resolver, deferred};
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor};

use crate::poem::{POEM_BYTES_MAX, Poem};

/// Fetches a poem without any options: [`Fetch`] has them.
///
/// # Errors
/// The deferred fails with a [`ConnectError`], or with a [`FetchError`] when there was a connection.
///
/// # Cancelling
/// Stops connecting, or cuts the connection, at once; then the deferred fails with `Cancelled`.
///
/// ```no_run
/// use sestina_deferred::Failure;
/// use sestina_poetry::get_poem;
/// use sestina_reactor::Reactor;
///
/// fn read_one(reactor: &Reactor) -> Result<(), Failure> {
///     let poem = reactor.run_until(get_poem(reactor, &"tcp:10000".parse()?))?;
///     println!("{}", String::from_utf8_lossy(poem.as_bytes()));
///     Ok(())
/// }
/// ```
pub fn get_poem(reactor: &Reactor, from: &Endpoint) -> Deferred<Poem> {
    Fetch::new(from.clone()).start(reactor)
}

/// One download: from where, within which limits, and who wants to hear how far it is.
///
/// ```no_run
/// use sestina_deferred::Deferred;
/// use sestina_poetry::{Fetch, Poem};
/// use sestina_reactor::{Endpoint, Reactor};
/// use std::time::Duration;
///
/// fn patiently(reactor: &Reactor, poet: Endpoint) -> Deferred<Poem> {
///     Fetch::new(poet)
///         .with_idle_max(Duration::from_secs(30))
///         .on_progress(|bytes| tracing::info!("{bytes} bytes so far"))
///         .start(reactor)
/// }
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
        let (resolver, answer) = deferred();
        let reader = Reader {
            peer: self.from.peer_name().into(),
            received: Vec::new(),
            bytes_max: self.bytes_max,
            idle_max: self.idle_max,
            progress: self.progress,
            refused: None,
            resolver: Some(resolver),
        };
        let connector = reactor.connect(&self.from, ReaderFactory { reader: Some(reader) });
        answer.on_cancel(move || connector.abort())
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

/// Lends the reader to the one connection, or tells it that there is none.
struct ReaderFactory {
    reader: Option<Reader>,
}

impl Factory for ReaderFactory {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(self.reader.take()?))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(mut reader) = self.reader.take() {
            reader.fire(Err(error.into()));
        }
    }
}

/// Collects one poem.
struct Reader {
    peer: Arc<str>,
    received: Vec<u8>,
    bytes_max: usize,
    idle_max: Option<Duration>,
    progress: Option<Progress>,
    /// Why we cut the connection ourselves.
    refused: Option<FetchError>,
    /// Gone when the answer is given.
    resolver: Option<Resolver<Poem>>,
}

impl Reader {
    fn fire(&mut self, result: Result<Poem, Failure>) {
        if let Some(resolver) = self.resolver.take() {
            resolver.resolve(result);
        }
    }

    fn refuse(&mut self, conn: &mut Conn<'_>, why: FetchError) {
        self.refused.get_or_insert(why);
        conn.abort();
    }

    fn wait_for_bytes(&self, conn: &mut Conn<'_>) {
        if let Some(idle_max) = self.idle_max {
            conn.set_timer(idle_max);
        }
    }

    /// What the end of the connection makes of the bytes.
    fn judge(&mut self, why: Lost) -> Result<Poem, FetchError> {
        let (peer, received) = (Arc::clone(&self.peer), self.received.len());
        match (self.refused.take(), why) {
            (Some(refused), _) => Err(refused),
            (None, Lost::Done) if received == 0 => Err(FetchError::Empty { peer }),
            (None, Lost::Done) => Ok(Poem::from_bytes(std::mem::take(&mut self.received))),
            (None, Lost::Reset) => Err(FetchError::Reset { peer, received }),
            (None, why) => Err(FetchError::Lost { peer, received, why }),
        }
    }
}

impl Protocol for Reader {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.wait_for_bytes(conn);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        if data.len() > self.bytes_max - self.received.len() {
            let (peer, limit) = (Arc::clone(&self.peer), self.bytes_max);
            return self.refuse(conn, FetchError::TooLarge { peer, limit });
        }
        self.received.extend_from_slice(data);
        self.wait_for_bytes(conn);
        if let Some(progress) = &mut self.progress {
            progress(self.received.len());
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        let (peer, received) = (Arc::clone(&self.peer), self.received.len());
        let limit = self.idle_max.unwrap_or_default();
        self.refuse(conn, FetchError::TimedOut { peer, received, limit });
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        let verdict = self.judge(why);
        self.fire(verdict.map_err(Failure::from));
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
