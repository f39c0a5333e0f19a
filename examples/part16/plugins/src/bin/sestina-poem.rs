//! The introduction's plugin, as a program of its own: with it on the plugin path, `sestina` lists it and
//! `sestina poem --poem FILE` runs it.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sestina_daemon::{Context, Runner, plugin};
use sestina_deferred::Failure;
use sestina_poetry::{FastPoetry, poetry_server};
use sestina_reactor::Endpoint;
use sestina_service::MultiService;

#[derive(Args)]
struct Options {
    /// The port number to listen on
    #[arg(short, long, default_value_t = 10_000)]
    port: u16,
    /// The file containing the poem
    #[arg(long)]
    poem: PathBuf,
    /// The interface to listen on
    #[arg(long, default_value = "localhost")]
    iface: String,
}

fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let at = context.listen(&Endpoint::tcp(options.iface, options.port));
    Ok(poetry_server(context.name(), context.path(options.poem), &at, FastPoetry::new))
}

fn main() -> ExitCode {
    Runner::new("sestina-poem")
        .with_about("Runs a fast poetry service")
        .with_plugin(plugin("poem", "A fast poetry service", make))
        .main()
}
