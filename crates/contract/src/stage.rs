//! Where a case happens: a fresh reactor, and what must be true of it afterwards.

use std::any::{Any, TypeId};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{
    Address, Conn, ConnHandle, Connector, Endpoint, Factory, Lost, Port, Protocol, Reactor,
};

use crate::probe::{Diary, Probe};

/// How long a case may take, in the reactor's time.
const CASE_LIMIT: Duration = Duration::from_secs(60);

/// Runs a case on a fresh reactor and looks at what it left behind.
pub fn check(make: impl FnOnce() -> Reactor, case: impl FnOnce(&mut Stage)) {
    run(Stage { reactor: make(), panics: 0, layered: false }, case);
}

/// The same, with every connection through a layer that transforms every byte and holds some back.
pub fn check_through_a_layer(make: impl FnOnce() -> Reactor, case: impl FnOnce(&mut Stage)) {
    run(Stage { reactor: make(), panics: 0, layered: true }, case);
}

fn run(mut stage: Stage, case: impl FnOnce(&mut Stage)) {
    case(&mut stage);
    let Stage { reactor, panics, .. } = stage;
    let left =
        |reactor: &Reactor| (reactor.connections(), reactor.ports(), reactor.timers(), reactor.tasks());
    reactor.stop();
    reactor.run().expect("the driver can wait");
    assert_eq!(left(&reactor), (0, 0, 0, 0), "connections, ports, timers and tasks left after the end");
    assert_eq!(reactor.statistics().panics, panics, "panics that were not provoked");
    assert_eq!(reactor.statistics().unhandled_errors, 0, "errors that nobody looked at");
}

/// Runs a case on each of these reactors, one after the other; a failure says on which.
pub fn check_each(reactors: impl IntoIterator<Item = (String, Reactor)>, case: impl Fn(&mut Stage)) {
    for (name, reactor) in reactors {
        let _named = Named(name);
        check(|| reactor, &case);
    }
}

/// The same, with every connection through a layer that transforms every byte and holds some back.
pub fn check_each_through_a_layer(
    reactors: impl IntoIterator<Item = (String, Reactor)>,
    case: impl Fn(&mut Stage),
) {
    for (name, reactor) in reactors {
        let _named = Named(name);
        check_through_a_layer(|| reactor, &case);
    }
}

struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed on: {}", self.0);
        }
    }
}

/// A fresh reactor with what cases need.
#[derive(Debug)]
pub struct Stage {
    reactor: Reactor,
    panics: u64,
    /// Whether every connection gets a layer first.
    layered: bool,
}

impl Stage {
    /// The reactor.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    /// This many panics are provoked by the case.
    pub fn expect_panics(&mut self, count: u64) {
        self.panics = count;
    }

    /// Listens on a free port of the loopback.
    #[must_use]
    pub fn listen(&self, factory: impl Factory) -> (Port, Endpoint) {
        let factory = Layered { factory, layered: self.layered };
        let port = self.reactor.listen(&Endpoint::loopback(0), factory).expect("a free port");
        let number = port.local_addr().port().expect("an IP address");
        (port, Endpoint::loopback(number))
    }

    /// Listens, and gives each client a probe that `prepare` has changed.
    #[must_use]
    pub fn serve(&self, diary: &Diary, prepare: impl Fn(Probe) -> Probe + 'static) -> (Port, Endpoint) {
        let diary = diary.clone();
        self.listen(move |_: &Address| prepare(Probe::new(&diary)))
    }

    /// Connects a protocol.
    pub fn connect(&self, to: &Endpoint, protocol: impl Protocol) -> Connector {
        let mut protocol = Some(protocol);
        let factory = move |_: &Address| protocol.take().expect("one connection, one protocol");
        self.reactor.connect(to, Layered { factory, layered: self.layered })
    }

    /// Turns the loop until this holds.
    pub fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        self.wait(|| what.to_owned(), holds);
    }

    /// Turns the loop until the diary has a line that begins like this.
    pub fn until_noted(&self, diary: &Diary, line: &str) {
        self.wait(|| format!("{line:?} in {diary:?}"), || diary.has(line));
    }

    fn wait(&self, what: impl Fn() -> String, mut holds: impl FnMut() -> bool) {
        let limit = self.reactor.call_later(CASE_LIMIT, || ());
        while !holds() {
            assert!(limit.is_active(), "waited {CASE_LIMIT:?} for {}", what());
            self.reactor.turn(None).expect("the driver can wait");
        }
        limit.cancel();
    }

    /// Turns the loop until no connection is left.
    pub fn until_alone(&self) {
        self.until("the end of all connections", || self.reactor.connections() == 0);
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let call = self.reactor.call_later(time, || ());
        self.until("time to pass", || !call.is_active());
    }
}

/// A handle that a protocol puts somewhere for the case to take.
pub(crate) type Kept = Rc<std::cell::RefCell<Option<ConnHandle>>>;

/// A factory whose protocols begin by adding a layer.
struct Layered<F> {
    factory: F,
    layered: bool,
}

impl<F: Factory> Factory for Layered<F> {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        let inner = self.factory.build(peer)?;
        if self.layered { Some(Box::new(Behind(inner))) } else { Some(inner) }
    }

    fn connection_failed(&mut self, error: sestina_reactor::ConnectError) {
        self.factory.connection_failed(error);
    }
}

/// A protocol behind a layer.
struct Behind(Box<dyn Protocol>);

impl Protocol for Behind {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.add_layer(crate::layers::Scramble::default());
        self.0.connection_made(conn);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.0.data_received(conn, data);
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        self.0.read_closed(conn);
    }

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        self.0.pause_producing(conn);
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        self.0.resume_producing(conn);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.0.timer(conn);
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        self.0.connection_lost(conn, why);
    }

    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        let inner: &mut dyn Protocol = &mut *self.0;
        let itself: &dyn Any = inner;
        if itself.type_id() == wanted {
            let itself: &mut dyn Any = inner;
            return Some(itself);
        }
        inner.part(wanted)
    }
}
