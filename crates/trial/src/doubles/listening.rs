//! A port for one test.

use sestina_reactor::{Endpoint, Factory, Port, Reactor};

use crate::trial::Trial;

/// A port that is there for one test: see [`listening`](crate::listening).
#[derive(Clone, Debug)]
pub struct Listening {
    port: Port,
    endpoint: Endpoint,
}

impl Listening {
    /// Where clients connect to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The port's number.
    ///
    /// # Panics
    /// Never: it listens on an IP address.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port.local_addr().port().expect("it listens on an IP address")
    }

    /// The port itself.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }
}

impl Trial {
    /// See [`listening`](crate::listening): on this reactor, of another host for example.
    ///
    /// # Panics
    /// If there is no free port.
    #[track_caller]
    pub fn listening_on(&self, reactor: &Reactor, factory: impl Factory) -> Listening {
        let port = reactor.listen(&Endpoint::loopback(0), factory).expect("a free port on the loopback");
        let number = port.local_addr().port().expect("it listens on an IP address");
        let closed = port.clone();
        self.add_cleanup(move || closed.stop_listening());
        Listening { port, endpoint: Endpoint::loopback(number) }
    }
}
