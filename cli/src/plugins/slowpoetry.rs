//! `slowpoetry`: a few bytes, a pause, a few bytes.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, Command};
use sestina_poetry::{Poem, SlowPoetry};
use sestina_reactor::Endpoint;

use super::{described, parsed};
use crate::address::{parse_interface, parse_port};
use crate::duration::parse_duration;
use crate::plugin::{MakeError, Plugin, Service};

const EXAMPLES: &str = "\
Example:
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --delay 100ms

Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.";

pub(crate) struct SlowPoetryMaker;

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

impl Plugin for SlowPoetryMaker {
    fn name(&self) -> &'static str {
        "slowpoetry"
    }

    fn description(&self) -> &'static str {
        "Serves a poem slowly, to each client at its own pace"
    }

    fn options(&self, command: Command) -> Command {
        Options::augment_args(command).after_help(EXAMPLES)
    }

    fn make_service(&self, options: &ArgMatches) -> Result<Service, MakeError> {
        let options: Options = parsed(options);
        let poem = Poem::load(&options.poem)?;
        let made_of = Some(described(&poem, &options.poem));
        let poetry = SlowPoetry::new(poem).with_num_bytes(options.num_bytes).with_delay(options.delay);
        let at = Endpoint::tcp(options.iface, options.port);
        Ok(Service { made_of, start: Box::new(move |reactor| Ok(reactor.listen(&at, poetry)?)) })
    }
}
