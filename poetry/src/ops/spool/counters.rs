//! What a spool did, in numbers.

use crate::ops::histogram::Histogram;

/// One kind of work on the disk, counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DiskWork {
    /// How often it was done or tried.
    pub operations: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took, with the waiting for a thread.
    pub time: Histogram,
}

impl Default for DiskWork {
    fn default() -> Self {
        Self { operations: 0, errors: 0, time: Histogram::of_durations() }
    }
}

/// What a [`Spool`](super::Spool) did, and what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct SpoolCounters {
    /// Files read at the start.
    pub reads: DiskWork,
    /// Bodies written.
    pub writes: DiskWork,
    /// Copies removed.
    pub removes: DiskWork,
    /// Bodies that the proxy took in at the start.
    pub restored: u64,
    /// Files that were no good copy, and were removed.
    pub damaged: u64,
    /// Bodies that were not written because too much waited, or because they are too large.
    pub skipped: u64,
    /// Files now.
    pub files: u64,
    /// Bytes of all files now.
    pub bytes: u64,
}
