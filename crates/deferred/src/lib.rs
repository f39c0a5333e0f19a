//! Results that are not there yet: chains of callbacks, cancellation with an answer, async.
//!
//! ```
//! use sestina_deferred::{Cancelled, deferred};
//!
//! let (resolver, poem) = deferred::<String>();
//! resolver.on_cancel(|| println!("closing the connection")); // how to stop the work
//! let lines = poem
//!     .map(|poem| poem.lines().count())
//!     .add_errback(|failure| if failure.is::<Cancelled>() { Ok(0) } else { Err(failure) });
//! lines.cancel(); // a message to the producer, which may answer
//! assert_eq!(lines.try_result().unwrap().unwrap(), 0);
//! ```

#![forbid(unsafe_code)]

mod abandoned;
mod answer;
mod await_deferred;
mod awaited;
mod callback;
mod cancel_handle;
mod cancellable;
mod cancelled;
mod chain;
mod clock;
mod consume;
mod core;
mod debugging;
mod deferred;
mod drive;
mod executor;
mod extras;
mod failure;
mod failure_group;
mod first_error;
mod gate;
mod gathering;
mod holding;
mod line;
mod list;
mod lock;
mod map;
mod next;
mod node;
mod outcome;
mod panicked;
mod queue;
mod registry;
mod request;
mod resolver;
mod semaphore;
mod shared;
mod task;
mod timeout;
mod unfired;
mod unhandled;
mod waker;

pub use crate::abandoned::Abandoned;
pub use crate::answer::{Answer, IntoAnswer};
pub use crate::cancel_handle::CancelHandle;
pub use crate::cancellable::{Cancellable, cancellable};
pub use crate::cancelled::Cancelled;
pub use crate::clock::{CancelCall, Clock};
pub use crate::consume::maybe_deferred;
pub use crate::debugging::{debugging, set_debugging};
pub use crate::deferred::{Deferred, deferred, fail, succeed};
pub use crate::executor::{Executor, run_woken};
pub use crate::failure::{Failure, Trapped};
pub use crate::failure_group::FailureGroup;
pub use crate::first_error::FirstError;
pub use crate::gate::PauseGuard;
pub use crate::list::{DeferredList, all_settled, gather_results, race};
pub use crate::lock::DeferredLock;
pub use crate::map::DeferredMap;
pub use crate::outcome::{IntoOutcome, Outcome, Res};
pub use crate::panicked::Panicked;
pub use crate::queue::{DeferredQueue, QueueOverflow, QueueUnderflow};
pub use crate::resolver::Resolver;
pub use crate::semaphore::{DeferredSemaphore, Permit};
pub use crate::shared::Shared;
pub use crate::task::spawn;
pub use crate::timeout::TimedOut;
pub use crate::unfired::unfired;
pub use crate::unhandled::{Unhandled, collect_unhandled};
