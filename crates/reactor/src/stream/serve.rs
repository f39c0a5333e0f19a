//! The ways to get a stream: connect, or serve.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use sestina_deferred::{Cancelled, Deferred, Failure, Resolver, deferred};

use super::Stream;
use super::link::StreamProtocol;
use crate::accept::Port;
use crate::address::Address;
use crate::conn::Conn;
use crate::endpoint::Endpoint;
use crate::errors::{ConnectError, ListenError, Lost};
use crate::inner::Reactor;
use crate::protocol::{Factory, Protocol};
use crate::reactor::Stopped;

impl Reactor {
    /// Connects, and gives the connection as a [`Stream`].
    ///
    /// # Cancelling
    /// Stops connecting. A connection that nobody wants any more is closed.
    ///
    /// # Errors
    /// [`ConnectError`].
    #[track_caller]
    pub fn connect_stream(&self, to: &Endpoint) -> Deferred<Stream> {
        let (resolver, answer) = deferred();
        let connector = self.connect(to, StreamFactory { wanted: Some(resolver) });
        answer.on_cancel(move || connector.stop_connecting())
    }

    /// Listens, and runs a task for each connection: what `f` makes of its [`Stream`].
    ///
    /// A task that ends lets its stream go, and so closes politely. One that fails is logged once, with its peer, and
    /// the connection is aborted: a failure is never a clean end. (To end cleanly after telling the peer what was
    /// wrong, return `Ok`.)
    ///
    /// # Cancelling
    /// A task that waits for its stream gets the end of the connection as the answer of what it waits for. One
    /// that waits for something else, for a poem from another server say, is cancelled, once: because of [`Lost::Done`]
    /// when the peer finishes (unless it called [`Stream::set_half_close`]), because of another [`Lost`] when the
    /// connection is gone. It may catch that, clean up, and even go on writing to a peer that has only half closed.
    /// A task that was cancelled like this is not logged as failed.
    ///
    /// # Errors
    /// If the address is taken, not ours, not permitted, or no address at all.
    #[track_caller]
    pub fn serve<F, A>(&self, at: &Endpoint, f: F) -> Result<Port, ListenError>
    where
        F: Fn(Stream) -> A + 'static,
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        let f = Rc::new(f);
        self.listen(at, move |_: &Address| {
            let f = Rc::clone(&f);
            StreamProtocol::new(std::any::type_name::<F>(), move |stream: Stream, conn: &Conn<'_>| {
                begin(&*f, stream, conn)
            })
        })
    }
}

/// Starts the task of one connection.
fn begin<A>(f: impl Fn(Stream) -> A, stream: Stream, conn: &Conn<'_>)
where
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let (link, peer, handle) = (Rc::clone(&stream.link), stream.peer.clone(), conn.handle());
    let task = conn.reactor().spawn(f(stream));
    if !task.is_fired() {
        link.set_task(task.canceller());
    }
    drop(task.add_errback(move |failure| {
        if is_expected(&failure) {
            tracing::debug!(%peer, %failure, "the peer hung up");
        } else {
            tracing::warn!(%peer, error = %failure, at = %failure.location(), "serving a connection failed");
        }
        handle.abort();
        Ok(())
    }));
}

/// Whether a task ended because its connection or its reactor did.
fn is_expected(failure: &Failure) -> bool {
    let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
    reason.is_some_and(|reason| reason.is::<Lost>() || reason.is::<Stopped>())
}

struct StreamFactory {
    wanted: Option<Resolver<Stream>>,
}

impl Factory for StreamFactory {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let wanted = Cell::new(self.wanted.take());
        Some(Box::new(StreamProtocol::new("a connected stream", move |stream, _: &Conn<'_>| {
            if let Some(wanted) = wanted.take() {
                drop(wanted.try_callback(stream)); // closed here if nobody wants it
            }
        })))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(wanted) = self.wanted.take() {
            wanted.errback(error);
        }
    }
}
