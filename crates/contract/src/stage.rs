//! Where a case happens: a fresh reactor, and what must be true of it afterwards.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, ConnHandle, Connector, Endpoint, Factory, Port, Protocol, Reactor};

use crate::probe::{Diary, Probe};

/// How long a case may take, in the reactor's time.
const CASE_LIMIT: Duration = Duration::from_secs(60);

/// Runs a case on a fresh reactor and looks at what it left behind.
pub fn check(make: impl FnOnce() -> Reactor, case: impl FnOnce(&mut Stage)) {
    let mut stage = Stage { reactor: make(), panics: 0 };
    case(&mut stage);
    let Stage { reactor, panics } = stage;
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
        self.reactor.connect(to, move |_: &Address| protocol.take().expect("one connection, one protocol"))
    }

    /// Turns the loop until this holds.
    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let limit = self.reactor.call_later(CASE_LIMIT, || ());
        while !holds() {
            assert!(limit.is_active(), "waited {CASE_LIMIT:?} for {what}");
            self.reactor.turn(None).expect("the driver can wait");
        }
        limit.cancel();
    }

    /// Turns the loop until the diary has a line that begins like this.
    pub fn until_noted(&self, diary: &Diary, line: &str) {
        self.until(&format!("{line:?} in {diary:?}"), || diary.has(line));
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
