//! Many clients of a proxy, one poet behind it.

use std::time::Duration;

use crate::common::client::{Heard, client, listen, others_are_served_beside_a_stuck_client};
use crate::common::log::logged;
use crate::common::puppet::Puppet;
use crate::common::{close, house, serve, until, wait};
use sestina_deferred::Deferred;
use sestina_poetry::{FastPoetry, Poem, PoetryProxy, ProxySettings, SlowPoetry, get_poem, poems};
use sestina_reactor::{Connector, Endpoint, Lost, Reactor};

/// A proxy before a puppet, and clients that wait.
struct Scene {
    reactor: Reactor,
    puppet: Puppet,
    proxy: PoetryProxy,
    at: Endpoint,
}

impl Scene {
    fn new() -> Self {
        let (reactor, puppet) = (house(), Puppet::default());
        let poet = serve(&reactor, puppet.clone());
        let proxy = PoetryProxy::new(&reactor, &poet);
        let at = serve(&reactor, proxy.clone());
        Self { reactor, puppet, proxy, at }
    }

    /// Clients that are known to wait in the proxy.
    fn clients(&self, count: usize) -> Vec<(Connector, Deferred<Heard>)> {
        let before = self.asked();
        let clients = (0..count).map(|_| client(&self.reactor, &self.at, |_| ())).collect();
        let wanted = before + u64::try_from(count).expect("few clients");
        until(&self.reactor, "all clients have asked", || self.asked() == wanted);
        until(&self.reactor, "the proxy has connected", || self.puppet.count() > 0);
        clients
    }

    fn asked(&self) -> u64 {
        let counters = self.proxy.counters();
        counters.misses + counters.collapsed + counters.hits
    }

    fn poet_reads(&self, poem: &[u8]) {
        self.puppet.last().write(poem);
        self.puppet.last().lose_connection();
    }
}

// spec: P14-01, P14-12, P14-15, P14-27
#[test]
fn eight_clients_are_one_upstream_connection() {
    let scene = Scene::new();
    let clients = scene.clients(8);
    scene.poet_reads(poems::ECSTASY);
    for (_, heard) in clients {
        wait(&scene.reactor, heard).unwrap().is_whole(poems::ECSTASY);
    }
    assert_eq!(scene.puppet.count(), 1);
    close(&scene.reactor);
}

// spec: P14-03, P14-10, P14-18
#[test]
fn a_cached_poem_needs_no_poet() {
    let scene = Scene::new();
    let first = scene.clients(1);
    scene.poet_reads(poems::SCIENCE);
    for (_, heard) in first {
        wait(&scene.reactor, heard).unwrap().is_whole(poems::SCIENCE);
    }
    wait(&scene.reactor, listen(&scene.reactor, &scene.at)).unwrap().is_whole(poems::SCIENCE);
    assert_eq!((scene.puppet.count(), scene.proxy.counters().hits), (1, 1));
    close(&scene.reactor);
}

// spec: P19-39
#[test]
fn one_leaves_and_the_others_get_the_poem() {
    let scene = Scene::new();
    let mut clients = scene.clients(3);
    let (connector, left) = clients.remove(0); // the one whose request started the fetch
    scene.puppet.last().write(&poems::ECSTASY[..1500]);
    connector.abort();
    until(&scene.reactor, "the proxy has noticed", || scene.proxy.counters().left == 1);
    scene.puppet.last().write(&poems::ECSTASY[1500..]);
    scene.puppet.last().lose_connection();
    for (_, heard) in clients {
        wait(&scene.reactor, heard).unwrap().is_whole(poems::ECSTASY);
    }
    assert!(poems::ECSTASY.starts_with(&wait(&scene.reactor, left).unwrap().bytes));
    let counters = scene.proxy.counters();
    assert_eq!((counters.misses, counters.fetches_cancelled, scene.puppet.count()), (1, 0, 1));
    close(&scene.reactor);
}

