//! The fast poet: the whole poem at once, then a polite close.
//!
//! Walk: the reactor accepts, [`FastPoetry`] builds, the poem is queued by reference and sent when the upcall ends.
//! Tests: `tests/suite/fast_poetry.rs`, `tests/suite/talking_clients.rs`.

use sestina_reactor::{Address, Conn, Drain, Factory, Protocol};

use crate::poem::Poem;

/// Serves a poem to everybody who connects: all of it at once. One factory, any number of connections.
///
/// What a client says is discarded, within the reactor's [`CloseLimits`](sestina_reactor::CloseLimits).
///
/// ```
/// use sestina_poetry::{FastPoetry, Poem, get_poem, poems};
/// use sestina_reactor::Endpoint;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let at: Endpoint = "tcp:10000".parse()?;
/// reactor.listen(&at, FastPoetry::new(Poem::from_bytes(poems::FASCINATION)))?;
/// let poem = reactor.run_until(get_poem(&reactor, &at)).map_err(|failure| failure.to_string())?;
/// assert_eq!(poem.as_bytes(), poems::FASCINATION);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FastPoetry {
    poem: Poem,
    drain: Drain,
}

impl FastPoetry {
    /// Serves this poem.
    #[must_use]
    pub fn new(poem: Poem) -> Self {
        Self { poem, drain: Drain::Always }
    }

    /// Sets what happens to a client's input after the poem. [`Drain::IfUnread`] closes at once when the client has
    /// said nothing: cheaper, and wrong for clients that talk later.
    #[must_use]
    pub fn with_drain(self, drain: Drain) -> Self {
        Self { drain, ..self }
    }
}

impl Factory for FastPoetry {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(FastPoet { poem: self.poem.clone(), drain: self.drain }))
    }
}

/// One connection of a [`FastPoetry`].
struct FastPoet {
    poem: Poem,
    drain: Drain,
}

impl Protocol for FastPoet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        tracing::info!("sending {} bytes of poetry to {}", self.poem.len(), conn.peer());
        conn.set_drain(self.drain);
        conn.write_shared(self.poem.share());
        conn.lose_connection();
    }
}
