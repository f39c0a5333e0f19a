//! `poetryproxy`: one fetch for everybody, kept afterwards.

use clap::Args;
use sestina_daemon::{Context, ServiceMaker, UsageError, plugin};
use sestina_deferred::Failure;
use sestina_poetry::poetry_proxy;
use sestina_reactor::Endpoint;
use sestina_service::Child;

use crate::address::{PoetAddress, parse_interface, parse_port};

const EXAMPLES: &str = "\
Example: a slow poet, a proxy before it, and a client of the proxy
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --port 10001
  sestina -n poetryproxy --port 10000 10001
  get-poetry 10000

A client that hangs up while the poem is being fetched no longer waits for it;
one that only closes its own direction then counts as hung up, and is reset.";

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

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("poetryproxy", "Fetches a poem from a poet once, and serves it to everybody", make)
        .with_examples(EXAMPLES)
}

fn make(options: Options, context: &Context) -> Result<Child, Failure> {
    let poet = options.poet.endpoint();
    if options.poet.is_at(&options.iface, options.port) {
        let name = poet.peer_name();
        let why = format!("it would fetch from itself at {name}: give the port of another poet");
        return Err(UsageError::new(why).into());
    }
    let at = context.listen(&Endpoint::tcp(options.iface, options.port));
    Ok(poetry_proxy(context.name(), &poet, &at))
}
