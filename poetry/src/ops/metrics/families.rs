//! Which metrics there are.
//!
//! Every request has one result, so that their sum is all requests: the hit ratio is (hit + stale) / sum, the collapse ratio
//! collapsed / (miss + collapsed). `upstream_bytes_total / client_bytes_total` is the amplification.

use super::exposition::{Exposition, Kind, Unit};
use crate::cache::{Admission, Statistics};
use crate::ops::figures::{self, number};
use crate::ops::histogram::Histogram;
use crate::ops::spool::{DiskWork, SpoolCounters};

/// The only face that a proxy has.
const FRONT: &str = "tcp";

/// All that is measured of a proxy.
#[derive(Debug)]
pub(crate) struct Figures<'a> {
    pub(crate) statistics: &'a Statistics,
    pub(crate) clients: u64,
    pub(crate) slow_clients: u64,
    pub(crate) memory_bytes_max: u64,
    pub(crate) histograms: &'a Histograms,
    pub(crate) spool: Option<&'a SpoolCounters>,
}

/// How long things took, and how many waited for one flight.
#[derive(Clone, Debug)]
pub(crate) struct Histograms {
    pub(crate) fetch: Histogram,
    pub(crate) waiters: Histogram,
    pub(crate) first_byte: [(Admission, Histogram); 5],
}

impl Default for Histograms {
    fn default() -> Self {
        let all =
            [Admission::Hit, Admission::Stale, Admission::Miss, Admission::Collapsed, Admission::Uncacheable];
        Self {
            fetch: Histogram::of_durations(),
            waiters: Histogram::of_counts(),
            first_byte: all.map(|admission| (admission, Histogram::of_durations())),
        }
    }
}

/// Writes them all.
pub(crate) fn render(figures: &Figures<'_>) -> String {
    let mut out = Exposition::default();
    requests(&mut out, figures);
    fetches(&mut out, figures);
    bytes(&mut out, figures);
    bodies(&mut out, figures);
    if let Some(spool) = figures.spool {
        disk(&mut out, spool);
    }
    out.finish()
}

fn requests(out: &mut Exposition, figures: &Figures<'_>) {
    let it = figures.statistics;
    let mut family = out.family("requests_total", Kind::Counter, "Requests, by how they were received.");
    for (result, count) in figures::requests(it) {
        family.sample(&[("front", FRONT), ("result", result)], count);
    }
    let help = "Seconds from the arrival of a client to its first byte, by how it was received.";
    let mut family = out.family("first_byte_seconds", Kind::Histogram, help);
    for (admission, seconds) in &figures.histograms.first_byte {
        family.histogram(&[("result", admission.word())], seconds, Unit::Seconds);
    }
    out.family("clients", Kind::Gauge, "Connected clients.").sample(&[], figures.clients);
    let help = "Requests that wait for a fetch under way.";
    out.family("waiters", Kind::Gauge, help).sample(&[], number(it.waiters));
    let help = "Requests whose fetch failed before their first byte, and that were given an older body.";
    out.family("rescued_total", Kind::Counter, help).sample(&[], it.rescued);
    let help = "Clients that were cut because they took too little of what was there for them.";
    let slow = it.slow_readers_detached + figures.slow_clients;
    out.family("slow_clients_detached_total", Kind::Counter, help).sample(&[], slow);
}

fn fetches(out: &mut Exposition, figures: &Figures<'_>) {
    let it = figures.statistics;
    let mut family = out.family("fetches_total", Kind::Counter, "Fetches that have ended, by how.");
    for (outcome, count) in figures::fetches(it) {
        family.sample(&[("outcome", outcome)], count);
    }
    let help = "Seconds from the beginning of a fetch to its end, whatever that was.";
    let mut family = out.family("fetch_seconds", Kind::Histogram, help);
    family.histogram(&[], &figures.histograms.fetch, Unit::Seconds);
    let help = "How many waited for one fetch at once, at most; fetches in the background have none.";
    let mut family = out.family("waiters_per_flight", Kind::Histogram, help);
    family.histogram(&[], &figures.histograms.waiters, Unit::Whole);
    let help = "Upstream connections, those included that are being cut.";
    out.family("flights", Kind::Gauge, help).sample(&[], number(it.flights));
}

