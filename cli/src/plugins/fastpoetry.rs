//! `fastpoetry`: the whole poem at once.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, ValueEnum};
use sestina_poetry::{FastPoetry, Poem};
use sestina_reactor::{Drain, Endpoint};

use super::{described, parsed};
use crate::address::{parse_interface, parse_port};
use crate::plugin::{MakeError, Plugin, Service};

const EXAMPLES: &str = "\
Examples:
  sestina -n fastpoetry --poem poetry/poems/fascination.txt
  sestina -n fastpoetry --poem poetry/poems/science.txt --iface 0.0.0.0";

pub(crate) struct FastPoetryMaker;

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
    /// for clients that talk later: the system answers them with a reset, and they may lose the end of the poem.
    #[arg(long, value_name = "WHEN", default_value = "always", hide_possible_values = true)]
    drain: DrainWhen,
}

#[derive(Clone, Copy, ValueEnum)]
enum DrainWhen {
    Always,
    IfUnread,
}

impl Plugin for FastPoetryMaker {
    fn name(&self) -> &'static str {
        "fastpoetry"
    }

    fn description(&self) -> &'static str {
        "Serves a poem, all of it at once"
    }

    fn options(&self, command: Command) -> Command {
        Options::augment_args(command).after_help(EXAMPLES)
    }

    fn make_service(&self, options: &ArgMatches) -> Result<Service, MakeError> {
        let options: Options = parsed(options);
        let drain = match options.drain {
            DrainWhen::Always => Drain::Always,
            DrainWhen::IfUnread => Drain::IfUnread,
        };
        let poem = Poem::load(&options.poem)?;
        let made_of = Some(described(&poem, &options.poem));
        let poetry = FastPoetry::new(poem).with_drain(drain);
        let at = Endpoint::tcp(options.iface, options.port);
        Ok(Service { made_of, start: Box::new(move |reactor| Ok(reactor.listen(&at, poetry)?)) })
    }
}
