//! What a user writes: what one connection does, and what makes one for each connection.
//!
//! Walk: the loop calls these (upcall.rs, read.rs, flush.rs, accept.rs, connect.rs) and lends a [`Conn`]; nobody
//! else does. An upcall never runs inside another one.

use std::any::{Any, TypeId};

use crate::address::Address;
use crate::conn::Conn;
use crate::errors::{ConnectError, Lost};

/// What one connection does. Every method has a default; each is an upcall.
///
/// # Order
/// [`connection_made`](Self::connection_made) comes once and first, [`connection_lost`](Self::connection_lost) once
/// and last. No method is called while another method of any protocol of the same reactor runs.
///
/// # Panics
/// A panic in a method is caught, logged, and ends this connection ([`Lost::Aborted`]) and nothing else;
/// `connection_lost` is still called.
///
/// ```
/// use sestina_reactor::{Conn, Protocol};
///
/// struct Echo;
/// impl Protocol for Echo {
///     fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
///         conn.write(data);
///     }
/// }
/// ```
pub trait Protocol: Any {
    /// The connection is there: greet, or wait for data.
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// Bytes came, cut anywhere. `data` is the reactor's own buffer, lent for this call.
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        let _ = (conn, data);
    }

    /// The peer will send no more. A closed and a half-closed peer look alike until something is written, so the
    /// default takes it as gone: what is queued is sent, then the connection ends with [`Lost::Done`].
    /// Override it to go on writing to a half-closed peer; then end with `lose_connection`.
    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        conn.lose_connection();
    }

    /// More is queued than the high mark: stop writing until [`resume_producing`](Self::resume_producing).
    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// The queue has fallen to the low mark: write on. Also told when the queue was above the high mark only
    /// until the end of an upcall, and no pause was told.
    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// The time given to [`Conn::set_timer`] has passed.
    fn timer(&mut self, conn: &mut Conn<'_>) {
        let _ = conn;
    }

    /// The connection is over, and why. What `conn` and handles are told now has no effect.
    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        let _ = (conn, why);
    }

    /// What to call this protocol in the log and in [`Statistics::longest_turn_holder`](crate::Statistics): its type.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }

    /// For protocols that wrap a user's handler: lends the part of this type, so that [`Conn::then`] may be given
    /// the handler. Look into the handler's own parts too.
    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        let _ = wanted;
        None
    }
}

/// Makes a protocol for each connection. Closures `FnMut(&Address) -> P` are factories.
pub trait Factory: 'static {
    /// A protocol for a connection with this peer. `None` refuses it, and so does a panic: a client of ours is reset, and
    /// an attempt of ours to connect fails with [`ConnectError::NoProtocol`].
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>>;

    /// For factories given to `connect`: there will be no connection, for this reason. Called once at most, and
    /// never from inside `connect`.
    fn connection_failed(&mut self, error: ConnectError) {
        let _ = error;
    }
}

impl<P: Protocol, F: FnMut(&Address) -> P + 'static> Factory for F {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(self(peer)))
    }
}
