//! Everything that a process is busy with, in the log: the answer to "why does it hang".

use sestina_deferred::unfired;
use sestina_reactor::Time;
use sestina_service::Tree;

/// Lines of one kind at most: a log is not flooded by a hundred thousand connections.
const LINES_MAX: usize = 1000;

/// Logs the services, the reactor's statistics, connections and timers, and the deferreds that have not fired.
pub(crate) fn dump(tree: &Tree) {
    for line in tree.status().to_string().lines() {
        tracing::error!(target: "sestina", "service: {line}");
    }
    let reactor = tree.reactor();
    let statistics = format!("{:?}", reactor.statistics());
    tracing::error!(target: "sestina", "reactor: {} tasks, {statistics}", reactor.tasks());
    lines("left", reactor.leftovers().iter().map(ToString::to_string));
    let now = reactor.now() - Time::ZERO;
    lines("deferred", unfired(now).iter().map(ToString::to_string));
}

fn lines(kind: &str, all: impl ExactSizeIterator<Item = String>) {
    let count = all.len();
    for line in all.take(LINES_MAX) {
        tracing::error!(target: "sestina", "{kind}: {line}");
    }
    if count > LINES_MAX {
        tracing::error!(target: "sestina", "{kind}: and {} more", count - LINES_MAX);
    }
}
