//! Files that are locked as long as somebody lives: the pid file, and the lock for everybody.

mod file;
mod filesystem_lock;
mod pid_file;

pub use file::LockError;
pub(crate) use file::{Holder, look};
pub use filesystem_lock::{FilesystemGuard, FilesystemLock, LOCK_RETRY};
pub(crate) use pid_file::PidFile;
