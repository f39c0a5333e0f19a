//! Counts that do not depend on time: thousands of clients, one fetch; what each of them costs; what one turn of the loop
//! does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::puppet::Puppet;
use crate::common::watcher::Watcher;
use crate::common::{house, serve, until};
use sestina_poetry::{PoetryProxy, poems};
use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol, Reactor};
use sestina_reactor_sim::Simulation;

const CROWD: usize = 5_000;
/// What a client that waits may cost beyond its connection, in bytes.
const WAITER_BYTES_MAX: i64 = 512;
/// Clients whose memory is measured.
const MEASURED: usize = 2_000;
/// How long one turn may wait for the event that makes it.
const TURN_MAX: Duration = Duration::from_secs(30);

fn simulated() -> Reactor {
    Simulation::seeded(7).reactor()
}

/// A listener whose port is given here: in a simulation they are all free.
fn listen_at(reactor: &Reactor, port: u16, factory: impl sestina_reactor::Factory) -> Endpoint {
    let at = Endpoint::loopback(port);
    reactor.listen(&at, factory).expect("nobody else is there");
    at
}

/// A client that checks each byte when it comes, and keeps none.
struct Checking {
    poem: Rc<[u8]>,
    at: usize,
    ends: Rc<RefCell<Vec<usize>>>,
}

impl Protocol for Checking {
    fn data_received(&mut self, _conn: &mut Conn<'_>, data: &[u8]) {
        assert!(self.poem[self.at..].starts_with(data), "a wrong byte after {}", self.at);
        self.at += data.len();
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        assert!(matches!(why, Lost::Done), "{why}");
        self.ends.borrow_mut().push(self.at);
    }
}

#[test]
fn five_thousand_clients_of_one_fetch_are_one_connection_and_every_byte_is_right() {
    let (reactor, puppet) = (simulated(), Puppet::default());
    let poet = listen_at(&reactor, 10_001, puppet.clone());
    let proxy = PoetryProxy::new(&reactor, &poet);
    let at = listen_at(&reactor, 10_000, proxy.clone());
    let (poem, ends): (Rc<[u8]>, Rc<RefCell<Vec<usize>>>) = (poems::ECSTASY.into(), Rc::default());
    let clients = |count: usize| {
        for _ in 0..count {
            let (poem, ends) = (Rc::clone(&poem), Rc::clone(&ends));
            reactor.connect(&at, move |_: &Address| {
                let (poem, ends) = (Rc::clone(&poem), Rc::clone(&ends));
                Checking { poem, at: 0, ends }
            });
        }
    };
    clients(CROWD / 2);
    until(&reactor, "half of them wait", || proxy.statistics().waiters == CROWD / 2 && puppet.count() == 1);
    puppet.last().write(&poem[..1_000]);
    clients(CROWD / 2);
    until(&reactor, "all of them wait", || proxy.statistics().waiters == CROWD);
    puppet.last().write(&poem[1_000..]);
    puppet.last().lose_connection();
    until(&reactor, "all have ended", || ends.borrow().len() == CROWD);
    assert!(ends.borrow().iter().all(|got| *got == poem.len()));
    let counters = proxy.counters();
    assert_eq!((puppet.count(), counters.misses, counters.collapsed), (1, 1, 4_999));
    crate::common::close(&reactor);
}

/// Holds its connection and does nothing.
struct Idle;
impl Protocol for Idle {}

/// What `MEASURED` clients of this server cost, both ends of their connections included.
fn cost(reactor: &Reactor, at: &Endpoint, is_there: impl Fn(usize) -> bool) -> i64 {
    let clients = |count: usize| {
        (0..count).for_each(|_| drop(reactor.connect(at, |_: &Address| Idle)));
    };
    clients(MEASURED); // so that every table has grown once
    until(reactor, "they are there", || is_there(MEASURED));
    let counted = allocation_counter::measure(|| {
        clients(MEASURED);
        until(reactor, "they are there too", || is_there(2 * MEASURED));
    });
    counted.bytes_current / i64::try_from(MEASURED).expect("small")
}

#[test]
fn a_client_that_waits_costs_at_most_half_a_kilobyte_beyond_its_connection() {
    let reactor = simulated();
    let at = listen_at(&reactor, 10_000, |_: &Address| Idle);
    let idle = cost(&reactor, &at, |count| reactor.connections() == 2 * count);
    crate::common::close(&reactor);
    let (reactor, puppet) = (simulated(), Puppet::default());
    let poet = listen_at(&reactor, 10_001, puppet.clone());
    let proxy = PoetryProxy::new(&reactor, &poet);
    let at = listen_at(&reactor, 10_000, proxy.clone());
    let waiting = cost(&reactor, &at, |count| {
        proxy.counters().misses + proxy.counters().collapsed == u64::try_from(count).expect("small")
    });
    println!("an idle connection {idle} bytes, one that waits for a poem {waiting}");
    assert!(waiting - idle <= WAITER_BYTES_MAX, "{} bytes", waiting - idle);
    assert_eq!(proxy.statistics().waiters, 2 * MEASURED);
    crate::common::close(&reactor);
}

