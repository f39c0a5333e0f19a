//! What operators touch: the options for it, and the services behind them.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::str::FromStr;
use std::time::SystemTime;

use clap::Args;
use sestina_daemon::Context;
use sestina_daemon::size::parse_size;
use sestina_deferred::Deferred;
use sestina_poetry::ops::{ControlService, MetricsService, ProxyPlace, Spool, SpoolLimits};
use sestina_reactor::{Endpoint, EndpointError, Reactor};
use sestina_service::{Child, Service, ServiceContext};

use crate::address::{parse_interface, parse_port};

/// What operators touch.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Operating it")]
pub(super) struct Operators {
    /// The UNIX socket at which operators are answered, for this user alone: 'sestina ctl' asks there
    #[arg(long, value_name = "[unix:]PATH", value_parser = parse_socket)]
    control: Option<String>,
    /// Where Prometheus finds /metrics; on the loopback unless a host is given, and there is no password
    #[arg(long, value_name = "[HOST:]PORT", allow_negative_numbers = true)]
    metrics: Option<MetricsAddress>,
    /// A directory, for this user alone, where poems are kept too, so that a restart starts warm
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// How much may be kept there; what was written first goes first
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_size, allow_hyphen_values = true, requires = "spool")]
    spool_max: usize,
}

/// Where the metrics are.
#[derive(Clone, Debug)]
pub(super) struct MetricsAddress {
    interface: String,
    port: u16,
}

impl FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (interface, port) = match text.rsplit_once(':') {
            Some(("", port)) => ("localhost", port),
            Some(parts) => parts,
            None => ("localhost", text),
        };
        let interface = parse_interface(interface).map_err(|error| error.to_string())?;
        let port = parse_port(port).map_err(|error| error.to_string())?;
        Ok(Self { interface, port })
    }
}

impl MetricsAddress {
    fn endpoint(&self) -> Endpoint {
        Endpoint::tcp(&*self.interface, self.port)
    }

    /// Whether others than this machine may come.
    fn is_open(&self) -> bool {
        self.interface != "localhost"
            && !self.interface.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

/// The socket's path.
fn parse_socket(text: &str) -> Result<String, String> {
    match text.strip_prefix("unix:").unwrap_or(text) {
        "" => Err("the path is empty: write unix:PATH, or PATH".to_owned()),
        path => Ok(path.to_owned()),
    }
}

impl Operators {
    /// With paths as the program will find them.
    pub(super) fn in_place(mut self, context: &Context) -> Self {
        let absolute = |path: &str| context.path(path).to_string_lossy().into_owned();
        self.control = self.control.as_deref().map(absolute);
        self.spool = self.spool.map(|path| context.path(path));
        self
    }

    /// The services, which find the proxy in this place.
    ///
    /// # Errors
    /// If the path of the control socket cannot be one.
    pub(super) fn services(&self, place: &ProxyPlace) -> Result<Vec<Child>, EndpointError> {
        let mut services = Vec::new();
        let spool = self.spool.as_ref().map(|path| {
            let bytes_max = u64::try_from(self.spool_max).unwrap_or(u64::MAX);
            let limits = SpoolLimits { bytes_max, ..SpoolLimits::default() };
            Spool::new(place, path, limits, SystemTime::now)
        });
        if let Some(spool) = spool.clone() {
            services.push(Child::new("spool", move || spool.clone()));
        }
        if let Some(path) = self.control.clone() {
            ControlService::new(place, &path)?;
            let (place, spool) = (place.clone(), spool.clone());
            services.push(Child::new("control", move || {
                let ends = Ends::default();
                let told = ends.clone();
                let control = ControlService::new(&place, &path).expect("the path was good before");
                let control = control.with_drain(move || told.begin());
                let control = spool.iter().fold(control, ControlService::with_spool);
                Control { path: path.clone(), service: Rc::new(control), ends }
            }));
        }
        if let Some(at) = &self.metrics {
            let (place, endpoint, is_open) = (place.clone(), at.endpoint(), at.is_open());
            services.push(Child::new("metrics", move || {
                let metrics = MetricsService::new(&place, &endpoint);
                let metrics = spool.iter().fold(metrics, MetricsService::with_spool);
                Metrics { service: Rc::new(metrics), is_open }
            }));
        }
        Ok(services)
    }
}

/// The end of the program in order: nobody new, the poems under way to their end, and then the end.
#[derive(Clone, Default)]
struct Ends(Rc<RefCell<Option<Reactor>>>);

impl Ends {
    fn begin(&self) {
        let reactor = self.0.borrow().clone();
        if let Some(reactor) = reactor {
            reactor.stop(); // the tree of services drains first
        }
    }
}

/// The control socket, and a line of the log that says where it is.
struct Control {
    path: String,
    service: Rc<ControlService>,
    ends: Ends,
}

impl Service for Control {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        self.ends.0.replace(Some(cx.reactor().clone()));
        let started = Rc::clone(&self.service).privileged_start(cx);
        started.map(move |()| {
            tracing::info!(target: "sestina", "operators are answered at unix:{}", self.path);
        })
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Rc::clone(&self.service).start(cx)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.ends.0.take();
        Rc::clone(&self.service).stop()
    }
}

/// The metrics, and a line of the log that says where they are.
struct Metrics {
    service: Rc<MetricsService>,
    is_open: bool,
}

impl Service for Metrics {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let metrics = Rc::clone(&self.service);
        if self.is_open {
            tracing::warn!(target: "sestina", "metrics are open to others than this machine: there is no password");
        }
        Rc::clone(&self.service).privileged_start(cx).map(move |()| {
            if let Some(port) = metrics.port() {
                tracing::info!(target: "sestina", "metrics at http://{}/metrics", port.local_addr());
            }
        })
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Rc::clone(&self.service).start(cx)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        Rc::clone(&self.service).stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_on_the_loopback_unless_a_host_is_given() {
        let cases = [
            ("9100", "127.0.0.1:9100", false),
            (":0", "127.0.0.1:0", false),
            ("localhost:9100", "127.0.0.1:9100", false),
            ("127.0.0.2:9100", "127.0.0.2:9100", false),
            ("[::1]:9100", "[::1]:9100", false),
            ("0.0.0.0:9100", "0.0.0.0:9100", true),
            ("[::]:9100", "[::]:9100", true),
        ];
        for (text, name, open) in cases {
            let address: MetricsAddress = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let named = address.endpoint().peer_name().replace("localhost", "127.0.0.1");
            assert_eq!((&*named, address.is_open()), (name, open), "{text}");
        }
        for text in ["", ":", "host:9100", "127.0.0.1", "70000", "::1:9100x"] {
            assert!(text.parse::<MetricsAddress>().is_err(), "{text}");
        }
    }
}
