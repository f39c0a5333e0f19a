//! A lock between processes, for everybody: Twisted's `DeferredFilesystemLock`.

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sestina_deferred::Deferred;
use sestina_reactor::Reactor;

use super::file::{LockError, Locked};

/// How often [`FilesystemLock::acquire`] tries: the system tells nobody when a lock becomes free.
pub const LOCK_RETRY: Duration = Duration::from_millis(100);

/// A lock that processes share, by a file. It ends with its holder, however that ends; a file that is left behind is no
/// hindrance.
///
/// The file holds the number of the holder's process, and is removed when the lock is released. Do not make it a link,
/// and keep it on a local disk: some network file systems lock nothing.
///
/// ```
/// use sestina_daemon::FilesystemLock;
///
/// let reactor = sestina_reactor_mio::reactor()?;
/// let path = std::env::temp_dir().join(format!("spool-{}.lock", std::process::id()));
/// let lock = FilesystemLock::new(&path);
/// let clock = reactor.clone();
/// let story = reactor.spawn(async move {
///     let guard = lock.acquire(&clock).await?;
///     assert!(guard.was_clean());
///     let other = FilesystemLock::new(lock.path());
///     assert!(other.try_lock().is_err());
///     drop(guard);
///     assert!(other.try_lock().is_ok());
///     Ok(())
/// });
/// reactor.run_until(story).expect("nobody else wants it");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FilesystemLock {
    path: PathBuf,
}

impl FilesystemLock {
    /// The lock of this file. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// [`LockError`]: [`Held`](LockError::Held) if somebody has it, also in this process.
    pub fn try_lock(&self) -> Result<FilesystemGuard, LockError> {
        let locked = Locked::claim(&self.path, std::process::id())?;
        Ok(FilesystemGuard { locked, released: Cell::new(false) })
    }

    /// Takes the lock when it is free: tries at once, and then each [`LOCK_RETRY`]. Among those who wait there is no order.
    /// For a time limit, see [`Deferred::add_timeout`].
    ///
    /// # Errors
    /// [`LockError`], if the file cannot be a lock. That somebody has it is no error.
    ///
    /// # Cancelling
    /// Stops waiting; the lock is not taken.
    ///
    /// ```
    /// # use sestina_daemon::FilesystemLock;
    /// use sestina_deferred::TimedOut;
    /// use std::time::Duration;
    ///
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// # let path = std::env::temp_dir().join(format!("spool-{}.taken", std::process::id()));
    /// let lock = FilesystemLock::new(&path);
    /// let _guard = lock.try_lock()?;
    /// let waiting = lock.acquire(&reactor).add_timeout(Duration::from_millis(10), &reactor);
    /// let error = reactor.run_until(waiting).expect_err("it is taken");
    /// assert!(error.is::<TimedOut>());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self, reactor: &Reactor) -> Deferred<FilesystemGuard> {
        let (lock, clock) = (self.clone(), reactor.clone());
        reactor.spawn(async move {
            loop {
                match lock.try_lock() {
                    Ok(guard) => return Ok(guard),
                    Err(LockError::Held { .. }) => clock.sleep(LOCK_RETRY).await?,
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }
}

/// The lock is held as long as this is kept.
#[must_use = "the lock is released when this is dropped"]
pub struct FilesystemGuard {
    locked: Locked,
    released: Cell<bool>,
}

impl FilesystemGuard {
    /// Whether the holder before has released it: if not, it was killed, and what the lock guards may be half done.
    #[must_use]
    pub fn was_clean(&self) -> bool {
        self.locked.left_behind.is_none()
    }

    /// Releases the lock. Dropping it does the same, in silence.
    ///
    /// # Errors
    /// If the file could not be removed. The lock is free all the same.
    pub fn release(self) -> Result<(), LockError> {
        self.released.set(true);
        let path = self.locked.path.clone();
        self.locked.remove().map_err(|source| LockError::Os { path, source })
    }
}

impl Drop for FilesystemGuard {
    fn drop(&mut self) {
        if !self.released.get() {
            self.locked.remove().ok();
        }
    }
}

impl fmt::Debug for FilesystemGuard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FilesystemGuard({})", self.locked.path.display())
    }
}
