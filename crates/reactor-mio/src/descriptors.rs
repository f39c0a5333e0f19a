//! How many descriptors this process may have.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises this process's soft limit of open descriptors to the hard one and says how many there may be: a program calls it
/// once at its start. Each connection takes one, and so do files, ports and the poller.
///
/// ```
/// let descriptors = sestina_reactor_mio::raise_descriptor_limit()?;
/// assert!(descriptors >= 3);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If the system refuses; the soft limit stays as it was.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    // No limit at all is more than the kernel counts to.
    Ok(maximum.unwrap_or(u64::MAX))
}
