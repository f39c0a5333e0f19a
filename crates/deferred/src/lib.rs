//! Results that are not there yet: chains of callbacks, cancellation with an answer, async.
//!
//! # What it is for
//!
//! In Rust a future is cancelled by dropping it: abruptly, at whatever `.await` it stands, with no word to the code
//! inside, and with nobody to answer. A [`Deferred`] is cancelled by a *message* that goes upstream to whoever does the
//! work. The work may stop, refuse, take its time, or give another answer; what stands further down sees that answer,
//! and may recover from it. It is Twisted's Deferred, with what types and ownership add to it: firing twice does not
//! compile, a chain knows the types of its values, and a producer that goes away is an answer too.
//!
//! ```
//! use sestina_deferred::{Cancelled, deferred};
//!
//! let (resolver, poem) = deferred::<String>(); // who fires it, and who waits for it
//! resolver.on_cancel(|| { /* close the connection */ });
//! let lines = poem
//!     .map(|poem| poem.lines().count())
//!     .add_errback(|failure| if failure.is::<Cancelled>() { Ok(0) } else { Err(failure) });
//! lines.cancel();
//! assert_eq!(lines.try_result().unwrap().unwrap(), 0);
//! ```
//!
//! Everything happens on one thread, in the middle of the call that fires: no scheduler, no locks, no clock. A reactor
//! brings those, see [`Executor`] and [`Clock`]; the crate works without one, and in other executors.
//!
//! # Cancel, with a rollback
//!
//! [`spawn`] runs an `async` block. A cancel reaches exactly what it awaits at that moment, and the block sees it as an
//! `Err`, with everything still alive: it can clean up asynchronously. Try that with a dropped future.
//!
//! ```
//! use sestina_deferred::{Cancelled, Deferred, Failure, Resolver, deferred, spawn};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! /// A database that has not answered yet: what it was asked, and where its answers go.
//! #[derive(Clone, Default)]
//! struct Database(Rc<RefCell<Vec<(&'static str, Resolver<u32>)>>>);
//!
//! impl Database {
//!     fn query(&self, text: &'static str) -> Deferred<u32> {
//!         let (resolver, answer) = deferred();
//!         self.0.borrow_mut().push((text, resolver));
//!         answer
//!     }
//!
//!     fn answer(&self, number: usize) -> &'static str {
//!         let (text, resolver) = self.0.borrow_mut().remove(number);
//!         resolver.callback(1);
//!         text
//!     }
//! }
//!
//! async fn transfer(database: Database) -> Result<u32, Failure> {
//!     database.query("BEGIN").await?;
//!     match database.query("UPDATE accounts").await {
//!         Ok(rows) => Ok(rows),
//!         Err(why) => {
//!             database.query("ROLLBACK").await?; // a real query, and it is waited for
//!             Err(why)
//!         }
//!     }
//! }
//!
//! let database = Database::default();
//! let d = spawn(transfer(database.clone()));
//! assert_eq!(database.answer(0), "BEGIN");
//! d.cancel(); // while UPDATE runs
//! assert!(!d.is_fired(), "it is cleaning up");
//! assert_eq!(database.answer(1), "ROLLBACK");
//! assert!(d.try_result().unwrap().unwrap_err().is::<Cancelled>());
//! ```
//!
//! If it must not take for ever: [`CancelHandle::cancel_with_grace`] cancels, and aborts what has not stopped in time.
//!
//! # Many ask, one fetches
//!
//! [`Deferred::share`] makes many requests one. It lives as long as anybody wants its answer: whoever cancels leaves,
//! and the last to leave cancels the work.
//!
//! ```
//! use sestina_deferred::{Deferred, Resolver, Shared, deferred};
//!
//! /// Fetches a poem at most once at a time.
//! #[derive(Default)]
//! struct Proxy {
//!     fetching: Option<Shared<&'static str>>,
//!     connections: Vec<Resolver<&'static str>>,
//! }
//!
//! impl Proxy {
//!     fn poem(&mut self) -> Deferred<&'static str> {
//!         let running = self.fetching.as_ref().filter(|fetch| fetch.waiting() > 0);
//!         let fetch = running.cloned().unwrap_or_else(|| {
//!             let (connection, poem) = deferred();
//!             self.connections.push(connection);
//!             poem.share()
//!         });
//!         self.fetching = Some(fetch.clone());
//!         fetch.subscribe()
//!     }
//! }
//!
//! let mut proxy = Proxy::default();
//! let (alice, bob) = (proxy.poem(), proxy.poem());
//! assert_eq!(proxy.connections.len(), 1);
//! alice.discard(); // hangs up: bob still gets the poem
//! proxy.connections.remove(0).callback("Science! true daughter");
//! assert_eq!(bob.try_result().unwrap().unwrap(), "Science! true daughter");
//!
//! let (alice, bob) = (proxy.poem(), proxy.poem());
//! alice.discard();
//! bob.discard(); // the last one
//! assert!(proxy.connections[0].is_cancelled());
//! ```
//!
//! # Lists
//!
//! [`all_settled`] waits for all and never fails; [`gather_results`] fails with the first failure; [`race`] takes the
//! first value and cancels the others; [`DeferredList`] has Twisted's options; [`DeferredMap`] goes by key.
//!
//! ```
//! use sestina_deferred::{Failure, FirstError, all_settled, deferred, gather_results, race};
//!
//! let (one, d1) = deferred::<&str>();
//! let (two, d2) = deferred();
//! let both = all_settled([d1, d2]);
//! two.errback(Failure::msg("the server is down"));
//! one.callback("poem");
//! let answers = both.try_result().unwrap().unwrap();
//! assert_eq!(*answers[0].as_ref().unwrap(), "poem"); // in the order of the list
//! assert_eq!(answers[1].as_ref().unwrap_err().to_string(), "the server is down");
//!
//! let (one, d1) = deferred::<&str>();
//! let (_two, d2) = deferred();
//! let all = gather_results([d1, d2]);
//! one.errback(Failure::msg("the server is down"));
//! let failure = all.try_result().unwrap().unwrap_err();
//! assert_eq!(failure.check::<FirstError>().unwrap().index(), 0);
//!
//! let (slow, d1) = deferred::<&str>();
//! let (fast, d2) = deferred();
//! let first = race([d1, d2]);
//! fast.callback("poem");
//! assert_eq!(first.try_result().unwrap().unwrap(), (1, "poem"));
//! assert!(slow.is_cancelled());
//! ```
//!
//! # The rules
//!
//! What happens when, also in the odd cases: [`rules`].
//!
//! # Coming from Twisted
//!
#![doc = include_str!("../docs/from_twisted.md")]
#![forbid(unsafe_code)]

mod abandoned;
mod answer;
mod await_deferred;
mod awaited;
mod callback;
mod cancel_handle;
mod cancellable;
mod cancelled;
mod cells;
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
mod inspector;
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
pub mod rules;
mod semaphore;
mod shared;
mod status;
mod task;
mod timeout;
mod trace;
mod unhandled;
mod waker;

pub use crate::abandoned::Abandoned;
pub use crate::answer::{Answer, IntoAnswer};
pub use crate::cancel_handle::CancelHandle;
pub use crate::cancellable::{Cancellable, cancellable};
pub use crate::cancelled::Cancelled;
pub use crate::clock::{CancelCall, Clock};
pub use crate::consume::maybe_deferred;
pub use crate::debugging::{debugging, is_watching, set_debugging, watch_unfired};
pub use crate::deferred::{Deferred, deferred, fail, succeed};
pub use crate::executor::{Executor, run_woken, tell_time};
pub use crate::failure::{Failure, Trapped};
pub use crate::failure_group::FailureGroup;
pub use crate::first_error::FirstError;
pub use crate::gate::PauseGuard;
pub use crate::inspector::{Unfired, WaitsOn, unfired};
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
pub use crate::unhandled::{Unhandled, collect_unhandled, take_unhandled};
