//! Exercise 16.3: a plugin with an optional second poem on a second port. Each poem is in a parent of its own (exercise 16.1).
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
    /// The port number of the second poem
    #[arg(long, default_value_t = 10_001)]
    second_port: u16,
    /// The file containing the second poem, if there is one
    #[arg(long)]
    second_poem: Option<PathBuf>,
    /// The interface to listen on
    #[arg(long, default_value = "localhost")]
    iface: String,
}

fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let first = context.listen_named("first", &Endpoint::tcp(options.iface.clone(), options.port));
    let mut poems = MultiService::new(context.name()).stopped_together();
    poems.add(poetry_server("first", context.path(options.poem), &first, FastPoetry::new))?;
    if let Some(poem) = options.second_poem {
        let second = context.listen_named("second", &Endpoint::tcp(options.iface, options.second_port));
        poems.add(poetry_server("second", context.path(poem), &second, FastPoetry::new))?;
    }
    Ok(poems)
}

fn main() -> ExitCode {
    Runner::new("sestina-two-poems")
        .with_about("Runs one or two fast poetry services")
        .with_plugin(plugin("two-poems", "One or two fast poetry services, each on its port", make))
        .main()
}
