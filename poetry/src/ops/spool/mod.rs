//! A copy of the stored bodies on the disk, so that a restart starts warm. Never needed for anything to be right.
//!
//! ```text
//! a body is stored, a key is purged -> spool.rs: one change a key waits    thread: directory.rs writes or removes, one at a time
//! the start -> opening.rs, thread: lists, reads -> disk_copy.rs: checks everything    -> PoetryProxy::restore, or a miss
//! ```

mod counters;
mod directory;
mod disk_copy;
mod index;
mod opening;
mod queue;
#[expect(clippy::module_inception, reason = "the spool itself, beside its parts")]
mod spool;

pub use counters::{DiskWork, SpoolCounters};
pub use directory::SpoolError;
pub use index::{SPOOL_BYTES_MAX, SPOOL_FILES_MAX, SpoolLimits};
pub use queue::SPOOL_QUEUE_BYTES_MAX;
pub use spool::{SPOOL_START_TIME_MAX, Spool};
