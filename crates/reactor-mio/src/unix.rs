//! UNIX sockets, and the file that a listener of one leaves in the file system.
//!
//! A file outlives a server that was killed. Whether somebody still listens there is asked by connecting to it; but
//! between that answer and a removal another server may have begun, so a file is only removed by whoever holds the lock
//! beside it (`lockfile=1`). The lock is one of the kernel's (flock), and goes with its process; its file stays.
//!
//! Walk: called by `driver.rs` and `socket.rs`.
//! Invariant: a [`SocketFile`] removes only the file that its own listener made.
//! Invariant: a file is removed before a bind only under the lock, and only if nobody listens there.
//! Tests: `tests/suite/unix.rs`.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use mio::net::{UnixListener, UnixStream};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sestina_reactor::{Address, Listen};
use socket2::{Domain, SockAddr, Type};

use crate::tcp::{backlog_of, begin, open, unless_it_goes_on};

/// A listener and its file.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) listener: UnixListener,
    _file: Option<SocketFile>,
    /// Released after the file is removed: fields are dropped in this order.
    _lock: Option<fs::File>,
}

impl Listener {
    /// A listener that somebody else has made, and whose file is theirs.
    pub(crate) fn inherited(listener: UnixListener) -> Self {
        Self { listener, _file: None, _lock: None }
    }
}

pub(crate) fn listen(path: &Path, at: &Listen) -> io::Result<Listener> {
    let &Listen { backlog, mode, lock, .. } = at;
    let address = SockAddr::unix(path)?;
    let lock = if lock { Some(lock_beside(path)?) } else { None };
    let socket = open(Domain::UNIX, Type::STREAM, None)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            if lock.is_none() {
                return Err(io::ErrorKind::StaleNetworkFileHandle.into());
            }
            tracing::info!(path = %path.display(), "removing the socket file of a server that is gone");
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    let file = SocketFile::made_at(path);
    if let Some(mode) = mode {
        // Before anybody can connect: that begins with `listen`.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    socket.listen(backlog_of(backlog))?;
    Ok(Listener { listener: OwnedFd::from(socket).into(), _file: file, _lock: lock })
}

/// Whether there is a socket's file that nobody listens on.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    // A queue that is full, which `connect` calls refused too, belongs to a listener: it is asked below that.
    let asked = || {
        let socket = open(Domain::UNIX, Type::STREAM, None)?;
        begin(&socket, &SockAddr::unix(path)?)
    };
    is_socket && asked().is_err_and(|error| refused(&error))
}

/// The lock of a path, until the file is dropped.
fn lock_beside(path: &Path) -> io::Result<fs::File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file = fs::File::options().create(true).truncate(false).write(true).mode(0o600).open(&beside)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(io::ErrorKind::ResourceBusy.into()),
        answer => Ok(answer.map(|()| file)?),
    }
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
