//! `transformproxy`: has another service do what `transform` does.

use std::time::Duration;

use clap::Args;
use sestina_daemon::{Context, ServiceMaker, UsageError, plugin};
use sestina_deferred::Failure;
use sestina_poetry::{
    TRANSFORM_BYTES_MAX, TRANSFORM_REQUESTS_MAX, TRANSFORM_UPSTREAM_MAX, TRANSFORM_WAITING_BYTES_MAX,
    TransformProxy, TransformServer,
};
use sestina_reactor::Endpoint;
use sestina_service::{Child, TcpServer};

use super::parse_limit;
use super::transform::{CLIENTS_MAX, clients};
use crate::address::{PoetAddress, parse_interface, parse_port};
use sestina_daemon::duration::parse_time_limit;

const EXAMPLES: &str = "\
Example: a transform service, and a proxy before it
  sestina -n transform --port 11000
  sestina -n transformproxy --port 11001 11000

What the service refuses is refused: the connection ends without an answer.
When the service fails, or takes longer than the timeout, it is reset.
A client that hangs up no longer waits for its answer, and the service is told.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.";

#[derive(Clone, Args)]
struct Options {
    /// The transform service to ask; without a host it is on 127.0.0.1
    #[arg(value_name = "[HOST:]PORT", allow_negative_numbers = true)]
    service: PoetAddress,
    /// The port to listen on; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "0", value_parser = parse_port, allow_negative_numbers = true)]
    port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    iface: String,
    /// How long an answer of the service may take, with connecting and waiting for a place
    #[arg(long, value_name = "DURATION", default_value = "30", value_parser = parse_time_limit, allow_hyphen_values = true)]
    timeout: Duration,
    /// How long a client may take for its request
    #[arg(long, value_name = "DURATION", default_value = "60", value_parser = parse_time_limit, allow_hyphen_values = true)]
    request_timeout: Duration,
    /// How long to go on for a client that has closed its own direction: it may wait for the answer, or be gone
    #[arg(long, value_name = "DURATION", default_value = "0.5", value_parser = parse_time_limit, allow_hyphen_values = true)]
    grace: Duration,
    /// How long a request may be, and an answer, in bytes
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_BYTES_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_bytes: usize,
    /// How many requests one connection may make
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_REQUESTS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_requests: usize,
    /// How many bytes of requests of one connection may wait behind the first one that is not answered
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_WAITING_BYTES_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_waiting: usize,
    /// How many clients there may be at once; the others wait
    #[arg(long, value_name = "N", default_value_t = CLIENTS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_clients: usize,
    /// How many requests the service gets at a time; the others wait in line
    #[arg(long, value_name = "N", default_value_t = TRANSFORM_UPSTREAM_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    max_upstream: usize,
}

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("transformproxy", "Has another service transform the poems that are sent to it", make)
        .with_examples(EXAMPLES)
}

fn make(options: Options, context: &Context) -> Result<Child, Failure> {
    let service = options.service.endpoint();
    if options.service.is_at(&options.iface, options.port) {
        let name = service.peer_name();
        let why = format!("it would ask itself at {name}: give the port of another transform service");
        return Err(UsageError::new(why).into());
    }
    let at = context.listen(&Endpoint::tcp(options.iface.clone(), options.port));
    Ok(Child::new(context.name(), move || {
        let (service, of_one) = (service.clone(), options.clone());
        TcpServer::making(&at, move |reactor| {
            let proxy = TransformProxy::new(reactor, &service)
                .with_bytes_max(of_one.max_bytes)
                .with_time_max(of_one.timeout)
                .with_upstream_max(of_one.max_upstream);
            tracing::info!("proxying {}", service.peer_name());
            TransformServer::new(proxy)
                .with_bytes_max(of_one.max_bytes)
                .with_requests_max(of_one.max_requests)
                .with_waiting_bytes_max(of_one.max_waiting)
                .with_request_time_max(of_one.request_timeout)
                .with_grace(of_one.grace)
        })
        .with_connection_limits(clients(options.max_clients))
    }))
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn the_defaults_in_the_help_are_those_of_the_library() {
        let arguments = ["transformproxy", "11000"];
        let matches = maker().command().try_get_matches_from(arguments).expect("the rest is optional");
        let options = Options::from_arg_matches(&matches).expect("they are its own");
        assert_eq!(options.timeout, sestina_poetry::TRANSFORM_TIME_MAX);
        assert_eq!(options.request_timeout, sestina_poetry::TRANSFORM_REQUEST_TIME_MAX);
        assert_eq!(options.grace, sestina_poetry::TRANSFORM_GRACE);
    }
}
