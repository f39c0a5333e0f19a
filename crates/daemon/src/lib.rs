//! The runner: one command that makes a service a daemon, twistd's job.
//!
//! A program of a few lines gets all of it: see [`Runner`] for one with plugins, [`main`] for one that builds its services in
//! code. It is the outermost layer of a program, so it alone among the libraries of the house prints, and reads arguments and
//! the environment.
#![forbid(unsafe_code)]

mod application_file;
mod descriptors;
mod detach;
mod dump;
pub mod duration;
mod ending;
mod identity;
mod life;
mod lock;
pub mod logs;
mod nearest;
mod notify;
mod options;
mod orders;
mod place;
mod plan;
mod plugins;
mod program;
mod runner;
mod serve;
mod service_maker;
mod signals;
pub mod size;
mod sockets;
mod surroundings;
mod timestamp;
pub mod usage;
pub mod words;

pub use lock::{FilesystemGuard, FilesystemLock, LOCK_RETRY, LockError};
pub use runner::{Runner, main};
pub use service_maker::{Context, Plugin, ServiceMaker, UsageError, plugin};
