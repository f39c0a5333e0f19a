//! `poetryproxy`: one fetch for everybody, streamed while it comes, kept afterwards.

mod lines;
mod operators;
mod options;
mod plan;
mod values;

use sestina_daemon::{Context, ServiceMaker, UsageError, plugin};
use sestina_deferred::Failure;
use sestina_poetry::PoetryProxyService;
use sestina_poetry::ops::ProxyPlace;
use sestina_service::{Child, MultiService};

use self::lines::Lines;
use self::options::Options;
use self::plan::Plan;

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
    let lines = plan.settings.like.is_some().then(Lines::default);
    if let Some(lines) = lines.clone() {
        group.add(Child::new("lines", move || lines.clone()))?;
    }
    group.add(Child::new("proxy", move || proxy(&plan, &place, lines.as_ref())))?;
    Ok(group)
}

fn proxy(plan: &Plan, place: &ProxyPlace, lines: Option<&Lines>) -> PoetryProxyService {
    let (place, lines) = (place.clone(), lines.cloned());
    let (settings, routes) = (plan.settings.clone(), plan.routes.clone());
    PoetryProxyService::with_set_up(settings, routes, plan.limits, move |proxy| {
        if let Some(lines) = lines {
            proxy.observe(lines);
        }
        place.set(proxy);
    })
}
