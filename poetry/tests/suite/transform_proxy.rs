//! The transformer that asks another service: its bounds, its line, and giving up.

use std::time::Duration;

use crate::common::puppet::Puppet;
use crate::common::{close, house, serve, until, wait};
use sestina_deferred::{Cancelled, Failure, all_settled};
use sestina_poetry::{
    Poem, Refusal, TransformError, TransformProxy, TransformServer, TransformService, Transformer, transform,
};
use sestina_reactor::Lost;
use sestina_reactor_sim::Simulation;

/// What a proxy makes of a service that answers so, and closes.
fn proxied(answer: &'static [u8]) -> Result<Poem, Failure> {
    let (reactor, puppet) = (house(), Puppet::default());
    let proxy = TransformProxy::new(&reactor, &serve(&reactor, puppet.clone()));
    let poem = proxy.transform("shout", "a");
    until(&reactor, "the request is there", || puppet.received() == b"7:shout.a,");
    puppet.last().write(answer);
    puppet.last().lose_connection();
    let result = wait(&reactor, poem);
    reactor.clear();
    result
}

#[test]
fn an_answer_is_passed_on_also_an_empty_one() {
    assert_eq!(proxied(b"1:A,").unwrap().as_bytes(), b"A");
    assert_eq!(proxied(b"0:,").unwrap().as_bytes(), b"");
}

#[test]
fn a_no_stays_a_no_and_an_accident_an_accident() {
    assert_eq!(proxied(b"").unwrap_err().check(), Some(&Refusal::Upstream));
    for answer in [&b"1"[..], b"1:A", b"1:A;", b"x"] {
        let failure = proxied(answer).unwrap_err();
        assert!(failure.is::<TransformError>(), "{failure:?}");
    }
}

#[test]
fn a_request_that_the_service_would_not_read_is_refused_without_asking_it() {
    let (reactor, puppet) = (house(), Puppet::default());
    let proxy = TransformProxy::new(&reactor, &serve(&reactor, puppet.clone())).with_bytes_max(10);
    let too_long = wait(&reactor, proxy.transform("shout", "12345")).unwrap_err();
    assert_eq!(too_long.check(), Some(&Refusal::TooLong { bytes: 11, limit: 10 }));
    let nameless = wait(&reactor, proxy.transform("", "a")).unwrap_err();
    assert_eq!(nameless.check(), Some(&Refusal::Upstream));
    assert_eq!(puppet.count(), 0);
    close(&reactor);
}

#[test]
fn so_many_requests_are_made_at_a_time_and_the_others_wait_in_line() {
    let (reactor, puppet) = (house(), Puppet::default());
    let proxy = TransformProxy::new(&reactor, &serve(&reactor, puppet.clone())).with_upstream_max(1);
    let first = proxy.transform("shout", "a");
    let gives_up = proxy.transform("shout", "b");
    let third = proxy.transform("shout", "c");
    until(&reactor, "one request is there", || puppet.received() == b"7:shout.a,");
    gives_up.cancel();
    assert!(gives_up.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    assert_eq!(puppet.count(), 1);
    puppet.last().write(b"1:A,");
    assert_eq!(wait(&reactor, first).unwrap().as_bytes(), b"A");
    until(&reactor, "the next request is there", || puppet.received() == b"7:shout.a,7:shout.c,");
    puppet.last().write(b"1:C,");
    assert_eq!(wait(&reactor, third).unwrap().as_bytes(), b"C");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
}

/// In virtual time, so that the bound is exact: who waits in line has no more time than the others.
#[test]
fn waiting_in_line_is_bounded_too() {
    let (reactor, puppet) = (Simulation::seeded(1).reactor(), Puppet::default());
    let limit = Duration::from_secs(30);
    let proxy = TransformProxy::new(&reactor, &serve(&reactor, puppet.clone()))
        .with_upstream_max(1)
        .with_time_max(limit);
    let begun = reactor.now();
    let answers = [proxy.transform("shout", "a"), proxy.transform("shout", "b")];
    for result in reactor.run_until(all_settled(answers)).expect("all are told") {
        let failure = result.expect_err("nobody answers");
        let Some(TransformError::TimedOut { limit: told, .. }) = failure.check() else {
            panic!("{failure:?}")
        };
        assert_eq!(*told, limit);
    }
    let took = reactor.now() - begun;
    assert!(took >= limit && took < limit + Duration::from_secs(1), "{took:?}");
}

#[test]
fn cancelling_cuts_the_connection_to_the_service() {
    let (reactor, puppet) = (house(), Puppet::default());
    let proxy = TransformProxy::new(&reactor, &serve(&reactor, puppet.clone()));
    let answer = proxy.transform("shout", "a");
    until(&reactor, "the request is there", || puppet.received() == b"7:shout.a,");
    answer.cancel();
    assert!(answer.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    until(&reactor, "the service has noticed", || puppet.ends().len() == 1);
    assert!(matches!(puppet.ends()[..], [Lost::Reset]), "{:?}", puppet.ends());
    close(&reactor);
}

// spec: P14-28
#[test]
fn a_proxy_of_a_proxy_of_a_service_answers_like_the_service() {
    let reactor = house();
    let service = serve(&reactor, TransformServer::new(TransformService::new()));
    let near = serve(&reactor, TransformServer::new(TransformProxy::new(&reactor, &service)));
    let far = serve(&reactor, TransformServer::new(TransformProxy::new(&reactor, &near)));
    let poem = Poem::from_bytes("HERE IS MY POEM");
    let answer = wait(&reactor, transform(&reactor, &far, "cummingsify", &poem)).unwrap();
    assert_eq!(answer.as_bytes(), b"here is my poem");
    let no = wait(&reactor, transform(&reactor, &far, "burn", &poem)).unwrap_err();
    assert!(matches!(no.check(), Some(TransformError::Refused { .. })), "{no:?}");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
}

#[test]
fn a_ring_of_proxies_ends_in_time() {
    let reactor = house();
    let port = reactor.listen(&"tcp:0".parse().unwrap(), Puppet::default()).unwrap();
    let here = crate::common::endpoint(port.local_addr());
    wait(&reactor, port.stop_listening()).unwrap();
    let proxy =
        TransformProxy::new(&reactor, &here).with_upstream_max(5).with_time_max(Duration::from_millis(300));
    reactor.listen(&here, TransformServer::new(proxy)).unwrap();
    let poem = Poem::from_bytes("a");
    let failure = wait(&reactor, transform(&reactor, &here, "shout", &poem)).unwrap_err();
    assert!(matches!(failure.check(), Some(TransformError::Lost { why: Lost::Reset, .. })), "{failure:?}");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
}
