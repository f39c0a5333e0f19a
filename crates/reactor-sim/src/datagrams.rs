//! Datagrams: sent once, and then lost, doubled, late or there.
//!
//! Tests: `tests/suite/datagrams.rs`.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

use sestina_reactor::{Address, Key};

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::machine::{HostId, Transport};
use crate::packet::{Cargo, Packet};
use crate::socket::{Datagrams, Kind, misuse};
use crate::world::World;

/// What fits into a datagram over IPv4; what is larger is refused.
const DATAGRAM_BYTES_MAX: usize = 65_507;
/// What a socket keeps for its program; what comes then is lost, as with Linux' usual 208 KiB.
const QUEUE_BYTES_MAX: usize = 212_992;

impl World {
    pub(crate) fn bind_datagram(
        &mut self,
        host: HostId,
        at: &Address,
        peer: Option<&Address>,
    ) -> io::Result<(Key, Address)> {
        let (at, peer) = (inet(at)?, peer.map(inet).transpose()?);
        let datagrams = Datagrams { local: at, peer, queue: VecDeque::new(), queued_bytes: 0, error: None };
        let sock = self.open(host, Kind::Datagram(Box::new(datagrams)))?;
        match self.machine_mut(host).bind(Transport::Datagram, at, sock) {
            Ok(local) => {
                self.datagrams_mut(sock)?.local = local;
                self.note(|world| format!("{} takes datagrams at {local}", world.machine(host).name));
                Ok((sock, local.into()))
            }
            Err(error) => {
                self.sockets.remove(sock);
                Err(error)
            }
        }
    }

    fn datagrams_mut(&mut self, sock: Key) -> io::Result<&mut Datagrams> {
        match &mut self.socket_mut(sock)?.kind {
            Kind::Datagram(datagrams) => Ok(datagrams),
            _ => Err(misuse("only a datagram socket does that")),
        }
    }

    pub(crate) fn send_datagram(&mut self, sock: Key, bytes: &[u8], to: Option<&Address>) -> io::Result<()> {
        let host = self.socket(sock)?.host;
        let datagrams = self.datagrams_mut(sock)?;
        if let Some(error) = datagrams.error.take() {
            return Err(error.into());
        }
        let (local, peer) = (datagrams.local, datagrams.peer);
        let Some(to) = to.map(inet).transpose()?.or(peer) else {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "a datagram needs a receiver"));
        };
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(misuse("a datagram has at most 65,507 bytes"));
        }
        if self.would_block(sock, false, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let from = SocketAddr::new(self.seen_from(host, local, to.ip()), local.port());
        let name = self.machine(host).name.clone();
        self.note(|_| format!("{name}:{} -> {to} datagram {}", from.port(), bytes.len()));
        let Some(there) = self.host_at(host, to.ip()) else { return Ok(()) };
        if self.strikes(Fault::LostDatagrams, host).is_some() {
            return Ok(());
        }
        let copies = if self.strikes(Fault::DoubledDatagrams, host).is_some() { 2 } else { 1 };
        for _ in 0..copies {
            let cargo = Cargo::Datagram { from, to, bytes: bytes.to_vec() };
            let mut at = self.travel(host, there, cargo.bytes());
            at += self.dice.delays(Fault::LateDatagrams, self.now).unwrap_or_default();
            let packet = Packet { from: host, to: there, sender: Some(sock), receiver: None, cargo };
            self.agenda.add(at, Happening::Arrival(packet));
        }
        Ok(())
    }

    /// The address that a datagram comes from.
    fn seen_from(&self, host: HostId, local: SocketAddr, to: IpAddr) -> IpAddr {
        if local.ip().is_unspecified() { self.machine(host).source_for(to) } else { local.ip() }
    }

    pub(crate) fn take_datagram(&mut self, packet: Packet) {
        let Cargo::Datagram { from, to, .. } = packet.cargo else { return };
        let found = self.machine(packet.to).bound_at(Transport::Datagram, to);
        let sock = found.filter(|sock| {
            let datagrams = self.datagrams_mut(*sock).ok();
            datagrams.is_some_and(|datagrams| datagrams.peer.is_none_or(|peer| peer == from))
        });
        let Some(sock) = sock else { return self.answer(&packet, Cargo::Unwanted(to)) };
        let Cargo::Datagram { bytes, .. } = packet.cargo else { return };
        let Ok(datagrams) = self.datagrams_mut(sock) else { return };
        if datagrams.queued_bytes + bytes.len() > QUEUE_BYTES_MAX {
            self.note(|world| {
                format!("{}:{} lost a datagram: nobody reads", world.machine(packet.to).name, to.port())
            });
            return;
        }
        datagrams.queued_bytes += bytes.len();
        datagrams.queue.push_back((bytes, from));
        self.tell(sock, true, false);
    }

    /// Nobody was there: only a connected socket is told.
    pub(crate) fn datagram_unwanted(&mut self, sock: Option<Key>, address: SocketAddr) {
        let Some(sock) = sock else { return };
        let Ok(datagrams) = self.datagrams_mut(sock) else { return };
        if datagrams.peer == Some(address) {
            datagrams.error = Some(io::ErrorKind::ConnectionRefused);
            self.tell(sock, true, true);
        }
    }

    pub(crate) fn receive_datagram(&mut self, sock: Key, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        let datagrams = self.datagrams_mut(sock)?;
        if let Some(error) = datagrams.error.take() {
            return Err(error.into());
        }
        if datagrams.queue.is_empty() || self.would_block(sock, true, false) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let datagrams = self.datagrams_mut(sock)?;
        let Some((bytes, from)) = datagrams.queue.pop_front() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        datagrams.queued_bytes -= bytes.len();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok((count, from.into()))
    }

    pub(crate) fn close_datagrams(&mut self, sock: Key) {
        let Ok(local) = self.datagrams_mut(sock).map(|datagrams| datagrams.local) else { return };
        if let Some(socket) = self.sockets.remove(sock) {
            self.machine_mut(socket.host).unbind(Transport::Datagram, local, sock);
        }
    }
}

fn inet(address: &Address) -> io::Result<SocketAddr> {
    match address {
        Address::Inet(address) => Ok(*address),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "datagrams go over IP only")),
    }
}
