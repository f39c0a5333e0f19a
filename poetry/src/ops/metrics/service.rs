//! The metrics as a service: a listening socket, and a connection that answers once.
//!
//! Tests: `tests/suite/operating.rs`.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use sestina_reactor::{Address, Conn, ConnectionLimits, Endpoint, Factory, Protocol};
use sestina_service::TcpServer;

use super::families::{Figures, Histograms, render};
use super::reply::{Head, Verdict, reply};
use crate::cache::{Admission, FlightReport};
use crate::ops::place::ProxyPlace;
use crate::ops::server::serve_without_drain;
use crate::ops::spool::Spool;
use crate::proxy::Observer;

/// How many scrapers are served at once; others wait in the kernel's queue.
pub const METRICS_CLIENTS_MAX: usize = 32;
/// How long the head of a request may take, all of it.
pub const METRICS_HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a scraper may take to read its answer.
pub const METRICS_REPLY_TIME_MAX: Duration = Duration::from_secs(30);

/// Serves the metrics of a proxy as Prometheus text: `GET /metrics`, and nothing else.
///
/// It asks for no password: let it listen on the loopback, or where only those come who may know. It tells how much is asked
/// for and how large it is, never what it is.
///
/// # Limits
/// [`METRICS_CLIENTS_MAX`] at once, [`METRICS_HEAD_TIME_MAX`] and
/// [`METRICS_HEAD_BYTES_MAX`](super::METRICS_HEAD_BYTES_MAX) for a request, [`METRICS_REPLY_TIME_MAX`] for its answer.
///
/// # Errors
/// Its privileged start fails with a [`ListenError`](sestina_reactor::ListenError).
///
/// ```
/// use sestina_poetry::ops::{MetricsService, ProxyPlace};
/// use sestina_reactor::Endpoint;
/// use sestina_service::{Application, Child};
///
/// let place = ProxyPlace::default(); // where the proxy will be
/// let mut application = Application::new("proxy");
/// application.add(Child::new("metrics", move || MetricsService::new(&place, &Endpoint::loopback(9100))))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct MetricsService {
    server: Rc<TcpServer>,
    source: Rc<Source>,
}

/// Where the figures come from.
struct Source {
    place: ProxyPlace,
    spool: RefCell<Option<Spool>>,
    histograms: RefCell<Histograms>,
}

impl MetricsService {
    /// Listens at `at`, and tells of the proxy in this place.
    #[must_use]
    pub fn new(place: &ProxyPlace, at: &Endpoint) -> Self {
        let source = Rc::new(Source {
            place: place.clone(),
            spool: RefCell::default(),
            histograms: RefCell::default(),
        });
        let hearing = Rc::downgrade(&source);
        place.on_arrival(move |proxy| proxy.observe(Measuring(Weak::clone(&hearing))));
        let limits = ConnectionLimits { total: METRICS_CLIENTS_MAX, ..ConnectionLimits::default() };
        let factory = Scrapers(Rc::clone(&source));
        let server = TcpServer::new(at, factory).with_connection_limits(limits);
        Self { server: Rc::new(server), source }
    }

    /// Tells of this spool too.
    #[must_use]
    pub fn with_spool(self, spool: &Spool) -> Self {
        *self.source.spool.borrow_mut() = Some(spool.clone());
        self
    }

    /// The text; nothing as long as there is no proxy.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.source.text()
    }
}

impl Source {
    fn text(&self) -> Option<String> {
        let proxy = self.place.proxy()?;
        let spool = self.spool.borrow().as_ref().map(Spool::counters);
        let histograms = self.histograms.borrow();
        Some(render(&Figures {
            statistics: &proxy.statistics(),
            clients: u64::try_from(proxy.clients()).unwrap_or(u64::MAX),
            slow_clients: proxy.slow_clients(),
            memory_bytes_max: proxy.settings().cache.memory_bytes_max,
            histograms: &histograms,
            spool: spool.as_ref(),
        }))
    }
}

serve_without_drain!(MetricsService);

/// The service's ear at the proxy, which may outlive it.
struct Measuring(Weak<Source>);

impl Observer for Measuring {
    fn flight_ended(&self, report: &FlightReport) {
        let Some(source) = self.0.upgrade() else { return };
        let mut histograms = source.histograms.borrow_mut();
        histograms.fetch.observe_duration(report.duration);
        histograms.waiters.observe(u64::try_from(report.readers_max).unwrap_or(u64::MAX));
    }

    fn first_byte(&self, admission: Admission, after: Duration) {
        let Some(source) = self.0.upgrade() else { return };
        let mut histograms = source.histograms.borrow_mut();
        let found = histograms.first_byte.iter_mut().find(|(which, _)| *which == admission);
        if let Some((_, seconds)) = found {
            seconds.observe_duration(after);
        }
    }
}

/// Makes a protocol for each scraper.
struct Scrapers(Rc<Source>);

impl Factory for Scrapers {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Scraper { source: Rc::clone(&self.0), head: Some(Head::default()) }))
    }
}

/// One scraper's connection.
struct Scraper {
    source: Rc<Source>,
    /// Gone when the request was answered.
    head: Option<Head>,
}

impl Scraper {
    fn answer(&mut self, conn: &mut Conn<'_>, verdict: Verdict) {
        self.head = None;
        let metrics = match verdict {
            Verdict::Metrics { .. } => self.source.text(),
            _ => None,
        };
        let text = match (verdict, metrics) {
            (Verdict::Metrics { .. }, None) => reply(Verdict::Unavailable, String::new),
            (verdict, metrics) => reply(verdict, || metrics.unwrap_or_default()),
        };
        conn.set_timer(METRICS_REPLY_TIME_MAX);
        conn.write(text.as_bytes());
        conn.lose_connection();
    }
}

impl Protocol for Scraper {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_timer(METRICS_HEAD_TIME_MAX);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        // What comes behind the head is not read: the close discards it.
        if let Some(verdict) = self.head.as_mut().and_then(|head| head.push(data)) {
            self.answer(conn, verdict);
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if self.head.is_some() {
            self.answer(conn, Verdict::TooLate);
        } else {
            conn.abort();
        }
    }
}
