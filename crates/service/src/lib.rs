//! Service trees: a program's parts, started in order, supervised, drained, and stopped in reverse.
//!
//! A daemon is a tree of [services](Service): a database, a cache, a server that needs both. [`Application`] is its top;
//! [`MultiService`]s are its branches; [`Tree`] is what runs.
//!
//! ```
//! use sestina_reactor::{Address, Conn, Endpoint, Protocol};
//! use sestina_reactor_sim::Simulation;
//! use sestina_service::{Application, Child, MultiService, Supervision, TcpServer, service};
//! use std::time::Duration;
//!
//! struct Greeter;
//! impl Protocol for Greeter {
//!     fn connection_made(&mut self, conn: &mut Conn<'_>) {
//!         conn.write(b"good day\n");
//!         conn.lose_connection();
//!     }
//! }
//!
//! let mut greeter = MultiService::new("greeter").with_supervision(Supervision::rest_for_one());
//! // One async function: its start is done when it says so, its stop is a cancel that it can catch.
//! greeter.add(service("database", |cx| async move {
//!     cx.reactor().sleep(Duration::from_millis(20)).await?; // it opens its files
//!     cx.ready();
//!     cx.stopped().await
//! }))?;
//! // Bound before privileges are dropped; accepts when the database runs; its clients are drained.
//! greeter.add(Child::new("tcp", || TcpServer::new(&Endpoint::loopback(10000), |_: &Address| Greeter)))?;
//! let mut application = Application::new("example");
//! application.add(greeter)?;
//!
//! let reactor = Simulation::seeded(7).reactor(); // or sestina_reactor_mio::reactor()?
//! let tree = application.attach(&reactor)?;
//! let story = {
//!     let tree = tree.clone();
//!     async move {
//!         tree.start().await?; // the error names the service, the step and the cause
//!         println!("{}", tree.status());
//!         tree.stop().await // the report names what did not stop
//!     }
//! };
//! let report = reactor.run_until(reactor.spawn(story)).expect("it starts");
//! assert!(report.is_clean());
//! # Ok::<(), sestina_service::AddError>(())
//! ```
//!
//! # The life of a tree
//!
//! 1. **Privileged start** of all services, in order, each awaited: sockets are bound, and nothing is served.
//! 2. **Start** of all, in order, each when all before it run. What fails or takes too long ends the start: everything is
//!    stopped again, in reverse, and [`StartError`] says what and why.
//! 3. **Running**: who fails is started again, by a new instance, as its parent's [`Supervision`] says, with growing pauses;
//!    who fails too often makes its parent fail. [`Tree::monitor`] tells whoever asks when a service ends, and why. Services
//!    are [added](Tree::add), [removed](Tree::remove), [replaced](Tree::replace) and [reloaded](Tree::reload).
//! 4. **Drain** of all at the same time: listeners close, open conversations get a deadline, then they are aborted.
//! 5. **Stop**, in reverse, each bounded. [`StopReport`] names everything that did not stop by itself.
//!
//! # What there is
//!
//! | a service that is | |
//! |---|---|
//! | one async function | [`service()`], [`task()`] |
//! | a server, with a protocol or an async function for each connection | [`TcpServer`], [`StreamServer`] |
//! | a client that stays connected | [`ClientService`] |
//! | work at regular times | [`TimerService`] |
//! | a program | [`ProcessService`] |
//! | blocking work on threads | [`ThreadedWorkers`] |
//! | anything else | [`Service`] |
//!
//! # Differs from Twisted
//!
//! Steps are awaited and bounded; a stop is in reverse one by one (siblings stop together only if
//! [they say so](MultiService::stopped_together)); a service added during a start is started once; a failed start is
//! reported whole; there is a drain; moving a service is explicit; names are unique among siblings, and everybody has one.
//!
//! # Inside
//!
//! The tree is a state machine without any I/O (`machine/`), which is told what happened and what time it is, and says
//! what to do; a thin shell (`tree/`) does it. Its rule, that nothing is ever started twice, stopped while stopped, or left
//! running after a stop, is tested against random events.
#![forbid(unsafe_code)]

mod child;
mod context;
mod errors;
mod function;
mod limits;
mod machine;
mod monitor;
mod multi_service;
mod ready;
mod ready_made;
mod service;
mod state;
mod status;
mod supervision;
mod tree;

pub use child::Child;
pub use context::ServiceContext;
pub use errors::{
    AddError, Cause, MoveError, NeverReady, NoSuchService, ServiceError, StartError, StopReport, Stopping,
};
pub use function::{TaskService, service, task};
pub use limits::{DRAIN_TIMEOUT, Limits, START_TIMEOUT, STOP_TIMEOUT};
pub use monitor::{End, Task};
pub use multi_service::{Application, MultiService};
pub use ready_made::{
    CONNECTION_STABLE_AFTER, ClientService, OUTPUT_LINE_BYTES_MAX, ProcessEnded, ProcessService,
    StreamServer, TcpServer, ThreadedWorkers, TimerService, WORKERS_QUEUE_MAX, WorkersError,
};
pub use service::{Details, Service};
pub use state::{State, Step};
pub use status::{LastFailure, ServiceStatus};
pub use supervision::{
    BACKOFF_FIRST, BACKOFF_JITTER_PERCENT, BACKOFF_MAX, Backoff, RESTART_PERIOD, RESTARTS_MAX, Restart,
    Strategy, Supervision,
};
pub use tree::{Subscription, Tree};
