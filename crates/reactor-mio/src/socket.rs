//! One socket of any kind, and what can be done with it.
//!
//! Walk: `driver.rs` finds the socket by its key and calls here; the kinds are in `tcp.rs`, `unix.rs`, `udp.rs` and
//! `process.rs`. The two ends of a child's pipes are sockets too: each is one direction of a connection, and the
//! other direction never has anything.
//! Invariant: an interrupted call is repeated here and seen by nobody.
//! Tests: `tests/suite/tcp.rs`, `tests/suite/unix.rs`, `tests/suite/readiness.rs`, `tests/suite/process.rs`.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use mio::unix::pipe;
use mio::{Interest, Registry, Token};
use sestina_reactor::{Address, Close, Received, SocketOption, WriteQueue};

use crate::{tcp, udp, unix};

/// Pieces of a queue sent in one call. Every system takes 1,024, but past a few dozen the call's own cost is gone.
const SLICES_PER_SEND_MAX: usize = 64;

#[derive(Debug)]
pub(crate) enum Socket {
    TcpListener(TcpListener),
    UnixListener(Box<unix::Listener>),
    Tcp(TcpStream),
    Unix(UnixStream),
    Udp(UdpSocket),
    /// A child's standard input; `None` once it is finished.
    ToChild(Option<pipe::Sender>),
    /// A child's standard output or error.
    FromChild(pipe::Receiver),
}

