//! Where a case happens: a fresh reactor, and what must be true of it afterwards.

use std::any::{Any, TypeId};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, unfired, watch_unfired};
use sestina_reactor::{
    Address, Conn, ConnHandle, ConnectError, Connector, Endpoint, Factory, ListenError, Lost, Port, Protocol,
    Reactor, Signal, Stream,
};

use crate::probe::{Diary, Probe};

/// How long a case may take, in the reactor's time.
const CASE_LIMIT: Duration = Duration::from_secs(60);
/// What has not changed for so long stands still. Longer than a packet takes, unless it is lost again and again.
const STILL_FOR: Duration = Duration::from_millis(80);

/// Where a case happens: a reactor, and what only the other side of its driver can do. A [`Reactor`] is one.
pub struct World {
    reactor: Reactor,
    raise: Option<Box<dyn Fn(Signal)>>,
}

impl From<Reactor> for World {
    fn from(reactor: Reactor) -> Self {
        Self { reactor, raise: None }
    }
}

impl World {
    /// Says how a signal is sent to the reactor's program. Without this, cases about signals look at nothing.
    #[must_use]
    pub fn with_signals(self, raise: impl Fn(Signal) + 'static) -> Self {
        Self { raise: Some(Box::new(raise)), ..self }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "World({:?})", self.reactor)
    }
}

/// Runs a case on a fresh reactor and looks at what it left behind.
pub fn check<W: Into<World>>(make: impl FnOnce() -> W, case: impl FnOnce(&mut Stage)) {
    run(make, false, case);
}

/// The same, with every connection through a layer that transforms every byte and holds some back.
pub fn check_through_a_layer<W: Into<World>>(make: impl FnOnce() -> W, case: impl FnOnce(&mut Stage)) {
    run(make, true, case);
}

fn run<W: Into<World>>(make: impl FnOnce() -> W, layered: bool, case: impl FnOnce(&mut Stage)) {
    watch_unfired(|| watched(make, layered, case));
}

fn watched<W: Into<World>>(make: impl FnOnce() -> W, layered: bool, case: impl FnOnce(&mut Stage)) {
    let World { reactor, raise } = make().into();
    let mut stage = Stage { reactor, raise, panics: 0, layered };
    case(&mut stage);
    let Stage { reactor, panics, .. } = stage;
    reactor.stop();
    reactor.run().expect("the driver can wait");
    let left: Vec<String> = reactor.leftovers().iter().map(ToString::to_string).collect();
    assert!(left.is_empty(), "left after the end: {left:#?}");
    // Pipes of processes, timers of connections and async tasks have no words of their own.
    let counted = (reactor.connections(), reactor.timers(), reactor.tasks());
    assert_eq!(counted, (0, 0, 0), "connections, timers and tasks left after the end");
    let owed: Vec<String> = unfired(Duration::ZERO).iter().map(ToString::to_string).collect();
    assert!(owed.is_empty(), "deferreds that nobody has fired: {owed:#?}");
    assert_eq!(reactor.statistics().panics, panics, "panics that were not provoked");
    assert_eq!(reactor.statistics().unhandled_errors, 0, "errors that nobody looked at");
}

/// Runs a case on each of these reactors, one after the other; a failure says on which.
pub fn check_each<W: Into<World>>(worlds: impl IntoIterator<Item = (String, W)>, case: impl Fn(&mut Stage)) {
    run_each(worlds, false, case);
}

/// The same, with every connection through a layer that transforms every byte and holds some back.
pub fn check_each_through_a_layer<W: Into<World>>(
    worlds: impl IntoIterator<Item = (String, W)>,
    case: impl Fn(&mut Stage),
) {
    run_each(worlds, true, case);
}

