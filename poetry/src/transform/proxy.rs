//! The transformer that asks another service: each request goes on, over a connection of its own.
//!
//! Its wait is bounded as a whole (a place in the line, connecting, the answer), and so is the number of connections. Who
//! cancels leaves the line, or cuts the connection.
//! Tests: `tests/suite/transform_proxy.rs`, `cli/tests/suite/transform.rs`.

use std::time::Duration;

use sestina_deferred::{Cancelled, Deferred, DeferredSemaphore, Failure, TimedOut};
use sestina_reactor::{Endpoint, Reactor};

use super::client::{TRANSFORM_TIME_MAX, TransformClient};
use super::error::TransformError;
use super::refusal::{Refusal, shown};
use super::service::Transformer;
use crate::poem::Poem;

/// How many requests a proxy makes of its service at a time, unless [`TransformProxy::with_upstream_max`] said otherwise.
/// The others wait in line.
pub const TRANSFORM_UPSTREAM_MAX: usize = 100;

/// Transforms poems by asking another transform service. A cheap clone.
///
/// What that service refuses is refused; when it fails, the answer fails with a [`TransformError`] or a
/// [`ConnectError`](sestina_reactor::ConnectError). Nothing is kept: the same request is asked again.
///
/// # Limits
/// [`TRANSFORM_TIME_MAX`] for an answer, [`TRANSFORM_UPSTREAM_MAX`] requests at a time.
///
/// ```
/// use sestina_poetry::{Poem, TransformProxy, TransformServer, TransformService, transform};
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let (service, before_it) = ("tcp:10001".parse()?, "tcp:11001".parse()?);
/// reactor.listen(&service, TransformServer::new(TransformService::new()))?;
/// reactor.listen(&before_it, TransformServer::new(TransformProxy::new(&reactor, &service)))?;
/// let answer = transform(&reactor, &before_it, "cummingsify", &Poem::from_bytes("A Poem"));
/// assert_eq!(reactor.run_until(answer).map_err(|failure| failure.to_string())?.as_bytes(), b"a poem");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TransformProxy {
    reactor: Reactor,
    peer: String,
    client: TransformClient,
    time_max: Duration,
    places: DeferredSemaphore,
}

impl TransformProxy {
    /// Asks this service.
    #[must_use]
    pub fn new(reactor: &Reactor, service: &Endpoint) -> Self {
        let client = TransformClient::new(service.clone()).with_empty_answers();
        let (reactor, peer) = (reactor.clone(), service.peer_name());
        let places = DeferredSemaphore::new(TRANSFORM_UPSTREAM_MAX);
        Self { reactor, peer, client, time_max: TRANSFORM_TIME_MAX, places }
    }

    /// Sets how long a request or an answer may be, in bytes.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { client: self.client.with_bytes_max(bytes_max), ..self }
    }

    /// Sets how long an answer may take, with everything that it waits for.
    #[must_use]
    pub fn with_time_max(self, time_max: Duration) -> Self {
        Self { client: self.client.with_time_max(time_max), time_max, ..self }
    }

    /// Sets how many requests are made at a time.
    ///
    /// # Panics
    /// If it is 0, because nobody would ever get an answer.
    #[must_use]
    pub fn with_upstream_max(self, upstream_max: usize) -> Self {
        Self { places: DeferredSemaphore::new(upstream_max), ..self }
    }
}

impl Transformer for TransformProxy {
    fn transform(&self, name: &str, poem: &str) -> Deferred<Poem> {
        let (peer, asked) = (self.peer.clone(), shown(name));
        let (client, reactor) = (self.client.clone(), self.reactor.clone());
        let (name, poem) = (name.to_owned(), Poem::from_bytes(poem));
        let answer = self.places.run(move || {
            tracing::info!("asking {} to '{}' {} bytes of poetry", client.peer(), shown(&name), poem.len());
            client.transform(&reactor, &name, &poem)
        });
        let answer = answer.add_timeout(self.time_max, &self.reactor);
        answer.add_errback(move |failure| {
            if failure.is::<Cancelled>() {
                tracing::info!("nobody waits any more: '{asked}' at {peer} is cancelled");
            }
            Err(no_or_accident(failure, &peer))
        })
    }
}

/// What our service says no to, we say no to. Everything else stays an accident.
fn no_or_accident(failure: Failure, peer: &str) -> Failure {
    if let Some(timed_out) = failure.check::<TimedOut>() {
        return TransformError::TimedOut { peer: peer.into(), limit: timed_out.after() }.into();
    }
    match failure.check::<TransformError>() {
        Some(TransformError::Refused { .. } | TransformError::BadName { .. }) => Refusal::Upstream.into(),
        Some(TransformError::TooLong { bytes, limit }) => {
            Refusal::TooLong { bytes: *bytes, limit: *limit }.into()
        }
        _ => failure,
    }
}
