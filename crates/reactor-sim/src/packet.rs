//! What travels between hosts.

use std::net::SocketAddr;

use sestina_reactor::{Address, Key};

use crate::machine::HostId;

#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) from: HostId,
    pub(crate) to: HostId,
    /// The socket that sent it; `None` if the host itself answers.
    pub(crate) sender: Option<Key>,
    /// The socket it is for; `None` for the packets that find their socket by its address.
    pub(crate) receiver: Option<Key>,
    pub(crate) cargo: Cargo,
}

#[derive(Debug)]
pub(crate) enum Cargo {
    /// May I connect to this address; tries before this one.
    Ask {
        to: Address,
        tries: u32,
    },
    /// Yes; the sender takes so many bytes.
    Yes {
        window: usize,
    },
    /// Then we are connected.
    Made,
    Bytes(Vec<u8>),
    /// So many bytes were read: so much more may be sent.
    Credit(usize),
    /// No more will be sent.
    End,
    Reset,
    /// Nobody listens there.
    Refused,
    /// There is no such host.
    Unreachable,
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// Nobody took the datagram that was sent to this address.
    Unwanted(SocketAddr),
}

impl Cargo {
    /// What it weighs on a line: its bytes and one header.
    pub(crate) fn bytes(&self) -> usize {
        const HEADER_BYTES: usize = 40;
        HEADER_BYTES
            + match self {
                Self::Bytes(bytes) | Self::Datagram { bytes, .. } => bytes.len(),
                _ => 0,
            }
    }

    /// Whether a kernel sends it again until it gets there. Resets and datagrams it sends once.
    pub(crate) fn is_repeated(&self) -> bool {
        matches!(self, Self::Yes { .. } | Self::Made | Self::Bytes(_) | Self::Credit(_) | Self::End)
    }

    /// Whether nobody ever sends it again, nor asks for it again.
    pub(crate) fn is_sent_once(&self) -> bool {
        matches!(self, Self::Reset | Self::Datagram { .. } | Self::Unwanted(_))
    }
}
