//! The files of UNIX sockets: a listener makes one, and only it removes it.
//!
//! A host that crashes leaves its files behind. Then nobody can listen there until somebody removes the file, and who
//! connects is refused: as with real ones.
//! Tests: `tests/suite/unix_sockets.rs`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use sestina_reactor::Key;

/// The files of a machine by their path: the socket that listens there; `None` if its listener is gone.
pub(crate) type Files = BTreeMap<PathBuf, Option<Key>>;

/// As long as a path may be, with its end (sun_path on Linux).
const PATH_BYTES_MAX: usize = 108;

pub(crate) fn check_path(path: &Path) -> io::Result<()> {
    if path.as_os_str().len() < PATH_BYTES_MAX {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "the path is too long for a UNIX socket: 107 bytes at most",
    ))
}

pub(crate) fn make_file(files: &mut Files, path: &Path, sock: Key) -> io::Result<()> {
    if files.contains_key(path) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    files.insert(path.to_owned(), Some(sock));
    Ok(())
}

/// Removes the file of a listener that closes, unless it is another's by now.
pub(crate) fn remove_file(files: &mut Files, path: &Path, sock: Key) {
    if files.get(path) == Some(&Some(sock)) {
        files.remove(path);
    }
}

/// The listeners are gone, their files are not.
pub(crate) fn leave_files(files: &mut Files) {
    for listener in files.values_mut() {
        *listener = None;
    }
}
