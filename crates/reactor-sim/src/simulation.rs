//! The simulation as a test sees it: hosts, lines, faults, and what happened.
//!
//! Walk: [`Simulation::host`] makes a machine in the world and a reactor over a driver for it; conduct.rs gives the reactors
//! their turns.
//! Invariant: every decision comes from the seed; the same seed and program give the same trace, byte for byte.
//! Tests: `tests/suite/hosts.rs`, `tests/suite/traces.rs`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Reactor, Time};

use crate::conduct::Order;
use crate::dice::Stroke;
use crate::driver::SimDriver;
use crate::faults::Faults;
use crate::host::Host;
use crate::link::{Link, Partition};
use crate::machine::{HostId, Life, Machine};
use crate::program::{ProcessEvent, Run};
use crate::world::World;

/// A network of simulated hosts with one virtual clock, on one thread. A cheap handle: clones are the same simulation.
///
/// One host needs no conductor: its reactor's own `run` and `run_until` work, because a wait jumps the virtual clock.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use std::time::Duration;
///
/// let reactor = Simulation::seeded(7).reactor();
/// let tomorrow = reactor.sleep(Duration::from_secs(24 * 3600)); // takes no time at all
/// reactor.run_until(tomorrow).expect("time passes");
/// ```
///
/// Several hosts are conducted by the simulation: each is a reactor of its own, and the seed decides whose turn it is.
///
/// ```
/// use sestina_deferred::{deferred, Resolver};
/// use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
/// use sestina_reactor_sim::Simulation;
///
/// struct Greeter;
/// impl Protocol for Greeter {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.write(b"good day");
///         conn.lose_connection();
///     }
/// }
/// struct Visitor(Option<Resolver<Lost>>);
/// impl Protocol for Visitor {
///     fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
///         self.0.take().expect("lost comes once").callback(why);
///     }
/// }
///
/// let simulation = Simulation::seeded(7);
/// let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
/// bob.reactor().listen(&"tcp:80:interface=".parse()?, |_: &Address| Greeter)?;
/// let (done, why) = deferred();
/// let mut done = Some(done);
/// alice.reactor().connect(&Endpoint::tcp("bob", 80), move |_: &Address| Visitor(done.take()));
/// let why = simulation.run_until(why).map_err(|failure| failure.to_string())?;
/// assert!(matches!(why, Lost::Done));
/// simulation.stop()?;
/// assert_eq!(simulation.sockets(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Limits
/// Real threads are not simulated: what one does through a [`Remote`](sestina_reactor::Remote) comes at an uncertain
/// virtual time. Use `offload`ed jobs.
#[derive(Clone)]
pub struct Simulation(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) world: Rc<RefCell<World>>,
    /// By host.
    pub(crate) reactors: RefCell<Vec<Option<Reactor>>>,
    /// Ends of hosts that were asked for inside a turn.
    pub(crate) orders: RefCell<VecDeque<Order>>,
    pub(crate) calls: RefCell<BTreeMap<(Time, u64), Call>>,
    pub(crate) next_call: Cell<u64>,
    /// Whether a host has its turn now.
    pub(crate) turning: Cell<bool>,
    pub(crate) patience: Cell<Duration>,
    /// Of lives that are over.
    pub(crate) panics: Cell<u64>,
}

pub(crate) type Call = Box<dyn FnOnce(&Simulation)>;

