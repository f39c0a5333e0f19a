//! What will happen, in the order of time, and of the decision if times are equal.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use sestina_reactor::{Job, Key, Time, Token};

use crate::machine::{HostId, Life};
use crate::packet::Packet;
use crate::process::Step;

/// Something that will happen.
pub(crate) enum Happening {
    /// A packet gets to where it was sent.
    Arrival(Packet),
    /// A socket's token is told that something is ready, whether it is or not.
    Nudge { sock: Key, readable: bool, writable: bool },
    /// An accepted connection shows up in the queue of its listener.
    Enqueue { sock: Key },
    /// A client's packet was lost: it asks again.
    AskAgain { sock: Key, tries: u32 },
    /// A connection's packets have been lost for so long that its own side gives up.
    GiveUp { sock: Key },
    /// Two hosts reach each other again, if this cut still lasts.
    Heal { one: HostId, other: HostId, cut: u64 },
    /// The answer to a lookup.
    Resolved { life: Life, token: Token, addresses: io::Result<Vec<IpAddr>> },
    /// A thread has done its job.
    Job { life: Life, job: Job },
    /// Something happens to a process.
    Process { process: Key, step: Step },
}

#[derive(Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(Time, u64), Happening>,
    next: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Time, happening: Happening) {
        self.entries.insert((at, self.next), happening);
        self.next += 1;
    }

    pub(crate) fn first(&self) -> Option<(Time, &Happening)> {
        self.entries.first_key_value().map(|((at, _), happening)| (*at, happening))
    }

    /// Takes out what happens next, if it does not happen after `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Happening> {
        let due = self.first().is_some_and(|(at, _)| at <= now);
        due.then(|| self.entries.pop_first().map(|(_, happening)| happening)).flatten()
    }

    pub(crate) fn drop_first(&mut self) {
        drop(self.entries.pop_first());
    }
}
