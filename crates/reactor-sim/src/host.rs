//! One host as a test sees it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use sestina_reactor::{Address, Reactor, Signal};

use crate::conduct::Order;
use crate::driver::SimDriver;
use crate::machine::{HostId, Life};
use crate::simulation::Simulation;

/// A host: a machine with a name, addresses and a clock, and the reactor of the program that runs on it. A cheap handle.
///
/// ```
/// use sestina_reactor_sim::Simulation;
///
/// let simulation = Simulation::seeded(7);
/// let alice = simulation.host("alice");
/// assert_eq!((alice.name().as_str(), alice.address().to_string().as_str()), ("alice", "10.0.0.1"));
/// alice.crash();
/// assert!(!alice.is_up());
/// let _reactor = alice.restart(); // a fresh one, on the same addresses
/// ```
#[derive(Clone)]
pub struct Host {
    simulation: Simulation,
    id: HostId,
}

impl Host {
    pub(crate) fn new(simulation: Simulation, id: HostId) -> Self {
        Self { simulation, id }
    }

    pub(crate) fn id(&self) -> HostId {
        self.id
    }

    /// Begins a life: a fresh reactor.
    pub(crate) fn boot(&self) -> Reactor {
        let world = &self.simulation.0.world;
        let life = {
            let mut world = world.borrow_mut();
            let machine = world.machine_mut(self.id);
            (machine.is_up, machine.has_reactor) = (true, true);
            Life { host: self.id, number: machine.life }
        };
        let reactor = Reactor::new(Box::new(SimDriver::new(world, life)));
        let before = self.simulation.0.reactors.borrow_mut()[self.id.0].replace(reactor.clone());
        let panics = before.as_ref().map_or(0, |before| before.statistics().panics);
        self.simulation.0.panics.set(self.simulation.0.panics.get() + panics);
        drop(before);
        reactor
    }

    /// Its name, which others can look up.
    #[must_use]
    pub fn name(&self) -> String {
        self.simulation.0.world.borrow().machine(self.id).name.clone()
    }

    /// Its IPv4 address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.simulation.0.world.borrow().machine(self.id).v4.into()
    }

    /// Its IPv6 address.
    #[must_use]
    pub fn address_v6(&self) -> IpAddr {
        self.simulation.0.world.borrow().machine(self.id).v6.into()
    }

    /// The reactor of its present life, or of the last one if it is down.
    #[must_use]
    pub fn reactor(&self) -> Reactor {
        let known = self.simulation.0.reactors.borrow()[self.id.0].clone();
        known.unwrap_or_else(|| self.boot())
    }

    /// Whether a program runs on it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.simulation.0.world.borrow().machine(self.id).is_up
    }

    /// Stops its program as it would stop itself: everything is ended and told. Inside a turn this comes at the turn's
    /// end.
    ///
    /// # Errors
    /// If the end takes time, because something is waited for.
    pub fn stop(&self) -> io::Result<()> {
        self.simulation.end_host(Order::Stop(self.id))
    }

    /// Kills its program: tasks, timers and connections are dropped without a word, and peers see resets, or nothing
    /// if they are cut off. Files of UNIX listeners stay behind. Inside a turn this comes at the turn's end.
    pub fn crash(&self) {
        // A crash waits for nothing, so it cannot fail.
        drop(self.simulation.end_host(Order::Crash(self.id)));
    }

    /// Starts its program again, with a fresh reactor on the same addresses.
    ///
    /// # Panics
    /// If it is up: stop or crash it first, and outside of every turn, for example in
    /// [`Simulation::call_after`].
    pub fn restart(&self) -> Reactor {
        assert!(!self.is_up(), "{} is up: it is restarted after it was stopped or has crashed", self.name());
        let world = &self.simulation.0.world;
        world.borrow_mut().note(|world| format!("{} starts again", world.machine(self.id).name));
        self.boot()
    }

    /// Sends a signal to its program. One that it does not watch does what signals do: it kills the program.
    pub fn signal(&self, signal: Signal) {
        if self.simulation.0.world.borrow_mut().signal(self.id, signal) {
            self.crash();
        }
    }

    /// Has its clock jump ahead by this time.
    pub fn jump_clock(&self, time: Duration) {
        let mut world = self.simulation.0.world.borrow_mut();
        world.machine_mut(self.id).ahead += time;
        world.note(|world| format!("{} clock jumps {time:?}", world.machine(self.id).name));
    }

    /// How many sockets it may have at once; more are refused with "too many open files".
    pub fn limit_descriptors(&self, count: usize) {
        self.simulation.0.world.borrow_mut().machine_mut(self.id).rights.descriptors_max = count;
    }

    /// Whether its program may listen on ports below 1024; it may unless this is called.
    pub fn allow_low_ports(&self, allowed: bool) {
        self.simulation.0.world.borrow_mut().machine_mut(self.id).rights.low_ports = allowed;
    }

    /// Has the system listen there and hand the socket to its program, as systemd does: the program finds it as `fd:3`,
    /// `systemd:index=0` or `systemd:name=NAME`, and further ones after it. The socket outlives the program: until one
    /// listens on it, and between two of them, clients are connected and wait. Says where.
    ///
    /// # Errors
    /// As listening there says: the address is taken, or not one of this host's.
    ///
    /// ```
    /// use sestina_reactor::{Address, Protocol};
    /// use sestina_reactor_sim::Simulation;
    ///
    /// struct Web;
    /// impl Protocol for Web {}
    /// let simulation = Simulation::seeded(7);
    /// let host = simulation.host("web");
    /// host.hand_over("http", std::net::SocketAddr::from(([0, 0, 0, 0], 80)).into())?;
    /// let port = host.reactor().listen(&"systemd:name=http".parse()?, |_: &Address| Web)?;
    /// assert_eq!(port.local_addr().port(), Some(80));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hand_over(&self, name: &str, at: Address) -> io::Result<Address> {
        self.simulation.0.world.borrow_mut().hand_over(self.id, name, at)
    }

    /// Removes the file of a UNIX socket, as an operator would after a crash. Says whether it was there.
    pub fn remove_file(&self, path: impl AsRef<Path>) -> bool {
        let mut world = self.simulation.0.world.borrow_mut();
        world.machine_mut(self.id).files.remove(path.as_ref()).is_some()
    }

    /// Sockets that its program holds.
    #[must_use]
    pub fn sockets(&self) -> usize {
        let world = self.simulation.0.world.borrow();
        world.sockets.iter().filter(|socket| socket.host == self.id && socket.is_held()).count()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_up() { "up" } else { "down" };
        write!(out, "Host({}, {}, {state})", self.name(), self.address())
    }
}
