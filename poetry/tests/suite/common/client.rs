//! A client that tells what it heard and how it ended, whichever way that was.

use sestina_deferred::{Deferred, Resolver, deferred};
use sestina_reactor::{Address, Conn, Connector, Endpoint, Lost, Protocol, Reactor, Time};

use super::wait;

/// What one client heard.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// When each piece came.
    pub(crate) times: Vec<Time>,
    pub(crate) why: Lost,
}

impl Heard {
    /// All of it, and the poet closed cleanly.
    #[track_caller]
    pub(crate) fn is_whole(&self, poem: &[u8]) {
        assert!(matches!(self.why, Lost::Done), "it ended otherwise: {}", self.why);
        assert!(self.bytes == poem, "{} bytes came of {}", self.bytes.len(), poem.len());
    }
}

struct Client<F> {
    begin: Option<F>,
    bytes: Vec<u8>,
    times: Vec<Time>,
    resolver: Option<Resolver<Heard>>,
}

impl<F: FnOnce(&mut Conn<'_>) + 'static> Protocol for Client<F> {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        if let Some(begin) = self.begin.take() {
            begin(conn);
        }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        self.times.push(conn.now());
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        if let Some(resolver) = self.resolver.take() {
            let (bytes, times) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.times));
            resolver.callback(Heard { bytes, times, why });
        }
    }
}

/// Connects; `begin` is done first.
pub(crate) fn client(
    reactor: &Reactor,
    to: &Endpoint,
    begin: impl FnOnce(&mut Conn<'_>) + 'static,
) -> (Connector, Deferred<Heard>) {
    let (resolver, answer) = deferred();
    let client =
        Client { begin: Some(begin), bytes: Vec::new(), times: Vec::new(), resolver: Some(resolver) };
    let mut client = Some(client);
    let connector =
        reactor.connect(to, move |_: &Address| client.take().expect("a factory makes one client"));
    (connector, answer)
}

/// A client that only listens.
pub(crate) fn listen(reactor: &Reactor, to: &Endpoint) -> Deferred<Heard> {
    client(reactor, to, |_| ()).1
}

/// One client reads nothing at all, and three get the whole poem meanwhile.
#[track_caller]
pub(crate) fn others_are_served_beside_a_stuck_client(reactor: &Reactor, at: &Endpoint, poem: &[u8]) {
    let (_connector, stuck) = client(reactor, at, |conn| conn.pause_reading());
    for _ in 0..3 {
        wait(reactor, listen(reactor, at)).expect("a client always answers").is_whole(poem);
    }
    assert!(!stuck.is_fired());
}
