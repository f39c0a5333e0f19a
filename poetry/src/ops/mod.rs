//! What operators touch of a proxy: a copy of its bodies on the disk, a control socket, and metrics.
//!
//! ```text
//! spool/    PoetryProxy -> Observer::stored, purged -> a queue -> files, written by a thread     files -> restore, at the start
//! control/  a line from a UNIX socket -> Command -> PoetryProxy -> Answer -> lines
//! metrics/  GET /metrics -> PoetryProxy::statistics, histograms -> Prometheus text
//! ```
//!
//! Each is a [`Service`](sestina_service::Service) beside the proxy's own, and none of them is needed by it: a disk that is
//! full, an operator who hangs and a scraper that lies harm nobody who wants a poem.

mod control;
mod figures;
mod histogram;
mod metrics;
mod place;
mod server;
mod spool;
mod warner;

pub use control::{
    CONTROL_CLIENTS_MAX, CONTROL_GREETING, CONTROL_IDLE_MAX, CONTROL_LINE_BYTES_MAX,
    CONTROL_REQUEST_TIME_MAX, ControlService,
};
pub use histogram::{BUCKETS_MAX, Histogram};
pub use metrics::{
    METRICS_CLIENTS_MAX, METRICS_HEAD_BYTES_MAX, METRICS_HEAD_TIME_MAX, METRICS_REPLY_TIME_MAX,
    MetricsService,
};
pub use place::ProxyPlace;
pub use spool::{
    DiskWork, SPOOL_BYTES_MAX, SPOOL_FILES_MAX, SPOOL_QUEUE_BYTES_MAX, SPOOL_START_TIME_MAX, Spool,
    SpoolCounters, SpoolError, SpoolLimits,
};