impl Simulation {
    /// A simulation in which this seed decides everything that is not decided by the program.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Rc::new(Inner {
            world: Rc::new(RefCell::new(World::new(seed))),
            reactors: RefCell::default(),
            orders: RefCell::default(),
            calls: RefCell::default(),
            next_call: Cell::new(0),
            turning: Cell::new(false),
            patience: Cell::new(PATIENCE),
            panics: Cell::new(0),
        }))
    }

    /// What goes wrong from now on; nothing does unless this is called.
    #[must_use]
    pub fn faults(self, faults: Faults) -> Self {
        self.0.world.borrow_mut().dice.faults = faults;
        self
    }

    /// How the line between any two hosts is that have none of their own.
    #[must_use]
    pub fn with_link(self, link: Link) -> Self {
        self.0.world.borrow_mut().links.set_usual(link);
        self
    }

    /// How long, in virtual time, [`run_until`](Self::run_until) waits for an answer. An hour unless this is called.
    #[must_use]
    pub fn with_patience(self, time: Duration) -> Self {
        self.0.patience.set(time);
        self
    }

    /// Keeps no trace: faster, and the same in everything else.
    #[must_use]
    pub fn without_trace(self) -> Self {
        self.0.world.borrow_mut().trace.keep(false);
        self
    }

    /// The reactor of the one host of a simple simulation; it is called `main`.
    #[must_use]
    pub fn reactor(&self) -> Reactor {
        self.host("main").reactor()
    }

    /// The host of this name; it is made and started by the first call. Hosts get their addresses in the order in which
    /// they are made: 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2, and so on. Others find them by name.
    ///
    /// # Panics
    /// If there are 65,535 others: the addresses are used up.
    #[must_use]
    pub fn host(&self, name: &str) -> Host {
        let (id, is_new) = self.machine(name);
        let host = Host::new(self.clone(), id);
        if is_new {
            host.boot();
        }
        host
    }

    /// A bare driver on a host of this name, for tests of drivers and for loops of one's own. What happens on a host is told
    /// once: of its drivers and its reactor, one may wait.
    #[must_use]
    pub fn driver(&self, name: &str) -> SimDriver {
        let (host, _) = self.machine(name);
        let number = self.0.world.borrow().machine(host).life;
        SimDriver::new(&self.0.world, Life { host, number })
    }

    fn machine(&self, name: &str) -> (HostId, bool) {
        let mut world = self.0.world.borrow_mut();
        let known = world.machines.iter().position(|machine| machine.name == name);
        let number = known.unwrap_or(world.machines.len());
        if known.is_none() {
            world.machines.push(Machine::new(name, number));
            self.0.reactors.borrow_mut().push(None);
        }
        (HostId(number), known.is_none())
    }

    /// All hosts, in the order in which they were made.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let count = self.0.world.borrow().machines.len();
        (0..count).map(|number| Host::new(self.clone(), HostId(number))).collect()
    }

    /// The virtual time since the simulation began. A host's own clock may be ahead of it.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.world.borrow().now
    }

    /// How the line between these two is from now on.
    pub fn set_link(&self, one: &Host, other: &Host, link: Link) {
        self.0.world.borrow_mut().links.set(one.id(), other.id(), link);
    }

    /// From now on these two do not reach each other; what is under way does not arrive either.
    pub fn partition(&self, one: &Host, other: &Host, how: Partition) {
        self.0.world.borrow_mut().cut(one.id(), other.id(), how);
    }

    /// From now on nobody reaches this host, and it reaches nobody but itself. Hosts made later do.
    pub fn isolate(&self, host: &Host, how: Partition) {
        for other in self.hosts().iter().filter(|other| other.id() != host.id()) {
            self.partition(host, other, how);
        }
    }

    /// These two reach each other again.
    pub fn heal(&self, one: &Host, other: &Host) {
        self.0.world.borrow_mut().heal(one.id(), other.id());
    }

    /// Everybody reaches everybody again.
    pub fn heal_all(&self) {
        let mut world = self.0.world.borrow_mut();
        let all: Vec<_> = world.links.partitions().collect();
        for (one, other) in all {
            world.heal(one, other);
        }
    }

    /// Makes a name known beside those of the hosts. `localhost` and names in `.invalid` mean what they always mean.
    pub fn add_name(&self, name: &str, addresses: &[IpAddr]) {
        self.0.world.borrow_mut().names.insert(name.to_ascii_lowercase(), addresses.to_vec());
    }

    /// Puts a program on every host: a closure that is called for each thing that happens to a run of it. It is started
    /// by its path, or by any path that ends in its name.
    ///
    /// ```
    /// use sestina_reactor_sim::{ProcessEvent, Simulation};
    ///
    /// let simulation = Simulation::seeded(7);
    /// simulation.program("cat", |run, event| match event {
    ///     ProcessEvent::Input(bytes) => run.write(bytes),
    ///     ProcessEvent::InputEnded => run.exit(0),
    ///     _ => {}
    /// });
    /// ```
    ///
    /// # Panics
    /// A panic of the closure is an exit of the program with 101.
    pub fn program(&self, name: impl Into<PathBuf>, program: impl Fn(&mut Run, ProcessEvent<'_>) + 'static) {
        let before = self.0.world.borrow_mut().processes.programs.insert(name.into(), Rc::new(program));
        drop(before); // a closure of the user's: with nothing borrowed
    }

    /// A number below `bound`, or 0 if that is 0, from a stream of the seed that is for scenarios alone: faults do not move
    /// it.
    #[must_use]
    pub fn random(&self, bound: u64) -> u64 {
        self.0.world.borrow_mut().dice.scenario(bound)
    }

    /// Sockets that programs hold, on all hosts together: 0 at the end of a test that closed everything.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.0.world.borrow().sockets.iter().filter(|socket| socket.is_held()).count()
    }

    /// What is left on hosts, in words, one line each: sockets, connections, ports, timers, tasks, processes, jobs. Empty after
    /// [`stop`](Self::stop), unless something was leaked.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (host, reactor) in self.hosts().iter().zip(self.0.reactors.borrow().iter()) {
            let Some(reactor) = reactor else { continue };
            let left = [
                ("connections", reactor.connections()),
                ("ports", reactor.ports()),
                ("timers", reactor.timers()),
                ("tasks", reactor.tasks()),
                ("processes", reactor.processes()),
                ("jobs of threads", reactor.threads()),
                ("sockets", host.sockets()),
            ];
            for (what, count) in left.into_iter().filter(|(_, count)| *count > 0) {
                lines.push(format!("{}: {count} {what} left", host.name()));
            }
        }
        lines
    }

    /// Panics that the reactors of all hosts have caught, in all their lives.
    #[must_use]
    pub fn panics(&self) -> u64 {
        let present = self.0.reactors.borrow();
        let present = present.iter().flatten().map(|reactor| reactor.statistics().panics);
        self.0.panics.get() + present.sum::<u64>()
    }

    /// The trace so far: one line for each effect, `0.000250000 alice:49152 -> bob:80 connect 10.0.0.2:80`.
    #[must_use]
    pub fn trace(&self) -> String {
        self.0.world.borrow().trace.text().to_owned()
    }

    /// Adds a line of the test's own to the trace.
    pub fn note(&self, line: &str) {
        self.0.world.borrow_mut().note(|_| line.to_owned());
    }

    /// The faults that struck so far.
    #[must_use]
    pub fn strokes(&self) -> Vec<Stroke> {
        self.0.world.borrow().dice.strokes().to_vec()
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Simulation({:?})", self.0.world.borrow())
    }
}

/// A test that waits for an hour waits for ever.
const PATIENCE: Duration = Duration::from_secs(3600);
