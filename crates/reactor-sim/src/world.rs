//! The world: one clock, all machines, all sockets, and what will happen.
//!
//! Walk: a reactor's driver (driver.rs) makes calls on it like a program on its kernel; advance.rs moves its clock and has
//! happen what is due. The parts are in files by noun: streams.rs, handshake.rs, listener.rs, datagrams.rs, process.rs,
//! resolver.rs, threads.rs.
//! Invariant: no user code runs while the world is borrowed. What has to be run, jobs and programs, is handed out as an
//! [`Errand`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;

use sestina_reactor::{Address, Close, Event, Job, Key, Slab, Time};

use crate::agenda::{Agenda, Happening};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::link::{Links, Partition, transfer_time};
use crate::machine::{HostId, Life, Machine};
use crate::process::{Processes, Step};
use crate::socket::{Kind, Socket, closed};
use crate::trace::Trace;

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) agenda: Agenda,
    pub(crate) machines: Vec<Machine>,
    pub(crate) sockets: Slab<Socket>,
    pub(crate) links: Links,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) names: BTreeMap<String, Vec<IpAddr>>,
    pub(crate) processes: Processes,
    /// Who may move the clock.
    pub(crate) conductor: Conductor,
    /// Calls that the simulation itself will make, at times of its own.
    pub(crate) calls_waiting: usize,
    /// Jobs of threads that are not done.
    pub(crate) jobs: usize,
}

/// Who may move the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conductor {
    /// The one reactor that waits.
    Reactor,
    /// The simulation, which is giving a reactor its turn now.
    Simulation,
}

