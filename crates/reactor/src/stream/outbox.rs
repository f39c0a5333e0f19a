//! The writing side of a stream: who waits for room, and who for the queue to be empty.
//!
//! Invariant: no resolver is fired while the outbox is borrowed; stream/link.rs does that.

use sestina_deferred::Resolver;

/// What a writer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Until {
    /// The queue has fallen to the low mark.
    Room,
    /// The queue is empty.
    Empty,
}

#[derive(Default)]
pub(super) struct Outbox {
    waiting: Vec<(u64, Until, Resolver<()>)>,
    next: u64,
    /// Whether `shutdown` was called.
    pub(super) is_shut: bool,
}

impl Outbox {
    /// The number of the next one that waits.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn wait(&mut self, until: Until, resolver: Resolver<()>) {
        self.waiting.push((self.next, until, resolver));
        self.next += 1;
    }

    pub(super) fn forget(&mut self, number: u64) -> Option<Resolver<()>> {
        let at = self.waiting.iter().position(|waiting| waiting.0 == number)?;
        Some(self.waiting.remove(at).2)
    }

    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn waits_for(&self, until: Until) -> bool {
        self.waiting.iter().any(|waiting| waiting.1 == until)
    }

    /// Those that need not wait any longer, in the order in which they came.
    pub(super) fn take(&mut self, is_empty: bool) -> Vec<Resolver<()>> {
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(_, until, _)| is_empty || *until == Until::Room);
        self.waiting = waiting;
        let ready: Vec<(u64, Until, Resolver<()>)> = ready;
        ready.into_iter().map(|(_, _, resolver)| resolver).collect()
    }
}
