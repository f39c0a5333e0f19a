//! Fetching one poem: what is one, what is none, and giving up.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::puppet::Puppet;
use crate::common::{close, house, serve, until, wait};
use sestina_deferred::{Cancelled, Failure};
use sestina_poetry::{FastPoetry, Fetch, FetchError, Poem, get_poem, poems};
use sestina_reactor::{ConnectError, Endpoint, Lost, Reactor};

/// Fetches from a puppet that does `act` when somebody has connected.
fn fetch_from(
    act: impl FnOnce(&Reactor, &Puppet),
    options: impl FnOnce(Fetch) -> Fetch,
) -> (String, Failure) {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let poem = options(Fetch::new(at.clone())).start(&reactor);
    until(&reactor, "the client connects", || puppet.count() == 1);
    act(&reactor, &puppet);
    let failure = wait(&reactor, poem).expect_err("there is no whole poem");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
    (at.peer_name(), failure)
}

#[track_caller]
fn fetch_error(failure: &Failure) -> &FetchError {
    failure.check().unwrap_or_else(|| panic!("another error: {failure:?}"))
}

#[test]
fn a_poem_that_ends_cleanly_is_a_poem() {
    let reactor = house();
    let at = serve(&reactor, FastPoetry::new(Poem::from_bytes(poems::ECSTASY)));
    assert_eq!(wait(&reactor, get_poem(&reactor, &at)).unwrap().as_bytes(), poems::ECSTASY);
    until(&reactor, "both ends are closed", || reactor.connections() == 0);
    close(&reactor);
}

#[test]
fn a_reset_is_not_a_poem() {
    let (name, failure) = fetch_from(
        |reactor, puppet| {
            puppet.last().write(&poems::SCIENCE[..300]);
            let received = reactor.statistics().bytes_received;
            until(reactor, "half of it is there", || reactor.statistics().bytes_received >= received + 300);
            puppet.last().abort();
        },
        |fetch| fetch,
    );
    assert!(matches!(fetch_error(&failure), FetchError::Reset { received: 300, .. }), "{failure:?}");
    let words = format!("{name} reset the connection after 300 bytes: that is not a whole poem");
    assert_eq!(failure.to_string(), words);
}

#[test]
fn a_clean_end_without_a_byte_is_not_a_poem() {
    let (_, failure) = fetch_from(|_, puppet| puppet.last().lose_connection(), |fetch| fetch);
    assert!(matches!(fetch_error(&failure), FetchError::Empty { .. }), "{failure:?}");
}

#[test]
fn nobody_there_is_a_connect_error() {
    let reactor = house();
    let port = reactor.listen(&Endpoint::loopback(0), Puppet::default()).unwrap();
    let at = crate::common::endpoint(port.local_addr());
    wait(&reactor, port.stop_listening()).unwrap();
    let failure = wait(&reactor, get_poem(&reactor, &at)).unwrap_err();
    assert!(matches!(failure.check(), Some(ConnectError::Refused(_))), "{failure:?}");
    close(&reactor);
}

#[test]
fn a_poem_may_be_as_long_as_allowed_and_no_longer() {
    let reactor = house();
    let at = serve(&reactor, FastPoetry::new(Poem::from_bytes([b'x'; 1000])));
    let fits = Fetch::new(at.clone()).with_bytes_max(1000).start(&reactor);
    assert_eq!(wait(&reactor, fits).unwrap().len(), 1000);
    let failure = wait(&reactor, Fetch::new(at).with_bytes_max(999).start(&reactor)).unwrap_err();
    assert!(matches!(fetch_error(&failure), FetchError::TooLarge { limit: 999, .. }), "{failure:?}");
    close(&reactor);
}

#[test]
fn a_poet_that_falls_silent_is_left() {
    let silence = Duration::from_millis(30);
    let (name, failure) =
        fetch_from(|_, puppet| puppet.last().write(b"Where, "), |fetch| fetch.with_idle_max(silence));
    let FetchError::TimedOut { received: 7, limit, .. } = fetch_error(&failure) else {
        panic!("{failure:?}")
    };
    assert_eq!(*limit, silence);
    let words = format!("{name} sent nothing for 30ms after 7 bytes: allow it more time");
    assert_eq!(failure.to_string(), words);
}

#[test]
fn each_piece_starts_the_silence_anew() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let limit = Duration::from_secs(1); // so long that a busy machine does not reach it by itself
    let poem = Fetch::new(at).with_idle_max(limit).start(&reactor);
    until(&reactor, "the client connects", || puppet.count() == 1);
    let start = reactor.now();
    let mut next = start;
    until(&reactor, "more than the limit has passed", || {
        if reactor.now() >= next {
            puppet.last().write(b"word ");
            next = reactor.now() + limit / 20;
        }
        reactor.now() >= start + limit * 5 / 4
    });
    puppet.last().lose_connection();
    assert!(wait(&reactor, poem).unwrap().as_bytes().ends_with(b"word "));
    close(&reactor);
}

#[test]
fn progress_counts_up_to_the_whole_poem() {
    let reactor = house();
    let at = serve(&reactor, FastPoetry::new(Poem::from_bytes(poems::ECSTASY)));
    let counts = Rc::new(RefCell::new(Vec::new()));
    let heard = counts.clone();
    let fetch = Fetch::new(at).on_progress(move |bytes| heard.borrow_mut().push(bytes));
    wait(&reactor, fetch.start(&reactor)).unwrap();
    let counts = counts.borrow();
    assert!(counts.is_sorted() && counts.last() == Some(&poems::ECSTASY.len()), "{counts:?}");
    close(&reactor);
}

// spec: P19-26, P19-35
#[test]
fn cancelling_cuts_the_connection_at_once() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let poem = get_poem(&reactor, &at);
    until(&reactor, "the client connects", || puppet.count() == 1);
    puppet.last().write(poems::SCIENCE);
    poem.cancel();
    let failure = poem.try_result().expect("it has answered").unwrap_err();
    assert!(failure.is::<Cancelled>(), "{failure:?}");
    until(&reactor, "the poet has noticed", || puppet.ends().len() == 1);
    assert!(matches!(puppet.ends()[..], [Lost::Reset]), "{:?}", puppet.ends());
    close(&reactor);
}

#[test]
fn cancelling_before_the_connection_is_there_stops_connecting() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let poem = get_poem(&reactor, &at);
    poem.cancel();
    assert!(poem.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    until(&reactor, "nothing is left of it", || reactor.connections() == 0 && reactor.timers() == 0);
    close(&reactor);
}

#[test]
fn the_end_of_the_reactor_is_told() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let connected = get_poem(&reactor, &at);
    until(&reactor, "both ends are connected", || puppet.count() == 1 && reactor.statistics().connected == 1);
    let connecting = get_poem(&reactor, &at);
    close(&reactor);
    let failure = connected.try_result().expect("it has answered").unwrap_err();
    assert!(matches!(fetch_error(&failure), FetchError::Lost { why: Lost::Aborted, .. }), "{failure:?}");
    let failure = connecting.try_result().expect("it has answered").unwrap_err();
    assert!(matches!(failure.check(), Some(ConnectError::Cancelled)), "{failure:?}");
}
