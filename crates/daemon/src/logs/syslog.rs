//! The log to the syslog of the machine: one datagram a line, sent again to a new socket when the old one is gone.
//!
//! Tests: `cli/tests/suite/logs_syslog.rs`.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// A way to the syslog. It never waits.
#[derive(Debug)]
pub(crate) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(crate) fn connect(path: PathBuf) -> Result<Self, SyslogError> {
        match connected(&path) {
            Ok(socket) => Ok(Self { path, socket: Some(socket) }),
            Err(source) => Err(SyslogError { path, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Sends a datagram. If nobody listens any more, looks once whether somebody listens anew.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> io::Result<usize> {
        if let Some(socket) = &self.socket {
            match socket.send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Ok(count) => return Ok(count),
                Err(_) => self.socket = None,
            }
        }
        let socket = self.socket.insert(connected(&self.path)?);
        socket.send(datagram)
    }

    pub(crate) fn reconnect(&mut self) -> Result<(), SyslogError> {
        match connected(&self.path) {
            Ok(socket) => self.socket = Some(socket),
            Err(source) => return Err(SyslogError { path: self.path.clone(), source }),
        }
        Ok(())
    }
}

fn connected(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

/// Nobody takes the log.
#[derive(Debug)]
pub(crate) struct SyslogError {
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for SyslogError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(out, "no syslog listens on '{path}': start it, or name its socket with --syslog=PATH")
    }
}

impl Error for SyslogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
