//! TCP: opening, connecting and the settings of a socket.
//!
//! Walk: called by `driver.rs` and `socket.rs`. mio makes neither the backlog nor a client's own address nor
//! keep-alive possible, so sockets are made by socket2 and then given to mio.
//! Tests: `tests/suite/tcp.rs`, `tests/suite/connect.rs`, and below.

use std::io::{self, IoSlice, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use rustix::io::Errno;
#[cfg(any(target_os = "android", target_os = "linux"))]
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use sestina_reactor::SocketOption;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

/// A kernel counts the silence before the first probe in seconds, and takes no 0.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(1);

/// Binds with SO_REUSEADDR, so that a server can be started again while old connections are in TIME_WAIT.
pub(crate) fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = open(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // The default depends on the system and its settings; see the crate's documentation.
        socket.set_only_v6(true)?;
    }
    // Accepted sockets inherit this, on Linux and the BSDs alike: no call for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog_of(backlog))?;
    Ok(OwnedFd::from(socket).into())
}

/// Begins to connect.
pub(crate) fn connect(peer: SocketAddr, bind: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = open(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    if let Some(local) = bind {
        // Without it a fixed port is barred for a minute after each connection from it.
        socket.set_reuse_address(local.port() != 0)?;
        socket.bind(&local.into())?;
    }
    begin(&socket, &peer.into())?;
    Ok(OwnedFd::from(socket).into())
}

/// How an attempt to connect stands; `WouldBlock` while it goes on.
pub(crate) fn connected(stream: &TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        // The kernel gave us the very port that we called, and TCP's simultaneous open connected us to ourselves.
        Ok(peer) if stream.local_addr()? == peer => Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nobody listens there but this socket itself",
        )),
        Ok(_) => Ok(()),
        Err(error) => Err(unless_it_goes_on(error)),
    }
}

/// What is written here is sent on a connection. Where its end follows, the kernel keeps back what does not fill a segment until
/// then; it goes out with the end, or with whatever the kernel sends next when the end is late.
///
/// On Linux this and `receive` go by rustix, which has no layers between it and the kernel there; an echo pays for each.
pub(crate) struct Sending<'a, const END_FOLLOWS: bool>(pub(crate) &'a TcpStream);

#[cfg(any(target_os = "android", target_os = "linux"))]
#[inline]
pub(crate) fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(stream, buffer, RecvFlags::empty())?.0)
}

#[cfg(any(target_os = "android", target_os = "linux"))]
impl<const END_FOLLOWS: bool> Write for Sending<'_, END_FOLLOWS> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.0, bytes, Self::FLAGS)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut nothing_beside = SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(self.0, slices, &mut nothing_beside, Self::FLAGS)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
impl<const END_FOLLOWS: bool> Sending<'_, END_FOLLOWS> {
    const FLAGS: SendFlags =
        if END_FOLLOWS { SendFlags::NOSIGNAL.union(SendFlags::MORE) } else { SendFlags::NOSIGNAL };
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(crate) fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    io::Read::read(&mut &*stream, buffer)
}

/// Other systems have no flag for an end that follows.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
impl<const END_FOLLOWS: bool> Write for Sending<'_, END_FOLLOWS> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&mut &*self.0).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&mut &*self.0).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the next close send a reset.
pub(crate) fn reset_on_close(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

pub(crate) fn set_option(stream: &TcpStream, option: SocketOption) -> io::Result<()> {
    match option {
        SocketOption::NoDelay(on) => stream.set_nodelay(on),
        SocketOption::KeepAlive(None) => SockRef::from(stream).set_keepalive(false),
        SocketOption::KeepAlive(Some(silence)) => {
            let probes = TcpKeepalive::new().with_time(silence.max(KEEP_ALIVE_MIN));
            SockRef::from(stream).set_tcp_keepalive(&probes)
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A new socket, non-blocking and closed on exec in the call that makes it.
#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd",
))]
pub(crate) fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
    Socket::new(domain, kind.nonblocking(), protocol)
}

/// A new socket, closed on exec and non-blocking.
#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd",
)))]
pub(crate) fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Asks the kernel to connect, without waiting for it.
pub(crate) fn begin(socket: &Socket, peer: &SockAddr) -> io::Result<()> {
    match socket.connect(peer) {
        // An interrupted connect goes on too.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::INPROGRESS | Errno::INTR)) => Ok(()),
        answer => answer,
    }
}

/// Kernels take a signed number, and shorten it to their own limit.
pub(crate) fn backlog_of(wanted: u32) -> i32 {
    i32::try_from(wanted).unwrap_or(i32::MAX)
}

/// What it means that a socket has no peer's address: no peer yet, if nothing else is wrong.
pub(crate) fn unless_it_goes_on(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::NOTCONN | Errno::INPROGRESS) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), 1).expect("a port");
        let near = connect(listener.local_addr().expect("an address"), None).expect("begins");
        let mut poll = mio::Poll::new().expect("a poller");
        let mut listener = listener;
        poll.registry().register(&mut listener, mio::Token(0), mio::Interest::READABLE).expect("registers");
        poll.poll(&mut mio::Events::with_capacity(1), Some(Duration::from_secs(20))).expect("waits");
        let (far, _) = listener.accept().expect("connected");
        (near, far)
    }

    #[test]
    fn small_writes_are_sent_at_once_on_both_sides() {
        let (near, far) = pair();
        assert!(near.nodelay().expect("asks") && far.nodelay().expect("asks"));
        set_option(&far, SocketOption::NoDelay(false)).expect("sets");
        assert!(!far.nodelay().expect("asks"));
    }

    /// OpenBSD has no time of its own for each socket.
    #[cfg(not(target_os = "openbsd"))]
    #[test]
    fn keep_alive_takes_times_below_a_second() {
        let (near, _far) = pair();
        for (wanted, got) in [(Duration::from_millis(1), 1), (Duration::from_secs(90), 90)] {
            set_option(&near, SocketOption::KeepAlive(Some(wanted))).expect("sets");
            let socket = SockRef::from(&near);
            assert!(socket.keepalive().expect("asks"));
            assert_eq!(socket.tcp_keepalive_time().expect("asks"), Duration::from_secs(got));
        }
        set_option(&near, SocketOption::KeepAlive(None)).expect("sets");
        assert!(!SockRef::from(&near).keepalive().expect("asks"));
    }

    #[test]
    fn a_listener_on_all_of_ipv6_takes_ipv6_only() {
        match listen("[::]:0".parse().expect("an address"), 1) {
            Ok(listener) => assert!(SockRef::from(&listener).only_v6().expect("asks")),
            Err(error) => println!("skipped, this machine has no IPv6: {error}"),
        }
    }
}