fn bytes(out: &mut Exposition, figures: &Figures<'_>) {
    let it = figures.statistics;
    let totals = [
        ("upstream_bytes_total", "Bytes that upstreams have sent.", it.upstream_bytes),
        ("client_bytes_total", "Bytes that were given to clients.", it.client_bytes),
        ("cancelled_bytes_total", "Bytes of fetches that ended without a body: wasted.", it.cancelled_bytes),
    ];
    for (name, help, value) in totals {
        out.family(name, Kind::Counter, help).sample(&[], value);
    }
    let held = [
        ("cache_bytes", "Memory of stored bodies, in bytes.", it.memory.cache_bytes),
        ("flight_bytes", "Memory of what fetches have brought so far, in bytes.", it.memory.flight_bytes),
        (
            "pinned_bytes",
            "Memory of bodies that were given up and are still read, in bytes.",
            it.memory.pinned_bytes,
        ),
        ("memory_limit_bytes", "The limit of the three together, in bytes.", figures.memory_bytes_max),
    ];
    for (name, help, value) in held {
        out.family(name, Kind::Gauge, help).sample(&[], value);
    }
}

fn bodies(out: &mut Exposition, figures: &Figures<'_>) {
    let it = figures.statistics;
    out.family("cache_entries", Kind::Gauge, "Keys with a body.").sample(&[], number(it.entries));
    let help = "Keys that are left alone for a while because their upstream failed.";
    out.family("negative_entries", Kind::Gauge, help).sample(&[], number(it.negative_entries));
    let mut family = out.family("evictions_total", Kind::Counter, "Bodies that were given up, by why.");
    for (reason, count) in figures::evictions(it) {
        family.sample(&[("reason", reason)], count);
    }
    out.family("purges_total", Kind::Counter, "Keys that an operator purged.").sample(&[], it.purges);
}

fn disk(out: &mut Exposition, spool: &SpoolCounters) {
    let works: [(&str, &DiskWork); 3] =
        [("read", &spool.reads), ("write", &spool.writes), ("remove", &spool.removes)];
    let mut family = out.family("l2_ops_total", Kind::Counter, "Work on the copy on the disk.");
    for (work, done) in works {
        family.sample(&[("op", work)], done.operations);
    }
    let mut family = out.family("l2_errors_total", Kind::Counter, "Work on the disk that failed.");
    for (work, done) in works {
        family.sample(&[("op", work)], done.errors);
    }
    let help = "Seconds that work on the disk took, with the waiting for a thread.";
    let mut family = out.family("l2_seconds", Kind::Histogram, help);
    for (work, done) in works {
        family.histogram(&[("op", work)], &done.time, Unit::Seconds);
    }
    let counted = [
        ("l2_restored_total", "Bodies that were taken from the disk at the start.", spool.restored),
        ("l2_damaged_total", "Files that were no good copy, and were removed.", spool.damaged),
        ("l2_skipped_total", "Bodies that were not copied: too large, or too much waited.", spool.skipped),
    ];
    for (name, help, value) in counted {
        out.family(name, Kind::Counter, help).sample(&[], value);
    }
    out.family("l2_files", Kind::Gauge, "Copies on the disk.").sample(&[], spool.files);
    out.family("l2_bytes", Kind::Gauge, "Bytes of the copies on the disk.").sample(&[], spool.bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that the design asks for.
    const WANTED: [&str; 20] = [
        "requests_total",
        "fetches_total",
        "fetch_seconds",
        "first_byte_seconds",
        "flights",
        "waiters",
        "waiters_per_flight",
        "cancelled_bytes_total",
        "upstream_bytes_total",
        "client_bytes_total",
        "cache_bytes",
        "pinned_bytes",
        "flight_bytes",
        "cache_entries",
        "evictions_total",
        "slow_clients_detached_total",
        "purges_total",
        "negative_entries",
        "l2_ops_total",
        "l2_seconds",
    ];

    #[test]
    fn every_family_is_there_once_and_its_samples_follow_it() {
        let (statistics, spool) = (Statistics::default(), SpoolCounters::default());
        let text = render(&Figures {
            statistics: &statistics,
            clients: 1,
            slow_clients: 2,
            memory_bytes_max: 3,
            histograms: &Histograms::default(),
            spool: Some(&spool),
        });
        let mut seen: Vec<&str> = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP poetry_proxy_") {
                let name = rest.split(' ').next().expect("a name");
                assert!(!seen.contains(&name), "{name} twice");
                assert!(rest.len() > name.len() + 1, "{name} has no help");
                seen.push(name);
            } else if !line.starts_with('#') {
                let name = line.strip_prefix("poetry_proxy_").expect("our prefix");
                assert!(name.starts_with(seen.last().expect("a family")), "{line}");
            }
        }
        for name in WANTED {
            assert!(seen.contains(&name), "{name} is missing");
        }
    }
}
