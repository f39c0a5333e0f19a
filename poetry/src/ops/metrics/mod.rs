//! Metrics: what the proxy did and how things stand, as Prometheus text, over a small HTTP face.
//!
//! `exposition.rs` is the text format, `families.rs` says which metrics there are, `reply.rs` answers a request's head
//! without I/O, `service.rs` is the connection and the service.

mod exposition;
mod families;
mod reply;
mod service;

pub use reply::METRICS_HEAD_BYTES_MAX;
pub use service::{METRICS_CLIENTS_MAX, METRICS_HEAD_TIME_MAX, METRICS_REPLY_TIME_MAX, MetricsService};
