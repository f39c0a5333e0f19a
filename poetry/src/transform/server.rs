//! The server: requests of one client in, answers in their order, then the end.
//!
//! Walk: the receiver splits netstrings and calls `string_received`; each request becomes a deferred of the
//! [`Transformer`], whose answer comes back as an upcall (`then`). Answers leave in the order of their requests. When
//! all that came together is answered, the connection ends; so pipelined requests of one read are all answered, as in
//! the original.
//! Differs from the original on purpose: after a request that is refused, later ones are not answered (the original
//! answers them, and the client cannot know which answer is whose); a client that sends no whole request is not kept
//! for ever; an answer that no client would read is not sent.
//! Tests: `tests/suite/transform_service.rs`, `tests/suite/transform_cuts.rs`, `cli/tests/suite/transform.rs`.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_framing::{
    Handler, NetstringConn, NetstringDecoder, NetstringError, NetstringFormat, NetstringHandler,
    NetstringReceiver,
};
use sestina_reactor::{Address, Factory, Protocol};

use super::client::TRANSFORM_BYTES_MAX;
use super::refusal::{Refusal, shown};
use super::service::Transformer;
use crate::poem::Poem;

/// How many requests one connection may make in all, unless [`TransformServer::with_requests_max`] said otherwise.
pub const TRANSFORM_REQUESTS_MAX: usize = 100;
/// How many bytes of requests of one connection may wait behind the first one that is not answered, unless
/// [`TransformServer::with_waiting_bytes_max`] said otherwise. With the number of clients this bounds what they can make a slow
/// transformer hold. It is more than comes in one read, so a transformer that answers at once never refuses for it.
pub const TRANSFORM_WAITING_BYTES_MAX: usize = 256 * 1024;
/// How long a client may take for its request, unless [`TransformServer::with_request_time_max`] said otherwise.
pub const TRANSFORM_REQUEST_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a client that has closed its own direction is still worked for, unless [`TransformServer::with_grace`] said
/// otherwise: it may wait for the answer, or be gone, and both look the same.
pub const TRANSFORM_GRACE: Duration = Duration::from_millis(500);

/// Serves a [`Transformer`] on the wire. One factory, any number of connections.
///
/// # Limits
/// Requests and answers of [`TRANSFORM_BYTES_MAX`], [`TRANSFORM_REQUESTS_MAX`] of them on a connection, of which
/// [`TRANSFORM_WAITING_BYTES_MAX`] may wait behind the first, [`TRANSFORM_REQUEST_TIME_MAX`] until one is whole.
///
/// ```
/// use sestina_poetry::{TransformServer, TransformService};
/// use std::time::Duration;
///
/// let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
/// let server = TransformServer::new(TransformService::new()).with_requests_max(1).with_request_time_max(Duration::from_secs(5));
/// let port = reactor.listen(&"tcp:10001".parse()?, server)?;
/// assert_eq!(port.local_addr().port(), Some(10_001));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TransformServer<T> {
    transformer: Rc<T>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    bytes_max: usize,
    requests_max: usize,
    waiting_bytes_max: usize,
    time_max: Duration,
    grace: Duration,
}

impl<T: Transformer> TransformServer<T> {
    /// Serves this, within the default limits.
    #[must_use]
    pub fn new(transformer: T) -> Self {
        let limits = Limits {
            bytes_max: TRANSFORM_BYTES_MAX,
            requests_max: TRANSFORM_REQUESTS_MAX,
            waiting_bytes_max: TRANSFORM_WAITING_BYTES_MAX,
            time_max: TRANSFORM_REQUEST_TIME_MAX,
            grace: TRANSFORM_GRACE,
        };
        Self { transformer: Rc::new(transformer), limits }
    }

    /// Sets how long a request may be, in bytes: the name, a dot, the poem. An answer may always be as long as the
    /// transformer makes it.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: usize) -> Self {
        self.limits.bytes_max = bytes_max;
        self
    }

    /// Sets how many requests one connection may make. Those above are refused.
    #[must_use]
    pub fn with_requests_max(mut self, requests_max: usize) -> Self {
        self.limits.requests_max = requests_max;
        self
    }

    /// Sets how many bytes of requests of one connection may wait behind the first one that is not answered. A request
    /// that would be above is refused.
    #[must_use]
    pub fn with_waiting_bytes_max(mut self, waiting_bytes_max: usize) -> Self {
        self.limits.waiting_bytes_max = waiting_bytes_max;
        self
    }

    /// Sets how long a client may take until its first request is whole.
    #[must_use]
    pub fn with_request_time_max(mut self, time_max: Duration) -> Self {
        self.limits.time_max = time_max;
        self
    }

    /// Sets how long a client that has closed its own direction is still worked for.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.limits.grace = grace;
        self
    }
}

impl<T: Transformer> Factory for TransformServer<T> {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        let format = NetstringFormat::default().with_string_bytes_max(self.limits.bytes_max);
        let client = Client {
            transformer: Rc::clone(&self.transformer),
            limits: self.limits,
            requests: 0,
            answered: 0,
            waiting_bytes: 0,
            answers: VecDeque::new(),
            listens: Listens::Yes,
        };
        Some(Box::new(NetstringReceiver::with_format(format, client)))
    }
}

/// What a client that has sent its requests is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Listens {
    Yes,
    /// It has closed its own direction.
    Perhaps,
    /// Something was refused: what comes behind it is not looked at.
    Refused,
}

