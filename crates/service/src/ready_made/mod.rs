//! Services that most programs need.

mod client_service;
mod process_service;
mod servers;
mod threaded_workers;
mod timer_service;

pub use client_service::{CONNECTION_STABLE_AFTER, ClientService};
pub use process_service::{OUTPUT_LINE_BYTES_MAX, ProcessEnded, ProcessService};
pub use servers::{StreamServer, TcpServer};
pub use threaded_workers::{ThreadedWorkers, WORKERS_QUEUE_MAX, WorkersError};
pub use timer_service::TimerService;
