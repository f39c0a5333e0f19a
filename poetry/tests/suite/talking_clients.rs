//! Clients that talk to poets: a poet does not listen, and the poem must arrive all the same.

use std::time::Duration;

use crate::common::client::client;
use crate::common::{close, house, serve, until, wait};
use sestina_poetry::{FastPoetry, Poem, PoetryProxy, ProxySettings, SlowPoetry, poems};
use sestina_reactor::{Conn, Endpoint, Lost, Reactor};

/// Megabytes, and less than `INPUT_BYTES_MAX`.
const TALK_BYTES: usize = 12 * 1024 * 1024;

fn talk(conn: &mut Conn<'_>) {
    conn.write_shared(vec![b'x'; TALK_BYTES].into());
}

fn slow() -> SlowPoetry {
    let num_bytes = 100.try_into().expect("not zero");
    SlowPoetry::new(Poem::from_bytes(poems::ECSTASY)).with_num_bytes(num_bytes)
}

fn talks_and_gets_the_whole_poem(reactor: &Reactor, at: &Endpoint) {
    let (_, heard) = client(reactor, at, talk);
    wait(reactor, heard).expect("a client always answers").is_whole(poems::ECSTASY);
}

#[test]
fn the_fast_poet_lets_them_talk() {
    let reactor = house();
    let at = serve(&reactor, FastPoetry::new(Poem::from_bytes(poems::ECSTASY)));
    talks_and_gets_the_whole_poem(&reactor, &at);
    close(&reactor);
}

#[test]
fn the_slow_poet_lets_them_talk() {
    let reactor = house();
    let at = serve(&reactor, slow().with_delay(Duration::from_millis(2)));
    talks_and_gets_the_whole_poem(&reactor, &at);
    close(&reactor);
}

#[test]
fn the_proxy_lets_them_talk_before_and_after_the_poem_is_there() {
    let reactor = house();
    let poet = serve(&reactor, slow().with_delay(Duration::from_millis(2)));
    let at = serve(&reactor, PoetryProxy::new(&reactor, &poet));
    talks_and_gets_the_whole_poem(&reactor, &at);
    talks_and_gets_the_whole_poem(&reactor, &at);
    close(&reactor);
}

#[test]
fn who_talks_without_end_is_cut() {
    let reactor = house();
    let hour = Duration::from_secs(3600);
    let poet = serve(&reactor, slow().with_delay(hour).with_input_bytes_max(1000));
    let mut settings = ProxySettings::default();
    settings.input_bytes_max = 1000;
    let proxy = PoetryProxy::with_settings(&reactor, settings).with_upstream("poet", &poet);
    let proxy = serve(&reactor, proxy);
    for at in [&poet, &proxy] {
        let (_, allowed) = client(&reactor, at, |conn| conn.write(&[b'x'; 1000]));
        let received = reactor.statistics().bytes_received;
        until(&reactor, "the allowed bytes have come", || {
            reactor.statistics().bytes_received >= received + 1000
        });
        assert!(!allowed.is_fired());
        let (_, heard) = client(&reactor, at, |conn| conn.write(&[b'x'; 1001]));
        let heard = wait(&reactor, heard).unwrap();
        assert!(matches!(heard.why, Lost::Reset), "{}", heard.why);
    }
    close(&reactor);
}
