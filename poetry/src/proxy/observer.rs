//! Whoever wants to hear what the proxy does: metrics, a copy on the disk, a screen.

use std::time::Duration;

use crate::cache::{Admission, FlightReport, Purge, StoredBody};

/// Hears what a [`PoetryProxy`](crate::PoetryProxy) does. Every method has a default that does nothing.
///
/// # Order
/// Called on the reactor's thread, after the fact, with nothing of the proxy borrowed: it may call the proxy.
///
/// ```
/// use sestina_poetry::cache::FlightReport;
/// use sestina_poetry::{Observer, PoetryProxy, ProxySettings};
/// use sestina_reactor_sim::Simulation;
/// use std::cell::Cell;
///
/// #[derive(Default)]
/// struct Counting(Cell<u64>);
/// impl Observer for Counting {
///     fn flight_ended(&self, report: &FlightReport) {
///         self.0.set(self.0.get() + report.bytes);
///     }
/// }
///
/// let reactor = Simulation::seeded(1).reactor();
/// let proxy = PoetryProxy::with_settings(&reactor, ProxySettings::default());
/// proxy.observe(Counting::default());
/// ```
pub trait Observer: 'static {
    /// A flight is over: the same that the log says of it.
    fn flight_ended(&self, report: &FlightReport) {
        let _ = report;
    }

    /// A body was stored. It may be kept elsewhere too, and given back with
    /// [`PoetryProxy::restore`](crate::PoetryProxy::restore) when the proxy starts anew.
    fn stored(&self, body: &StoredBody) {
        let _ = body;
    }

    /// A key was purged: copies of its body elsewhere are wrong now, or, if the purge is soft, past their time.
    fn purged(&self, key: &str, how: Purge) {
        let _ = (key, how);
    }

    /// An upstream sent something; `bytes` is how much it has sent for this flight so far.
    fn received(&self, key: &str, bytes: u64) {
        let _ = (key, bytes);
    }

    /// A client was given its first byte, this long after it came.
    fn first_byte(&self, admission: Admission, after: Duration) {
        let _ = (admission, after);
    }

    /// What one of the introduction's proxies prints here, word for word, without the end of the line. Only with
    /// [`ProxySettings::like`](crate::ProxySettings::like).
    fn prints(&self, line: &str) {
        let _ = line;
    }
}
