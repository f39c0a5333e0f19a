//! The client: many downloads at once, their pieces as events, and the order in which poems are printed.
//!
//! | file | noun |
//! |---|---|
//! | `options.rs` | how to download: limits, retries, how many at once |
//! | `downloads.rs` | all downloads as one stream of events, with back-pressure |
//! | `task.rs` | one download: its attempts, what it has so far, how it ended |
//! | `repeat.rs` | what comes again is compared, and not passed on |
//! | `merge.rs` | the order in which poems are printed: a pure state machine |
//! | `gather.rs` | whole poems for those who want no events: `fetch_all`, `race` |

mod downloads;
mod gather;
mod merge;
mod options;
mod repeat;
mod task;

pub use downloads::{Downloads, EVENT_BYTES_MAX, Event};
pub use gather::{fetch_all, race};
pub use merge::{Again, HELD_BYTES_MAX, Merge, Order, PoemEnd, Print, Room};
pub use options::{BACK_OFF, BACK_OFF_MAX, FetchOptions, JOBS};
pub use task::{Outcome, Progress};
