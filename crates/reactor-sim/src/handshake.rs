//! How connections are made: ask, yes, made; or refused, or no answer at all.
//!
//! ```text
//!   client                         server
//!   connect -- Ask ------------->  a socket in the listener's care
//!   connected <------------ Yes --
//!           -- Made ------------>  into the listener's queue: accept
//! ```
//!
//! Tests: `tests/suite/connecting.rs`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use sestina_reactor::{Address, Connect, Key};

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::machine::{HostId, Transport};
use crate::packet::{Cargo, Packet};
use crate::socket::{Kind, Socket, misuse};
use crate::stream::{Phase, Stream};
use crate::streams::{TRIES_MAX, ask_again_after};
use crate::unix;
use crate::world::World;

impl World {
    /// Begins to connect.
    pub(crate) fn connect(&mut self, host: HostId, to: &Connect) -> io::Result<Key> {
        match &to.peer {
            Address::Inet(peer) => self.connect_inet(host, *peer, to.bind),
            Address::Unix(Some(path)) => self.connect_unix(host, path),
            _ => Err(misuse("a UNIX peer needs a path")),
        }
    }

    fn connect_inet(&mut self, host: HostId, peer: SocketAddr, bind: Option<SocketAddr>) -> io::Result<Key> {
        let peer = SocketAddr::new(meant_by(peer.ip()), peer.port());
        let target = self.host_at(host, peer.ip());
        let source = SocketAddr::new(self.machine(host).source_for(peer.ip()), 0);
        let from = bind.map_or(source, |from| {
            let ip = if from.ip().is_unspecified() { source.ip() } else { from.ip() };
            SocketAddr::new(ip, from.port())
        });
        if from.is_ipv4() != peer.is_ipv4() {
            return Err(misuse("the local address is of another family than the peer's"));
        }
        let window = self.new_window();
        let stream = Stream::new(from.into(), peer.into(), target.unwrap_or(host), window);
        let sock = self.open(host, Kind::Stream(Box::new(stream)))?;
        let local = match self.machine_mut(host).bind(Transport::Stream, from, sock) {
            Ok(local) => local,
            Err(error) => {
                self.sockets.remove(sock);
                return Err(error);
            }
        };
        self.stream_mut(sock)?.local = local.into();
        if target.is_none() {
            self.answer_connect(sock, host, Cargo::Unreachable);
        } else if self.strikes(Fault::Refusals, host).is_some() {
            self.answer_connect(sock, host, Cargo::Refused);
        } else if self.strikes(Fault::BlackHoles, host).is_some() {
            let at = self.now + NO_ANSWER_AFTER;
            self.agenda.add(at, Happening::AskAgain { sock, tries: TRIES_MAX });
        } else {
            self.transmit(sock, Cargo::Ask { to: peer.into(), tries: 0 });
        }
        Ok(sock)
    }

    /// The network itself answers.
    fn answer_connect(&mut self, sock: Key, host: HostId, cargo: Cargo) {
        let at = self.travel(host, host, cargo.bytes());
        let packet = Packet { from: host, to: host, sender: None, receiver: Some(sock), cargo };
        self.agenda.add(at, Happening::Arrival(packet));
    }

    fn connect_unix(&mut self, host: HostId, path: &Path) -> io::Result<Key> {
        unix::check_path(path)?;
        let Some(file) = self.machine(host).files.get(path) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if file.is_none() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let window = self.new_window();
        let remote = Address::Unix(Some(path.into()));
        let stream = Stream::new(Address::Unix(None), remote.clone(), host, window);
        let sock = self.open(host, Kind::Stream(Box::new(stream)))?;
        self.transmit(sock, Cargo::Ask { to: remote, tries: 0 });
        Ok(sock)
    }

    /// How an attempt stands.
    pub(crate) fn connected(&mut self, sock: Key) -> io::Result<()> {
        let stream = self.stream_mut(sock)?;
        if stream.phase == Phase::Connecting {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.would_block(sock, true, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let stream = self.stream_mut(sock)?;
        match (stream.error.take(), stream.phase) {
            (Some(error), _) => Err(error.into()),
            (None, Phase::Dead) => Err(io::ErrorKind::NotConnected.into()),
            (None, _) => Ok(()),
        }
    }

    pub(crate) fn is_connecting(&self, sock: Key) -> bool {
        let socket = self.sockets.get(sock);
        matches!(socket, Some(Socket { kind: Kind::Stream(stream), .. }) if stream.phase == Phase::Connecting)
    }

    pub(crate) fn ask_again(&mut self, sock: Key, tries: u32) {
        if !self.is_connecting(sock) {
            return;
        }
        if tries >= TRIES_MAX {
            return self.was_refused(Some(sock), io::ErrorKind::TimedOut);
        }
        if let Some(stream) = self.find_stream(Some(sock)) {
            let to = stream.remote.clone();
            self.transmit(sock, Cargo::Ask { to, tries });
        }
    }

    /// A client asks; the answer is on its way when this returns.
    pub(crate) fn asked(&mut self, packet: &Packet) {
        let (Cargo::Ask { to, tries }, Some(client)) = (&packet.cargo, packet.sender) else { return };
        let Some(asking) = self.find_stream(Some(client)) else { return };
        let (remote, window) = (asking.local.clone(), asking.window);
        let Some(listener) = self.listener_at(packet.to, to) else {
            return self.answer(packet, Cargo::Refused);
        };
        if self.is_full(listener) {
            // Linux drops the packet and the client asks again; for UNIX sockets it is a refusal (see reactor-mio).
            return match to {
                Address::Inet(_) => {
                    let (at, tries) = (self.now + ask_again_after(tries + 1), tries + 1);
                    self.agenda.add(at, Happening::AskAgain { sock: client, tries });
                }
                _ => self.answer(packet, Cargo::Refused),
            };
        }
        let own = self.new_window();
        let mut stream = Stream::new(to.clone(), remote, packet.from, own);
        (stream.far, stream.room, stream.listener) = (Some(client), window, Some(listener));
        let sock = self.sockets.insert(Socket {
            host: packet.to,
            token: None,
            kind: Kind::Stream(Box::new(stream)),
        });
        self.count_half_open(listener, 1);
        self.transmit(sock, Cargo::Yes { window: own });
    }

    /// The server agreed.
    pub(crate) fn agreed(&mut self, packet: &Packet, window: usize) {
        match self.find_stream(packet.receiver) {
            Some(stream) if stream.phase == Phase::Connecting => {
                (stream.phase, stream.far, stream.room) = (Phase::Open, packet.sender, window);
            }
            _ => return self.answer(packet, Cargo::Reset),
        }
        if let Some(sock) = packet.receiver {
            self.transmit(sock, Cargo::Made);
            self.note_stream(sock, "--", || "connected".to_owned());
            self.tell(sock, false, true);
        }
    }

    /// The client knows: the connection may be accepted, soon.
    pub(crate) fn made(&mut self, packet: &Packet) {
        let (Some(sock), Some(stream)) = (packet.receiver, self.find_stream(packet.receiver)) else {
            return self.answer(packet, Cargo::Reset); // the server is gone since it agreed
        };
        stream.phase = Phase::Open;
        match self.dice.delays(Fault::SlowAccepts, self.now) {
            Some(delay) => self.agenda.add(self.now + delay, Happening::Enqueue { sock }),
            None => self.enqueue(sock),
        }
    }
}

/// Connecting to any address is connecting to the loopback.
fn meant_by(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// How long a kernel asks in all before it says that nobody answers (Linux: 127 s).
const NO_ANSWER_AFTER: Duration = Duration::from_secs(127);
