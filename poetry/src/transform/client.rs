//! The client of a transform service: one connection, one request, one answer.
//!
//! Walk: [`TransformClient::transform`] judges the request and connects; the connection's handler sends it, and fires
//! the deferred when the answer is whole, or in `connection_lost`. An answer has a length, so it is known to be whole
//! without waiting for the end; what a service says behind it is not looked at, however it is cut.
//! Tests: `tests/suite/transforming.rs`, `cli/tests/suite/transform_twisted.rs`.

use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Resolver, deferred, fail};
use sestina_framing::{
    Handler, NetstringConn, NetstringDecoder, NetstringError, NetstringFormat, NetstringHandler,
    NetstringReceiver, STRING_BYTES_MAX,
};
use sestina_reactor::{Address, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor, Time};

use super::error::TransformError;
use super::service::can_be_asked_for;
use crate::poem::Poem;

/// How long a request or an answer of the transform service may be, in bytes, unless
/// [`TransformClient::with_bytes_max`] or the service's own said otherwise: what the original reads.
pub const TRANSFORM_BYTES_MAX: usize = STRING_BYTES_MAX;
/// How long a client waits for the whole answer, connecting included, unless [`TransformClient::with_time_max`] said
/// otherwise.
pub const TRANSFORM_TIME_MAX: Duration = Duration::from_secs(30);

/// Has a service transform a poem, without any options: [`TransformClient`] has them.
///
/// # Errors
/// The deferred fails with a [`TransformError`], or with a [`ConnectError`] when there was no connection. A poem that is
/// longer than the service reads has failed already when this returns, with [`TransformError::TooLong`], and nothing
/// was sent.
///
/// # Cancelling
/// Stops connecting, or cuts the connection, at once; then the deferred fails with `Cancelled`.
///
/// ```
/// use sestina_deferred::Failure;
/// use sestina_poetry::{Poem, TransformServer, TransformService, transform};
/// use sestina_reactor::{Endpoint, Reactor};
///
/// /// The poem in small letters; as it was, if that does not work.
/// async fn in_small_letters(reactor: Reactor, service: Endpoint, poem: Poem) -> Result<Poem, Failure> {
///     match transform(&reactor, &service, "cummingsify", &poem).await {
///         Ok(transformed) => Ok(transformed),
///         Err(failure) => {
///             tracing::warn!("{failure}");
///             Ok(poem)
///         }
///     }
/// }
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let service: Endpoint = "tcp:10001".parse()?;
/// reactor.listen(&service, TransformServer::new(TransformService::new()))?;
/// let poem = Poem::from_bytes("SCIENCE! True daughter");
/// let small = reactor.spawn(in_small_letters(reactor.clone(), service, poem));
/// assert_eq!(reactor.run_until(small).map_err(|failure| failure.to_string())?.as_bytes(), b"science! true daughter");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn transform(reactor: &Reactor, service: &Endpoint, name: &str, poem: &Poem) -> Deferred<Poem> {
    TransformClient::new(service.clone()).transform(reactor, name, poem)
}

/// A client of a transform service: where it is, and within which limits. Keeps no connection: each request has its own.
///
/// ```
/// use sestina_poetry::{Poem, TransformClient};
/// use sestina_reactor::Endpoint;
/// use std::time::Duration;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let hasty = TransformClient::new(Endpoint::loopback(10_001)).with_time_max(Duration::from_secs(2));
/// let answer = hasty.transform(&reactor, "cummingsify", &Poem::from_bytes("A Poem"));
/// let failure = reactor.run_until(answer).expect_err("nobody is there");
/// assert!(failure.to_string().contains("127.0.0.1:10001"), "{failure}");
/// ```
#[derive(Clone, Debug)]
pub struct TransformClient {
    service: Endpoint,
    bytes_max: usize,
    time_max: Duration,
    takes_empty: bool,
}

impl TransformClient {
    /// A client of this service: [`TRANSFORM_BYTES_MAX`], [`TRANSFORM_TIME_MAX`].
    #[must_use]
    pub fn new(service: Endpoint) -> Self {
        Self { service, bytes_max: TRANSFORM_BYTES_MAX, time_max: TRANSFORM_TIME_MAX, takes_empty: false }
    }

    /// Sets how long a request (the name, a dot, the poem) and an answer may be, in bytes. For services with another
    /// limit than the original's.
    #[must_use]
    pub fn with_bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Sets how long the whole answer may take, connecting included. Connecting has the endpoint's own limit too.
    #[must_use]
    pub fn with_time_max(self, time_max: Duration) -> Self {
        Self { time_max, ..self }
    }

    /// Takes an empty answer to a poem that is not empty for an answer, and not for an error.
    #[must_use]
    pub fn with_empty_answers(self) -> Self {
        Self { takes_empty: true, ..self }
    }

    /// The service, in the words of the endpoint.
    #[must_use]
    pub fn peer(&self) -> String {
        self.service.peer_name()
    }