/// User code that is due, to be run with nothing borrowed.
pub(crate) enum Errand {
    Job(Job),
    /// A job whose program is gone, and its threads with it: only the drop is user code.
    Forget(Job),
    Process {
        process: Key,
        step: Step,
    },
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            agenda: Agenda::default(),
            machines: Vec::new(),
            sockets: Slab::default(),
            links: Links::new(),
            dice: Dice::new(seed),
            trace: Trace::new(),
            names: BTreeMap::new(),
            processes: Processes::default(),
            conductor: Conductor::Reactor,
            calls_waiting: 0,
            jobs: 0,
        }
    }

    pub(crate) fn machine(&self, host: HostId) -> &Machine {
        &self.machines[host.0]
    }

    pub(crate) fn machine_mut(&mut self, host: HostId) -> &mut Machine {
        &mut self.machines[host.0]
    }

    /// Whether this is the life that the host lives now.
    pub(crate) fn is_alive(&self, life: Life) -> bool {
        self.machine(life.host).life == life.number
    }

    /// The time on the clock of a host.
    pub(crate) fn host_time(&self, host: HostId) -> Time {
        self.now + self.machine(host).ahead
    }

    pub(crate) fn socket(&self, sock: Key) -> io::Result<&Socket> {
        self.sockets.get(sock).ok_or_else(closed)
    }

    pub(crate) fn socket_mut(&mut self, sock: Key) -> io::Result<&mut Socket> {
        self.sockets.get_mut(sock).ok_or_else(closed)
    }

    /// The keys of a host's sockets.
    pub(crate) fn sockets_of(&self, host: HostId) -> Vec<Key> {
        let all = self.sockets.keys().into_iter();
        all.filter(|key| self.sockets.get(*key).is_some_and(|socket| socket.host == host)).collect()
    }

    /// Opens a socket, if the host has a descriptor for it.
    pub(crate) fn open(&mut self, host: HostId, kind: Kind) -> io::Result<Key> {
        self.take_descriptor(host)?;
        Ok(self.sockets.insert(Socket { host, token: None, kind }))
    }

    /// Closes a socket of any kind.
    pub(crate) fn close(&mut self, sock: Key, how: Close) {
        match self.sockets.get(sock).map(|socket| &socket.kind) {
            Some(Kind::Stream(_)) => self.close_stream(sock, how),
            Some(Kind::Listener(_)) => self.close_listener(sock),
            Some(Kind::Datagram(_)) => self.close_datagrams(sock),
            Some(Kind::ToProcess(_)) => {
                self.finish_input(sock);
                self.sockets.remove(sock);
            }
            Some(Kind::FromProcess(_)) => drop(self.sockets.remove(sock)),
            None => {}
        }
    }

    pub(crate) fn take_descriptor(&mut self, host: HostId) -> io::Result<()> {
        let limit = self.machine(host).rights.descriptors_max;
        let open = || self.sockets.iter().filter(|socket| socket.host == host && socket.is_held()).count();
        let full = limit != usize::MAX && open() >= limit;
        if full || self.strikes(Fault::Descriptors, host).is_some() {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        Ok(())
    }

    /// Tells the owner of a socket that something is ready.
    pub(crate) fn tell(&mut self, sock: Key, readable: bool, writable: bool) {
        let Some(Socket { host, token: Some(token), .. }) = self.sockets.get(sock) else { return };
        let (host, token) = (*host, *token);
        self.machine_mut(host).tell(token, readable, writable);
        if let Some(delay) = self.dice.delays(Fault::SpuriousEvents, self.now) {
            self.agenda.add(self.now + delay, Happening::Nudge { sock, readable: true, writable: true });
        }
    }

    /// Whether a call that could go on is refused this time; then an event comes for it.
    pub(crate) fn would_block(&mut self, sock: Key, readable: bool, writable: bool) -> bool {
        let delay = self.dice.delays(Fault::WouldBlock, self.now);
        if let Some(delay) = delay {
            self.agenda.add(self.now + delay, Happening::Nudge { sock, readable, writable });
        }
        delay.is_some()
    }

    /// Whether a fault strikes a host, and with what; it is in the trace.
    pub(crate) fn strikes(&mut self, fault: Fault, host: HostId) -> Option<u64> {
        let amount = self.dice.strikes(fault, self.now)?;
        self.note(|world| format!("{} fault {fault}", world.machine(host).name));
        Some(amount)
    }

    /// Adds a line to the trace; it is not even made if nobody keeps it.
    pub(crate) fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_kept() {
            let line = line(self);
            self.trace.note(self.now, &line);
        }
    }

    /// `alice:49152`, `alice:/run/poetry`, `alice:-` for a UNIX socket without a name.
    pub(crate) fn place(&self, host: HostId, address: &Address) -> String {
        let name = &self.machine(host).name;
        match address {
            Address::Inet(address) => format!("{name}:{}", address.port()),
            Address::Unix(Some(path)) => format!("{name}:{}", path.display()),
            _ => format!("{name}:-"),
        }
    }

    /// When a packet gets there that is sent now.
    pub(crate) fn travel(&mut self, from: HostId, to: HostId, bytes: usize) -> Time {
        let mut at = self.links.arrival(self.now, (from, to), bytes, &mut self.dice);
        for fault in [Fault::Latency, Fault::Stalls] {
            at += self.dice.delays(fault, self.now).unwrap_or_default();
        }
        if let Some(bytes_per_s) = self.dice.strikes(Fault::SlowLines, self.now) {
            at += transfer_time(bytes, bytes_per_s);
        }
        at
    }

    /// The host that an address means for a program on `from`.
    pub(crate) fn host_at(&self, from: HostId, ip: IpAddr) -> Option<HostId> {
        if ip.is_loopback() {
            return Some(from);
        }
        self.machines.iter().position(|machine| machine.has_address(ip)).map(HostId)
    }

    /// When something will happen; what has become void meanwhile is dropped.
    pub(crate) fn next_time(&mut self) -> Option<Time> {
        loop {
            let (at, happening) = self.agenda.first()?;
            if !self.is_void(happening) {
                return Some(at);
            }
            self.agenda.drop_first();
        }
    }

    fn is_void(&self, happening: &Happening) -> bool {
        match happening {
            Happening::Nudge { sock, .. } => {
                self.sockets.get(*sock).is_none_or(|socket| socket.token.is_none())
            }
            Happening::AskAgain { sock, .. } => !self.is_connecting(*sock),
            Happening::GiveUp { sock } => !self.has_held(*sock),
            Happening::Heal { one, other, cut } => !self.links.is_cut(*one, *other, *cut),
            Happening::Resolved { life, .. } => !self.is_alive(*life),
            Happening::Process { process, .. } => !self.processes.is_running(*process),
            // A job's closure is dropped when it is due: it may count on being run or dropped in time.
            Happening::Arrival(_) | Happening::Enqueue { .. } | Happening::Job { .. } => false,
        }
    }

    /// Has one thing happen that is due. The answer is `None` if nothing is.
    pub(crate) fn happen(&mut self) -> Option<Option<Errand>> {
        match self.agenda.pop_due(self.now)? {
            Happening::Arrival(packet) => self.arrive(packet),
            Happening::Nudge { sock, readable, writable } => self.nudge(sock, readable, writable),
            Happening::Enqueue { sock } => self.enqueue(sock),
            Happening::AskAgain { sock, tries } => self.ask_again(sock, tries),
            Happening::GiveUp { sock } if self.has_held(sock) => self.give_up(sock),
            Happening::GiveUp { .. } => {}
            Happening::Heal { one, other, cut } if self.links.is_cut(one, other, cut) => {
                self.heal(one, other);
            }
            Happening::Heal { .. } => {}
            Happening::Resolved { life, token, addresses } if self.is_alive(life) => {
                self.machine_mut(life.host).tell_event(Event::Resolved { token, addresses });
            }
            Happening::Resolved { .. } => {}
            Happening::Job { life, job } => {
                self.jobs -= 1;
                if !self.is_alive(life) {
                    return Some(Some(Errand::Forget(job)));
                }
                let name = self.machine(life.host).name.clone();
                self.note(|_| format!("{name} job done by a thread"));
                return Some(Some(Errand::Job(job)));
            }
            Happening::Process { process, step } => return Some(Some(Errand::Process { process, step })),
        }
        Some(None)
    }

    fn nudge(&mut self, sock: Key, readable: bool, writable: bool) {
        if let Some(Socket { host, token: Some(token), .. }) = self.sockets.get(sock) {
            let (host, token) = (*host, *token);
            self.machine_mut(host).tell(token, readable, writable);
        }
    }

    /// What may go wrong whenever time passes.
    pub(crate) fn disturb(&mut self) {
        if !self.machines.is_empty()
            && let Some(jump) = self.dice.delays_with(Fault::ClockJumps, self.now, 1)
        {
            let host = HostId(self.dice.detail(Fault::ClockJumps, self.machines.len()));
            self.machine_mut(host).ahead += jump;
            self.note(|world| format!("{} fault clock-jumps {jump:?}", world.machine(host).name));
        }
        if self.machines.len() > 1
            && let Some(time) = self.dice.delays_with(Fault::Partitions, self.now, 3)
        {
            let one = self.dice.detail(Fault::Partitions, self.machines.len());
            let other = (one + 1 + self.dice.detail(Fault::Partitions, self.machines.len() - 1))
                % self.machines.len();
            let (one, other) = (HostId(one), HostId(other));
            let coin = self.dice.detail(Fault::Partitions, 2);
            if self.links.partition(one, other).is_none() {
                let how = if coin == 0 { Partition::Held } else { Partition::Dropped };
                let cut = self.cut(one, other, how);
                self.agenda.add(self.now + time, Happening::Heal { one, other, cut });
            }
        }
    }

    /// Begins a partition, and says which cut that is.
    pub(crate) fn cut(&mut self, one: HostId, other: HostId, how: Partition) -> u64 {
        let cut = self.links.cut(one, other, how);
        self.note(|world| {
            format!("{} | {} partition {how:?}", world.machine(one).name, world.machine(other).name)
        });
        cut
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World")
            .field("now", &self.now)
            .field("machines", &self.machines.len())
            .field("sockets", &self.sockets.len())
            .finish_non_exhaustive()
    }
}

/// "Too many open files", which has no kind of its own in std; the same number on Linux, macOS and the BSDs.
const EMFILE: i32 = 24;
