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
//! # Test your service on the simulation
//!
//! Write the service against [`Reactor`](sestina_reactor::Reactor), as for production. In a test, give it the reactor of a
//! simulated host. Time costs nothing there: a test may wait for a day.
//!
//! ```
//! use sestina_reactor::{Address, Conn, Endpoint, Protocol, Reactor};
//! use sestina_reactor_sim::{Fault, Faults, Link, Partition, Scenario, Simulation};
//! use std::time::Duration;
//!
//! // The service: unchanged, it knows nothing of simulations.
//! struct Echo;
//! impl Protocol for Echo {
//!     fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
//!         conn.write(data);
//!     }
//! }
//! fn serve(reactor: &Reactor) -> Result<(), String> {
//!     let port = reactor.listen(&Endpoint::tcp("", 7), |_: &Address| Echo);
//!     port.map(drop).map_err(|error| error.to_string())
//! }
//!
//! // 1. A simulation from a seed, its hosts, and the line between them.
//! let far = Link::default().with_latency(Duration::from_millis(40)..Duration::from_millis(60));
//! let simulation = Simulation::seeded(7).with_link(far);
//! let (server, client) = (simulation.host("server"), simulation.host("client"));
//! serve(&server.reactor())?;
//!
//! // 2. A client, by callbacks or as async code; `run_until` gives every host its turn.
//! let stream = simulation.run_until(client.reactor().connect_stream(&Endpoint::tcp("server", 7)));
//! let stream = stream.map_err(|failure| failure.to_string())?;
//! let answer = stream.read_exact(5);
//! drop(stream.write_all("hello"));
//!
//! // 3. Things go wrong when you say so: lines are cut, hosts crash, clocks jump ...
//! simulation.partition(&server, &client, Partition::Held);
//! simulation.call_after(Duration::from_secs(3), Simulation::heal_all);
//! assert_eq!(simulation.run_until(answer).map_err(|failure| failure.to_string())?, b"hello");
//! assert!(simulation.now().as_nanos() >= 3_000_000_000);
//!
//! // 4. The trace says what happened, byte for byte the same for the same seed.
//! assert!(simulation.trace().contains("client:49152 -> server:7 bytes 5"));
//! drop(stream);
//! simulation.stop().map_err(|error| error.to_string())?;
//! assert_eq!(simulation.leftovers(), [""; 0]);
//!
//! // 5. ... or when the seed says so: a scenario states what must hold, and is run under many seeds. A failure is
//! //    reduced to the fewest faults that cause it, and says how to replay it.
//! fn an_echo_is_whole(simulation: &Simulation) -> Result<(), String> {
//!     serve(&simulation.host("server").reactor())?;
//!     let client = simulation.host("client").reactor();
//!     let stream = simulation.run_until(client.connect_stream(&Endpoint::tcp("server", 7)));
//!     let stream = stream.map_err(|failure| failure.to_string())?;
//!     let answer = stream.read_exact(100_000);
//!     drop(stream.write_all(vec![b'x'; 100_000]));
//!     let answer = simulation.run_until(answer).map_err(|failure| failure.to_string())?;
//!     if answer == [b'x'; 100_000] { Ok(()) } else { Err("the echo is another".to_owned()) }
//! }
//! Scenario::new("echo", Faults::gentle(), an_echo_is_whole).check(1..20);
//! # Ok::<(), String>(())
//! ```
//!
//! # Odds, programs, findings
//!
//! Which faults strike, and how often; a program that services may start; and what a scenario says that does not hold:
//!
//! ```
//! use sestina_reactor::{Address, Command, Endpoint, ExitStatus, ProcessProtocol, Protocol};
//! use sestina_reactor_sim::{Fault, Faults, Odds, ProcessEvent, Scenario, Selector, Simulation};
//! use std::time::Duration;
//!
//! // Each third name is looked up one to two seconds late, and nothing else goes wrong.
//! let slow_names = Faults::none()
//!     .with(Fault::SlowLookups, Odds::one_in(3))
//!     .lasting(Fault::SlowLookups, Duration::from_secs(1)..Duration::from_secs(2));
//! let simulation = Simulation::seeded(7).faults(slow_names.clone());
//!
//! // A program is a closure, under the name by which it is started.
//! simulation.program("backup", |run, event| match event {
//!     ProcessEvent::Started => run.wake_after(Duration::from_secs(600)),
//!     ProcessEvent::Woken => run.exit(3),
//!     _ => {}
//! });
//! struct Quiet;
//! impl Protocol for Quiet {}
//! impl ProcessProtocol for Quiet {}
//! let backup = Command { program: "/usr/bin/backup".into(), ..Command::default() };
//! let process = simulation.reactor().spawn_process(&backup, Quiet).map_err(|error| error.to_string())?;
//! let ended = simulation.run_until(process.ended()).map_err(|failure| failure.to_string())?;
//! assert_eq!(ended, ExitStatus::Code(3)); // ten minutes later
//!
//! // This does not hold under each seed. The finding names the one stroke that it takes, and how to replay it.
//! fn a_name_is_known_at_once(simulation: &Simulation) -> Result<(), String> {
//!     let (client, server) = (simulation.host("client").reactor(), simulation.host("server").reactor());
//!     server.listen(&Endpoint::tcp("", 80), |_: &Address| Quiet).map_err(|error| error.to_string())?;
//!     let begun = simulation.now();
//!     let connecting = client.connect_stream(&Endpoint::tcp("server", 80));
//!     drop(simulation.run_until(connecting).map_err(|failure| failure.to_string())?);
//!     let took = simulation.now() - begun;
//!     if took < Duration::from_secs(1) { Ok(()) } else { Err(format!("it took {took:?}")) }
//! }
//! let scenario = Scenario::new("names", slow_names, a_name_is_known_at_once);
//! let finding = (1..20).find_map(|seed| scenario.find(seed)).ok_or("it holds")?;
//! assert_eq!(finding.faults, ["slow-lookups#1".parse::<Selector>().map_err(|error| error.to_string())?]);
//! assert!(finding.to_string().contains("--scenario names --only slow-lookups#1"), "{finding}");
//! let replayed = scenario.replay(finding.seed, Some(&finding.faults));
//! assert_eq!(replayed.failure.as_ref(), Some(&finding.failure));
//! assert_eq!(replayed.strokes.len(), 1); // and `replayed.trace` says what happened, line by line
//! # Ok::<(), String>(())
//! ```
//!
//! | noun | what it is for |
//! |---|---|
//! | [`Simulation`] | the network, the clock, the seed; runs everything; programs, names, partitions |
//! | [`Host`] | a machine with a name and addresses, and the reactor on it: stop, crash, restart, signals, clock jumps, few descriptors, sockets from the system |
//! | [`Link`], [`Partition`] | latency and bandwidth of a line; what becomes of packets when it is cut |
//! | [`Faults`], [`Fault`], [`Odds`] | what goes wrong by itself, how often and how badly |
//! | [`Simulation::program`], [`Run`] | processes: closures under the names of programs |
//! | [`Simulation::trace`], [`Stroke`] | what happened, line by line; which faults struck |
//! | [`Scenario`], [`Swarm`], [`Finding`] | what must hold under every seed; a command line for it; what does not hold and why |
//!
//! # What is simulated
//!
//! TCP and UNIX streams with the semantics that a program sees (FIN, half-close, reset, windows, a backlog, a reset for a close
//! with unread input), datagrams, names, signals, threads (jobs run inline, in seeded order), processes (closures), sockets
//! that the system hands over, lines with latency, bandwidth and partitions, and the faults of [`Fault`]. Crashes and restarts
//! of hosts are verbs of [`Host`]. A host that stops or crashes drops its tasks, timers, connections, processes and jobs,
//! and who waits for an answer of theirs gets one: `Abandoned`, if nothing better is known.
//!
//! What is decided where systems differ: the loopback is `::1` and all of `127.0.0.0/8`; a listener on `::` takes IPv6 only; a
//! reset may or may not take unread bytes with it, by the seed; options of sockets are taken and have no effect; a host without a
//! program refuses connections, as a machine does that is up; accepting without descriptors refuses one connection, as
//! `reactor-mio` does.
//!
//! Not simulated: files other than sockets, real threads (see [`Simulation`]), and what a program asks the system without
//! its reactor.
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
mod inherit;
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
