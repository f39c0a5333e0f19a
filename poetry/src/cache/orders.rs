//! What the core asks of whoever owns the sockets.

use std::rc::Rc;

use super::flight::{FlightId, FlightReport};
use super::reader::ReaderId;

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
    /// There is something for this reader, which was told to wait.
    Wake(ReaderId),
    /// A flight is over: one line for the log.
    Report(FlightReport),
}
