//! From the words of the command line to what the proxy is made of.

use sestina_daemon::Context;
use sestina_poetry::cache::FLIGHT_RESERVE_BYTES;
use sestina_poetry::{ProxyRoute, ProxySettings};
use sestina_reactor::{ConnectionLimits, Endpoint};

use super::operators::Operators;
use super::options::{Checks, Freshness, Limits, Options, Times};
use super::values::Upstream;
use crate::address::{Poet, PoetAddress};

/// The least memory with which one poem can be fetched and kept, in bytes.
const MEMORY_BYTES_MIN: u64 = 4 * FLIGHT_RESERVE_BYTES;

/// What the proxy is made of.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) settings: ProxySettings,
    pub(super) routes: Vec<ProxyRoute>,
    pub(super) limits: ConnectionLimits,
    pub(super) operators: Operators,
}

impl Plan {
    /// What is wrong with the options together is the error.
    pub(super) fn new(options: Options, context: &Context) -> Result<Self, String> {
        let routes = routes(&options, context)?;
        let memory = bytes(options.limits.max_memory);
        if memory < MEMORY_BYTES_MIN {
            return Err(format!(
                "--max-memory is too small to fetch a poem: give at least {MEMORY_BYTES_MIN} bytes"
            ));
        }
        let limits = connection_limits(&options.limits);
        let operators = options.operators.clone().in_place(context);
        Ok(Self { settings: settings(options), routes, limits, operators })
    }
}

fn bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    let mut set = ConnectionLimits { total: limits.max_clients, ..ConnectionLimits::default() };
    if let Some(per_peer) = limits.max_clients_per_peer {
        set.per_peer = per_peer;
        set.per_peer_on_loopback = true;
    }
    set
}

fn settings(options: Options) -> ProxySettings {
    let mut settings = options.like.map_or_else(ProxySettings::default, ProxySettings::like);
    let Options { freshness, checks, limits, times, .. } = options;
    keep(&mut settings, &freshness);
    believe(&mut settings, checks);
    limit(&mut settings, &limits);
    time(&mut settings, &times);
    settings
}

fn keep(settings: &mut ProxySettings, freshness: &Freshness) {
    let cache = &mut settings.cache;
    cache.ttl = freshness.ttl.0;
    cache.stale_while_revalidate = freshness.swr;
    cache.stale_if_error = freshness.sie;
    cache.on_abandon = freshness.on_abandon.unwrap_or(cache.on_abandon);
    cache.on_too_large = freshness.on_too_large;
    cache.uncacheable_ttl = freshness.uncacheable_ttl;
    if let Some(pause) = freshness.back_off {
        cache.back_off = pause.0.map(|pause| {
            let mut back_off = cache.back_off.unwrap_or_default();
            back_off.first = pause;
            back_off.first_refused = back_off.first_refused.min(pause);
            back_off
        });
    }
    if let Some(back_off) = &mut cache.back_off {
        back_off.max = freshness.back_off_max;
    }
}

fn believe(settings: &mut ProxySettings, checks: Checks) {
    let cache = &mut settings.cache;
    cache.on_suspect = checks.on_suspect;
    cache.checks.allow_empty = checks.allow_empty;
    cache.checks.bytes_min = checks.min_bytes;
    cache.checks.ending = checks.must_end_with.map_or_else(Vec::new, |ending| ending.0);
    cache.checks.prefix = !checks.allow_shorter;
    cache.checks.confirm = checks.confirm;
    cache.checks.probation = checks.probation;
}

fn limit(settings: &mut ProxySettings, limits: &Limits) {
    settings.clients_max = limits.max_clients;
    settings.input_bytes_max = bytes(limits.max_input);
    settings.send_rate_min = limits.min_rate;
    settings.send_rate_window = limits.rate_window;
    let cache = &mut settings.cache;
    cache.waiters_max = limits.max_waiters;
    cache.upstreams_max = limits.max_upstream;
    cache.memory_bytes_max = bytes(limits.max_memory);
    cache.body_bytes_max = bytes(limits.max_object);
    cache.window_bytes = bytes(limits.window);
    cache.lag_grace = limits.lag_grace;
}

fn time(settings: &mut ProxySettings, times: &Times) {
    settings.cache.connect_retries = times.connect_retries;
    let limits = &mut settings.cache.limits;
    limits.connect = times.connect_timeout;
    limits.first_byte = times.first_byte_timeout.unwrap_or(limits.first_byte);
    limits.idle = times.idle_timeout.unwrap_or(limits.idle);
    limits.total = times.total_timeout;
    limits.background = times.background_timeout.unwrap_or(limits.background);
}

/// A poet and where it is served, before names are given to endpoints.
struct Place {
    name: String,
    poet: Poet,
    interface: String,
    port: u16,
}

fn routes(options: &Options, context: &Context) -> Result<Vec<ProxyRoute>, String> {
    let places = places(options)?;
    for (index, place) in places.iter().enumerate() {
        let other = |other: &&Place| other.name == place.name;
        if places[..index].iter().any(|before| other(&before)) {
            return Err(format!("two upstreams are called '{}': give each a name of its own", place.name));
        }
        if let Poet::Tcp(poet) = &place.poet
            && places.iter().any(|at| poet.is_at(&at.interface, at.port))
        {
            let name = place.poet.endpoint().peer_name();
            return Err(format!("it would fetch from itself at {name}: give the port of another poet"));
        }
    }
    let routes = places.into_iter().enumerate().map(|(index, place)| {
        let usual = Endpoint::tcp(place.interface, place.port);
        let at = match index {
            0 => context.listen(&usual),
            _ => context.listen_named(&place.name, &usual),
        };
        ProxyRoute::new(place.name, &place.poet.endpoint(), &at)
    });
    Ok(routes.collect())
}

fn places(options: &Options) -> Result<Vec<Place>, String> {
    let first = options.poet.clone().map(|poet: PoetAddress| {
        let poet = Poet::Tcp(poet);
        let name = poet.endpoint().peer_name();
        Place { name, poet, interface: options.iface.clone(), port: options.port }
    });
    let mut places: Vec<Place> = first.into_iter().collect();
    for Upstream { name, poet, at } in options.upstream.iter().cloned() {
        let (interface, port) = match at {
            Some((interface, port)) => (interface, port),
            None => (None, port_after(options.port, places.len())?),
        };
        let interface = interface.unwrap_or_else(|| options.iface.clone());
        places.push(Place { name, poet, interface, port });
    }
    Ok(places)
}

/// The port of the upstream at this place in the line.
fn port_after(first: u16, index: usize) -> Result<u16, String> {
    if first == 0 {
        return Ok(0);
    }
    let port = u16::try_from(index).ok().and_then(|index| first.checked_add(index));
    port.ok_or_else(|| {
        format!("there are not enough ports after {first} for all upstreams: say where with @PORT")
    })
}
