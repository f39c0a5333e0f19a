//! `transform`: changes the poems that are sent to it.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use sestina_daemon::{Context, ServiceMaker, plugin};
use sestina_deferred::Failure;
use sestina_poetry::{
    TRANSFORM_BYTES_MAX, TRANSFORM_REQUESTS_MAX, TransformServer, TransformService, transforms,
};
use sestina_reactor::{ConnectionLimits, Endpoint};
use sestina_service::{Child, TcpServer};

use super::parse_limit;
use crate::address::{parse_interface, parse_port};
use sestina_daemon::duration::parse_time_limit;

const EXAMPLES: &str = "\
Examples:
  sestina transform --list
  sestina -n transform --port 11000
  printf '27:cummingsify.HERE IS MY POEM,' | nc -N 127.0.0.1 11000

A request is a netstring: the name of a transform, a dot, a poem. The answer is
a netstring, and then the connection ends. An end without an answer is a no;
the log says why.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.";

/// How many clients a service or its proxy has at once, unless an option says otherwise. Each may keep a request and its
/// answer in memory.
pub(super) const CLIENTS_MAX: usize = 1000;

#[derive(Args)]
struct Options {
    /// Print the transforms that there are, and end
    #[arg(long)]
    list: bool,
    /// The port to listen on; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "0", value_parser = parse_port, allow_negative_numbers = true)]
    port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    iface: String,
    /// How long a request may be, and an answer, in bytes
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_BYTES_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_bytes: usize,
    /// How many requests one connection may make
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_REQUESTS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_requests: usize,
    /// How many clients there may be at once; the others wait
    #[arg(long, value_name = "N", default_value_t = CLIENTS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_clients: usize,
    /// How long a client may take for its request
    #[arg(long, value_name = "DURATION", default_value = "60", value_parser = parse_time_limit, allow_hyphen_values = true)]
    timeout: Duration,
}

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("transform", "Transforms the poems that are sent to it", make)
        .with_examples(EXAMPLES)
        .with_prints(|options| options.list.then(list))
}

fn list() -> String {
    transforms::BUILT_IN.iter().fold(String::new(), |mut list, built_in| {
        writeln!(list, "{:12} {}", built_in.name, built_in.about).expect("a string takes everything");
        list
    })
}

fn make(options: Options, context: &Context) -> Result<Child, Failure> {
    let at = context.listen(&Endpoint::tcp(options.iface, options.port));
    Ok(Child::new(context.name(), move || {
        let service = TransformService::new().with_bytes_max(options.max_bytes);
        let names: Vec<&str> = service.list().map(|(name, _)| name).collect();
        tracing::info!("loaded {} transforms: {}", names.len(), names.join(", "));
        let server = TransformServer::new(service)
            .with_bytes_max(options.max_bytes)
            .with_requests_max(options.max_requests)
            .with_request_time_max(options.timeout);
        TcpServer::new(&at, server).with_connection_limits(clients(options.max_clients))
    }))
}

/// So many clients, from wherever.
pub(super) fn clients(total: usize) -> ConnectionLimits {
    ConnectionLimits { total, ..ConnectionLimits::default() }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn the_defaults_in_the_help_are_those_of_the_library() {
        let matches = maker().command().try_get_matches_from(["transform"]).expect("all is optional");
        let options = Options::from_arg_matches(&matches).expect("they are its own");
        assert_eq!(options.timeout, sestina_poetry::TRANSFORM_REQUEST_TIME_MAX);
    }
}
