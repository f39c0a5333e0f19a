//! Where a peer or a listener is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// The address of a socket: where a connection comes from, or where a listener waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Inet(SocketAddr),
    /// A UNIX socket; most clients of one have no name.
    Unix(Option<Arc<Path>>),
    /// A listening socket that this process was started with. Only ever asked for: what is listened on then has the
    /// socket's own address.
    Inherited(Inherited),
}

/// A listening socket that this process was started with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Inherited {
    /// By the number of its descriptor.
    Descriptor(i32),
    /// By its place among those that systemd hands over, from 0.
    Index(u32),
    /// By the name that its socket unit gives it (`FileDescriptorName`).
    Name(Arc<str>),
}

/// `fd:3`, `systemd:index=0`, `systemd:name=web`: an [`Endpoint`](crate::Endpoint).
impl fmt::Display for Inherited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(number) => write!(out, "fd:{number}"),
            Self::Index(index) => write!(out, "systemd:index={index}"),
            Self::Name(name) => write!(out, "systemd:name={}", crate::quote_argument(name)),
        }
    }
}

impl Address {
    /// The port, if this is an IP address.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Inet(address) => Some(address.port()),
            Self::Unix(_) | Self::Inherited(_) => None,
        }
    }

    /// The IP address, if this is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Inet(address) => Some(address.ip()),
            Self::Unix(_) | Self::Inherited(_) => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

/// `127.0.0.1:10000`, `[::1]:10000`, `unix:/run/poetry`, `unix:` for a socket without a name.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(out),
            Self::Unix(Some(path)) => write!(out, "unix:{}", path.display()),
            Self::Unix(None) => out.write_str("unix:"),
            Self::Inherited(socket) => socket.fmt(out),
        }
    }
}
