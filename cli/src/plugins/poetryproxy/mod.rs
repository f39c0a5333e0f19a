//! `poetryproxy`: one fetch for everybody, streamed while it comes, kept afterwards.

mod operators;
mod options;
mod plan;
mod values;

use sestina_daemon::{Context, ServiceMaker, UsageError, plugin};
use sestina_deferred::Failure;
use sestina_poetry::ops::ProxyPlace;
use sestina_poetry::{Observer, PoetryProxyService};
use sestina_service::{Child, MultiService};

use self::options::Options;
use self::plan::Plan;
use crate::output::{Stream, Writer};

const EXAMPLES: &str = "\
Examples: a slow poet, a proxy before it, and a client of the proxy
  sestina -n slowpoetry --poem poetry/poems/ecstasy.txt --port 10001
  sestina -n poetryproxy --port 10000 10001
  get-poetry 10000
two poets behind one proxy, each with a port of its own and one memory
  sestina -n poetryproxy --upstream a=10001@10000 --upstream b=10002@10003
a proxy that operators can ask while it runs, and whose restart is warm
  sestina -n poetryproxy --port 10000 --control proxy.sock --spool kept 10001
  sestina ctl proxy.sock entries

A client is given what has come at once, and the rest as it comes. A poem that
breaks off ends with a reset, and is not kept. A client that hangs up while the
poem is being fetched no longer waits for it; one that only closes its own
direction then counts as hung up, and is reset.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.
Sizes: bytes, or with a unit: k, M, G.";

pub(crate) fn maker() -> impl ServiceMaker {
    plugin("poetryproxy", "Fetches a poem from a poet once, and serves it to everybody", make)
        .with_examples(EXAMPLES)
}

/// What operators touch starts first, so that what is on the disk is there for the first client; it stops last.
fn make(options: Options, context: &Context) -> Result<MultiService, Failure> {
    let plan = Plan::new(options, context).map_err(UsageError::new)?;
    let place = ProxyPlace::default();
    let mut group = MultiService::new(context.name());
    for child in plan.operators.services(&place)? {
        group.add(child)?;
    }
    group.add(Child::new("proxy", move || proxy(&plan, &place)))?;
    Ok(group)
}

fn proxy(plan: &Plan, place: &ProxyPlace) -> PoetryProxyService {
    let (place, prints) = (place.clone(), plan.settings.like.is_some());
    let (settings, routes) = (plan.settings.clone(), plan.routes.clone());
    PoetryProxyService::with_set_up(settings, routes, plan.limits, move |proxy| {
        if prints && let Ok(writer) = Writer::start() {
            proxy.observe(Printed(writer));
        }
        place.set(proxy);
    })
}

/// The lines of the introduction's proxies, on the standard output.
struct Printed(Writer);

impl Observer for Printed {
    fn prints(&self, line: &str) {
        self.0.push(Stream::Out, format!("{line}\n").into_bytes());
    }
}
