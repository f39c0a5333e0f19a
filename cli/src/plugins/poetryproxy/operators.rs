//! What operators touch: the options for it, and the services behind them.

use std::path::PathBuf;
use std::rc::Rc;
use std::str::FromStr;
use std::time::SystemTime;

use clap::Args;
use sestina_deferred::Deferred;
use sestina_poetry::ops::{ControlService, MetricsService, ProxyPlace, Spool, SpoolLimits};
use sestina_reactor::{Endpoint, EndpointError};
use sestina_service::{Service, ServiceContext};

use crate::address::{parse_interface, parse_port};
use crate::size::parse_size;

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
    /// The services, which find the proxy in this place. `drain` ends the program in order.
    ///
    /// # Errors
    /// If the control socket's path is none.
    pub(super) fn services(
        &self,
        place: &ProxyPlace,
        drain: impl Fn() + 'static,
    ) -> Result<Vec<Rc<dyn Service>>, EndpointError> {
        let mut services: Vec<Rc<dyn Service>> = Vec::new();
        let spool = self.spool.as_ref().map(|path| {
            let bytes_max = u64::try_from(self.spool_max).unwrap_or(u64::MAX);
            let limits = SpoolLimits { bytes_max, ..SpoolLimits::default() };
            Spool::new(place, path, limits, SystemTime::now)
        });
        if let Some(spool) = &spool {
            services.push(Rc::new(spool.clone()));
        }
        if let Some(path) = &self.control {
            let control = ControlService::new(place, path)?.with_drain(drain);
            let control = spool.iter().fold(control, ControlService::with_spool);
            services.push(Rc::new(control));
        }
        if let Some(at) = &self.metrics {
            let metrics = MetricsService::new(place, &at.endpoint());
            let metrics = spool.iter().fold(metrics, MetricsService::with_spool);
            services.push(Rc::new(Told(Rc::new(metrics))));
        }
        Ok(services)
    }
}

impl Operators {
    /// What the log should know when they have started.
    pub(super) fn tell(&self) {
        if let Some(path) = &self.control {
            tracing::info!(target: "sestina", "operators are answered at unix:{path}");
        }
        if self.metrics.as_ref().is_some_and(MetricsAddress::is_open) {
            tracing::warn!(target: "sestina", "metrics are open to others than this machine: there is no password");
        }
    }
}

/// The metrics, and a line of the log that says where they are.
struct Told(Rc<MetricsService>);

impl Service for Told {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let metrics = Rc::clone(&self.0);
        Rc::clone(&self.0).privileged_start(cx).map(move |()| {
            if let Some(port) = metrics.port() {
                tracing::info!(target: "sestina", "metrics at http://{}/metrics", port.local_addr());
            }
        })
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Rc::clone(&self.0).start(cx)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        Rc::clone(&self.0).stop()
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
