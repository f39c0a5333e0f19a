//! The loop, timers, protocols and one connection's state machine. No call of the operating system.
//!
//! A [`Reactor`] runs everything on one thread: connections, timers, tasks, answers of other threads. It stands on a
//! [`Driver`]: `sestina-reactor-mio` is the one for the operating system, `sestina-reactor-sim` the one for a simulated network
//! and clock, and what is written against a reactor runs on both unchanged. There is no global reactor; whoever needs it is
//! given it.
//!
//! # A connection as a protocol
//!
//! What a connection does is a [`Protocol`]: methods that the loop calls, with the connection lent to them. Nothing
//! ever runs inside another call, so a protocol reads and writes its own fields without locks or cells.
//!
//! ```
//! use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
//! use std::time::Duration;
//!
//! /// Sends back what it gets, and hangs up after ten seconds of silence.
//! struct Echo;
//! impl Protocol for Echo {
//!     fn connection_made(&mut self, conn: &mut Conn<'_>) {
//!         conn.set_timer(Duration::from_secs(10));
//!     }
//!     fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
//!         conn.write(data); // queued; sent when this method returns
//!         conn.set_timer(Duration::from_secs(10));
//!     }
//!     fn timer(&mut self, conn: &mut Conn<'_>) {
//!         conn.lose_connection(); // what is queued is sent first
//!     }
//!     fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
//!         assert!(matches!(why, Lost::Done), "the client finished first");
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reactor = sestina_reactor_mio::reactor()?;
//! let port = reactor.listen(&"tcp:0".parse()?, |_: &Address| Echo)?; // a free port on 127.0.0.1
//!
//! // The same connection as an async value, for code that reads from top to bottom.
//! let to_echo = Endpoint::loopback(port.local_addr().port().ok_or("no port")?);
//! let connecting = reactor.connect_stream(&to_echo);
//! let talk = reactor.spawn(async move {
//!     let stream = connecting.await?;
//!     stream.write_all(b"hello").await?;
//!     stream.read_exact(5).await
//! });
//! assert_eq!(reactor.run_until(talk).map_err(|failure| failure.to_string())?, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Time, threads, signals
//!
//! ```
//! use std::cell::Cell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reactor = sestina_reactor_mio::reactor()?;
//! let late = Rc::new(Cell::new(false));
//! let seen = Rc::clone(&late);
//! let call = reactor.call_later(Duration::from_secs(60), move || seen.set(true));
//! assert!(call.reset(Duration::from_millis(1)) && call.is_active());
//!
//! let reactor_here = reactor.clone();
//! let answer = reactor.spawn(async move {
//!     let sum = reactor_here.defer_to_thread(|| Ok((1..=100_u32).sum::<u32>())).await?; // on another thread
//!     reactor_here.sleep(Duration::from_millis(2)).await?;
//!     Ok(sum)
//! });
//! assert_eq!(reactor.run_until(answer).map_err(|failure| failure.to_string())?, 5050);
//! assert!(late.get() && !call.is_active());
//!
//! reactor.stop_on_signals()?; // SIGINT and SIGTERM end `run`, in three phases
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! | noun | what it is for |
//! |---|---|
//! | [`Reactor`], [`Remote`], [`DelayedCall`], [`LoopingCall`], [`CooperativeTask`], [`Trigger`] | the loop; from other threads; calls that come later, again and again, in slices, at the end |
//! | [`Endpoint`], [`Address`], [`Port`], [`Connector`], [`CustomEndpoint`] | where to listen and connect, as strings; what that gives; kinds of your own |
//! | [`Protocol`], [`Factory`], [`Conn`], [`ConnHandle`], [`Lost`] | what a connection does, who makes it, the connection while it is lent and afterwards, and how it ended |
//! | [`Stream`] | a connection as an async value |
//! | [`Producer`], [`pipe()`] | writing as fast as the peer reads; two connections that become one |
//! | [`Layer`], [`Counting`], [`TrafficLog`], [`RateLimit`] | what stands between socket and protocol |
//! | [`DatagramProtocol`], [`ProcessProtocol`] | datagrams; other programs |
//! | [`CloseLimits`], [`ConnectionLimits`], [`Statistics`], [`Leftover`] | bounds, counters, and what is left and where it was made |
//! | [`Driver`], [`Slab`], [`WriteQueue`] | for those who write a driver |
//!
//! # What holds
//!
//! - `connection_made` comes once and first, `connection_lost` once and last, and says who ended the connection and how: a
//!   reset is never reported as a clean end.
//! - `write` never blocks. Writes, closes and aborts of one connection take effect in the order of the calls, and a close sends
//!   what was written before it.
//! - Every buffer has marks that pause and resume whoever fills it, and a bound.
//! - Timers fire in the order of their time, equal times in the order of the calls, never early; a cancelled one never.
//! - A panic in user code is caught, logged, and ends its connection and nothing else.
//!
//! `sestina-contract` has each of these as cases that every driver must pass.
#![forbid(unsafe_code)]

