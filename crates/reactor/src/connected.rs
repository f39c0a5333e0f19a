//! The answer of an attempt to connect, for whoever asks its [`Connector`].
//!
//! Invariant: the resolvers are fired with the outcome not borrowed, after the factory and the protocol were told.
//! Tests: `connecting.rs` of the contract.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_deferred::{Deferred, Resolver, deferred, fail, succeed};

use crate::conn::ConnHandle;
use crate::connect::Connector;
use crate::errors::ConnectError;

/// What became of an attempt. Shared by the attempt and its connectors.
#[derive(Clone)]
pub(crate) struct Outcome(Rc<RefCell<State>>);

enum State {
    /// These want to know.
    Open(Vec<Resolver<ConnHandle>>),
    Connected(ConnHandle),
    Failed(ConnectError),
}

impl Outcome {
    pub(crate) fn open() -> Self {
        Self(Rc::new(RefCell::new(State::Open(Vec::new()))))
    }

    /// The connection is there, and its protocol knows.
    pub(crate) fn connected(&self, conn: &ConnHandle) {
        let before = self.0.replace(State::Connected(conn.clone()));
        if let State::Open(waiting) = before {
            for resolver in waiting {
                resolver.callback(conn.clone());
            }
        }
    }

    /// There will be no connection, and the factory knows.
    pub(crate) fn failed(&self, why: &ConnectError) {
        let before = self.0.replace(State::Failed(why.clone()));
        if let State::Open(waiting) = before {
            for resolver in waiting {
                resolver.errback(why.clone());
            }
        }
    }

    #[track_caller]
    fn ask(&self) -> Deferred<ConnHandle> {
        match &mut *self.0.borrow_mut() {
            State::Open(waiting) => {
                let (resolver, answer) = deferred();
                waiting.push(resolver);
                answer
            }
            State::Connected(conn) => succeed(conn.clone()),
            State::Failed(why) => fail(why.clone()),
        }
    }
}

impl Connector {
    /// A handle on the connection, when it is there. May be asked for any number of times, also afterwards; the
    /// handle of a connection that has ended since has no effect.
    ///
    /// # Order
    /// After the protocol's `connection_made` or the factory's `connection_failed`, in the same turn, and not inside of
    /// any upcall. What `connection_made` has written comes before what is written here.
    ///
    /// # Cancelling
    /// Stops connecting, as [`Connector::stop_connecting`] does: others who wait get [`ConnectError::Cancelled`].
    ///
    /// # Errors
    /// [`ConnectError`].
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// # use sestina_reactor::{Address, Endpoint, Protocol};
    /// # struct Silent;
    /// # impl Protocol for Silent {}
    /// let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| Silent).expect("a free port");
    /// let at = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
    /// let connector = reactor.connect(&at, |_: &Address| Silent);
    /// let conn = reactor.run_until(connector.connected()).expect("somebody listens");
    /// # drop(conn);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn connected(&self) -> Deferred<ConnHandle> {
        let connector = self.clone();
        self.outcome().ask().on_cancel(move || connector.stop_connecting())
    }
}
