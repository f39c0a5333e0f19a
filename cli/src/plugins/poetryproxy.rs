//! `poetryproxy`: one fetch for everybody, kept afterwards.

use clap::{ArgMatches, Args, Command};
use sestina_poetry::PoetryProxy;
use sestina_reactor::{Endpoint, Reactor};

use super::parsed;
use crate::address::{PoetAddress, parse_interface, parse_port};
use crate::plugin::{MakeError, Plugin, Service};

const EXAMPLES: &str = "\
Example: a slow poet, a proxy before it, and a client of the proxy
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --port 10001
  sestina -n poetryproxy --port 10000 10001
  get-poetry 10000

A client that hangs up while the poem is being fetched no longer waits for it;
one that only closes its own direction then counts as hung up, and is reset.";

pub(crate) struct PoetryProxyMaker;

#[derive(Args)]
struct Options {
    /// The poet to fetch from; without a host it is on 127.0.0.1
    #[arg(value_name = "[HOST:]PORT", allow_negative_numbers = true)]
    poet: PoetAddress,
    /// The port to listen on; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "10000", value_parser = parse_port, allow_negative_numbers = true)]
    port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    iface: String,
}

impl Plugin for PoetryProxyMaker {
    fn name(&self) -> &'static str {
        "poetryproxy"
    }

    fn description(&self) -> &'static str {
        "Fetches a poem from a poet once, and serves it to everybody"
    }

    fn options(&self, command: Command) -> Command {
        Options::augment_args(command).after_help(EXAMPLES)
    }

    fn make_service(&self, options: &ArgMatches) -> Result<Service, MakeError> {
        let options: Options = parsed(options);
        let poet = options.poet.endpoint();
        if options.poet.is_at(&options.iface, options.port) {
            return Err(MakeError::Itself(poet.peer_name()));
        }
        let at = Endpoint::tcp(options.iface, options.port);
        let start = Box::new(move |reactor: &Reactor| {
            let port = reactor.listen(&at, PoetryProxy::new(reactor, &poet))?;
            tracing::info!(target: "sestina", "proxying {} on {}", poet.peer_name(), port.local_addr());
            Ok(port)
        });
        Ok(Service { made_of: None, start })
    }
}
