//! The caching proxy: one upstream fetch for all clients, whole poems only.
//!
//! Walk: a client connects, its protocol asks the [`PoemCache`], the answer comes back as an upcall of its own
//! (`conn.then`), the poem is queued by reference. A client that hangs up cancels its deferred; when it was the last
//! one, that cuts the upstream connection.
//! Differs from the original, which caches what came before a reset, and an empty reply, as if they were poems: here a
//! failure is never a clean end, neither for the cache nor for the clients.
//! Tests: `tests/proxy_sharing.rs`, `tests/proxy_failures.rs`, `tests/talking_clients.rs`.

use sestina_deferred::{Cancelled, Deferred};
use sestina_reactor::{Address, Conn, Endpoint, Factory, Protocol, Reactor};

use crate::fetch::Fetch;
use crate::input::{DroppedInput, INPUT_BYTES_MAX};
use crate::poem::Poem;
use crate::poem_cache::{CacheCounters, PoemCache};

/// Serves a poem that it fetches from another poet when somebody wants it, and keeps.
///
/// A service ([`get_poem`](Self::get_poem)) and a factory for its clients' connections. Clones are the same proxy.
///
/// A client gets the poem when it is complete, and a reset if there is none. One that closes its own direction while
/// it waits is taken as gone, because a client that hung up looks the same.
///
/// # Limits
/// A poem of at most [`POEM_BYTES_MAX`](crate::POEM_BYTES_MAX); a client that says more than [`INPUT_BYTES_MAX`]
/// while it waits is cut.
///
/// ```no_run
/// use sestina_poetry::PoetryProxy;
/// use sestina_reactor::Reactor;
///
/// fn serve(reactor: &Reactor) -> Result<(), Box<dyn std::error::Error>> {
///     let proxy = PoetryProxy::new(reactor, &"tcp:10001".parse()?);
///     reactor.listen(&"tcp:10000".parse()?, proxy)?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PoetryProxy {
    cache: PoemCache,
    input_bytes_max: u64,
}

impl PoetryProxy {
    /// A proxy for this poet, with the limits of [`Fetch::new`].
    #[must_use]
    pub fn new(reactor: &Reactor, upstream: &Endpoint) -> Self {
        let (reactor, upstream) = (reactor.clone(), upstream.clone());
        Self::over(PoemCache::new(move || fetch_and_tell(&reactor, &upstream)))
    }

    /// A proxy for whatever the cache fetches: for other limits, progress, or another source.
    #[must_use]
    pub fn over(cache: PoemCache) -> Self {
        Self { cache, input_bytes_max: INPUT_BYTES_MAX }
    }

    /// Sets how much a client may say while it waits, before it is cut.
    #[must_use]
    pub fn with_input_bytes_max(self, input_bytes_max: u64) -> Self {
        Self { input_bytes_max, ..self }
    }

    /// The poem: see [`PoemCache::get_poem`].
    ///
    /// # Errors
    /// See [`PoemCache::get_poem`].
    ///
    /// # Cancelling
    /// See [`PoemCache::get_poem`].
    pub fn get_poem(&self) -> Deferred<Poem> {
        self.cache.get_poem()
    }

    /// Forgets the poem: see [`PoemCache::forget`].
    pub fn forget(&self) {
        self.cache.forget();
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> CacheCounters {
        self.cache.counters()
    }
}

/// Fetches, and has the log say once how it went.
fn fetch_and_tell(reactor: &Reactor, upstream: &Endpoint) -> Deferred<Poem> {
    let name = upstream.peer_name();
    tracing::info!("fetching the poem from {name}");
    Fetch::new(upstream.clone()).start(reactor).inspect(move |result| match result {
        Ok(poem) => tracing::info!("fetched {} bytes of poetry from {name}", poem.len()),
        Err(failure) if failure.is::<Cancelled>() => {
            tracing::info!("nobody waits any more: the fetch from {name} is cancelled");
        }
        Err(failure) => {
            let source = failure.error().source().map(tracing::field::display);
            tracing::warn!(source, "no poem for those who wait: {failure}");
        }
    })
}

impl Factory for PoetryProxy {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        let input = DroppedInput::new(self.input_bytes_max);
        Some(Box::new(Client { cache: self.cache.clone(), input }))
    }
}

/// One client's connection.
struct Client {
    cache: PoemCache,
    input: DroppedInput,
}

impl Protocol for Client {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let poem = self.cache.get_poem();
        conn.then(self, poem, |_, conn, poem| match poem {
            Ok(poem) => {
                tracing::info!("sending {} bytes of poetry to {}", poem.len(), conn.peer());
                conn.write_shared(poem.share());
                conn.lose_connection();
            }
            // The fetch told the log why. A failure is never a clean end.
            Err(_) => conn.abort(),
        });
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.input.drop_bytes(conn, data);
    }

    /// A client that hung up and one that only promised to send no more look alike while there is nothing to write, and
    /// a fetch nobody waits for must end. The second kind is told that this is no poem: a reset, not an empty one.
    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        conn.abort();
    }
}