    /// How long a request may be, in bytes.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Sends one request. Nothing is sent, and nothing fires, from inside this call; but a request that cannot be sent
    /// has failed when this returns.
    ///
    /// # Errors
    /// See [`transform`].
    ///
    /// # Cancelling
    /// See [`transform`].
    pub fn transform(&self, reactor: &Reactor, name: &str, poem: &Poem) -> Deferred<Poem> {
        if !can_be_asked_for(name) {
            return fail(TransformError::BadName { name: name.to_owned() });
        }
        let bytes = name.len().saturating_add(1).saturating_add(poem.len());
        if bytes > self.bytes_max {
            return fail(TransformError::TooLong { bytes, limit: self.bytes_max });
        }
        let (resolver, answer) = deferred();
        let asker = Asker {
            peer: self.service.peer_name().into(),
            name: name.to_owned(),
            takes_empty: self.takes_empty || poem.is_empty(),
            poem: poem.clone(),
            bytes_max: self.bytes_max,
            time_max: self.time_max,
            begun: reactor.now(),
            cut: None,
            resolver: Some(resolver),
        };
        let endpoint = self.service.clone();
        let connect_max = endpoint.timeout().min(self.time_max);
        let connector =
            reactor.connect(&endpoint.with_timeout(connect_max), AskerFactory { asker: Some(asker) });
        answer.on_cancel(move || connector.abort())
    }
}

/// Lends the asker to the one connection, or tells it that there is none.
struct AskerFactory {
    asker: Option<Asker>,
}

impl Factory for AskerFactory {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        let asker = self.asker.take()?;
        let format = NetstringFormat::default().with_string_bytes_max(asker.bytes_max);
        Some(Box::new(NetstringReceiver::with_format(format, asker)))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(mut asker) = self.asker.take() {
            asker.fire(Err(error.into()));
        }
    }
}

/// Asks once.
struct Asker {
    peer: Arc<str>,
    name: String,
    poem: Poem,
    bytes_max: usize,
    time_max: Duration,
    begun: Time,
    takes_empty: bool,
    /// Why we cut the connection ourselves.
    cut: Option<TransformError>,
    /// Gone when the answer is given.
    resolver: Option<Resolver<Poem>>,
}

impl Asker {
    fn fire(&mut self, result: Result<Poem, Failure>) {
        if let Some(resolver) = self.resolver.take() {
            resolver.resolve(result);
        }
    }

    fn cut(&mut self, conn: &mut NetstringConn<'_, '_>, why: TransformError) {
        self.cut.get_or_insert(why);
        conn.abort();
    }

    /// What the end of the connection says, when no answer came.
    fn judge(&mut self, is_within: bool, why: Lost) -> TransformError {
        let peer = Arc::clone(&self.peer);
        match (self.cut.take(), why) {
            (Some(cut), _) => cut,
            (None, Lost::Done) if is_within => TransformError::Torn { peer },
            (None, Lost::Done) => TransformError::Refused { peer, name: std::mem::take(&mut self.name) },
            (None, why) => TransformError::Lost { peer, why },
        }
    }
}

impl Handler<NetstringDecoder> for Asker {
    fn connection_made(&mut self, conn: &mut NetstringConn<'_, '_>) {
        let spent = conn.now() - self.begun;
        conn.set_timer(self.time_max.saturating_sub(spent));
        // In three pieces: the poem is sent from where it lies.
        conn.write(format!("{}:{}.", self.name.len() + 1 + self.poem.len(), self.name).as_bytes());
        conn.write_shared(self.poem.share());
        conn.write(b",");
    }

    fn timer(&mut self, conn: &mut NetstringConn<'_, '_>) {
        let (peer, limit) = (Arc::clone(&self.peer), self.time_max);
        self.cut(conn, TransformError::TimedOut { peer, limit });
    }

    fn connection_lost(&mut self, conn: &mut NetstringConn<'_, '_>, why: Lost) {
        if self.resolver.is_some() {
            let verdict = self.judge(!conn.is_between_strings(), why);
            self.fire(Err(verdict.into()));
        }
    }
}

impl NetstringHandler for Asker {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        if string.is_empty() && !self.takes_empty {
            let peer = Arc::clone(&self.peer);
            return self.cut(conn, TransformError::Empty { peer });
        }
        conn.cancel_timer();
        conn.lose_connection();
        self.fire(Ok(Poem::from_bytes(string)));
    }

    fn netstring_refused(&mut self, conn: &mut NetstringConn<'_, '_>, error: NetstringError) {
        let peer = Arc::clone(&self.peer);
        let why = match error {
            NetstringError::TooLong { string_bytes_max: limit } => {
                TransformError::AnswerTooLong { peer, limit }
            }
            error => TransformError::Malformed { peer, error },
        };
        self.cut(conn, why);
    }
}
