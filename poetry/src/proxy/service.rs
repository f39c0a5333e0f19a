//! The proxy as a service of a tree: one cache, and a listening socket for each upstream.
//!
//! Its drain closes the ports, refuses whoever else comes, and waits for those who are served; its stop cuts what is left.
//! Tests: `tests/suite/services.rs`, `tests/suite/proxy_service.rs`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, all_settled, succeed};
use sestina_reactor::{ConnectionLimits, Endpoint, Reactor};
use sestina_service::{Child, Details, Service, ServiceContext, TcpServer};

use super::{PoetryProxy, ProxySettings};
use crate::cache::Purge;

/// How long those who are served have when a proxy's service drains, unless its tree gives it less time.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// An upstream of a proxy, and where those come who want its poem.
///
/// ```
/// use sestina_poetry::ProxyRoute;
/// use sestina_reactor::Endpoint;
///
/// let ecstasy = ProxyRoute::new("ecstasy", &Endpoint::loopback(10001), &Endpoint::loopback(10000));
/// assert_eq!(ecstasy.name(), "ecstasy");
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct ProxyRoute {
    name: String,
    upstream: Endpoint,
    at: Endpoint,
}

impl ProxyRoute {
    /// The poet at `upstream`, called `name`, is served at `at`.
    #[must_use]
    pub fn new(name: impl Into<String>, upstream: &Endpoint, at: &Endpoint) -> Self {
        Self { name: name.into(), upstream: upstream.clone(), at: at.clone() }
    }

    /// The upstream's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its poet is.
    #[must_use]
    pub fn upstream(&self) -> &Endpoint {
        &self.upstream
    }

    /// Where it is served.
    #[must_use]
    pub fn at(&self) -> &Endpoint {
        &self.at
    }
}

/// Serves what it fetches from another poet: see [`PoetryProxy`]. A reload has the poem fetched anew for the next client.
/// With settings, or several upstreams: [`PoetryProxyService::with_routes`].
///
/// ```
/// use sestina_poetry::poetry_proxy;
/// use sestina_reactor::Endpoint;
/// use sestina_service::Application;
///
/// let mut application = Application::new("proxy");
/// application.add(poetry_proxy("proxy", &Endpoint::loopback(10001), &Endpoint::loopback(10000)))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub fn poetry_proxy(name: impl Into<String>, upstream: &Endpoint, at: &Endpoint) -> Child {
    let (upstream, at) = (upstream.clone(), at.clone());
    Child::new(name, move || PoetryProxyService::new(&upstream, &at))
}

/// A proxy with a listening socket for each of its upstreams, and one memory for all.
///
/// # Order
/// Its privileged start listens; when one socket cannot be had, the others are closed. Its drain closes all, and answers
/// when everybody is served. Its reload purges every poem softly: what
/// [`stale_if_error`](crate::cache::Settings::stale_if_error) needs stays in memory; copies on a disk go.
///
/// ```
/// use sestina_poetry::{PoetryProxyService, ProxyRoute, ProxySettings};
/// use sestina_reactor::Endpoint;
/// use sestina_service::{Application, Child};
///
/// let at = Endpoint::loopback;
/// let routes = vec![
///     ProxyRoute::new("ecstasy", &at(10001), &at(10000)),
///     ProxyRoute::new("science", &at(10002), &at(10003)),
/// ];
/// let mut application = Application::new("proxies");
/// application.add(Child::new("proxy", move || {
///     PoetryProxyService::with_routes(ProxySettings::default(), routes.clone())
/// }))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct PoetryProxyService {
    servers: Rc<[Rc<TcpServer>]>,
    routes: Rc<[ProxyRoute]>,
    proxy: Place,
}

/// Made when the first socket is there.
type Place = Rc<RefCell<Option<PoetryProxy>>>;
type SetUp = Box<dyn FnOnce(&PoetryProxy)>;

impl PoetryProxyService {
    /// Fetches from `upstream`, and listens at `at`, with the defaults.
    #[must_use]
    pub fn new(upstream: &Endpoint, at: &Endpoint) -> Self {
        let route = ProxyRoute::new(upstream.peer_name(), upstream, at);
        Self::with_routes(ProxySettings::default(), vec![route])
    }

    /// Serves all of these.
    #[must_use]
    pub fn with_routes(settings: ProxySettings, routes: Vec<ProxyRoute>) -> Self {
        Self::made(settings, routes, ConnectionLimits::default(), Box::new(|_| ()))
    }

