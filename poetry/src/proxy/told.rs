//! What the log says, and what the introduction's proxies print.

use std::rc::Rc;

use sestina_reactor::{Address, Conn, ConnHandle, Endpoint};

use super::settings::Like;
use super::shell::Shell;
use crate::cache::{Admission, FlightReport, Outcome, ReaderId};
use crate::causes::with_causes;

/// An upstream is served from now on.
pub(crate) fn proxying(shell: &Shell, name: &str, upstream: &Endpoint, at: &Address) {
    tracing::info!("proxying {} on {at}", named(name, upstream));
    if let Some(like) = shell.settings.like {
        tracing::warn!(
            "like proxy {} of the introduction: torn and empty poems are kept and sent as if they were whole",
            like.version()
        );
    }
    let (Address::Inet(at), peer) = (at, upstream.peer_name()) else { return };
    let (host, port) = peer.rsplit_once(':').unwrap_or((&peer, ""));
    let family = if at.is_ipv4() { "TCP" } else { "TCP6" };
    let class = if at.is_ipv4() { "IPv4Address" } else { "IPv6Address" };
    shell.print(&format!(
        "Proxying ('{host}', {port}) on {class}(type='{family}', host='{}', port={}).",
        at.ip(),
        at.port()
    ));
}

/// A flight's connection is begun.
pub(crate) fn fetching(shell: &Shell, key: &str, from: &Endpoint) {
    tracing::info!("fetching the poem from {}", named(key, from));
    shell.print("Fetching poem from server.");
}

/// An upstream in words: with its name, if that says more than its address.
fn named(key: &str, endpoint: &Endpoint) -> String {
    let peer = endpoint.peer_name();
    if peer == key { peer } else { format!("{key} ({peer})") }
}

/// A client, or a caller of this process (`None`), came by a poem.
pub(crate) fn admitted(
    shell: &Shell,
    reader: ReaderId,
    admission: Option<Admission>,
    conn: Option<&Conn<'_>>,
) {
    let peer = || conn.map_or_else(|| "a caller".to_owned(), |conn| conn.peer().to_string());
    let length = || shell.cache.borrow().length(reader).unwrap_or(0);
    match admission {
        Some(Admission::Hit) => say_hit(length(), peer),
        Some(Admission::Stale) => {
            tracing::info!("using a cached poem past its time: {} bytes for {}", length(), peer());
        }
        Some(Admission::Collapsed) => tracing::info!("joining the fetch under way: {}", peer()),
        Some(Admission::Miss | Admission::Uncacheable) | None => return,
    }
    if matches!(admission, Some(Admission::Hit | Admission::Stale)) {
        shell.print("Using cached poem.");
    }
}

/// A client was given a whole poem at once.
pub(crate) fn hit(shell: &Shell, bytes: usize, conn: &Conn<'_>) {
    say_hit(bytes, || conn.peer());
    shell.print("Using cached poem.");
}

fn say_hit<P: std::fmt::Display>(bytes: impl std::fmt::Display, peer: impl FnOnce() -> P) {
    tracing::info!("using the cached poem: sending {bytes} bytes of poetry to {}", peer());
}

/// A client has all of it.
pub(crate) fn sent(bytes: u64, conn: &ConnHandle) {
    tracing::debug!(
        "{bytes} bytes of poetry have gone to {}",
        conn.peer().map_or_else(String::new, |it| it.to_string())
    );
}

/// A flight is over: one line.
pub(crate) fn flight_ended(shell: &Rc<Shell>, report: &FlightReport) {
    if shell.settings.like == Some(Like::Three) && matches!(report.outcome, Outcome::Abandoned) {
        shell.print("Canceling poem download.");
    }
    let FlightReport { key, number, generation, bytes, duration, readers_max, .. } = report;
    let (outcome, by) = (report.outcome.word(), report.outcome.ended_by());
    let by = by.map(tracing::field::display);
    match &report.outcome {
        Outcome::Stored | Outcome::Served => tracing::info!(
            %key, fetch = number, generation, outcome, bytes, ?duration, waiters_max = readers_max, by, "fetch ended"
        ),
        Outcome::Abandoned => tracing::info!(
            %key, fetch = number, generation, outcome, bytes, ?duration, waiters_max = readers_max, by,
            "fetch cancelled: nobody waits any more"
        ),
        Outcome::Failed(why) => {
            let why = with_causes(why);
            tracing::warn!(
                %key, fetch = number, generation, outcome, bytes, ?duration, waiters_max = readers_max, by, "fetch failed: {why}"
            );
        }
    }
}
