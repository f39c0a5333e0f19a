//! What the core asks of whoever owns the sockets.

use std::rc::Rc;
use std::time::Duration;

use super::flight::{FlightId, FlightReport};
use super::reader::{Body, ReaderId};

/// What the owner of a [`Cache`](super::Cache) must do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Order {
    /// Connect to this key's upstream, and report `connected`, `received` and `ended` under this name.
    Connect {
        /// The flight.
        flight: FlightId,
        /// Its key.
        key: Rc<str>,
    },
    /// Abort this flight's connection, or its attempt; `ended` confirms that it is gone.
    Cut(FlightId),
    /// Read no more from this flight's connection.
    Pause(FlightId),
    /// Read again.
    Resume(FlightId),
    /// There is something for this reader, which was told to wait; or it has failed, whether it waited or not.
    Wake(ReaderId),
    /// A body was stored: a copy of it may be kept elsewhere.
    Stored(StoredBody),
    /// A flight is over: one line for the log.
    Report(FlightReport),
}

/// A body that was just stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredBody {
    /// Of which key.
    pub key: Rc<str>,
    /// All of it.
    pub body: Body,
    /// How long it is fresh; `None` is for ever.
    pub fresh_for: Option<Duration>,
    /// How many flights in a row brought these bytes.
    pub confirmations: u32,
}
