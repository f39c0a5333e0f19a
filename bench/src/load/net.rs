//! Sockets and the one epoll of a generator.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with, sockopt,
};

/// How many events are taken at once.
const EVENTS_MAX: usize = 1024;
/// How often it is tried to listen while no port is free: for longer than TIME_WAIT lasts.
const LISTEN_TRIES: usize = 70;
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Which sockets have something, by the number they were added with.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    pub(super) fn new() -> Result<Self, String> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| format!("epoll: {error}"))?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Tells when the socket has something to read.
    pub(super) fn add(&self, socket: impl AsFd, number: usize) -> Result<(), String> {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN)
            .map_err(|error| format!("epoll: {error}"))
    }

    /// Waits, and gives the numbers of those that have something.
    pub(super) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<usize>) -> Result<(), String> {
        ready.clear();
        let timeout = timeout
            .map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() });
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(format!("epoll: {error}")),
        }
        ready.extend(self.events.drain(..).map(|event| event.data.u64() as usize));
        Ok(())
    }
}

/// Begins to connect to a port of the loopback.
pub(super) fn connect(port: u16) -> Result<OwnedFd, String> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
    let socket = socket.map_err(|error| format!("no socket: {error}"))?;
    sockopt::set_tcp_nodelay(&socket, true).map_err(|error| format!("no delay: {error}"))?;
    match rustix::net::connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(format!("cannot connect: {error}")),
    }
}

/// Connects to a port of the loopback.
pub(super) fn connected(port: u16) -> Result<OwnedFd, String> {
    let connected = || {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(stream.into())
    };
    connected().map_err(|error: std::io::Error| format!("cannot connect: {error}"))
}

/// Listens on a free port of the loopback.
///
/// A port may still have connections in TIME_WAIT: thousands of servers that are started again and again use all ports up within the
/// minute that those last. Where there is none it is waited for.
pub(super) fn listen() -> Result<(OwnedFd, u16), String> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let listening = || {
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        rustix::net::listen(&socket, 1024)?;
        let taken = SocketAddrV4::try_from(rustix::net::getsockname(&socket)?)?;
        Ok((socket, taken.port()))
    };
    let mut listened = listening();
    for _ in 1..LISTEN_TRIES {
        if listened.as_ref().err() != Some(&Errno::ADDRINUSE) {
            break;
        }
        std::thread::sleep(LISTEN_AGAIN_AFTER);
        listened = listening();
    }
    listened.map_err(|error: Errno| format!("cannot listen: {error}"))
}

/// What one read found.
pub(super) enum Got {
    Bytes(usize),
    Nothing,
    End,
}

pub(super) fn read(socket: &OwnedFd, buffer: &mut [u8]) -> Result<Got, String> {
    match recv(socket, buffer, RecvFlags::empty()) {
        Ok((0, _)) => Ok(Got::End),
        Ok((count, _)) => Ok(Got::Bytes(count)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Got::Nothing),
        Err(error) => Err(format!("{error}")),
    }
}

/// How many bytes were taken; 0 if there is no room.
pub(super) fn write(socket: &OwnedFd, bytes: &[u8]) -> Result<usize, String> {
    match send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(count) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(format!("{error}")),
    }
}
