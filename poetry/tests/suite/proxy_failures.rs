//! A poet that fails: its proxy's clients get no poem and no clean end, and nothing is kept.

use crate::common::client::{Heard, client, listen};
use crate::common::log::logged;
use crate::common::puppet::Puppet;
use crate::common::{close, endpoint, house, serve, until, wait};
use sestina_poetry::{PoetryProxy, ProxySettings, poems};
use sestina_reactor::{Endpoint, Lost, Reactor};

/// A proxy that asks a poet who failed again at once.
fn impatient(reactor: &Reactor, poet: &Endpoint) -> PoetryProxy {
    let mut settings = ProxySettings::default();
    settings.cache.back_off = None;
    PoetryProxy::with_settings(reactor, settings).with_upstream("poet", poet)
}

#[track_caller]
fn was_cut(heard: &Heard) {
    assert!(poems::SCIENCE.starts_with(&heard.bytes) && heard.bytes.len() <= 300, "{}", heard.bytes.len());
    assert!(matches!(heard.why, Lost::Reset), "a failure is never a clean end: {}", heard.why);
}

/// Two clients wait, the poet does `fail`, both are cut; then the poet is well, and the next client gets a poem.
fn fails_once(fail: impl FnOnce(&Reactor, &Puppet)) {
    let (reactor, puppet) = (house(), Puppet::default());
    let poet = serve(&reactor, puppet.clone());
    let proxy = impatient(&reactor, &poet);
    let at = serve(&reactor, proxy.clone());
    let clients = [listen(&reactor, &at), listen(&reactor, &at)];
    until(&reactor, "both have asked, and the proxy has connected", || {
        proxy.counters().collapsed == 1 && puppet.count() == 1
    });
    fail(&reactor, &puppet);
    for heard in clients {
        was_cut(&wait(&reactor, heard).expect("a client always answers"));
    }
    assert_eq!(proxy.counters().fetches_failed(), 1);
    let next = listen(&reactor, &at);
    until(&reactor, "the proxy connects again", || puppet.count() == 2);
    puppet.last().write(poems::SCIENCE);
    puppet.last().lose_connection();
    wait(&reactor, next).expect("a client always answers").is_whole(poems::SCIENCE);
    close(&reactor);
}

// spec: P14-30
#[test]
fn an_upstream_reset_half_way_gives_nobody_a_poem() {
    fails_once(|reactor, puppet| {
        puppet.last().write(&poems::SCIENCE[..300]);
        let received = reactor.statistics().bytes_received;
        until(reactor, "half of it is there", || reactor.statistics().bytes_received >= received + 300);
        puppet.last().abort();
    });
}

// spec: P14-30
#[test]
fn an_empty_reply_is_an_error_and_not_kept() {
    fails_once(|_, puppet| puppet.last().lose_connection());
}

// spec: P14-22
#[test]
fn a_poet_that_is_not_there_is_asked_again_for_the_next_client() {
    let reactor = house();
    let port = reactor.listen(&Endpoint::loopback(0), Puppet::default()).unwrap();
    let poet = endpoint(port.local_addr());
    wait(&reactor, port.stop_listening()).unwrap();
    let proxy = impatient(&reactor, &poet);
    let at = serve(&reactor, proxy.clone());
    for _ in 0..2 {
        was_cut(&wait(&reactor, listen(&reactor, &at)).unwrap());
    }
    assert_eq!((proxy.counters().misses, proxy.counters().fetches_failed()), (2, 2));
    close(&reactor);
}

#[test]
fn the_log_has_one_line_for_one_failure_of_many_clients() {
    let lines = logged(|| fails_once(|_, puppet| puppet.last().lose_connection()));
    let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    assert!(warnings[0].contains("it sent nothing"), "{warnings:?}");
}

/// A client that has closed its direction looks like one that hung up: it is told that there is no poem, not an empty one.
// spec: P19-38
#[test]
fn a_half_closed_client_that_waits_is_taken_as_gone_and_reset() {
    let (reactor, puppet) = (house(), Puppet::default());
    let poet = serve(&reactor, puppet.clone());
    let proxy = impatient(&reactor, &poet);
    let at = serve(&reactor, proxy.clone());
    let (_, heard) = client(&reactor, &at, |conn| conn.lose_write_connection());
    let heard = wait(&reactor, heard).unwrap();
    assert!(heard.bytes.is_empty() && matches!(heard.why, Lost::Reset), "{}", heard.why);
    until(&reactor, "nobody waits any more", || proxy.counters().fetches_cancelled == 1);
    close(&reactor);
}
