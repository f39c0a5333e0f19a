//! The test harness for event-driven code: each test gets a fresh reactor, its result is waited for, virtual time takes
//! no time, and nothing may be left behind.
//!
//! # The first tests
//!
//! The example of the introduction, as it stands in `tests/suite/test_poetry.rs`: a client, a server, and two tests, each on
//! the simulation (`test_client::sim`) and on the real reactor (`test_client::mio`). Those who depend on the facade
//! `sestina`, with its feature `trial` among their dev-dependencies, write `#[sestina::test]` and `use sestina::..`.
//!
//! ```
#![doc = include_str!("../tests/suite/test_poetry.rs")]
//! ```
//!
//! # What a test may look like
//!
//! ```
//! # use sestina_deferred::Deferred;
//! # use sestina_reactor::Reactor;
//! # use sestina_reactor_sim::Simulation;
//! # use sestina_trial::TestResult;
//! # use std::time::Duration;
//! # const HOUR: Duration = Duration::from_secs(3600);
//! #[sestina_trial::test]
//! async fn an_hour_takes_no_time(reactor: Reactor) {
//!     reactor.sleep(HOUR).await.unwrap();
//! }
//!
//! #[sestina_trial::test(timeout = "2h")]
//! async fn a_question_mark_notes_its_line(reactor: Reactor) -> TestResult {
//!     Ok(reactor.sleep(HOUR).await?)
//! }
//!
//! #[sestina_trial::test]
//! fn a_deferred_is_waited_for(reactor: Reactor) -> Deferred<()> {
//!     reactor.sleep(HOUR)
//! }
//!
//! #[sestina_trial::test(seeds = 20)]
//! async fn hosts_crash_and_come_back(sim: Simulation) -> TestResult {
//!     let alice = sim.host("alice");
//!     alice.reactor().sleep(HOUR).await?;
//!     alice.crash();
//!     alice.restart().sleep(HOUR).await
//! }
//! # fn main() {}
//! ```
//!
//! The arguments are [`Fixture`]s: a `Reactor`, a `Simulation`, the running [`Trial`], or types of your own with an
//! asynchronous set-up and tear-down; any number of them. A test with a `Simulation` runs outside of all hosts, also
//! after an `await`, so it may crash and restart them; any other test is a task of its reactor, and goes on where what
//! it awaits is fired.
//!
//! | option | meaning | without it |
//! |---|---|---|
//! | `on = "sim"`, `"mio"`, `"both"` | on the simulation, over the operating system, or as two tests `name::sim` and `name::mio` | `"sim"` |
//! | `timeout = "5s"` | how long the test, and each of its clean-ups, may take in the time of its reactor: virtual on the simulation. `ms`, `s`, `m`, `h`, `d` | on the real reactor [`TIMEOUT`], on the simulation [`TIMEOUT_VIRTUAL`] |
//! | `real_timeout = "10s"` | how long each piece may take in real time, also on the simulation | [`TIMEOUT`] |
//! | `seed = 7` | the seed of the simulation | 0 |
//! | `seeds = 200` | once with each of the seeds from 0 | one |
//! | `faults = "gentle"`, `"all"` | what goes wrong on the network: a part of the faults of that name, by the seed | `"none"` |
//! | `skip = "reason"` | it is not run, and `cargo test` says why. At run time: [`skip`] | |
//! | `should_fail = "reason"` | a known failure: it passes when it fails, and fails when it passes | |
//! | `fails_with = "words"` | beside `should_fail`: the report must contain these words | |
//! | `crate = "::my::trial"` | where this crate is found, if it goes by another name | |
//!
//! `#[should_panic]`, `#[cfg]` and lint attributes work as on every test. The harness fails a test by a panic too, so
//! `#[should_panic]` without `expected` also passes on a timeout, or when something is left behind.
//!
//! # What fails a test
//!
//! - **An error** that it returns, with the place where it became a [`Failure`](sestina_deferred::Failure), and a **panic**.
//! - **No result in time.** The report names every deferred that has not fired, with the place where it was made and what
//!   it waits for. What the test awaits is then cancelled, so that it may clean up. Code that never gives the loop back
//!   cannot be interrupted: it is reported two seconds after its time, and its thread is left behind.
//! - **A deadlock**: on the simulation, when nothing will ever happen again, at once.
//! - **Something left behind**: timers, ports, attempts to connect, connections, datagram sockets, processes, jobs on
//!   threads, cooperative tasks, and deferreds that have not fired, each with the place where it was made. They are looked for
//!   after all clean-ups, before any time passes; connections may take their time to end.
//! - **An error that nobody looked at**, in a deferred; and **an event of the level ERROR** in the log, a caught panic
//!   among them. Expected ones are taken with [`flush_logged_errors`] or [`flush_errors`].
//!
//! A failure on the simulation ends with the command that replays it: `SESTINA_SEED=17 cargo test .. -- --exact`, or the
//! like for nextest. The variable names the seed of every simulated test of that run.
//!
//! # What helps
//!
//! [`assert_failure`], [`success_result_of`], [`failure_result_of`], [`assert_no_result`]; [`add_cleanup`], [`listening`];
//! the doubles [`StringTransport`], [`Clock`] and [`Pump`].
//!
//! # Logs
//!
//! What a test logs, down to DEBUG and also on the reactor's threads, is kept in `target/trial/PACKAGE/CRATE/TEST.log`, up
//! to [`LOG_FILE_BYTES_MAX`] and its end; the last [`LOG_SHOWN_BYTES_MAX`] are shown when the test fails. The target folder
//! is the one that the test's program lies in. Nothing is written to the working directory.
//!
//! # What it needs
//!
//! `cargo test` or `cargo nextest`, in parallel or not: each run of a test has a thread of its own, and nothing is global.
//! A person starts it, so it may read the environment (`SESTINA_SEED`, `NEXTEST`, `CARGO_TARGET_DIR`) and a clock, which a
//! library otherwise asks its reactor for.
//!
//! # For those who know Twisted's trial
//!
//! | trial | here |
//! |---|---|
//! | `TestCase`, `setUp`, `tearDown` | a function, and [`Fixture`]s |
//! | `addCleanup`: all before `tearDown` | [`add_cleanup`]: one pile with the tear-downs, the last one first |
//! | `assertFailure`, `successResultOf`, `failureResultOf`, `assertNoResult` | the same, in snake case |
//! | `flushLoggedErrors` | [`flush_logged_errors`]; every ERROR event counts |
//! | `DirtyReactorAggregateError` | "left behind", with places, and deferreds too |
//! | `timeout`, `skip`, `todo` | `timeout`, `skip`, `should_fail` |
//! | `Clock`, `StringTransport`, `iosim` | [`Clock`], [`StringTransport`], [`Pump`]; the simulation for all the rest |
//! | `_trial_temp/test.log` | `target/trial/..`, one file for each test |
#![forbid(unsafe_code)]

