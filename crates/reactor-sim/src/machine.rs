//! One simulated machine: its name, addresses, ports, files and clock, and the events that wait for its program.
//!
//! The machine outlives the programs on it: a crash ends a [`Life`], a restart begins the next. What was meant for an
//! earlier life reaches nobody.
//! Invariant: a port is in `bound` exactly as long as the socket that took it is open.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sestina_reactor::{Event, Key, Signal, Token, Wake};

use crate::unix::Files;

/// Which machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct HostId(pub(crate) usize);

/// Which run of the program on which machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Life {
    pub(crate) host: HostId,
    pub(crate) number: u32,
}

/// TCP and UDP have ports of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Transport {
    Stream,
    Datagram,
}

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
    pub(crate) is_up: bool,
    /// A reactor runs on it, and not just a driver that a test holds.
    pub(crate) has_reactor: bool,
    /// The number of the running life.
    pub(crate) life: u32,
    /// How far its clock has jumped ahead of the simulation's.
    pub(crate) ahead: Duration,
    pub(crate) files: Files,
    /// Listeners that the system holds for the program, by name.
    pub(crate) handed_over: Vec<(String, Key)>,
    pub(crate) signals: BTreeSet<Signal>,
    pub(crate) rights: Rights,
    /// Waits that found nothing when they were over: since something was last told, and since it last slept as well.
    spins: u32,
    sleepless_spins: u32,
    bound: BTreeMap<(Transport, u16), BTreeMap<IpAddr, Key>>,
    next_port: u16,
    woken: Arc<AtomicBool>,
    ready: Vec<(Token, Ready)>,
    listed: BTreeMap<Token, usize>,
    other: Vec<Event>,
}

/// What the system grants to the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    /// Ports below 1024.
    pub(crate) low_ports: bool,
    pub(crate) descriptors_max: usize,
}

#[derive(Clone, Copy, Default, Debug)]
struct Ready {
    readable: bool,
    writable: bool,
}