/// The proxy on a reactor of its own, so that its turns can be counted; everybody else on another.
struct TwoLoops {
    ours: Reactor,
    theirs: Reactor,
    puppet: Puppet,
    proxy: PoetryProxy,
    at: Endpoint,
}

impl TwoLoops {
    /// With a client that has `poem` so far.
    fn new(poem: &[u8]) -> (Self, Watcher) {
        let (ours, theirs, puppet) = (house(), house(), Puppet::default());
        let poet = serve(&theirs, puppet.clone());
        let proxy = PoetryProxy::new(&ours, &poet);
        let at = serve(&ours, proxy.clone());
        let scene = Self { ours, theirs, puppet, proxy, at };
        let first = Watcher::connect(&scene.theirs, &scene.at);
        scene.both("the poet has a client", || scene.puppet.count() == 1);
        scene.puppet.last().write(poem);
        scene.both("the first client has it", || first.len() == poem.len());
        (scene, first)
    }

    fn both(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        until(&self.theirs, what, || {
            self.ours.turn(Some(Duration::from_millis(1))).expect("it turns");
            is_so()
        });
    }

    fn one_turn_of_ours(&self) {
        let before = self.ours.statistics().turns;
        self.ours.turn(Some(TURN_MAX)).expect("it turns");
        assert_eq!(self.ours.statistics().turns, before + 1);
    }
}

#[test]
fn a_late_client_has_its_first_bytes_within_one_turn_of_the_loop() {
    let (scene, _first) = TwoLoops::new(&poems::ECSTASY[..1_000]);
    let late = Watcher::connect(&scene.theirs, &scene.at);
    until(&scene.theirs, "the system has the connection", || late.is_connected());
    scene.one_turn_of_ours();
    until(&scene.theirs, "it has the beginning, without another turn", || late.len() == 1_000);
    crate::common::close(&scene.ours);
    crate::common::close(&scene.theirs);
}

#[test]
fn the_poet_is_cut_off_within_one_turn_of_the_last_client_leaving() {
    let (scene, first) = TwoLoops::new(&poems::ECSTASY[..1_000]);
    first.conn().abort();
    until(&scene.theirs, "the client is gone", || first.has_ended());
    scene.one_turn_of_ours();
    assert_eq!(scene.proxy.counters().fetches_cancelled, 1);
    until(&scene.theirs, "the poet knows, without another turn", || !scene.puppet.ends().is_empty());
    assert!(matches!(scene.puppet.ends()[..], [Lost::Reset]));
    crate::common::close(&scene.ours);
    crate::common::close(&scene.theirs);
}

#[test]
fn a_kept_poem_is_served_within_one_turn_of_the_loop() {
    let (scene, first) = TwoLoops::new(poems::SCIENCE);
    scene.puppet.last().lose_connection();
    scene.both("it is kept", || first.has_ended());
    let late = Watcher::connect(&scene.theirs, &scene.at);
    until(&scene.theirs, "the system has the connection", || late.is_connected());
    scene.one_turn_of_ours();
    until(&scene.theirs, "it has all of it, without another turn", || late.has_ended());
    late.is_whole(poems::SCIENCE);
    crate::common::close(&scene.ours);
    crate::common::close(&scene.theirs);
}

#[test]
fn a_timer_of_the_cache_does_not_outlive_what_it_was_for() {
    let reactor = house();
    let (puppet, poet) = {
        let puppet = Puppet::default();
        (puppet.clone(), serve(&reactor, puppet))
    };
    let proxy = PoetryProxy::new(&reactor, &poet);
    let at = serve(&reactor, proxy.clone());
    let client = Watcher::connect(&reactor, &at);
    until(&reactor, "the poet has a client", || puppet.count() == 1);
    assert_eq!(reactor.timers(), 1, "the time limits of the flight");
    puppet.last().write(poems::SCIENCE);
    puppet.last().lose_connection();
    until(&reactor, "it is served", || client.has_ended());
    until(&reactor, "its upstream is gone", || proxy.statistics().flights == 0);
    assert_eq!(reactor.timers(), 0);
    crate::common::close(&reactor);
}
