//! Why a connection ended, or never began.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;

/// Why a connection ended: who ended it, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Lost {
    /// The peer finished cleanly.
    Done,
    /// We finished with `lose_connection`, and all was sent.
    Closed,
    /// The peer reset the connection: what it sent may be incomplete.
    Reset,
    /// We cut it: `abort`, a panic in the protocol, the end of the reactor, or a limit (the log says which).
    Aborted,
    /// The peer was too slow for one of our limits.
    TimedOut,
    /// The operating system ended it.
    Os(Arc<io::Error>),
}

impl Lost {
    /// What an error of a connected socket means.
    pub(crate) fn from_io(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => Self::Reset,
            Kind::TimedOut => Self::TimedOut,
            _ => Self::Os(Arc::new(error)),
        }
    }

    /// Whether the peer said all that it wanted to say: only then are the bytes that came known to be whole.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Done | Self::Closed)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Done => "the peer closed the connection",
            Self::Closed => "the connection was closed",
            Self::Reset => "the peer reset the connection",
            Self::Aborted => "the connection was aborted",
            Self::TimedOut => "the peer did not go on in time",
            Self::Os(_) => "the connection failed",
        })
    }
}

impl Error for Lost {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why `connect` gave no connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens there. Is the server running, and is the port right?
    Refused(Address),
    /// The peer, or something between us, reset the connection before it was made.
    Reset(Address),
    /// No answer within the time limit.
    TimedOut {
        /// Whom we tried to reach.
        peer: String,
        /// The limit that passed.
        limit: Duration,
        /// Why the first of several addresses had failed before, if one had.
        first: Option<Arc<Self>>,
    },
    /// There is no way to that address from here.
    Unreachable(Address),
    /// The host name has no address.
    Unresolvable {
        /// The name.
        host: String,
        /// What the resolver said.
        source: Arc<io::Error>,
    },
    /// `stop_connecting` or `disconnect` was called, or the reactor ended.
    Cancelled,
    /// The factory had no protocol for this connection.
    NoProtocol(Address),
    /// There is no such UNIX socket. Is the server running, and is the path right?
    NoSuchSocket(Address),
    /// The permissions of the UNIX socket's file, or a firewall, forbid it.
    NotPermitted(Address),
    /// No UNIX socket can have such a path; it may be too long.
    BadPath(Address),
    /// This endpoint is for listeners only, or for datagrams.
    NotForConnecting(String),
    /// No address of this machine, or no free port of it, to come from: is `bindAddress` right?
    NoLocalAddress(Address),
    /// The operating system failed in another way.
    Os {
        /// Whom we tried to reach.
        peer: Address,
        /// What it said.
        source: Arc<io::Error>,
    },
}

impl ConnectError {
    /// What an error of a connecting socket means.
    pub(crate) fn from_io(peer: Address, error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused(peer),
            Kind::ConnectionReset | Kind::ConnectionAborted => Self::Reset(peer),
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::Unreachable(peer),
            Kind::NotFound => Self::NoSuchSocket(peer),
            Kind::PermissionDenied => Self::NotPermitted(peer),
            Kind::InvalidInput if matches!(peer, Address::Unix(_)) => Self::BadPath(peer),
            Kind::AddrNotAvailable | Kind::AddrInUse => Self::NoLocalAddress(peer),
            _ => Self::Os { peer, source: Arc::new(error) },
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(peer) => write!(out, "{peer} refused the connection: nobody listens there"),
            Self::Reset(peer) => write!(out, "{peer} reset the connection before it was made"),
            Self::TimedOut { peer, limit, .. } => write!(out, "{peer} did not answer within {limit:?}"),
            Self::Unreachable(peer) => write!(out, "{peer} cannot be reached from here"),
            Self::Unresolvable { host, .. } => write!(out, "the host name '{host}' has no address"),
            Self::NoSuchSocket(peer) => write!(out, "there is no socket {peer}: is the server running?"),
            Self::NotPermitted(peer) => write!(out, "no permission to connect to {peer}"),
            Self::BadPath(peer) => {
                write!(out, "{peer} cannot be a socket's path: it is too long or has a zero byte")
            }
            Self::NotForConnecting(endpoint) => {
                write!(out, "nobody can connect a stream to '{endpoint}'")
            }
            Self::NoLocalAddress(peer) => {
                write!(out, "this machine has no such address, or no free port, to connect to {peer} from")
            }
            Self::Cancelled => out.write_str("the attempt to connect was cancelled"),
            Self::NoProtocol(peer) => write!(out, "the connection to {peer} was not wanted any more"),
            Self::Os { peer, .. } => write!(out, "cannot connect to {peer}"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unresolvable { source, .. } | Self::Os { source, .. } => Some(&**source),
            Self::TimedOut { first: Some(first), .. } => Some(&**first),
            _ => None,
        }
    }
}

