//! The options of the log.

use std::path::PathBuf;

use clap::Args;

/// Where the log goes, and what is in it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LogOptions {
    /// The file of the log; `-` is the standard output [default: sestina.log, on the standard error in the foreground]
    #[arg(short, long, value_name = "FILE", help_heading = "Log")]
    pub(crate) logfile: Option<PathBuf>,
}