mod abandon;
mod accept;
mod address;
mod answers;
mod close;
mod conn;
mod connect;
mod connected;
mod cooperate;
mod datagram;
mod delayed_call;
mod driver;
mod endpoint;
mod errors;
mod extra;
mod flush;
mod hold;
mod hosting;
mod inner;
mod layer;
mod layered;
mod layers;
mod leftovers;
mod limits;
mod looping_call;
mod pipe;
mod process;
mod producer;
mod protocol;
mod queue;
mod rate;
mod reactor;
mod read;
mod remote;
mod remote_run;
mod slab;
mod state;
mod statistics;
mod stream;
mod threads;
mod time;
mod timers;
mod triggers;
mod turn;
mod upcall;
mod watching;
mod wire;

pub use accept::Port;
pub use address::{Address, Inherited};
pub use close::{CLOSE_DISCARD_BYTES_MAX, CLOSE_DRAIN_MAX, CLOSE_SILENCE_MAX, CLOSE_STALL_MAX, CloseLimits};
pub use conn::{Conn, ConnHandle};
pub use connect::{CONNECT_TIMEOUT, Connector, NEXT_ADDRESS_AFTER};
pub use cooperate::{CooperativeTask, SLICE, SLICE_STEPS_MAX, TaskStopped, Work};
pub use datagram::{DATAGRAMS_QUEUED_MAX, DatagramConn, DatagramPort, DatagramProtocol};
pub use delayed_call::DelayedCall;
pub use driver::{
    Close, Command, Connect, Driver, Event, ExitStatus, Job, Listen, Process, Received, Signal, Sock,
    SocketOption, Token, Wake,
};
pub use endpoint::{
    Argument, ArgumentError, Arguments, BACKLOG, CustomEndpoint, Endpoint, EndpointError, quote_argument,
};
pub use errors::{ConnectError, ListenError, Lost};
pub use hold::CALLBACK_LIMIT;
pub use inner::Reactor;
pub use layer::{Layer, LayerIo};
pub use layered::ProtocolReplaced;
pub use layers::{Counting, RateLimit, TRAFFIC_LOG_BYTES_MAX, TrafficLog};
pub use leftovers::{Leftover, LeftoverKind};
pub use limits::{CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, ConnectionLimits};
pub use looping_call::LoopingCall;
pub use pipe::{PipeBroken, PipeEnd, PipeOptions, Piped, Side, pipe};
pub use process::{PROCESS_KILL_AFTER, ProcessHandle, ProcessProtocol, SpawnError};
pub use producer::{Producer, ProducerRegistered, Production};
pub use protocol::{Factory, Protocol};
pub use queue::WriteQueue;
pub use rate::PipeRate;
pub use reactor::Stopped;
pub use remote::{REMOTE_CALLS_MAX, Remote, RemoteError};
pub use remote_run::RemoteAnswer;
pub use slab::{Key, Slab};
pub use state::{Drain, HIGH_MARK_BYTES, LOW_MARK_BYTES, QUEUE_BYTES_MAX};
pub use statistics::Statistics;
pub use stream::{Stream, StreamError};
pub use threads::ThreadPoolFull;
pub use time::Time;
pub use triggers::{Phase, Trigger};
pub use watching::ConnectionGone;
