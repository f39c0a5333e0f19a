//! The introduction's three proxies, to the letter: what they print, what they keep, how they end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::log::logged;
use crate::common::stage::Stage;
use crate::common::watcher::Watcher;
use sestina_poetry::cache::Admission;
use sestina_poetry::{Like, Observer, ProxyRoute, ProxySettings, poems};

const POEM: &[u8] = poems::SCIENCE;
const ALL: [Like; 3] = [Like::One, Like::Two, Like::Three];

#[derive(Clone, Default)]
struct Printed(Rc<RefCell<Vec<String>>>);

impl Observer for Printed {
    fn prints(&self, line: &str) {
        self.0.borrow_mut().push(line.to_owned());
    }
}

fn stage(like: Like) -> (Stage, Printed) {
    let (stage, printed) = (Stage::with(ProxySettings::like(like)), Printed::default());
    stage.proxy.observe(printed.clone());
    (stage, printed)
}

/// Clients that wait, when the poet has a connection for each.
fn waiting(stage: &Stage, count: usize) -> Vec<Watcher> {
    let before = stage.puppet.count();
    let clients = (0..count).map(|_| stage.client()).collect();
    stage.until("the poet has them all", || stage.puppet.count() == before + count);
    clients
}

// spec: P14-01, P14-10, P14-17, P14-18
#[test]
fn they_fetch_for_every_client_until_they_have_the_poem_and_print_what_the_originals_print() {
    for like in ALL {
        let (stage, printed) = stage(like);
        let clients = waiting(&stage, 3);
        for poet in stage.puppet.connections() {
            poet.write(POEM);
            poet.lose_connection();
        }
        stage.ended(&clients);
        let later = stage.client();
        stage.ended(std::slice::from_ref(&later));
        clients.iter().chain([&later]).for_each(|client| client.is_whole(POEM));
        let fetching = "Fetching poem from server.";
        assert_eq!(*printed.0.borrow(), [fetching, fetching, fetching, "Using cached poem."], "{like:?}");
        stage.end();
    }
}

// spec: P14-15
#[test]
fn they_send_nothing_before_the_poem_is_complete() {
    for like in ALL {
        let (stage, _) = stage(like);
        let clients = waiting(&stage, 1);
        stage.puppet.last().write(&POEM[..300]);
        stage.until("half of it is there", || {
            stage.proxy.flights().first().is_some_and(|flight| flight.bytes == 300)
        });
        assert_eq!(clients[0].len(), 0);
        stage.puppet.last().write(&POEM[300..]);
        stage.puppet.last().lose_connection();
        stage.ended(&clients);
        clients[0].is_whole(POEM);
        stage.end();
    }
}

// spec: P14-30
#[test]
fn they_keep_a_torn_poem_and_an_empty_one_as_if_it_were_whole() {
    for like in ALL {
        for (length, reset) in [(300, true), (300, false), (0, false), (0, true)] {
            let (stage, _) = stage(like);
            let clients = waiting(&stage, 1);
            if length > 0 {
                stage.puppet.last().write(&POEM[..length]);
                let came = |bytes: u64| bytes == u64::try_from(length).expect("small");
                stage.until("it is there", || stage.proxy.flights().first().is_some_and(|it| came(it.bytes)));
            }
            if reset {
                stage.puppet.last().abort()
            } else {
                stage.puppet.last().lose_connection()
            }
            stage.ended(&clients);
            clients[0].is_whole(&POEM[..length]);
            let later = stage.client();
            stage.ended(std::slice::from_ref(&later));
            later.is_whole(&POEM[..length]);
            assert_eq!(
                (stage.puppet.count(), stage.proxy.counters().hits),
                (1, 1),
                "{like:?} {length} {reset}"
            );
            stage.end();
        }
    }
}

// spec: P14-31
#[test]
fn one_and_two_finish_a_download_whose_client_is_gone_and_keep_it() {
    for like in [Like::One, Like::Two] {
        let (stage, printed) = stage(like);
        let clients = waiting(&stage, 1);
        clients[0].conn().abort();
        stage.until("the proxy has noticed", || stage.proxy.counters().left == 1);
        stage.puppet.last().write(POEM);
        stage.puppet.last().lose_connection();
        stage.until("it is kept", || stage.proxy.counters().fetches_ok == 1);
        let later = stage.client();
        stage.ended(std::slice::from_ref(&later));
        later.is_whole(POEM);
        assert_eq!(*printed.0.borrow(), ["Fetching poem from server.", "Using cached poem."]);
        stage.end();
    }
}

