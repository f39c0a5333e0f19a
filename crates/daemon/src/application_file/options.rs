//! The options that name an application file, and where plugins are looked for.

use std::path::PathBuf;

use clap::Args;

/// Which application is run.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AppOptions {
    /// Run the application that this TOML file describes: services by plugin, in the place of one plugin
    #[arg(short = 'y', long = "python", visible_alias = "app", value_name = "FILE", help_heading = HEADING)]
    pub(crate) app: Option<PathBuf>,
    /// Print what an application file may say, as a JSON schema, and end
    #[arg(long, help_heading = HEADING)]
    pub(crate) app_schema: bool,
    /// Look here for plugins that are programs of their own, before the usual places; several are separated by colons
    #[arg(long, value_name = "DIRS", help_heading = HEADING)]
    pub(crate) plugin_path: Vec<std::ffi::OsString>,
    /// Say as JSON which plugin this program is: for programs that list plugins
    #[arg(long, hide = true)]
    pub(crate) describe: bool,
}

const HEADING: &str = "Application and plugins";
