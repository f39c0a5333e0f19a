//! The runner: one command that makes a service a daemon, twistd's job.
//!
//! A program of a few lines gets all of it: see [`Runner`] for one with plugins, [`main`] for one that builds its services in
//! code. It is the outermost layer of a program, so it alone among the libraries of the house prints, and reads arguments and
//! the environment. Call it first: a detached process leaves its terminal before anything else.
//!
//! ```
//! use sestina_daemon::{Runner, plugin};
//! use sestina_service::task;
//!
//! #[derive(clap::Args)]
//! struct Options {}
//!
//! fn main() -> std::process::ExitCode {
//!     let greeter = plugin("greeter", "Greets, and rests", |_: Options, context| {
//!         Ok(task(context.name(), |_| async { Ok(()) }))
//!     });
//!     let words = ["greeterd", "--check", "greeter"].map(Into::into);
//!     Runner::new("greeterd").with_plugin(greeter).run(&words) // `.main()` in a program
//! }
//! ```
//!
//! # A start, step by step
//!
//! Each step is checked before the next; what fails is the whole answer of the command, and leaves nothing behind.
//!
//! 1. The command line is parsed, the application file read, names of users resolved, services made. `--check` ends here. Nothing was
//!    opened.
//! 2. The pid file is claimed, with a lock that cannot be raced. "Another one is running" is said here.
//! 3. The program starts itself again, without a terminal and with nothing open but what it is given: the lock, sockets that
//!    were handed over. The command waits. In the foreground (`-n`, under systemd, as process 1) this step is left out.
//! 4. umask, log, run directory, limits.
//! 5. Privileged starts of all services: sockets are bound.
//! 6. Root directory, groups, group, user, capabilities, no-new-privs; all of it is looked at again, on every thread.
//! 7. Starts of all services, within `--start-timeout`.
//! 8. Ready: the service manager is told, the command returns 0.
//!
//! # Signals
//!
//! TERM and INT drain, stop and end it; a second one cuts. HUP opens the log again and reloads. USR1 opens the log again. QUIT
//! writes to the log what there is (services, connections, timers, deferreds that wait) and cuts.
//!
//! # Exit status
//!
//! 0 for a clean end, and for a detached process that is ready; 1 if it failed; 2 for wrong usage; 3 for `--status` of a service that
//! does not run; 4 for a missing privilege; 6 for an application file that cannot be read; 7 for other orders to one that does
//! not run; 128 and the number of the signal that cut it.
//!
//! # What it keeps of the environment
//!
//! The detached process has it without what systemd said to this process alone (`NOTIFY_SOCKET`, `WATCHDOG_*`, `LISTEN_*`), and with
//! `--env-clear` only PATH, LANG, LC_ALL and TZ. In the foreground nothing is removed, because nothing can be without
//! unsafe code: [`Command`](sestina_reactor::Command)s of the reactor have the environment that they are given, and programs that
//! are started otherwise have all of it.
//!
#![doc = include_str!("../docs/differs.md")]
#![forbid(unsafe_code)]

mod application_file;
mod descriptors;
mod detach;
mod dump;
pub mod duration;
mod ending;
mod external;
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
mod unit;
pub mod usage;
pub mod words;

pub use lock::{FilesystemGuard, FilesystemLock, LOCK_RETRY, LockError};
pub use runner::{Runner, main};
pub use service_maker::{Context, Plugin, ServiceMaker, UsageError, plugin};
