//! When something must be looked at again, in time order.

use std::collections::BTreeSet;

use sestina_reactor::Time;

use super::flight::FlightId;

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Due {
    Entry(usize),
    Flight(FlightId),
    Drain,
}

/// At most one deadline for each that can be due.
#[derive(Default)]
pub(crate) struct Deadlines {
    queue: BTreeSet<(Time, Due)>,
}

impl Deadlines {
    /// Moves the deadline of `due` from `before`, which the owner keeps, to `at`.
    pub(crate) fn set(&mut self, due: Due, before: &mut Option<Time>, at: Option<Time>) {
        if *before == at {
            return;
        }
        if let Some(before) = std::mem::replace(before, at) {
            self.queue.remove(&(before, due));
        }
        if let Some(at) = at {
            self.queue.insert((at, due));
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The first that is due by `now`. It stays until its owner sets it anew.
    pub(crate) fn due(&self, now: Time) -> Option<Due> {
        self.queue.first().filter(|(at, _)| *at <= now).map(|(_, due)| *due)
    }
}
