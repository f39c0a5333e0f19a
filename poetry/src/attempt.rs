//! One connection to a poet: take everything, pass it on piece by piece, and believe only a clean end.
//!
//! The protocol has no length, so the end of the connection is the end of the poem, and how it ended is all that tells
//! a whole poem from a torn one. Only [`Lost::Done`] is a poem.
//!
//! Walk: started by `fetch.rs` and `client/downloads.rs`; gives each piece to a [`Sink`], and the sink back at the end.
//! Tests: `tests/suite/fetching.rs`, `tests/suite/client_downloads.rs`.

use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, Resolver, deferred};
use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol, Reactor};

use crate::fetch::FetchError;

/// Where the pieces go.
pub(crate) trait Sink: 'static {
    /// There is a connection.
    fn connected(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// Some bytes came, never none.
    fn piece(&mut self, bytes: &[u8]) -> Result<(), FetchError>;

    /// The poet has finished cleanly, and there were bytes.
    fn finished(&mut self) -> Result<(), FetchError> {
        Ok(())
    }

    /// Whether it is us who do not read: then the poet is not silent.
    fn is_held(&self) -> bool {
        false
    }
}

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes_max: usize,
    pub(crate) idle_max: Option<Duration>,
}

/// Connects and reads to the end; then gives the sink back. Nothing fires from inside this call.
///
/// # Cancelling
/// Stops connecting, or cuts the connection, at once.
pub(crate) fn attempt<S: Sink>(reactor: &Reactor, from: &Endpoint, bounds: Bounds, sink: S) -> Deferred<S> {
    let (resolver, answer) = deferred();
    let reader = Reader { peer: from.peer_name().into(), received: 0, bounds, sink, refused: None, resolver };
    let connector = reactor.connect(from, ReaderFactory { reader: Some(reader) });
    answer.on_cancel(move || connector.abort())
}

/// Lends the reader to the one connection, or tells it that there is none.
struct ReaderFactory<S: Sink> {
    reader: Option<Reader<S>>,
}

impl<S: Sink> Factory for ReaderFactory<S> {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Reading { reader: Some(self.reader.take()?) }))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(reader) = self.reader.take() {
            reader.resolver.errback(error);
        }
    }
}

/// Reads one poem.
struct Reader<S: Sink> {
    peer: Arc<str>,
    received: usize,
    bounds: Bounds,
    sink: S,
    /// Why we cut the connection ourselves.
    refused: Option<FetchError>,
    resolver: Resolver<S>,
}

impl<S: Sink> Reader<S> {
    fn take(&mut self, data: &[u8]) -> Result<(), FetchError> {
        if data.len() > self.bounds.bytes_max - self.received {
            return Err(FetchError::TooLarge { peer: Arc::clone(&self.peer), limit: self.bounds.bytes_max });
        }
        self.received += data.len();
        self.sink.piece(data)
    }

    fn wait_for_bytes(&self, conn: &mut Conn<'_>) {
        if let Some(idle_max) = self.bounds.idle_max {
            conn.set_timer(idle_max);
        }
    }

    fn refuse(&mut self, conn: &mut Conn<'_>, why: FetchError) {
        self.refused.get_or_insert(why);
        conn.abort();
    }

    /// What the end of the connection makes of the bytes.
    fn judge(&mut self, why: Lost) -> Result<(), FetchError> {
        let (peer, received) = (Arc::clone(&self.peer), self.received);
        match (self.refused.take(), why) {
            (Some(refused), _) => Err(refused),
            (None, Lost::Done) if received == 0 => Err(FetchError::Empty { peer }),
            (None, Lost::Done) => self.sink.finished(),
            (None, Lost::Reset) => Err(FetchError::Reset { peer, received }),
            (None, why) => Err(FetchError::Lost { peer, received, why }),
        }
    }

    fn end(mut self, why: Lost) {
        let verdict = self.judge(why);
        self.resolver.resolve(verdict.map(|()| self.sink).map_err(Failure::from));
    }
}

/// The protocol. Invariant: it has its reader until `connection_lost`.
struct Reading<S: Sink> {
    reader: Option<Reader<S>>,
}

impl<S: Sink> Protocol for Reading<S> {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let Some(reader) = &mut self.reader else { return };
        reader.sink.connected(conn);
        reader.wait_for_bytes(conn);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        let Some(reader) = &mut self.reader else { return };
        reader.wait_for_bytes(conn);
        if let Err(why) = reader.take(data) {
            reader.refuse(conn, why);
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        let Some(reader) = &mut self.reader else { return };
        if reader.sink.is_held() {
            return reader.wait_for_bytes(conn);
        }
        let (peer, received) = (Arc::clone(&reader.peer), reader.received);
        let limit = reader.bounds.idle_max.unwrap_or_default();
        reader.refuse(conn, FetchError::TimedOut { peer, received, limit });
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        if let Some(reader) = self.reader.take() {
            reader.end(why);
        }
    }
}
