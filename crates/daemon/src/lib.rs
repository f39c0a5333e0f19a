//! The runner: one command that makes a service a daemon, twistd's job.
//!
//! A program of a few lines gets all of it: see [`Runner`] for one with plugins. It is the outermost layer of a program, so
//! it alone among the libraries of the house prints, and reads arguments and the environment.
#![forbid(unsafe_code)]

mod descriptors;
pub mod duration;
pub mod logs;
mod runner;
mod service_maker;
pub mod size;
mod timestamp;
pub mod usage;
pub mod words;

pub use runner::Runner;
pub use service_maker::{Context, Plugin, ServiceMaker, UsageError, plugin};
