//! A reactor on real sockets, clients and a puppet of a poet, all in one thread; every wait has a deadline.

pub(crate) mod client;
pub(crate) mod log;
pub(crate) mod puppet;
pub(crate) mod random;
pub(crate) mod stage;
pub(crate) mod upstream;
pub(crate) mod watcher;

use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::{Address, Endpoint, Factory, Reactor};
use sestina_reactor_mio::MioDriver;

/// Far more than anything here takes: a test that comes here has failed.
const DEADLINE: Duration = Duration::from_secs(30);
const TURN_MAX: Duration = Duration::from_millis(20);

pub(crate) fn house() -> Reactor {
    Reactor::new(Box::new(MioDriver::new().expect("a poller and a waker are there")))
}

/// Serves on a free port.
pub(crate) fn serve(reactor: &Reactor, factory: impl Factory) -> Endpoint {
    let port = reactor.listen(&Endpoint::loopback(0), factory).expect("there is a free port");
    endpoint(port.local_addr())
}

pub(crate) fn endpoint(address: &Address) -> Endpoint {
    Endpoint::loopback(address.port().expect("a tcp port has a number"))
}

/// Turns the loop until `is_so`.
#[track_caller]
pub(crate) fn until(reactor: &Reactor, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = reactor.now() + DEADLINE;
    while !is_so() {
        assert!(reactor.now() < end, "this did not happen in time: {what}");
        reactor.turn(Some(TURN_MAX)).expect("the driver waits");
    }
}

/// Turns the loop until the answer is there; the connections stay.
#[track_caller]
pub(crate) fn wait<T: 'static>(reactor: &Reactor, deferred: Deferred<T>) -> Result<T, Failure> {
    let mut deferred = Some(deferred);
    let mut result = None;
    until(reactor, "an answer", || {
        match deferred.take().map(Deferred::try_result) {
            Some(Ok(answer)) => result = Some(answer),
            Some(Err(waiting)) => deferred = Some(waiting),
            None => {}
        }
        result.is_some()
    });
    result.expect("`until` ends with an answer")
}

/// Ends the reactor and checks that nothing is left behind and nothing went wrong unseen.
#[track_caller]
pub(crate) fn close(reactor: &Reactor) {
    reactor.clear();
    let statistics = reactor.statistics();
    assert_eq!((reactor.connections(), reactor.timers(), reactor.ports()), (0, 0, 0));
    assert_eq!((statistics.panics, statistics.unhandled_errors), (0, 0));
}

/// A poem with every byte value, so long that no kernel buffer takes all of it.
pub(crate) fn long_poem() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(16 * 1024 * 1024).collect()
}
