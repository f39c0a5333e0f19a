//! The driver for a simulated network and clock, with faults, seeds and traces.
//!
//! [`Simulation`] makes hosts; each is a [`Reactor`](sestina_reactor::Reactor) of the same type as over the operating system,
//! with the same loop, timers and connections: only the driver below is exchanged. What passed here is the code that
//! ships.
//!
//! ```text
//!   your services and protocols      unchanged
//!   sestina-reactor                  unchanged
//!   --- the seam: Driver ---------------------------------------------
//!   driver.rs     a program's calls on its simulated kernel
//!   world.rs      machines, sockets, lines, names, processes, jobs
//!   agenda.rs     what will happen, in the order of time      advance.rs, conduct.rs   who moves the clock
//!   dice.rs       every decision, from one seed               trace.rs                 one line for each effect
//! ```
//!
//! What is simulated: TCP and UNIX streams with the semantics that a program sees (FIN, half-close, reset, windows, a backlog,
//! a reset for a close with unread input), datagrams, names, signals, threads (jobs run inline), processes (closures), lines
//! with latency, bandwidth and partitions, and the faults of [`Fault`]. Crashes and restarts of hosts are verbs of [`Host`].
//!
//! What is decided where systems differ: the loopback is `::1` and all of `127.0.0.0/8`; a listener on `::` takes IPv6 only; a
//! reset may or may not take unread bytes with it, by the seed; options of sockets are taken and have no effect; a host without a
//! program refuses connections, as a machine does that is up; accepting without descriptors refuses one connection, as
//! `reactor-mio` does.
//!
//! [`Scenario`] runs something over many seeds, and finds the fewest faults that make it fail.
#![forbid(unsafe_code)]

mod advance;
mod agenda;
mod arguments;
mod conduct;
mod datagrams;
mod dice;
mod driver;
mod ends;
mod fault;
mod faults;
mod fewest;
mod handshake;
mod host;
mod link;
mod listener;
mod machine;
mod odds;
mod packet;
mod process;
mod program;
mod resolver;
mod rng;
mod scenario;
mod simulation;
mod socket;
mod stream;
mod streams;
mod swarm;
mod threads;
mod trace;
mod unix;
mod waiting;
mod world;

pub use dice::Stroke;
pub use driver::SimDriver;
pub use fault::{Fault, Selector, UnknownFault};
pub use faults::Faults;
pub use host::Host;
pub use link::{Link, Partition};
pub use odds::Odds;
pub use program::{ProcessEvent, Run};
pub use scenario::{Finding, Outcome, Scenario};
pub use simulation::Simulation;
pub use swarm::Swarm;