/// One connection of a [`TransformServer`].
struct Client<T> {
    transformer: Rc<T>,
    limits: Limits,
    /// How many requests came.
    requests: usize,
    /// How many of them are done with: their answers were written.
    answered: usize,
    /// How long the others are together, in bytes.
    waiting_bytes: usize,
    /// The others, each with its length, and their answers as far as they are there.
    answers: VecDeque<(usize, Option<Result<Poem, Failure>>)>,
    listens: Listens,
}

impl<T: Transformer> Client<T> {
    fn ask(&mut self, conn: &mut NetstringConn<'_, '_>, request: &[u8]) -> Result<(), Refusal> {
        if self.requests == self.limits.requests_max {
            return Err(Refusal::TooMany { limit: self.limits.requests_max });
        }
        let (length, limit) = (request.len(), self.limits.waiting_bytes_max);
        if self.answers.front().is_some_and(|first| self.waiting_bytes - first.0 + length > limit) {
            return Err(Refusal::TooMuch { limit });
        }
        let request = std::str::from_utf8(request).map_err(|_| Refusal::NotText)?;
        let (name, poem) = request.split_once('.').ok_or(Refusal::NoDot)?;
        let bytes = poem.len();
        let (number, asked) = (self.requests, shown(name));
        self.requests += 1;
        self.waiting_bytes += length;
        self.answers.push_back((length, None));
        conn.cancel_timer();
        let answer = self.transformer.transform(name, poem);
        conn.then(self, answer, move |me, conn, answer| {
            if conn.is_closing() {
                return; // an earlier one was refused meanwhile
            }
            if answer.is_ok() {
                tracing::info!("transformed {bytes} bytes of poetry with '{asked}' for {}", conn.peer());
            }
            me.answered(conn, number, answer);
        });
        Ok(())
    }

    fn answered(&mut self, conn: &mut NetstringConn<'_, '_>, number: usize, answer: Result<Poem, Failure>) {
        if let Some((_, place)) = self.answers.get_mut(number - self.answered) {
            *place = Some(answer);
        }
        while let Some((_, Some(_))) = self.answers.front() {
            let Some((length, Some(answer))) = self.answers.pop_front() else { return };
            self.answered += 1;
            self.waiting_bytes -= length;
            match answer {
                Ok(poem) => {
                    // In three pieces: the poem is sent from where it lies.
                    conn.write(format!("{}:", poem.len()).as_bytes());
                    conn.write_shared(poem.share());
                    conn.write(b",");
                }
                Err(failure) => return self.failed(conn, &failure),
            }
        }
        self.end_if_done(conn);
    }

    /// The end of the connection: nothing that comes later may be taken for the answer to this request.
    fn failed(&mut self, conn: &mut NetstringConn<'_, '_>, failure: &Failure) {
        match failure.check::<Refusal>() {
            Some(refusal) => {
                tell_refusal(conn, refusal);
                conn.lose_connection();
            }
            None => {
                let source = failure.error().source().map(tracing::field::display);
                tracing::warn!(source, "no answer for {}: {failure}", conn.peer());
                conn.abort();
            }
        }
    }

    /// Says no: after the answers to the requests before.
    fn refuse(&mut self, conn: &mut NetstringConn<'_, '_>, refusal: &Refusal) {
        if self.listens != Listens::Refused {
            self.listens = Listens::Refused;
            tell_refusal(conn, refusal);
        }
        self.end_if_done(conn);
    }

    fn end_if_done(&mut self, conn: &mut NetstringConn<'_, '_>) {
        if self.answers.is_empty() {
            conn.lose_connection();
        }
    }
}

fn tell_refusal(conn: &NetstringConn<'_, '_>, refusal: &Refusal) {
    tracing::warn!("refused a request of {}: {refusal}", conn.peer());
}

impl<T: Transformer> Handler<NetstringDecoder> for Client<T> {
    fn connection_made(&mut self, conn: &mut NetstringConn<'_, '_>) {
        conn.set_timer(self.limits.time_max);
    }

    /// A client that hung up and one that waits for its answer look alike while there is nothing to write. It gets the
    /// time of grace; then what works for it is cancelled, and it is told that this is no answer.
    fn read_closed(&mut self, conn: &mut NetstringConn<'_, '_>) {
        if self.listens == Listens::Yes {
            self.listens = Listens::Perhaps;
            if !conn.is_between_strings() {
                self.refuse(conn, &Refusal::Torn);
            }
        }
        if self.answers.is_empty() {
            conn.lose_connection();
        } else {
            conn.set_timer(self.limits.grace);
        }
    }

    fn timer(&mut self, conn: &mut NetstringConn<'_, '_>) {
        if self.answers.is_empty() {
            self.refuse(conn, &Refusal::Slow);
        } else {
            tracing::info!("{} has hung up, or does not wait longer", conn.peer());
            conn.abort();
        }
    }
}

impl<T: Transformer> NetstringHandler for Client<T> {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        if self.listens == Listens::Refused {
            return;
        }
        if let Err(refusal) = self.ask(conn, string) {
            self.refuse(conn, &refusal);
        }
    }

    fn netstring_refused(&mut self, conn: &mut NetstringConn<'_, '_>, error: NetstringError) {
        self.refuse(conn, &Refusal::Malformed(error));
    }
}
