//! `slowpoetry`: a few bytes, a pause, a few bytes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sestina_daemon::{Context, ServiceMaker, plugin};
use sestina_deferred::Failure;
use sestina_poetry::{Poem, SlowPoetry, poetry_server};
use sestina_reactor::Endpoint;
use sestina_service::MultiService;

use crate::address::{parse_interface, parse_port};
use sestina_daemon::duration::parse_duration;

const EXAMPLES: &str = "\
Example:
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --delay 100ms

Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.";

#[derive(Args)]
struct Options {
    /// The file with the poem
    #[arg(long, value_name = "FILE")]
    poem: PathBuf,
    /// The port to listen on; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "0", value_parser = parse_port, allow_negative_numbers = true)]
    port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    iface: String,
    /// How many bytes are sent at a time
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse_count, allow_negative_numbers = true)]
    num_bytes: NonZeroUsize,
    /// How long the pause between two pieces is
    #[arg(long, value_name = "DURATION", default_value = "0.7", value_parser = parse_duration, allow_hyphen_values = true)]
    delay: Duration,
}

fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let count = text.parse().ok().filter(|_| digits);
    count.ok_or_else(|| format!("'{text}' is no number of bytes: the smallest is 1"))
}

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("slowpoetry", "Serves a poem slowly, to each client at its own pace", make).with_examples(EXAMPLES)
}

fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let at = context.listen(&Endpoint::tcp(options.iface, options.port));
    let poem = context.path(options.poem);
    if let Some(now) = context.inspects(&poem) {
        Poem::load(now)?;
    }
    Ok(poetry_server(context.name(), poem, &at, move |poem| {
        SlowPoetry::new(poem).with_num_bytes(options.num_bytes).with_delay(options.delay)
    }))
}