    /// The same with limits for each listening socket, and something that is done with the proxy when it is made, before
    /// anybody is accepted: observers, bodies from a disk.
    #[must_use]
    pub fn with_set_up(
        settings: ProxySettings,
        routes: Vec<ProxyRoute>,
        limits: ConnectionLimits,
        set_up: impl FnOnce(&PoetryProxy) + 'static,
    ) -> Self {
        Self::made(settings, routes, limits, Box::new(set_up))
    }

    fn made(
        settings: ProxySettings,
        routes: Vec<ProxyRoute>,
        limits: ConnectionLimits,
        set_up: SetUp,
    ) -> Self {
        let proxy = Place::default();
        let plan = Rc::new(RefCell::new(Some((settings, set_up))));
        let routes: Rc<[ProxyRoute]> = routes.into();
        let all = &routes;
        let servers = routes.iter().map(|route| {
            let (place, plan, routes) = (Rc::clone(&proxy), Rc::clone(&plan), Rc::clone(all));
            let name = route.name.clone();
            let server = TcpServer::making(&route.at, move |reactor| {
                let planned = plan.borrow_mut().take();
                if let Some((settings, set_up)) = planned {
                    let made = make(reactor, settings, &routes);
                    set_up(&made);
                    *place.borrow_mut() = Some(made);
                }
                let proxy = place.borrow().clone().expect("the first server has made it");
                proxy.front(&name).expect("each route is an upstream")
            });
            Rc::new(server.with_connection_limits(limits))
        });
        let servers = servers.collect();
        Self { servers, routes, proxy }
    }

    /// The proxy, from the privileged start on.
    #[must_use]
    pub fn proxy(&self) -> Option<PoetryProxy> {
        self.proxy.borrow().clone()
    }

    /// What each of the servers answers; the first failure, if one fails.
    fn each(&self, step: impl Fn(Rc<TcpServer>) -> Deferred<()>) -> Deferred<()> {
        all(self.servers.iter().map(|server| step(Rc::clone(server))).collect())
    }
}

fn make(reactor: &Reactor, settings: ProxySettings, routes: &[ProxyRoute]) -> PoetryProxy {
    let none = PoetryProxy::with_settings(reactor, settings);
    routes.iter().fold(none, |proxy, route| proxy.with_upstream(&route.name, &route.upstream))
}

/// Waits for all; a cancel reaches all.
fn all(answers: Vec<Deferred<()>>) -> Deferred<()> {
    all_settled(answers).add_callback(|answers| answers.into_iter().collect::<Result<(), Failure>>())
}

impl Service for PoetryProxyService {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let started = self.each(|server| server.privileged_start(cx.clone()));
        started.add_errback(move |failure| self.each(Service::stop).add_both(|_| Err::<(), _>(failure)))
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        if let Some(proxy) = self.proxy() {
            for (route, server) in self.routes.iter().zip(&*self.servers) {
                if let Some(port) = server.port() {
                    proxy.tell_route(route, port.local_addr());
                }
            }
        }
        self.each(|server| server.start(cx.clone()))
    }

    fn drain(self: Rc<Self>) -> Deferred<()> {
        let clients = self.each(Service::drain);
        let flights = self.proxy().map_or_else(|| succeed(()), |proxy| proxy.drain(DRAIN_TIME_MAX));
        all(vec![clients, flights])
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        let clients = self.each(Service::stop);
        let flights = self.proxy().map_or_else(|| succeed(()), |proxy| proxy.drain(Duration::ZERO));
        all(vec![clients, flights])
    }

    fn reload(self: Rc<Self>) -> Deferred<()> {
        if let Some(proxy) = self.proxy() {
            proxy.purge_all(Purge::Soft);
        }
        succeed(())
    }

    fn details(&self) -> Details {
        let servers = self.servers.iter().map(|server| server.details());
        let mut details = Details::default();
        for server in servers {
            details.addresses.extend(server.addresses);
            details.connections = Some(details.connections.unwrap_or(0) + server.connections.unwrap_or(0));
        }
        let counters = self.proxy().map(|proxy| proxy.counters());
        match counters {
            Some(counters) => {
                details.with_note(format!("{} fetches, {} hits", counters.fetches_begun, counters.hits))
            }
            None => details,
        }
    }
}

impl fmt::Debug for PoetryProxyService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PoetryProxyService({:?})", self.servers)
    }
}
