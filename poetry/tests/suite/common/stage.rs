//! A proxy between a puppet of a poet and clients that can be watched.

use sestina_poetry::{PoetryProxy, ProxySettings};
use sestina_reactor::{Endpoint, Reactor};

use super::puppet::Puppet;
use super::watcher::Watcher;
use super::{close, house, serve, until};

/// Everything on one reactor and real sockets.
pub(crate) struct Stage {
    pub(crate) reactor: Reactor,
    pub(crate) puppet: Puppet,
    pub(crate) proxy: PoetryProxy,
    pub(crate) at: Endpoint,
}

impl Stage {
    pub(crate) fn new(change: impl FnOnce(&mut ProxySettings)) -> Self {
        let mut settings = ProxySettings::default();
        change(&mut settings);
        Self::with(settings)
    }

    pub(crate) fn with(settings: ProxySettings) -> Self {
        let (reactor, puppet) = (house(), Puppet::default());
        let poet = serve(&reactor, puppet.clone());
        let proxy = PoetryProxy::with_settings(&reactor, settings).with_upstream("poem", &poet);
        let at = serve(&reactor, proxy.clone());
        Self { reactor, puppet, proxy, at }
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl FnMut() -> bool) {
        until(&self.reactor, what, is_so);
    }

    /// A client, when the proxy has served it as far as it could at once.
    #[track_caller]
    pub(crate) fn client(&self) -> Watcher {
        let before = self.asked();
        let watcher = Watcher::connect(&self.reactor, &self.at);
        self.until("the client has asked", || self.asked() > before && watcher.is_connected());
        watcher
    }

    /// The first clients, when the poet has the connection that they need.
    #[track_caller]
    pub(crate) fn waiting(&self, count: usize) -> Vec<Watcher> {
        let connections = self.puppet.count();
        let clients = (0..count).map(|_| self.client()).collect();
        self.until("the poet has a client", || self.puppet.count() > connections);
        clients
    }

    /// How many clients were served or turned away.
    pub(crate) fn asked(&self) -> u64 {
        let counters = self.proxy.counters();
        let served = counters.hits + counters.stale + counters.misses + counters.collapsed;
        served + counters.negative + counters.uncacheable + counters.rejected
    }

    /// The poet says this, and all of these clients have it.
    #[track_caller]
    pub(crate) fn says(&self, poem: &[u8], clients: &[Watcher]) {
        let before: Vec<usize> = clients.iter().map(Watcher::len).collect();
        self.puppet.last().write(poem);
        self.until("all have it", || {
            clients.iter().zip(&before).all(|(client, before)| client.len() >= before + poem.len())
        });
    }

    #[track_caller]
    pub(crate) fn ended(&self, clients: &[Watcher]) {
        self.until("all have ended", || clients.iter().all(Watcher::has_ended));
    }

    /// Has the proxy keep a long poem, for nobody.
    #[track_caller]
    pub(crate) fn puppet_keeps(&self, poem: &[u8]) {
        self.proxy.refresh("poem").expect("it may fetch");
        self.until("the poet has a client", || self.puppet.count() == 1);
        self.puppet.last().write_shared(poem.into());
        self.puppet.last().lose_connection();
        self.until("the poem is kept", || self.proxy.counters().fetches_ok == 1);
    }

    /// Has the proxy keep this poem.
    #[track_caller]
    pub(crate) fn keep(&self, poem: &[u8]) {
        let first = self.waiting(1);
        self.puppet.last().write(poem);
        self.puppet.last().lose_connection();
        self.ended(&first);
        first[0].is_whole(poem);
    }

    /// Nothing is left of anything.
    #[track_caller]
    pub(crate) fn end(self) {
        self.until("all flights and readers are gone", || {
            let now = self.proxy.statistics();
            (now.readers, now.flights, self.proxy.clients()) == (0, 0, 0)
        });
        let memory = self.proxy.statistics().memory;
        assert_eq!((memory.flight_bytes, memory.pinned_bytes), (0, 0));
        close(&self.reactor);
    }
}