impl Socket {
    /// Registers with the poller, edge-triggered. A finished pipe has nothing left to register.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let (source, interest): (&mut dyn Source, Interest) = match self {
            Self::TcpListener(listener) => (listener, Interest::READABLE),
            Self::UnixListener(listener) => (&mut listener.listener, Interest::READABLE),
            Self::Tcp(stream) => (stream, both),
            Self::Unix(stream) => (stream, both),
            Self::Udp(socket) => (socket, both),
            Self::ToChild(Some(pipe)) => (pipe, Interest::WRITABLE),
            Self::ToChild(None) => return Ok(()),
            Self::FromChild(pipe) => (pipe, Interest::READABLE),
        };
        source.register(registry, token, interest)
    }

    /// Takes one connection, without retrying; see `accept.rs`.
    pub(crate) fn accept(&self) -> io::Result<(Self, Address)> {
        match self {
            Self::TcpListener(listener) => {
                listener.accept().map(|(stream, peer)| (Self::Tcp(stream), peer.into()))
            }
            Self::UnixListener(listener) => {
                let (stream, peer) = listener.listener.accept()?;
                Ok((Self::Unix(stream), unix::address_of(&peer)))
            }
            _ => Err(misuse("only a listener accepts")),
        }
    }

    pub(crate) fn connected(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => tcp::connected(stream),
            Self::Unix(stream) => unix::connected(stream),
            _ => Err(misuse("only a client connects")),
        }
    }

    /// Receives. `hung_up`: an event said that the peer finished or failed.
    ///
    /// A short read means that the kernel has nothing more, and that what comes next is told by an event. Two cases
    /// are different. After a hang-up no event comes any more, so the end has to be fetched. And a UNIX socket cuts
    /// a read short where a peer passed a descriptor, though more may lie behind it.
    #[inline]
    pub(crate) fn recv(&self, buffer: &mut [u8], hung_up: bool) -> io::Result<Received> {
        let (count, short_means_empty) = match self {
            Self::Tcp(stream) => (uninterrupted(|| tcp::receive(stream, buffer))?, true),
            _ => self.recv_elsewhere(buffer, hung_up)?,
        };
        let more = count == buffer.len() || hung_up || !short_means_empty;
        Ok(Received { count, more: more && count > 0 })
    }

    /// How much, and whether a short read means that there is no more.
    #[inline(never)]
    fn recv_elsewhere(&self, buffer: &mut [u8], hung_up: bool) -> io::Result<(usize, bool)> {
        let received = match self {
            Self::Unix(stream) => (uninterrupted(|| (&*stream).read(buffer))?, false),
            Self::FromChild(pipe) => (uninterrupted(|| (&*pipe).read(buffer))?, true),
            Self::ToChild(Some(_)) if !hung_up => return Err(io::ErrorKind::WouldBlock.into()),
            Self::ToChild(_) => (0, true),
            _ => return Err(misuse("only a connection receives")),
        };
        Ok(received)
    }

    #[inline]
    pub(crate) fn send(&self, queue: &WriteQueue) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => write(queue, &mut tcp::Sending::<false>(stream)),
            _ => self.send_elsewhere(queue),
        }
    }

    #[inline(never)]
    fn send_elsewhere(&self, queue: &WriteQueue) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => write(queue, &mut &*stream),
            Self::ToChild(Some(pipe)) => write(queue, &mut &*pipe),
            Self::ToChild(None) => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Err(misuse("only a connection sends")),
        }
    }

    /// As `send`, and our end comes next. Where a system can wait with the last bytes for it, they go together: a packet less
    /// for each connection, and a peer that is woken once.
    pub(crate) fn send_last(&self, queue: &WriteQueue) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) if is_one_send(queue) => write(queue, &mut tcp::Sending::<true>(stream)),
            _ => self.send(queue),
        }
    }

    /// Says that no more will be sent. A child's standard input is closed by that.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::ToChild(pipe) => {
                *pipe = None;
                Ok(())
            }
            Self::FromChild(_) => Ok(()),
            _ => Err(misuse("only a connection finishes")),
        }
    }

    /// Closing takes the socket off the poller too, if it ever was on it: the kernel does that.
    pub(crate) fn close(self, how: Close) {
        if let (Self::Tcp(stream), Close::Reset) = (&self, how)
            && let Err(error) = tcp::reset_on_close(stream)
        {
            // BSDs refuse it on a connection that is gone already.
            tracing::debug!(%error, "a connection could not be reset, it is closed");
        }
    }

    pub(crate) fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::TcpListener(listener) => listener.local_addr().map(Address::from),
            Self::UnixListener(listener) => Ok(unix::address_of(&listener.listener.local_addr()?)),
            Self::Tcp(stream) => stream.local_addr().map(Address::from),
            Self::Unix(stream) => Ok(unix::address_of(&stream.local_addr()?)),
            Self::Udp(socket) => socket.local_addr().map(Address::from),
            Self::ToChild(_) | Self::FromChild(_) => Err(misuse("a pipe has no address")),
        }
    }

    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => tcp::set_option(stream, option),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "only a TCP connection has these settings")),
        }
    }

    pub(crate) fn send_to(&self, datagram: &[u8], to: Option<&Address>) -> io::Result<()> {
        let Self::Udp(socket) = self else { return Err(misuse("only a datagram socket sends datagrams")) };
        uninterrupted(|| udp::send(socket, datagram, to))
    }

    pub(crate) fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        let Self::Udp(socket) = self else { return Err(misuse("only a datagram socket receives datagrams")) };
        uninterrupted(|| udp::receive(socket, buffer))
    }
}

/// Whether one call can take all of it.
fn is_one_send(queue: &WriteQueue) -> bool {
    queue.only_piece().is_some() || queue.pieces().nth(SLICES_PER_SEND_MAX).is_none()
}

#[inline]
fn write(queue: &WriteQueue, to: &mut impl Write) -> io::Result<usize> {
    match queue.only_piece() {
        Some(only) => uninterrupted(|| to.write(only)), // cheaper than a list of one
        None => write_list(queue, to),
    }
}

#[inline(never)]
fn write_list(queue: &WriteQueue, to: &mut impl Write) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND_MAX];
    match queue.fill(&mut slices) {
        0 => Ok(0),
        filled => uninterrupted(|| to.write_vectored(&slices[..filled])),
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

fn misuse(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