/// Why `listen` gave no port.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// Another socket has the address. Take another port, or 0 for a free one.
    AddressTaken(Address),
    /// This machine has no such address.
    NotLocal(Address),
    /// Ports below 1024 need a privilege: take a higher one, or have systemd hand the socket over.
    NotPermitted(Address),
    /// A listener needs an IP address, `localhost` or nothing, and this is another name.
    BadInterface(String),
    /// A file is in the way of a UNIX socket: a server that runs uses it, or it is no socket at all.
    FileInTheWay(Address),
    /// The file of a UNIX socket was left behind by a server that is gone. Remove it, or listen with `lockfile=1`.
    StaleSocket(Address),
    /// Another server holds the lock of this UNIX socket.
    Locked(Address),
    /// No UNIX socket can have such a path; it may be too long, or its folder may be missing.
    BadPath {
        /// The path.
        at: Address,
        /// What the system said.
        source: io::Error,
    },
    /// This process was not started with such a listening socket.
    NotInherited {
        /// Which one.
        socket: Address,
        /// What is wrong with it.
        source: io::Error,
    },
    /// This endpoint is for clients only.
    NotForListening(String),
    /// This endpoint is for datagrams: see [`listen_datagrams`](crate::Reactor::listen_datagrams).
    ForDatagrams(String),
    /// The operating system failed in another way.
    Os {
        /// Where we tried to listen.
        at: Address,
        /// What it said.
        source: io::Error,
    },
}

impl ListenError {
    pub(crate) fn from_io(at: Address, error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            _ if matches!(at, Address::Inherited(_)) => Self::NotInherited { socket: at, source: error },
            Kind::AddrInUse if matches!(at, Address::Unix(_)) => Self::FileInTheWay(at),
            Kind::StaleNetworkFileHandle if matches!(at, Address::Unix(_)) => Self::StaleSocket(at),
            Kind::ResourceBusy if matches!(at, Address::Unix(_)) => Self::Locked(at),
            Kind::InvalidInput | Kind::NotFound | Kind::NotADirectory if matches!(at, Address::Unix(_)) => {
                Self::BadPath { at, source: error }
            }
            Kind::AddrInUse => Self::AddressTaken(at),
            Kind::AddrNotAvailable => Self::NotLocal(at),
            Kind::PermissionDenied => Self::NotPermitted(at),
            _ => Self::Os { at, source: error },
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTaken(at) => {
                write!(out, "{at} is already in use: take another port, or 0 for a free one")
            }
            Self::NotLocal(at) => {
                write!(out, "{at} is not an address of this machine: listen on one that is, or on localhost")
            }
            Self::FileInTheWay(at) => {
                write!(
                    out,
                    "a file is in the way of {at}: a server uses it, or it is no socket; take another path, or remove it"
                )
            }
            Self::StaleSocket(at) => {
                write!(
                    out,
                    "{at} was left behind by a server that is gone: remove it, or listen with 'lockfile=1'"
                )
            }
            Self::Locked(at) => write!(out, "another server runs on {at}: it holds the lock beside it"),
            Self::BadPath { at, source } => match source.kind() {
                io::ErrorKind::NotFound => write!(out, "the folder of {at} does not exist: make it first"),
                io::ErrorKind::NotADirectory => write!(out, "the folder of {at} is no folder"),
                _ => write!(
                    out,
                    "{at} cannot be a socket's path: it is longer than about 100 bytes, or has a zero byte"
                ),
            },
            Self::NotInherited { socket, .. } => {
                write!(out, "this process was not started with a listening socket {socket}")
            }
            Self::NotForListening(endpoint) => {
                write!(out, "'{endpoint}' is for clients: nobody can listen on it")
            }
            Self::NotPermitted(at @ Address::Unix(_)) => write!(out, "no permission to make {at}"),
            Self::NotPermitted(at) => {
                write!(
                    out,
                    "no permission to listen on {at}: ports below 1024 need a privilege; take a higher port, \
                     start as root, or have systemd hand the socket over"
                )
            }
            Self::ForDatagrams(endpoint) => {
                write!(out, "'{endpoint}' is for datagrams: nobody can open a stream there")
            }
            Self::BadInterface(name) => {
                write!(out, "cannot listen on '{name}': give an IP address of this machine, or localhost")
            }
            Self::Os { at, .. } => write!(out, "cannot listen on {at}"),
        }
    }
}

impl Error for ListenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os { source, .. } | Self::BadPath { source, .. } | Self::NotInherited { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}
