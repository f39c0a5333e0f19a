//! Service trees: ordered start and stop, drain, supervision, monitors.
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
pub use service::{Details, Service};
pub use state::{State, Step};
pub use status::{LastFailure, ServiceStatus};
pub use supervision::{
    BACKOFF_FIRST, BACKOFF_JITTER_PERCENT, BACKOFF_MAX, Backoff, RESTART_PERIOD, RESTARTS_MAX, Restart,
    Strategy, Supervision,
};
pub use tree::{Subscription, Tree};
