//! Counters in groups, with the words that metrics and operators have for them.

use crate::cache::Statistics;

/// A word and a number.
pub(crate) type Figure = (&'static str, u64);

/// Requests, by how they were received. Each has one result.
pub(crate) fn requests(it: &Statistics) -> [Figure; 7] {
    [
        ("hit", it.hits),
        ("stale", it.stale),
        ("miss", it.misses),
        ("collapsed", it.collapsed),
        ("negative", it.negative),
        ("uncacheable", it.uncacheable),
        ("rejected", it.rejected),
    ]
}

/// Fetches that have ended, by how.
pub(crate) fn fetches(it: &Statistics) -> [Figure; 6] {
    [
        ("ok", it.fetches_ok),
        ("error", it.fetches_error),
        ("truncated_suspect", it.fetches_suspect),
        ("cancelled", it.fetches_cancelled),
        ("too_large", it.fetches_too_large),
        ("stalled", it.fetches_stalled),
    ]
}

/// Bodies that were given up, by why.
pub(crate) fn evictions(it: &Statistics) -> [Figure; 4] {
    [
        ("size", it.evictions_size),
        ("ttl", it.evictions_ttl),
        ("purge", it.evictions_purge),
        ("pressure", it.evictions_pressure),
    ]
}

/// A size as a figure.
pub(crate) fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
