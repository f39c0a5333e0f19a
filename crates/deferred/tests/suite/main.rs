//! Deferreds, their lists, locks and queues, tasks and the executor.
//!
//! One program for all these files: each further one is linked anew.

mod allocations;
mod awaiting;
mod cancellable;
mod cancellers;
mod cancelling;
mod chains;
mod combinators;
#[path = "../common/mod.rs"]
mod common;
mod deep;
mod executor;
mod failures;
mod firing;
mod grace;
mod introduction;
mod lists;
mod locks;
mod maps;
mod panics;
mod pausing;
mod queues;
mod races;
mod reentrancy;
mod sharing;
mod sizes;
mod tasks;
mod thread_end;
mod timeouts;
mod unhandled_errors;
mod wake_ups;
mod watching;
