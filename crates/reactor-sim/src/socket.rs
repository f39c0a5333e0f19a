//! One socket of any kind, as the simulated kernel knows it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use sestina_reactor::{Address, Key, Token};

use crate::machine::HostId;
use crate::stream::{Bytes, Stream};

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) host: HostId,
    /// Set when the socket is watched.
    pub(crate) token: Option<Token>,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Stream(Box<Stream>),
    Listener(Listener),
    Datagram(Box<Datagrams>),
    /// A process's standard input.
    ToProcess(ToProcess),
    /// A process's standard output or error.
    FromProcess(FromProcess),
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: Address,
    pub(crate) backlog: usize,
    /// Connections that are made and wait to be accepted.
    pub(crate) queue: VecDeque<Key>,
    /// Connections on their way into the queue.
    pub(crate) half_open: usize,
    pub(crate) owner: Owner,
}

/// Whose a listener is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// The program's: it ends with it.
    Program,
    /// The system's, which will hand it to a program: clients wait in its queue meanwhile.
    System,
    /// The system's, and a program uses it now.
    Lent,
}

#[derive(Debug)]
pub(crate) struct Datagrams {
    pub(crate) local: SocketAddr,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) queue: VecDeque<(Vec<u8>, SocketAddr)>,
    pub(crate) queued_bytes: usize,
    pub(crate) error: Option<io::ErrorKind>,
}

#[derive(Debug)]
pub(crate) struct ToProcess {
    pub(crate) process: Key,
    /// Sent and not read by the process yet.
    pub(crate) under_way: usize,
    pub(crate) blocked: bool,
    /// We finished it, or the process is gone.
    pub(crate) ended: bool,
}

#[derive(Debug, Default)]
pub(crate) struct FromProcess {
    pub(crate) bytes: Bytes,
    pub(crate) ended: bool,
}

impl Socket {
    /// The address on our side.
    pub(crate) fn local(&self) -> io::Result<Address> {
        match &self.kind {
            Kind::Stream(stream) => Ok(stream.local.clone()),
            Kind::Listener(listener) => Ok(listener.address.clone()),
            Kind::Datagram(datagrams) => Ok(datagrams.local.into()),
            Kind::ToProcess(_) | Kind::FromProcess(_) => Err(misuse("a pipe has no address")),
        }
    }

    /// Whether a program holds it: a connection in a listener's queue is the kernel's.
    pub(crate) fn is_held(&self) -> bool {
        match &self.kind {
            Kind::Stream(stream) => stream.listener.is_none(),
            Kind::Listener(listener) => listener.owner != Owner::System,
            _ => true,
        }
    }

    /// Whether anything is ready, for readers and for writers.
    pub(crate) fn readiness(&self) -> (bool, bool) {
        match &self.kind {
            Kind::Stream(stream) => stream.readiness(),
            Kind::Listener(listener) => (!listener.queue.is_empty(), false),
            Kind::Datagram(datagrams) => (!datagrams.queue.is_empty() || datagrams.error.is_some(), true),
            Kind::ToProcess(pipe) => (pipe.ended, true),
            Kind::FromProcess(pipe) => (pipe.ended || !pipe.bytes.is_empty(), false),
        }
    }
}

/// A call on a socket of the wrong kind.
pub(crate) fn misuse(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// A call on a socket that was closed.
pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket was closed")
}
