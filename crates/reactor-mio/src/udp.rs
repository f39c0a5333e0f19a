//! Datagram sockets over IP.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use mio::net::UdpSocket;
use sestina_reactor::Address;
use socket2::{Domain, Protocol, Type};

use crate::tcp::open;

/// A socket bound to `at`, that sends to and hears from `peer` only, if there is one.
pub(crate) fn bind(at: &Address, peer: Option<&Address>) -> io::Result<UdpSocket> {
    let local = inet(at)?;
    let socket = open(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?; // as for TCP
    }
    socket.bind(&local.into())?;
    let socket = UdpSocket::from(OwnedFd::from(socket));
    if let Some(peer) = peer {
        socket.connect(inet(peer)?)?;
    }
    Ok(socket)
}

pub(crate) fn send(socket: &UdpSocket, datagram: &[u8], to: Option<&Address>) -> io::Result<()> {
    let sent = match to {
        Some(to) => socket.send_to(datagram, inet(to)?),
        None => socket.send(datagram),
    };
    sent.map(|_whole| ())
}

pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
    socket.recv_from(buffer).map(|(count, from)| (count, from.into()))
}

fn inet(address: &Address) -> io::Result<SocketAddr> {
    match address {
        Address::Inet(address) => Ok(*address),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "datagrams go over IP only")),
    }
}
