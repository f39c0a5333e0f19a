//! Two connections, each of which gets what the other one receives: what a port forwarder and a SOCKS server need.
//!
//! Built on [`Protocol`](crate::Protocol) and [`ConnHandle`](crate::ConnHandle) alone: end.rs is the protocol of either
//! connection, middle.rs what both share.
//! Tests: `pipes.rs` of the contract.

mod end;
mod middle;

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Deferred, deferred};

pub use self::end::PipeEnd;
use self::middle::Middle;
pub use self::middle::Side;
use crate::errors::Lost;
use crate::rate::PipeRate;

/// How a pipe passes things on.
///
/// ```
/// use sestina_reactor::{PipeOptions, PipeRate, pipe};
///
/// let slow = PipeOptions::default().with_rate(PipeRate::new(10_000));
/// let (left, right, done) = pipe(slow);
/// # drop((left, right));
/// # done.ignore_errors();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PipeOptions {
    limit: Option<PipeRate>,
}

impl PipeOptions {
    /// Bounds how fast bytes go, in each direction for itself.
    #[must_use]
    pub fn with_rate(self, limit: PipeRate) -> Self {
        Self { limit: Some(limit) }
    }
}

/// What went through a pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Piped {
    /// Bytes from the left connection to the right one.
    pub to_right: u64,
    /// Bytes from the right connection to the left one.
    pub to_left: u64,
}

/// A pipe ended before both peers had finished. What was passed on may not have arrived.
#[derive(Clone, Debug)]
pub struct PipeBroken {
    /// What went through.
    pub piped: Piped,
    /// Where it broke first.
    pub side: Side,
    /// How that connection ended.
    pub why: Lost,
}

impl fmt::Display for PipeBroken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { piped: Piped { to_right, to_left }, side, .. } = self;
        let side = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        write!(
            out,
            "the pipe broke on its {side} side, after {to_right} bytes to the right and {to_left} to the left"
        )
    }
}

impl Error for PipeBroken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.why)
    }
}

/// Two protocols, left and right, for two connections that become one: what either receives is written to the other.
///
/// Either connection may be made first; it is not read until the other one is there. Who is fast waits for who is slow,
/// in both directions. A peer's end is passed on as a half-close, and when both have finished both connections are
/// closed; a reset, an abort and any other failure are passed on as an abort.
///
/// The deferred tells how many bytes went either way, when both connections are gone.
///
/// # Cancelling
/// Cuts both connections.
///
/// # Errors
/// [`PipeBroken`].
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::{Address, PipeOptions, Protocol, pipe};
///
/// let origin = "tcp:example.org:80".parse().expect("an endpoint");
/// let to_origin = reactor.clone();
/// let port = reactor.listen(&"tcp:0".parse().expect("an endpoint"), move |_: &Address| {
///     let (client, server, done) = pipe(PipeOptions::default());
///     let mut server = Some(server);
///     to_origin.connect(&origin, move |_: &Address| server.take().expect("one connection, one protocol"));
///     done.ignore_errors();
///     client
/// });
/// # drop(port);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
#[track_caller]
pub fn pipe(options: PipeOptions) -> (PipeEnd, PipeEnd, Deferred<Piped>) {
    let (resolver, done) = deferred();
    let middle = Rc::new(RefCell::new(Middle::new(options, resolver)));
    let ends = (PipeEnd::new(&middle, Side::Left), PipeEnd::new(&middle, Side::Right));
    let middle = Rc::downgrade(&middle);
    let done = done.on_cancel(move || {
        if let Some(middle) = middle.upgrade() {
            middle.borrow_mut().cut();
        }
    });
    (ends.0, ends.1, done)
}