// spec: P19-22, P19-24, P19-28, P19-39
#[test]
fn three_cancels_the_download_of_a_client_that_leaves_and_no_other() {
    let (stage, printed) = stage(Like::Three);
    let clients = waiting(&stage, 2);
    clients[0].conn().abort();
    stage.until("one poet is cut off", || stage.puppet.ends().len() == 1);
    let canceling = ["Fetching poem from server.", "Fetching poem from server.", "Canceling poem download."];
    assert_eq!(*printed.0.borrow(), canceling);
    for poet in stage.puppet.connections() {
        poet.write(POEM);
        poet.lose_connection();
    }
    stage.ended(&clients);
    clients[1].is_whole(POEM);
    stage.end();
}

// spec: P19-38
#[test]
fn a_client_that_half_closes_gets_a_clean_and_empty_end_and_in_three_its_download_is_cancelled() {
    for (like, cancelled) in [(Like::Two, 0), (Like::Three, 1)] {
        let (stage, _) = stage(like);
        let clients = waiting(&stage, 1);
        clients[0].conn().lose_write_connection();
        stage.ended(&clients);
        clients[0].is_whole(b"");
        assert_eq!(stage.proxy.counters().fetches_cancelled, cancelled, "{like:?}");
        stage.reactor.clear();
    }
}

// spec: P14-22
#[test]
fn a_poet_that_is_not_there_is_an_empty_poem_with_a_clean_end() {
    for like in ALL {
        let (stage, _) = stage(like);
        let gone = {
            let reactor = crate::common::house();
            let at = crate::common::serve(&reactor, crate::common::puppet::Puppet::default());
            crate::common::close(&reactor);
            at
        };
        let proxy = stage.proxy.clone().with_upstream("poem", &gone);
        for fetches in [1, 2] {
            let client = stage.client();
            stage.ended(std::slice::from_ref(&client));
            client.is_whole(b"");
            assert_eq!(proxy.counters().misses, fetches, "nothing is kept, and nobody is left alone");
        }
        stage.end();
    }
}

// spec: P14-17
#[test]
fn the_first_line_is_the_originals_and_the_log_warns() {
    for like in ALL {
        let lines = logged(|| {
            let (stage, printed) = stage(like);
            let poet = sestina_reactor::Endpoint::loopback(10_001);
            let at = sestina_reactor::Address::Inet("127.0.0.1:10000".parse().unwrap());
            stage.proxy.tell_route(&ProxyRoute::new("poem", &poet, &stage.at), &at);
            let first =
                "Proxying ('127.0.0.1', 10001) on IPv4Address(type='TCP', host='127.0.0.1', port=10000).";
            assert_eq!(*printed.0.borrow(), [first]);
            stage.end();
        });
        let warns = format!("WARN like proxy {} of the introduction", like.version());
        assert!(lines.iter().any(|line| line.starts_with(&warns)), "{lines:?}");
    }
}

/// Without `like` nothing of it is printed, and nothing of it is done.
#[test]
fn a_proxy_of_ours_prints_nothing() {
    let (stage, printed) = (Stage::new(|_| ()), Printed::default());
    stage.proxy.observe(printed.clone());
    stage.keep(POEM);
    let hit = stage.client();
    stage.ended(std::slice::from_ref(&hit));
    assert!(printed.0.borrow().is_empty());
    stage.end();
}

/// Who heard of a first byte, by how it came by it.
#[derive(Clone, Default)]
struct FirstBytes(Rc<RefCell<Vec<Admission>>>);

impl Observer for FirstBytes {
    fn first_byte(&self, admission: Admission, _: Duration) {
        self.0.borrow_mut().push(admission);
    }
}

#[test]
fn their_first_bytes_are_told_too() {
    let (stage, _) = stage(Like::Three);
    let heard = FirstBytes::default();
    stage.proxy.observe(heard.clone());
    let first = waiting(&stage, 1);
    stage.puppet.last().write(POEM);
    stage.puppet.last().lose_connection();
    stage.ended(&first);
    stage.ended(&[stage.client()]);
    assert_eq!(*heard.0.borrow(), [Admission::Miss, Admission::Hit]);
    stage.end();
}
