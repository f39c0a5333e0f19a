//! UNIX sockets, and the file that a listener of one leaves in the file system.
//!
//! Walk: called by `driver.rs` and `socket.rs`.
//! Invariant: a [`SocketFile`] removes only the file that its own listener made.
//! Tests: `tests/unix.rs`.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use mio::net::{UnixListener, UnixStream};
use sestina_reactor::Address;
use socket2::{Domain, SockAddr, Type};

use crate::tcp::{backlog_of, begin, open, unless_it_goes_on};

/// A listener and its file.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) listener: UnixListener,
    _file: Option<SocketFile>,
}

impl Listener {
    /// A listener that somebody else has made, and whose file is theirs.
    pub(crate) fn inherited(listener: UnixListener) -> Self {
        Self { listener, _file: None }
    }
}

pub(crate) fn listen(path: &Path, backlog: u32, mode: Option<u32>) -> io::Result<Listener> {
    let address = SockAddr::unix(path)?;
    let socket = open(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    let file = SocketFile::made_at(path);
    if let Some(mode) = mode {
        // Before anybody can connect: that begins with `listen`.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    socket.listen(backlog_of(backlog))?;
    Ok(Listener { listener: OwnedFd::from(socket).into(), _file: file })
}

/// Connects; UNIX sockets do that at once or not at all.
///
/// When the listener's queue is full Linux answers EAGAIN, but tells no poller when there is room again. The BSDs
/// say that it refuses, and so do we: one answer everywhere, and one that a reconnecting client knows to handle.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = open(Domain::UNIX, Type::STREAM, None)?;
    match begin(&socket, &SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the listener's queue is full"))
        }
        answer => answer.map(|()| OwnedFd::from(socket).into()),
    }
}

pub(crate) fn connected(stream: &UnixStream) -> io::Result<()> {
    match stream.take_error()? {
        Some(error) => Err(error),
        None => stream.peer_addr().map(drop).map_err(unless_it_goes_on),
    }
}

pub(crate) fn address_of(address: &SocketAddr) -> Address {
    Address::Unix(address.as_pathname().map(Into::into))
}

/// A listener's file; dropping it removes the file.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// The file just made at `path`; none for Linux's abstract names.
    fn made_at(path: &Path) -> Option<Self> {
        let made = fs::symlink_metadata(path).ok()?;
        // A daemon changes its directory later.
        let path = std::path::absolute(path).ok()?;
        Some(Self { path, device: made.dev(), inode: made.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        // Somebody may have removed it, or put a newer listener's file in its place.
        if !fs::symlink_metadata(&self.path).is_ok_and(ours) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the file of a closed UNIX socket");
        }
    }
}
