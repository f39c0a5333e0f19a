//! The connections to poets, one a flight.
//!
//! Walk: the core orders a connection; its protocol tells the core what comes, by the flight's name. What comes for a
//! flight that was cut is the core's to ignore.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{
    Address, CONNECT_TIMEOUT, Conn, ConnHandle, ConnectError, Connector, Endpoint, Factory, Lost, Protocol,
};

use super::shell::Shell;
use super::told;
use crate::cache::{FlightId, UpstreamEnd};

/// How long an attempt to connect may take if the flight has no limit to it.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(24 * 3600);
/// How much later than the flight's limit the attempt's own comes.
const LATER: Duration = Duration::from_secs(1);

/// Every connection to a poet that is there, or under way.
#[derive(Default)]
pub(crate) struct Upstreams {
    flights: BTreeMap<FlightId, Upstream>,
}

struct Upstream {
    connector: Connector,
    conn: Option<ConnHandle>,
    paused: bool,
}

impl Upstreams {
    pub(crate) fn cut(&self, flight: FlightId) {
        if let Some(upstream) = self.flights.get(&flight) {
            upstream.connector.abort();
        }
    }

    pub(crate) fn pause(&mut self, flight: FlightId, paused: bool) {
        let Some(upstream) = self.flights.get_mut(&flight) else { return };
        upstream.paused = paused;
        match &upstream.conn {
            Some(conn) if paused => conn.pause_reading(),
            Some(conn) => conn.resume_reading(),
            None => {}
        }
    }

    fn connected(&mut self, flight: FlightId, conn: &mut Conn<'_>) {
        if let Some(upstream) = self.flights.get_mut(&flight) {
            upstream.conn = Some(conn.handle());
            if upstream.paused {
                conn.pause_reading();
            }
        }
    }
}

/// Begins the connection that a flight needs.
pub(crate) fn connect(shell: &Rc<Shell>, flight: FlightId, key: &Rc<str>) {
    let endpoint = shell.endpoints.borrow().get(key).cloned();
    let Some(endpoint) = endpoint else {
        let nobody = ConnectError::NotForConnecting(key.to_string());
        return shell
            .tell(|cache, now| cache.ended(now, flight, UpstreamEnd::NotConnected(Arc::new(nobody))));
    };
    let endpoint = patient(endpoint, shell.settings.cache.limits.connect);
    told::fetching(shell, key, &endpoint);
    let poet = Some(Poet { shell: Rc::clone(shell), key: Rc::clone(key), flight, bytes: 0 });
    let connector = shell.reactor.connect(&endpoint, PoetFactory { poet });
    let upstream = Upstream { connector, conn: None, paused: false };
    let before = shell.upstreams.borrow_mut().flights.insert(flight, upstream);
    drop(before);
}

/// The flight has the clock: an endpoint without a time limit of its own is given a longer one.
fn patient(endpoint: Endpoint, limit: Duration) -> Endpoint {
    if endpoint.timeout() != CONNECT_TIMEOUT {
        return endpoint;
    }
    endpoint.with_timeout(if limit.is_zero() { CONNECT_TIME_MAX } else { limit.saturating_add(LATER) })
}

/// Lends the poet's protocol to the one connection, or tells the core that there is none.
struct PoetFactory {
    poet: Option<Poet>,
}

impl Factory for PoetFactory {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(self.poet.take()?))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        if let Some(poet) = self.poet.take() {
            poet.ended(UpstreamEnd::NotConnected(Arc::new(error)));
        }
    }
}

/// One connection to a poet.
struct Poet {
    shell: Rc<Shell>,
    key: Rc<str>,
    flight: FlightId,
    bytes: u64,
}

impl Poet {
    fn ended(&self, end: UpstreamEnd) {
        let gone = self.shell.upstreams.borrow_mut().flights.remove(&self.flight);
        drop(gone);
        self.shell.tell(|cache, now| cache.ended(now, self.flight, end));
    }
}

impl Protocol for Poet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.shell.upstreams.borrow_mut().connected(self.flight, conn);
        self.shell.tell(|cache, now| cache.connected(now, self.flight));
    }

    fn data_received(&mut self, _conn: &mut Conn<'_>, data: &[u8]) {
        self.bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.shell.tell(|cache, now| cache.received(now, self.flight, data));
        self.shell.tell_observers(|observer| observer.received(&self.key, self.bytes));
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        self.ended(UpstreamEnd::Lost(why));
    }
}
