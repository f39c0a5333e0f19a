//! The options that name an application file, and where plugins are looked for.

use std::path::PathBuf;

use clap::Args;

/// Which application is run.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AppOptions {
    /// Run the application that this file describes
    #[arg(
        short = 'y',
        long = "python",
        visible_alias = "app",
        value_name = "FILE",
        help_heading = "Application"
    )]
    pub(crate) app: Option<PathBuf>,
}
