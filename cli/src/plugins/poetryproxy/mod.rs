//! `poetryproxy`: one fetch for everybody, streamed while it comes, kept afterwards.

mod operators;
mod options;
mod plan;
mod values;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use clap::{ArgMatches, Args, Command};
use sestina_deferred::{Failure, all_settled};
use sestina_poetry::ops::ProxyPlace;
use sestina_poetry::{Observer, PoetryProxy};
use sestina_reactor::{Phase, Port, Reactor};
use sestina_service::{Application, Child};

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
a proxy that operators can ask while it runs, and whose restart is warm
  sestina -n poetryproxy --port 10000 --control proxy.sock --spool kept 10001
  sestina ctl proxy.sock entries

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

/// How long those who are served have after an operator's `drain`.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(30);

/// Listens for every upstream. Gives the first port.
fn listen(reactor: &Reactor, plan: Plan) -> Result<Port, Failure> {
    let Plan { settings, routes, limits, operators } = plan;
    let prints = settings.like.is_some();
    let none = PoetryProxy::with_settings(reactor, settings);
    let proxy = routes.iter().fold(none, |proxy, route| proxy.with_upstream(route.name(), route.upstream()));
    if prints && let Ok(writer) = Writer::start() {
        proxy.observe(Printed(writer));
    }
    let place = ProxyPlace::default();
    place.set(&proxy);
    let ports: Rc<RefCell<Vec<Port>>> = Rc::default();
    let drained = Draining { reactor: reactor.clone(), proxy: proxy.clone(), ports: Rc::clone(&ports) };
    begin(reactor, operators.services(&place, move || drained.begin())?)?;
    operators.tell();
    for route in &routes {
        let front = proxy.front(route.name()).expect("each route is an upstream");
        let port = reactor.listen(route.at(), front)?;
        port.set_connection_limits(limits);
        proxy.tell_route(route, port.local_addr());
        ports.borrow_mut().push(port);
    }
    let first = ports.borrow().first().cloned();
    Ok(first.expect("the options ask for one upstream at least"))
}

/// Starts the services of operators, before anybody is served: what is on the disk is there for the first client. They
/// stop when the reactor does, and the tree is held until then.
fn begin(reactor: &Reactor, services: Vec<Rc<dyn sestina_service::Service>>) -> Result<(), Failure> {
    if services.is_empty() {
        return Ok(());
    }
    let mut application = Application::new("poetryproxy");
    for service in services {
        application.add(Child::from(service))?;
    }
    let tree = application.attach(reactor)?;
    let mut starting = tree.start();
    loop {
        starting = match starting.try_result() {
            Ok(started) => {
                reactor.add_trigger(Phase::After, move || drop(tree));
                return started;
            }
            Err(waiting) => waiting,
        };
        reactor.turn(None)?;
    }
}

/// What an operator's `drain` does: nobody new, the poems under way to their end, and then the end.
struct Draining {
    reactor: Reactor,
    proxy: PoetryProxy,
    ports: Rc<RefCell<Vec<Port>>>,
}

impl Draining {
    fn begin(&self) {
        let ports = self.ports.take();
        if ports.is_empty() {
            return; // it drains already
        }
        let served = ports.iter().map(|port| {
            port.stop_listening().ignore_errors();
            port.idle()
        });
        let served = all_settled(served.collect::<Vec<_>>());
        let ends = self.reactor.clone();
        self.proxy.drain(DRAIN_TIME_MAX).ignore_errors();
        let served = served.add_timeout(DRAIN_TIME_MAX, &self.reactor);
        drop(served.add_both(move |_| {
            ends.stop();
            Ok(())
        }));
    }
}

/// The lines of the introduction's proxies, on the standard output.
struct Printed(Writer);

impl Observer for Printed {
    fn prints(&self, line: &str) {
        self.0.push(Stream::Out, format!("{line}\n").into_bytes());
    }
}
