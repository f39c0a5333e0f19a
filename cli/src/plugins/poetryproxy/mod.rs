//! `poetryproxy`: one fetch for everybody, streamed while it comes, kept afterwards.

mod options;
mod plan;
mod values;

use clap::{ArgMatches, Args, Command};
use sestina_poetry::{Observer, PoetryProxy};
use sestina_reactor::{ListenError, Port, Reactor};

use self::options::Options;
use self::plan::Plan;
use super::parsed;
use crate::output::{Stream, Writer};
use crate::plugin::{MakeError, Plugin, Service};

const EXAMPLES: &str = "\
Examples: a slow poet, a proxy before it, and a client of the proxy
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --port 10001
  sestina -n poetryproxy --port 10000 10001
  get-poetry 10000
two poets behind one proxy, each with a port of its own and one memory
  sestina -n poetryproxy --upstream ecstasy=10001@10000 \\
                         --upstream science=10002@10003 --ttl 2h

A client is given what has come at once, and the rest as it comes. A poem that
breaks off ends with a reset, and is not kept. A client that hangs up while the
poem is being fetched no longer waits for it; one that only closes its own
direction then counts as hung up, and is reset.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.
Sizes: bytes, or with a unit: k, M, G.";

pub(crate) struct PoetryProxyMaker;

impl Plugin for PoetryProxyMaker {
    fn name(&self) -> &'static str {
        "poetryproxy"
    }

    fn description(&self) -> &'static str {
        "Fetches a poem from a poet once, and serves it to everybody"
    }

    fn options(&self, command: Command) -> Command {
        Options::augment_args(command).about(self.description()).after_help(EXAMPLES)
    }

    fn make_service(&self, options: &ArgMatches) -> Result<Service, MakeError> {
        let plan = Plan::new(parsed(options)).map_err(MakeError::Usage)?;
        Ok(Service { made_of: None, start: Box::new(move |reactor| listen(reactor, plan)) })
    }
}

/// Listens for every upstream. Gives the first port.
fn listen(reactor: &Reactor, plan: Plan) -> Result<Port, ListenError> {
    let Plan { settings, routes, limits } = plan;
    let prints = settings.like.is_some();
    let none = PoetryProxy::with_settings(reactor, settings);
    let proxy = routes.iter().fold(none, |proxy, route| proxy.with_upstream(route.name(), route.upstream()));
    if prints && let Ok(writer) = Writer::start() {
        proxy.observe(Printed(writer));
    }
    let mut first = None;
    for route in &routes {
        let front = proxy.front(route.name()).expect("each route is an upstream");
        let port = reactor.listen(route.at(), front)?;
        port.set_connection_limits(limits);
        proxy.tell_route(route, port.local_addr());
        first.get_or_insert(port);
    }
    Ok(first.expect("the options ask for one upstream at least"))
}

/// The lines of the introduction's proxies, on the standard output.
struct Printed(Writer);

impl Observer for Printed {
    fn prints(&self, line: &str) {
        self.0.push(Stream::Out, format!("{line}\n").into_bytes());
    }
}