mod assertions;
mod doubles;
mod drive;
mod fixture;
mod log;
mod outcome;
mod place;
mod report;
#[doc(hidden)]
pub mod runtime;
mod stages;
mod supervisor;
mod trial;
mod world;

use std::time::Duration;

pub use assertions::{
    Check, WrongOutcome, assert_failure, assert_no_result, failure_result_of, success_result_of,
};
pub use doubles::{Clock, Ending, Listening, PUMP_ROUNDS_MAX, Pump, PumpEnd, StringTransport, each_cut};
pub use fixture::Fixture;
pub use log::{LOG_FILE_BYTES_MAX, LOG_SHOWN_BYTES_MAX, LoggedError};
pub use outcome::TestResult;
#[doc(hidden)]
pub use sestina_trial_macros::facade_test;
pub use sestina_trial_macros::test;
pub use trial::{Trial, add_cleanup, flush_errors, flush_logged_errors, listening, skip};

/// How long a test may take in real time, unless `timeout` (on the real reactor) or `real_timeout` says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(120);
/// How long a test may take in virtual time, unless `timeout` says otherwise. A day of virtual time takes no time, and
/// a test that waits for an hour is no mistake.
pub const TIMEOUT_VIRTUAL: Duration = Duration::from_secs(24 * 3600);
