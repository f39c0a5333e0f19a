//! Listening sockets that this process was started with.
//!
//! Walk: called by `driver.rs`. A descriptor is duplicated before it is used, so the number stays as it was found, and a
//! port may be stopped and listened on again.
//! Tests: `tests/suite/inherit.rs`.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use sestina_reactor::Inherited as Which;
use socket2::{Domain, SockRef, Type};

use crate::socket::Socket;
use crate::unix;

/// The first descriptor that systemd hands over (sd_listen_fds(3)).
const FIRST: i32 = 3;

/// What systemd has handed over.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    sockets: Vec<(String, OwnedFd)>,
    /// Those that are known by a number that is not theirs any more.
    numbered: BTreeMap<i32, OwnedFd>,
}

impl Inherited {
    pub(crate) fn take(names: &[String]) -> io::Result<Self> {
        let numbered = names.iter().zip(FIRST..);
        let sockets = numbered.map(|(name, number)| Ok((name.clone(), sestina_sys::duplicate(number)?)));
        Ok(Self { sockets: sockets.collect::<io::Result<_>>()?, numbered: BTreeMap::new() })
    }

    pub(crate) fn given(sockets: Vec<(String, OwnedFd)>, numbered: BTreeMap<i32, OwnedFd>) -> Self {
        Self { sockets, numbered }
    }

    /// A duplicate of that socket, ready to accept.
    pub(crate) fn adopt(&self, which: &Which) -> io::Result<Socket> {
        let descriptor = match which {
            Which::Descriptor(number) => match self.numbered.get(number) {
                Some(socket) => socket.try_clone()?,
                None => sestina_sys::duplicate(*number)?,
            },
            Which::Index(index) => {
                let socket = usize::try_from(*index).ok().and_then(|index| self.sockets.get(index));
                let count = self.sockets.len();
                socket.ok_or_else(|| missing(format!("systemd handed over {count}")))?.1.try_clone()?
            }
            Which::Name(name) => {
                let found = self.sockets.iter().find(|(known, _)| known.as_str() == &**name);
                let names: Vec<&str> = self.sockets.iter().map(|(name, _)| name.as_str()).collect();
                found
                    .ok_or_else(|| missing(format!("systemd handed over [{}]", names.join(", "))))?
                    .1
                    .try_clone()?
            }
        };
        listener(descriptor)
    }
}

fn listener(descriptor: OwnedFd) -> io::Result<Socket> {
    let (domain, listens) = {
        let socket = SockRef::from(&descriptor);
        let stream = socket.r#type().map_err(|_| missing("it is no socket".to_owned()))? == Type::STREAM;
        socket.set_nonblocking(true)?;
        (domain_of(&descriptor)?, stream && is_listener(&socket))
    };
    if !listens {
        return Err(missing("it is no listening stream socket".to_owned()));
    }
    match domain {
        Domain::IPV4 | Domain::IPV6 => Ok(Socket::TcpListener(descriptor.into())),
        Domain::UNIX => Ok(Socket::UnixListener(Box::new(unix::Listener::inherited(descriptor.into())))),
        _ => Err(missing("its family is unknown".to_owned())),
    }
}

fn domain_of(descriptor: &impl AsFd) -> io::Result<Domain> {
    Ok(SockRef::from(descriptor).local_addr()?.domain())
}

/// Where the system cannot say, `accept` will.
fn is_listener(socket: &SockRef<'_>) -> bool {
    #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
    return socket.is_listener().unwrap_or(false);
    #[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
    {
        let _ = socket;
        true
    }
}

fn missing(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, what)
}
