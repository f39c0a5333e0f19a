//! The driver for real sockets, signals, threads and processes: the only crate of the house that waits.
//!
//! [`MioDriver`] implements [`Driver`](sestina_reactor::Driver) over epoll or kqueue, by way of mio. Everything
//! above the seam runs unchanged on the simulated driver too; see the seam for the contract. What this side decides:
//!
//! - **Sockets** live in the driver's own slab and are non-blocking and closed on exec from their first moment. One
//!   that is never watched never meets the poller, neither when it is opened nor when it is closed.
//! - **TCP**: `listen` binds with SO_REUSEADDR. TCP_NODELAY is on, from the start, on both sides. On Linux the last bytes
//!   wait in the kernel for our end, which follows at once (MSG_MORE): one packet less for each connection that is closed
//!   after a write.
//!   A listener on `::` takes IPv6 only, on every system (`--iface ::` of a program too): whoever wants both families
//!   listens twice, on `::` and on `0.0.0.0`.
//! - **UNIX sockets**: closing a listener removes its file, if it is still its own. A file left behind by a crash is
//!   recognised (nobody answers there) and removed by a listener that holds the lock beside it (`lockfile=1`, an flock on
//!   `<path>.lock`); without the lock `listen` answers `StaleNetworkFileHandle`. A file on which somebody listens is
//!   never touched. There is no reset: an aborted UNIX connection ends for its peer as a closed one does.
//! - **Threads**: a bounded pool, for name lookups and offloaded jobs, begins with the first job.
//! - **Signals** go to every reactor of the process that watches them. A signal that was watched once is never again
//!   handled by the system's default, also not after the driver is gone.
//! - **Processes** are noticed by SIGCHLD and reaped on the loop's thread, so that a pid is never signalled after
//!   it has been given to somebody else. Dropping the driver closes their pipes and leaves them alone otherwise.
//!
//! ```
//! use sestina_reactor::{Close, Driver, Listen};
//! use sestina_reactor_mio::MioDriver;
//! use std::time::Duration;
//!
//! let mut driver = MioDriver::new()?;
//! let at = Listen::at(std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into());
//! let (listener, address) = driver.listen(&at)?;
//! assert_ne!(address.port(), Some(0));
//! driver.wait(Some(Duration::ZERO), &mut Vec::new())?;
//! driver.close(listener, Close::Polite);
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("sestina-reactor-mio is for Unix; sestina-reactor and the simulated driver build everywhere");

mod accept;
mod clock;
mod descriptors;
mod driver;
mod inherit;
mod options;
mod pool;
mod process;
mod resolve;
mod signals;
mod socket;
mod systemd;
mod tcp;
mod token;
mod udp;
mod unix;
mod wake;

pub use descriptors::raise_descriptor_limit;
pub use driver::MioDriver;
pub use options::Options;
pub use systemd::{HandOverError, handed_over};

/// A reactor over the operating system's sockets: what most programs begin with.
///
/// ```
/// let reactor = sestina_reactor_mio::reactor()?;
/// let answer = reactor.run_until(reactor.defer_later(std::time::Duration::from_millis(1), || Ok("later")));
/// assert_eq!(answer.expect("nothing can fail here"), "later");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If the system has no poller or no descriptor for it.
pub fn reactor() -> std::io::Result<sestina_reactor::Reactor> {
    Ok(sestina_reactor::Reactor::new(Box::new(MioDriver::new()?)))
}
