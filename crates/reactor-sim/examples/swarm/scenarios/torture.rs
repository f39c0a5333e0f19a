//! Law 1 under torture: any verb, called from anywhere, at any time.
//!
//! Verbs are drawn in upcalls, factories, timers, callbacks of deferreds, tasks, and in the drops of protocols, factories and
//! cancelled closures; on any connection, own or not, there or gone. No upcall runs inside another, every connection that is
//! made is lost, and no cell is found borrowed (that would be a panic too many).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Resolver, deferred};
use sestina_reactor::{
    Address, Conn, ConnHandle, ConnectError, Connector, DelayedCall, Endpoint, Factory, Lost, Port, Protocol,
    Reactor, Time,
};
use sestina_reactor_sim::{Faults, Scenario, Simulation};

use super::clients::PORT;
use super::lawful::{Lawful, Seen};

pub(crate) fn scenario() -> Scenario {
    Scenario::new("torture", Faults::all(), run).provoking_panics()
}

/// Verbs of one host; after that it is left alone.
const VERBS: u32 = 700;

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let provoked = Rc::new(Cell::new(0));
    let mut all = Vec::new();
    for name in ["alice", "bob"] {
        let chaos = Rc::new(Chaos {
            simulation: simulation.clone(),
            reactor: simulation.host(name).reactor(),
            seen: Rc::clone(&seen),
            provoked: Rc::clone(&provoked),
            left: Cell::new(VERBS),
            connections: RefCell::default(),
            connectors: RefCell::default(),
            ports: RefCell::default(),
            calls: RefCell::default(),
            resolvers: RefCell::default(),
        });
        chaos.listen(PORT);
        for number in 0..20 {
            let again = Rc::clone(&chaos);
            chaos.reactor.call_later(Duration::from_millis(number * 20), move || again.some_verbs(8));
        }
        all.push(chaos);
    }
    simulation.run_for(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    for chaos in &all {
        chaos.left.set(0);
        chaos.forget();
    }
    simulation.stop().map_err(|error| error.to_string())?;
    for chaos in &all {
        chaos.forget(); // what the end itself has left
    }
    let (panics, provoked) = (simulation.panics(), provoked.get());
    seen.holds(panics == provoked, || format!("{panics} panics, and {provoked} were on purpose"));
    seen.holds(seen.made() > 0 || !simulation.strokes().is_empty(), || "nothing happened".to_owned());
    seen.verdict(false)
}

/// One host's tormentor: it knows everything that there is to call.
struct Chaos {
    simulation: Simulation,
    reactor: Reactor,
    seen: Rc<Seen>,
    provoked: Rc<Cell<u64>>,
    left: Cell<u32>,
    connections: RefCell<Vec<ConnHandle>>,
    connectors: RefCell<Vec<Connector>>,
    ports: RefCell<Vec<Port>>,
    /// With the time at which each may fire at the earliest.
    calls: RefCell<Vec<(DelayedCall, Rc<Cell<Time>>)>>,
    resolvers: RefCell<Vec<Resolver<u32>>>,
}

impl Chaos {
    fn draw(&self, bound: usize) -> usize {
        usize::try_from(self.simulation.random(u64::try_from(bound).unwrap_or(1))).unwrap_or(0)
    }

    /// A few verbs, wherever this is called.
    fn some_verbs(self: &Rc<Self>, at_most: usize) {
        for _ in 0..self.draw(at_most + 1) {
            if self.left.get() == 0 {
                return;
            }
            self.left.set(self.left.get() - 1);
            self.verb();
        }
    }