impl Machine {
    /// The machine of this number: 10.0.0.1 and fd00::1 for the first, and so on.
    pub(crate) fn new(name: &str, number: usize) -> Self {
        let number = u16::try_from(number + 1).expect("fewer than 65,535 hosts");
        let [high, low] = number.to_be_bytes();
        Self {
            name: name.to_owned(),
            v4: Ipv4Addr::new(10, 0, high, low),
            v6: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number),
            is_up: true,
            has_reactor: false,
            life: 0,
            ahead: Duration::ZERO,
            files: Files::new(),
            handed_over: Vec::new(),
            signals: BTreeSet::new(),
            rights: Rights { low_ports: true, descriptors_max: usize::MAX },
            spins: 0,
            sleepless_spins: 0,
            bound: BTreeMap::new(),
            next_port: EPHEMERAL_PORTS_FROM,
            woken: Arc::default(),
            ready: Vec::new(),
            listed: BTreeMap::new(),
            other: Vec::new(),
        }
    }

    /// Its loop has waited and found nothing. Gives how often it has since something was last told, and since it last slept too.
    pub(crate) fn spins(&mut self) -> (u32, u32) {
        self.spins = self.spins.saturating_add(1);
        self.sleepless_spins = self.sleepless_spins.saturating_add(1);
        (self.spins, self.sleepless_spins)
    }

    /// Time passes, because it has nothing to do.
    pub(crate) fn sleeps(&mut self) {
        self.sleepless_spins = 0;
    }

    /// Something is told to it.
    pub(crate) fn hears(&mut self) {
        (self.spins, self.sleepless_spins) = (0, 0);
    }

    /// Ends the running life: nothing that was meant for it gets anywhere.
    pub(crate) fn end_life(&mut self) {
        self.is_up = false;
        self.life += 1;
        self.signals.clear();
        self.woken = Arc::default();
        self.ready.clear();
        self.listed.clear();
        self.other.clear();
    }

    pub(crate) fn waker(&self) -> Wake {
        let woken = Arc::clone(&self.woken);
        Arc::new(move || woken.store(true, Ordering::SeqCst))
    }

    /// Whether a wait would find something at once.
    pub(crate) fn has_news(&self) -> bool {
        !self.ready.is_empty() || !self.other.is_empty() || self.woken.load(Ordering::SeqCst)
    }

    /// What readiness is told becomes one event a socket, as pollers do it.
    pub(crate) fn tell(&mut self, token: Token, readable: bool, writable: bool) {
        let place = *self.listed.entry(token).or_insert_with(|| {
            self.ready.push((token, Ready::default()));
            self.ready.len() - 1
        });
        let ready = &mut self.ready[place].1;
        ready.readable |= readable;
        ready.writable |= writable;
    }

    pub(crate) fn tell_event(&mut self, event: Event) {
        self.other.push(event);
    }

    /// Takes what is told, in the order in which it happened.
    pub(crate) fn take_news(&mut self) -> Vec<Event> {
        self.woken.store(false, Ordering::SeqCst);
        self.listed.clear();
        let ready = mem::take(&mut self.ready).into_iter().map(|(token, ready)| Event::Ready {
            token,
            readable: ready.readable,
            writable: ready.writable,
        });
        ready.chain(mem::take(&mut self.other)).collect()
    }

    /// The address from which a packet to `to` leaves.
    pub(crate) fn source_for(&self, to: IpAddr) -> IpAddr {
        match to {
            to if to.is_loopback() => to,
            IpAddr::V4(_) => self.v4.into(),
            IpAddr::V6(_) => self.v6.into(),
        }
    }

    pub(crate) fn has_address(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || ip == IpAddr::from(self.v4) || ip == IpAddr::from(self.v6)
    }

    /// Takes an address, with port 0 a free one of those that systems give out.
    pub(crate) fn bind(&mut self, transport: Transport, at: SocketAddr, sock: Key) -> io::Result<SocketAddr> {
        if !at.ip().is_unspecified() && !self.has_address(at.ip()) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let port = match at.port() {
            0 => self.free_port(transport)?,
            port if port < LOW_PORTS_BELOW && !self.rights.low_ports => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            port => port,
        };
        let takers = self.bound.entry((transport, port)).or_default();
        let family = takers.keys().filter(|ip| ip.is_ipv4() == at.is_ipv4());
        let mut clash =
            family.filter(|ip| **ip == at.ip() || ip.is_unspecified() || at.ip().is_unspecified());
        if clash.next().is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        takers.insert(at.ip(), sock);
        Ok(SocketAddr::new(at.ip(), port))
    }

    /// Gives back what [`bind`](Self::bind) took; nothing if another socket has it.
    pub(crate) fn unbind(&mut self, transport: Transport, at: SocketAddr, sock: Key) {
        let Some(takers) = self.bound.get_mut(&(transport, at.port())) else { return };
        if takers.get(&at.ip()) == Some(&sock) {
            takers.remove(&at.ip());
        }
        if takers.is_empty() {
            self.bound.remove(&(transport, at.port()));
        }
    }

    /// Who gets what is sent to this address.
    pub(crate) fn bound_at(&self, transport: Transport, at: SocketAddr) -> Option<Key> {
        let takers = self.bound.get(&(transport, at.port()))?;
        let anywhere: IpAddr = match at {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        takers.get(&at.ip()).or_else(|| takers.get(&anywhere)).copied()
    }

    fn free_port(&mut self, transport: Transport) -> io::Result<u16> {
        for _ in EPHEMERAL_PORTS_FROM..=u16::MAX {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL_PORTS_FROM);
            if !self.bound.contains_key(&(transport, port)) {
                return Ok(port);
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }
}

/// The first of the ports that are given out for 0 (RFC 6335).
const EPHEMERAL_PORTS_FROM: u16 = 49_152;
/// Ports below this need a right.
const LOW_PORTS_BELOW: u16 = 1024;
