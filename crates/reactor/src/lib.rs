//! The loop, timers, protocols and one connection's state machine. No call of the operating system.
#![forbid(unsafe_code)]

mod abandon;
mod accept;
mod address;
mod answers;
mod close;
mod conn;
mod connect;
mod delayed_call;
mod driver;
mod endpoint;
mod errors;
mod flush;
mod inner;
mod protocol;
mod queue;
mod reactor;
mod read;
mod remote;
mod slab;
mod state;
mod statistics;
mod time;
mod timers;
mod turn;
mod upcall;

pub use accept::Port;
pub use address::Address;
pub use close::{CLOSE_DISCARD_BYTES_MAX, CLOSE_SILENCE_MAX, CLOSE_STALL_MAX, CloseLimits};
pub use conn::{Conn, ConnHandle};
pub use connect::{CONNECT_TIMEOUT, Connector, NEXT_ADDRESS_AFTER};
pub use delayed_call::DelayedCall;
pub use driver::{
    Close, Command, Connect, Driver, Event, ExitStatus, Job, Listen, Process, Received, Signal, Sock,
    SocketOption, Token, Wake,
};
pub use endpoint::{BACKLOG, Endpoint, EndpointError};
pub use errors::{ConnectError, ListenError, Lost};
pub use inner::Reactor;
pub use protocol::{Factory, Protocol};
pub use queue::WriteQueue;
pub use reactor::Stopped;
pub use remote::{REMOTE_CALLS_MAX, Remote, RemoteError};
pub use slab::{Key, Slab};
pub use state::{Drain, HIGH_MARK_BYTES, LOW_MARK_BYTES, QUEUE_BYTES_MAX};
pub use statistics::Statistics;
pub use time::Time;