// spec: P14-31, P19-02, P19-22, P19-28
#[test]
fn when_all_leave_the_upstream_connection_is_cut_and_the_next_client_starts_anew() {
    let scene = Scene::new();
    let clients = scene.clients(3);
    scene.puppet.last().write(&poems::ECSTASY[..1500]);
    for (connector, _) in &clients {
        connector.disconnect(); // a polite hang-up is one too
    }
    until(&scene.reactor, "the poet is cut off", || scene.puppet.ends().len() == 1);
    assert!(matches!(scene.puppet.ends()[..], [Lost::Reset]), "{:?}", scene.puppet.ends());
    assert_eq!(scene.proxy.counters().fetches_cancelled, 1);
    for (_, heard) in clients {
        assert!(poems::ECSTASY[..1500].starts_with(&wait(&scene.reactor, heard).unwrap().bytes));
    }
    let next = listen(&scene.reactor, &scene.at);
    until(&scene.reactor, "the proxy connects again", || scene.puppet.count() == 2);
    scene.poet_reads(poems::ECSTASY);
    wait(&scene.reactor, next).unwrap().is_whole(poems::ECSTASY);
    close(&scene.reactor);
}

#[test]
fn all_may_leave_before_the_upstream_connection_is_there() {
    let reactor = house();
    // A name that nobody resolves while the clients come and go: the resolver works off the loop.
    let proxy = PoetryProxy::new(&reactor, &Endpoint::tcp("sestina-no-such-host.invalid", 10000));
    let at = serve(&reactor, proxy.clone());
    let (connector, _heard) = client(&reactor, &at, |_| ());
    until(&reactor, "the client has asked", || proxy.counters().misses == 1);
    connector.abort();
    until(&reactor, "the fetch is over", || {
        proxy.counters().fetches_cancelled + proxy.counters().fetches_failed() == 1
            && reactor.connections() == 0
    });
    close(&reactor);
}

#[test]
fn clients_of_one_proxy_have_their_own_speed() {
    let (reactor, poem) = (house(), crate::common::long_poem());
    let poet = serve(&reactor, FastPoetry::new(Poem::from_bytes(&poem)));
    let at = serve(&reactor, PoetryProxy::new(&reactor, &poet));
    others_are_served_beside_a_stuck_client(&reactor, &at, &poem);
    close(&reactor);
}

#[test]
fn a_proxy_is_a_poet_for_another_proxy() {
    let reactor = house();
    let num_bytes = 100.try_into().unwrap();
    let poet = SlowPoetry::new(Poem::from_bytes(poems::SCIENCE)).with_num_bytes(num_bytes);
    let at = serve(&reactor, poet.with_delay(Duration::from_millis(1)));
    let near = serve(&reactor, PoetryProxy::new(&reactor, &at));
    let far = serve(&reactor, PoetryProxy::new(&reactor, &near));
    assert_eq!(wait(&reactor, get_poem(&reactor, &far)).unwrap().as_bytes(), poems::SCIENCE);
    close(&reactor);
}

// spec: P14-09
#[test]
fn a_poet_that_says_nothing_is_given_up_when_its_time_is_over() {
    let (reactor, puppet) = (house(), Puppet::default());
    let poet = serve(&reactor, puppet.clone());
    let mut settings = ProxySettings::default();
    settings.cache.limits.first_byte = Duration::from_millis(20);
    let proxy = PoetryProxy::with_settings(&reactor, settings).with_upstream("poet", &poet);
    let at = serve(&reactor, proxy.clone());
    let heard = wait(&reactor, listen(&reactor, &at)).unwrap();
    assert!(matches!(heard.why, Lost::Reset), "{}", heard.why);
    assert_eq!(proxy.counters().fetches_stalled, 1);
    close(&reactor);
}

// spec: P14-10, P14-18
#[test]
fn the_log_tells_a_fetch_from_a_hit() {
    let lines = logged(|| {
        let scene = Scene::new();
        let clients = scene.clients(2);
        scene.poet_reads(poems::SCIENCE);
        for (_, heard) in clients {
            wait(&scene.reactor, heard).unwrap().is_whole(poems::SCIENCE);
        }
        wait(&scene.reactor, listen(&scene.reactor, &scene.at)).unwrap().is_whole(poems::SCIENCE);
        close(&scene.reactor);
    });
    let count = |words: &str| lines.iter().filter(|line| line.starts_with(words)).count();
    assert_eq!(count("INFO fetching the poem from 127.0.0.1:"), 1, "{lines:?}");
    assert_eq!(count("INFO joining the fetch under way"), 1, "{lines:?}");
    assert_eq!(
        count("INFO using the cached poem: sending 653 bytes of poetry to 127.0.0.1:"),
        1,
        "{lines:?}"
    );
    assert_eq!(count("INFO fetch ended"), 1, "{lines:?}");
}
