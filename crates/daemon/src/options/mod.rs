//! What the command line said before the name of the plugin, word for word: it touches no file, no clock, no database of users.
//!
//! Each group of options stands beside what it is for; here they are gathered. `plan.rs` makes of them what will be done.

pub(crate) mod parse;
mod process;
pub(crate) mod refused;

pub(crate) use process::ProcessOptions;

use clap::Args;

use crate::application_file::AppOptions;
use crate::logs::LogOptions;
use crate::notify::NotifyOptions;
use crate::unit::UnitOptions;

/// The runner's own options: they come before the name of the plugin.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunnerOptions {
    /// Process, identity, pid file, orders to one that runs
    #[command(flatten)]
    pub(crate) process: ProcessOptions,
    /// Where the log goes
    #[command(flatten)]
    pub(crate) logs: LogOptions,
    /// Who is told how it goes
    #[command(flatten)]
    pub(crate) notify: NotifyOptions,
    /// Units of systemd
    #[command(flatten)]
    pub(crate) unit: UnitOptions,
    /// Application files and plugins
    #[command(flatten)]
    pub(crate) app: AppOptions,
}
