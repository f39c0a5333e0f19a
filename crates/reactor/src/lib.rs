//! The loop, timers, protocols and one connection's state machine. No call of the operating system.
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
pub use pipe::{PipeBroken, PipeEnd, PipeOptions, PipeRate, Piped, Side, pipe};
pub use process::{PROCESS_KILL_AFTER, ProcessHandle, ProcessProtocol, SpawnError};
pub use producer::{Producer, ProducerRegistered, Production};
pub use protocol::{Factory, Protocol};
pub use queue::WriteQueue;
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
