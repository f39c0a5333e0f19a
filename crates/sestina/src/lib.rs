//! Twisted's architecture, native in Rust: deferreds, a reactor, protocols and transports.
//!
//! This crate is the one to depend on. It holds nothing of its own:
//!
//! | here | from | what it is |
//! |---|---|---|
//! | [`deferred`](mod@deferred) (module) and its names at the top | `sestina-deferred` | results that are not there yet: chains, cancellation with an answer, async |
//! | [`reactor`](mod@reactor) (module) and its names at the top | `sestina-reactor` | the loop, timers, protocols, connections |
//! | [`service`](mod@service) (module) and its names at the top | `sestina-service` | service trees: ordered start and stop, drain, supervision |
//! | [`reactor()`], [`MioDriver`], [`DriverOptions`] | `sestina-reactor-mio` | a reactor over the operating system |
//! | [`raise_descriptor_limit`], [`handed_over`] | `sestina-reactor-mio` | what a program does once at its start: as many descriptors as it may have, and the sockets that systemd gave it |
//! | `daemon` (module) | `sestina-daemon`, with the feature `daemon` | the runner: a program of a few lines becomes a daemon |
//! | `framing` (module) | `sestina-framing`, with the feature `framing` | lines, netstrings, strings with a length before them: decoders, and receivers that are protocols |
//! | `simulation` (module) | `sestina-reactor-sim`, with the feature `trial` | a network and a clock that a seed decides, and faults |
//! | `trial` (module), `#[sestina::test]`, `Simulation` | `sestina-trial`, with the feature `trial` | the test harness: virtual time, and nothing left behind |
//!
//! A server that sends each client a line and closes politely, and a client that reads it:
//!
//! ```
//! use sestina::{Address, Conn, Endpoint, Lost, Protocol, deferred};
//!
//! struct Greeter;
//! impl Protocol for Greeter {
//!     fn connection_made(&mut self, conn: &mut Conn<'_>) {
//!         conn.write(b"good day\n");
//!         conn.lose_connection();
//!     }
//! }
//!
//! struct Listener { heard: Vec<u8>, done: Option<sestina::Resolver<Vec<u8>>> }
//! impl Protocol for Listener {
//!     fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
//!         self.heard.extend_from_slice(data);
//!     }
//!     fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
//!         let Some(done) = self.done.take() else { return };
//!         match why {
//!             Lost::Done => done.callback(std::mem::take(&mut self.heard)),
//!             why => done.errback(why),
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reactor = sestina::reactor()?;
//! let port = reactor.listen(&"tcp:0".parse()?, |_: &Address| Greeter)?; // a free port on 127.0.0.1
//! let number = port.local_addr().port().ok_or("no port")?;
//!
//! let (done, heard) = deferred();
//! let mut done = Some(done);
//! reactor.connect(&Endpoint::loopback(number), move |_: &Address| Listener { heard: Vec::new(), done: done.take() });
//! let heard = reactor.run_until(heard).map_err(|failure| failure.to_string())?;
//! assert_eq!(heard, b"good day\n");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

/// Results that are not there yet.
pub mod deferred {
    pub use sestina_deferred::*;
}

/// The loop, timers, protocols and connections.
pub mod reactor {
    pub use sestina_reactor::*;
}

/// Service trees: ordered start and stop, drain, supervision.
pub mod service {
    pub use sestina_service::*;
}

pub use sestina_deferred::*;
pub use sestina_reactor::*;
pub use sestina_reactor_mio::{
    HandOverError, MioDriver, Options as DriverOptions, handed_over, raise_descriptor_limit, reactor,
};
pub use sestina_service::*;

/// The runner: options, plugins, pid file, identity, logs, signals.
#[cfg(feature = "daemon")]
pub mod daemon {
    pub use sestina_daemon::*;
}

/// Lines, netstrings and strings with a length before them, out of bytes that are cut anywhere.
#[cfg(feature = "framing")]
pub mod framing {
    pub use sestina_framing::*;
}

/// The test harness: its attribute is also [`test`], at the top.
#[cfg(feature = "trial")]
pub mod trial {
    pub use sestina_trial::facade_test as test;
    pub use sestina_trial::*;
}

/// Makes a test of a function: see [`trial`].
#[cfg(feature = "trial")]
pub use sestina_trial::facade_test as test;

/// A simulated network with its clock, its faults and its seeds.
#[cfg(feature = "trial")]
pub mod simulation {
    pub use sestina_reactor_sim::*;
}

#[cfg(feature = "trial")]
pub use sestina_reactor_sim::Simulation;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