    fn verb(self: &Rc<Self>) {
        match self.draw(20) {
            0 | 1 => self.with_connection(|conn| conn.write(&[b'x'; 300])),
            2 => self.with_connection(|conn| conn.write_shared(Rc::from(vec![b'y'; 100_000]))),
            3 => self.with_connection(ConnHandle::lose_connection),
            4 => self.with_connection(ConnHandle::abort),
            5 => self.with_connection(ConnHandle::lose_write_connection),
            6 => self.with_connection(ConnHandle::pause_reading),
            7 => self.with_connection(ConnHandle::resume_reading),
            8..=10 => self.connect(),
            11 => self.listen(0),
            12 => self.stop_a_port(),
            13 => self.end_an_attempt(),
            14 => self.call_later(),
            15 => self.change_a_call(),
            16 => self.wait_for_something(),
            17 => self.answer_something(),
            18 => self.spawn(),
            _ => drop(self.reactor.remote().call_from_thread(|reactor| drop(reactor.statistics()))),
        }
    }

    /// Any connection, most of them gone by now. Nothing is borrowed while the verb runs.
    fn with_connection(&self, f: impl FnOnce(&ConnHandle)) {
        let count = self.connections.borrow().len();
        let chosen = (count > 0).then(|| self.connections.borrow()[self.draw(count)].clone());
        if let Some(conn) = chosen {
            f(&conn);
        }
    }

    fn connect(self: &Rc<Self>) {
        let to = match self.draw(6) {
            0 => Endpoint::tcp("alice", PORT),
            1 => Endpoint::tcp("bob", PORT),
            2 => Endpoint::tcp("nobody.invalid", PORT),
            3 => Endpoint::loopback(1),
            4 => Endpoint::tcp("localhost", PORT).with_timeout(Duration::from_millis(3)),
            _ => Endpoint::loopback(PORT),
        };
        let connector = self.reactor.connect(&to, Maker::new(self));
        self.connectors.borrow_mut().push(connector);
    }

    fn listen(self: &Rc<Self>, port: u16) {
        let listening = self.reactor.listen(&Endpoint::tcp("", port), Maker::new(self));
        if let Ok(port) = listening {
            self.ports.borrow_mut().push(port);
        }
    }

    fn stop_a_port(self: &Rc<Self>) {
        let count = self.ports.borrow().len();
        if count > 1 {
            let port = self.ports.borrow_mut().swap_remove(1 + self.draw(count - 1));
            let chaos = Rc::clone(self);
            drop(port.stop_listening().map(move |()| chaos.some_verbs(2)));
        }
    }

    fn end_an_attempt(&self) {
        let count = self.connectors.borrow().len();
        if count > 0 {
            let connector = self.connectors.borrow_mut().swap_remove(self.draw(count));
            match self.draw(3) {
                0 => connector.disconnect(),
                1 => connector.stop_connecting(),
                _ => connector.abort(),
            }
        }
    }

    fn call_later(self: &Rc<Self>) {
        let after = Duration::from_micros(self.simulation.random(3000) * self.simulation.random(20));
        let (bomb, clock) = (Bomb(Rc::clone(self)), self.reactor.clone());
        let due = Rc::new(Cell::new(self.reactor.now() + after));
        let asked = Rc::clone(&due);
        let panics = self.draw(10) == 0;
        let call = self.reactor.call_later(after, move || {
            bomb.0.seen.holds(clock.now() >= asked.get(), || "law 5: a timer came early".to_owned());
            bomb.0.some_verbs(2);
            bomb.0.panic_if(panics);
        });
        self.calls.borrow_mut().push((call, due));
    }

    fn change_a_call(&self) {
        let count = self.calls.borrow().len();
        if count == 0 {
            return;
        }
        let chosen = self.draw(count);
        let (call, due) = self.calls.borrow()[chosen].clone();
        let after = Duration::from_millis(self.simulation.random(20));
        match self.draw(3) {
            0 => {
                call.cancel();
            }
            1 => {
                call.reset(after);
                due.set(self.reactor.now() + after);
            }
            _ => {
                call.delay(after);
                due.set(due.get() + after);
            }
        }
    }