fn run_each<W: Into<World>>(
    worlds: impl IntoIterator<Item = (String, W)>,
    layered: bool,
    case: impl Fn(&mut Stage),
) {
    let mut worlds = worlds.into_iter().peekable();
    assert!(worlds.peek().is_some(), "a case has run on at least one reactor when it passes");
    for (name, world) in worlds {
        let _named = Named(name);
        run(|| world, layered, &case);
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
pub struct Stage {
    reactor: Reactor,
    raise: Option<Box<dyn Fn(Signal)>>,
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

    /// Sends a signal to the program of this reactor; says whether this world can.
    #[must_use]
    pub fn raise(&self, signal: Signal) -> bool {
        self.raise.as_ref().is_some_and(|raise| {
            raise(signal);
            true
        })
    }

    /// This many panics are provoked by the case.
    pub fn expect_panics(&mut self, count: u64) {
        self.panics = count;
    }

    /// Listens on a free port of the loopback.
    #[must_use]
    pub fn listen(&self, factory: impl Factory) -> (Port, Endpoint) {
        let factory = Layered { factory, layered: self.layered };
        reachable(self.reactor.listen(&Endpoint::loopback(0), factory))
    }

    /// Serves streams on a free port of the loopback.
    pub(crate) fn serve_streams<A>(&self, f: impl Fn(Stream) -> A + 'static) -> (Port, Endpoint)
    where
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        reachable(self.reactor.serve(&Endpoint::loopback(0), f))
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

    /// Connects a probe that the server may cut at once: a reset that comes before the client has noticed that it is connected
    /// is an attempt that fails, and noted as `NAME lost before it began`.
    pub(crate) fn connect_in_vain(
        &self,
        to: &Endpoint,
        diary: &Diary,
        name: &'static str,
        probe: Probe,
    ) -> Connector {
        let factory = MayFail { probe: Some(probe.named(name)), diary: diary.clone(), name };
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

    /// Turns the loop until the answer is there.
    pub(crate) fn answer<T>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        let mut deferred = Some(deferred);
        let mut answer = None;
        self.until("an answer", || {
            match deferred.take().map(Deferred::try_result) {
                Some(Ok(result)) => answer = Some(result),
                Some(Err(pending)) => deferred = Some(pending),
                None => {}
            }
            answer.is_some()
        });
        answer.expect("it is there")
    }

    /// Turns the loop until no connection is left.
    pub fn until_alone(&self) {
        self.until("the end of all connections", || self.reactor.connections() == 0);
    }

    /// Turns the loop until something has begun and then does not change for a while any more.
    pub(crate) fn until_still(&self, what: &str, begun: impl FnMut() -> bool, value: impl Fn() -> usize) {
        self.until(what, begun);
        let mut before = value();
        loop {
            self.pass(STILL_FOR);
            if before == value() {
                return;
            }
            before = value();
        }
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let call = self.reactor.call_later(time, || ());
        self.until("time to pass", || !call.is_active());
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Stage({:?})", self.reactor)
    }
}

/// A port that could be had, and where clients find it.
fn reachable(port: Result<Port, ListenError>) -> (Port, Endpoint) {
    let port = port.expect("a free port");
    let number = port.local_addr().port().expect("an IP address");
    (port, Endpoint::loopback(number))
}

/// A handle that a protocol puts somewhere for the case to take.
pub(crate) type Kept = Rc<std::cell::RefCell<Option<ConnHandle>>>;

/// The factory of [`Stage::connect_in_vain`].
struct MayFail {
    probe: Option<Probe>,
    diary: Diary,
    name: &'static str,
}

impl Factory for MayFail {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let probe: Box<dyn Protocol> = Box::new(self.probe.take()?);
        Some(probe)
    }

    fn connection_failed(&mut self, error: ConnectError) {
        self.diary.note(format!("{} lost before it began: {error:?}", self.name));
    }
}

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

    fn connection_failed(&mut self, error: ConnectError) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "at least one reactor")]
    fn a_case_on_no_reactor_at_all_does_not_pass() {
        check_each(Vec::<(String, World)>::new(), |_| ());
    }
}
