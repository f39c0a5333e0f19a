//! `fastpoetry`: the whole poem at once.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sestina_daemon::{Context, ServiceMaker, plugin};
use sestina_deferred::Failure;
use sestina_poetry::{FastPoetry, Poem, poetry_server};
use sestina_reactor::{Drain, Endpoint};
use sestina_service::MultiService;

use crate::address::{parse_interface, parse_port};

const EXAMPLES: &str = "\
Examples:
  sestina -n fastpoetry --poem poetry/poems/fascination.txt
  sestina -n fastpoetry --poem poetry/poems/science.txt --iface 0.0.0.0";

#[derive(Args)]
struct Options {
    /// The file with the poem
    #[arg(long, value_name = "FILE")]
    poem: PathBuf,
    /// The port to listen on; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "10000", value_parser = parse_port, allow_negative_numbers = true)]
    port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    iface: String,
    /// What becomes of what clients say after they got the poem.
    ///
    /// always: it is read and thrown away until the client closes too, so that everybody gets the whole poem.
    ///
    /// if-unread: if the client has said nothing yet, its connection is closed at once. That is faster, and wrong
    /// for clients that talk later: the system answers them with a reset, and they may lose the end of the poem, or all of it.
    #[arg(long, value_name = "WHEN", default_value = "always", hide_possible_values = true)]
    drain: DrainWhen,
}

#[derive(Clone, Copy, ValueEnum)]
enum DrainWhen {
    Always,
    IfUnread,
}

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("fastpoetry", "Serves a poem, all of it at once", make).with_examples(EXAMPLES)
}

fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let drain = match options.drain {
        DrainWhen::Always => Drain::Always,
        DrainWhen::IfUnread => Drain::IfUnread,
    };
    let at = context.listen(&Endpoint::tcp(options.iface, options.port));
    let poem = context.path(options.poem);
    if let Some(now) = context.inspects(&poem) {
        Poem::load(now)?;
    }
    Ok(poetry_server(context.name(), poem, &at, move |poem| FastPoetry::new(poem).with_drain(drain)))
}