    fn wait_for_something(self: &Rc<Self>) {
        let (resolver, answer) = deferred::<u32>();
        let (chaos, asked) = (Rc::clone(self), Rc::clone(self));
        resolver.on_cancel(move || asked.some_verbs(1));
        self.resolvers.borrow_mut().push(resolver);
        drop(answer.add_both(move |_| {
            chaos.some_verbs(2);
            Ok(())
        }));
    }

    /// Fires a deferred, or drops its producer: callbacks run here and now.
    fn answer_something(&self) {
        let count = self.resolvers.borrow().len();
        if count > 0 {
            let resolver = self.resolvers.borrow_mut().swap_remove(self.draw(count));
            if self.draw(2) == 0 { resolver.callback(7) } else { drop(resolver) }
        }
    }

    fn spawn(self: &Rc<Self>) {
        let (chaos, reactor) = (Rc::clone(self), self.reactor.clone());
        let after = Duration::from_micros(self.simulation.random(5000));
        let task: Deferred<()> = self.reactor.spawn(async move {
            chaos.some_verbs(1);
            reactor.sleep(after).await?;
            chaos.some_verbs(2);
            Ok(())
        });
        if self.draw(3) == 0 {
            task.cancel();
        }
        drop(task.add_errback(|_| Ok(())));
    }

    fn panic_if(&self, panics: bool) {
        if panics && self.left.get() > 0 {
            self.provoked.set(self.provoked.get() + 1);
            std::panic::panic_any("on purpose");
        }
    }

    /// Breaks the cycle of tormentor and victims.
    fn forget(&self) {
        drop(self.resolvers.take());
        drop(self.connections.take());
        drop(self.connectors.take());
        drop(self.ports.take());
        drop(self.calls.take());
    }
}

/// Calls verbs when it is dropped.
struct Bomb(Rc<Chaos>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.some_verbs(1);
    }
}

struct Maker(Bomb);

impl Maker {
    fn new(chaos: &Rc<Chaos>) -> Self {
        Self(Bomb(Rc::clone(chaos)))
    }
}

impl Factory for Maker {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let chaos = &self.0.0;
        chaos.some_verbs(2);
        chaos.panic_if(chaos.draw(20) == 0);
        let wanted = chaos.draw(10) > 0;
        wanted.then(|| {
            let victim = Victim(Bomb(Rc::clone(chaos)));
            let protocol: Box<dyn Protocol> = Box::new(Lawful::new(&chaos.seen, victim));
            protocol
        })
    }

    fn connection_failed(&mut self, _: ConnectError) {
        self.0.0.some_verbs(2);
    }
}

struct Victim(Bomb);

impl Victim {
    fn suffers(&self) {
        let chaos = &self.0.0;
        chaos.some_verbs(3);
        chaos.panic_if(chaos.draw(40) == 0);
    }
}

impl Protocol for Victim {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let chaos = Rc::clone(&self.0.0);
        chaos.connections.borrow_mut().push(conn.handle());
        conn.set_marks(1000, 10_000);
        if chaos.draw(3) == 0 {
            conn.set_timer(Duration::from_millis(chaos.simulation.random(50)));
        }
        if chaos.draw(3) == 0 {
            let (resolver, answer) = deferred::<u32>();
            chaos.resolvers.borrow_mut().push(resolver);
            conn.then(self, answer, |me: &mut Self, conn, _| {
                let chaos = Rc::clone(&me.0.0);
                chaos.seen.upcall(|| {
                    conn.write(b"answered");
                    me.suffers();
                });
            });
        }
        self.suffers();
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, _: &[u8]) {
        if self.0.0.draw(4) == 0 {
            conn.write(b"heard");
        }
        self.suffers();
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        if self.0.0.draw(2) == 0 {
            conn.lose_connection();
        }
        self.suffers();
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.suffers();
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.suffers();
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        conn.lose_connection();
        self.suffers();
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, _: Lost) {
        conn.write(b"too late");
        self.suffers();
    }
}
