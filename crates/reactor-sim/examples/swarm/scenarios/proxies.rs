//! Proxies between readers and an origin, that join, leave at a signal, and join again: nothing is lost or mixed up on
//! the way, a cut half is never passed on as a clean end, and each side waits for the other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{
    Address, Conn, ConnHandle, ConnectError, Connector, Endpoint, Factory, Lost, Protocol, Reactor, Signal,
};
use sestina_reactor_sim::{Faults, Host, Scenario, Simulation};

use super::clients::{IDLE_MAX, Manner, PORT, Reader, poem, serve_at_last, slow_line};
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    Scenario::new("proxies", Faults::all(), run)
}

const READERS: u64 = 16;
const CHANGES: u64 = 4;
/// More than this is never queued in a proxy for a reader, beyond what one read brings.
const QUEUED_MAX: usize = 64 * 1024;

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let length = usize::try_from(simulation.random(300_000)).unwrap_or(0);
    let poem = poem(length);
    let (origin, alice) = (simulation.host("origin"), simulation.host("alice"));
    serve_at_last(&origin.reactor(), &seen, &poem);
    let proxies = [simulation.host("proxy1"), simulation.host("proxy2")];
    for proxy in &proxies {
        simulation.set_link(&alice, proxy, slow_line(simulation));
        join(proxy, &seen);
    }
    let mut at = Duration::ZERO;
    for _ in 0..CHANGES {
        at += Duration::from_micros(simulation.random(100_000));
        let proxy = proxies[usize::from(simulation.random(2) == 0)].clone();
        let (leaving, watch) = (proxy.clone(), Rc::clone(&seen));
        simulation.call_after(at, move |_| leaving.signal(Signal::Terminate));
        at += Duration::from_millis(1 + simulation.random(100));
        simulation.call_after(at, move |_| {
            if !proxy.is_up() {
                proxy.restart();
                join(&proxy, &watch);
            }
        });
    }
    let fared = Rc::new(Cell::new(0));
    for _ in 0..READERS {
        let (fared, poem) = (Rc::clone(&fared), Rc::clone(&poem));
        let told = move |_| fared.set(fared.get() + 1);
        let manner = Manner::any(simulation, length);
        let reader = Reader { poem, manner, seen: Rc::clone(&seen), told: Some(Box::new(told)) };
        let to = Endpoint::tcp(if simulation.random(2) == 0 { "proxy1" } else { "proxy2" }, PORT);
        let (reactor, delay) = (alice.reactor(), Duration::from_micros(1000 + simulation.random(300_000)));
        alice.reactor().call_later(delay, move || drop(reactor.connect(&to, reader)));
    }
    simulation.run_for(Duration::from_secs(800)).map_err(|error| error.to_string())?;
    seen.holds(fared.get() == READERS, || format!("{} of {READERS} readers came to an end", fared.get()));
    let left: usize = simulation.hosts().iter().map(|host| host.reactor().connections()).sum();
    seen.holds(left == 0, || format!("{left} connections are left"));
    seen.nobody_was_silent(simulation);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}

fn join(host: &Host, seen: &Rc<Seen>) {
    let reactor = host.reactor();
    if reactor.stop_on_signals().is_err() {
        return seen.breaks("signals cannot be watched");
    }
    listen(&reactor, seen);
}

fn listen(reactor: &Reactor, seen: &Rc<Seen>) {
    let watch = Rc::clone(seen);
    let factory = move |_: &Address| Lawful::new(&watch, Downstream::new(&watch));
    if reactor.listen(&Endpoint::tcp("", PORT), factory).is_err() {
        let (again, seen) = (reactor.clone(), Rc::clone(seen));
        reactor.call_later(Duration::from_millis(50), move || listen(&again, &seen));
    }
}

/// The two halves of a proxied connection.
#[derive(Default)]
struct Pair {
    upstream: RefCell<Option<ConnHandle>>,
    paused: Cell<bool>,
}

/// The reader's side.
struct Downstream {
    pair: Rc<Pair>,
    connector: Option<Connector>,
    seen: Rc<Seen>,
}

impl Downstream {
    fn new(seen: &Rc<Seen>) -> Self {
        Self { pair: Rc::default(), connector: None, seen: Rc::clone(seen) }
    }

    fn with_upstream(&self, f: impl FnOnce(&ConnHandle)) {
        if let Some(upstream) = &*self.pair.upstream.borrow() {
            f(upstream);
        }
    }
}

impl Protocol for Downstream {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_marks(QUEUED_MAX / 4, QUEUED_MAX / 2);
        let factory =
            Upstream { downstream: conn.handle(), pair: Rc::clone(&self.pair), seen: Rc::clone(&self.seen) };
        self.connector = Some(conn.reactor().connect(&Endpoint::tcp("origin", PORT), factory));
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.pair.paused.set(true);
        self.with_upstream(ConnHandle::pause_reading);
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.pair.paused.set(false);
        self.with_upstream(ConnHandle::resume_reading);
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, _: Lost) {
        if let Some(connector) = self.connector.take() {
            connector.abort();
        }
    }
}

/// The origin's side: its factory and, copied, its protocol.
#[derive(Clone)]
struct Upstream {
    downstream: ConnHandle,
    pair: Rc<Pair>,
    seen: Rc<Seen>,
}

impl Factory for Upstream {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Lawful::new(&self.seen, self.clone())))
    }

    fn connection_failed(&mut self, _: ConnectError) {
        self.downstream.abort();
    }
}

impl Protocol for Upstream {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        *self.pair.upstream.borrow_mut() = Some(conn.handle());
        if self.pair.paused.get() {
            conn.pause_reading();
        }
        conn.set_timer(IDLE_MAX);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if self.pair.paused.get() { conn.set_timer(IDLE_MAX) } else { conn.abort() }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.set_timer(IDLE_MAX);
        let queued = self.downstream.queued();
        self.seen
            .holds(queued <= QUEUED_MAX + data.len(), || format!("{queued} bytes are queued in a proxy"));
        self.downstream.write(data);
        if self.downstream.queued() > QUEUED_MAX {
            conn.pause_reading();
        }
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        match why {
            Lost::Done => self.downstream.lose_connection(),
            _ => self.downstream.abort(),
        }
    }
}
