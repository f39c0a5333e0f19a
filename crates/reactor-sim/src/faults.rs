//! What can go wrong, how often, and how badly: the profile of a simulation.
//!
//! Every kind of fault is a place in the driver where a decision is made. Each kind draws from a stream of its own, and
//! draws also when it is switched off by a [`Selector`], so that removing one fault leaves the decisions of all others as
//! they were.
//! Tests: `tests/suite/faults.rs`.

use std::ops::Range;
use std::time::Duration;

use crate::fault::{Fault, Selector};
use crate::odds::Odds;
use crate::rng::Rng;

/// Which faults strike, how often and how badly. Begin with one of the profiles and change it.
///
/// ```
/// use sestina_reactor_sim::{Fault, Faults, Odds, Simulation};
/// use std::time::Duration;
///
/// let faults = Faults::none()
///     .with(Fault::ShortReads, Odds::one_in(3))
///     .with(Fault::Stalls, Odds::percent(1))
///     .lasting(Fault::Stalls, Duration::from_millis(10)..Duration::from_secs(1));
/// let simulation = Simulation::seeded(7).faults(faults);
/// # drop(simulation);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    settings: [Setting; Fault::ALL.len()],
    /// Only these strike, if there is a list.
    only: Option<Vec<Selector>>,
    /// These do not.
    without: Vec<Selector>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    pub(crate) odds: Odds,
    /// Nanoseconds or bytes.
    pub(crate) amount: Range<u64>,
}

impl Faults {
    /// A plain network: nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        let settings = Fault::ALL.map(|fault| Setting { odds: Odds::NEVER, amount: fault.usual_amount() });
        Self { settings, only: None, without: Vec::new() }
    }

    /// What may happen on any good network, and what a kernel may do at any time: bytes are cut anywhere, calls would
    /// block, things take time. No promise of the reactor's contract depends on their absence.
    #[must_use]
    pub fn gentle() -> Self {
        Self::usual(Fault::is_gentle)
    }

    /// Everything at once.
    #[must_use]
    pub fn all() -> Self {
        Self::usual(|_| true)
    }

    /// These strike as often as is usual.
    fn usual(strikes: impl Fn(Fault) -> bool) -> Self {
        let chosen = Fault::ALL.into_iter().filter(|fault| strikes(*fault));
        chosen.fold(Self::none(), |faults, fault| faults.with(fault, fault.usual_odds()))
    }

    /// How often this fault strikes, at each occasion.
    #[must_use]
    pub fn with(mut self, fault: Fault, odds: Odds) -> Self {
        self.settings[fault.index()].odds = odds;
        self
    }

    /// This kind does not strike: [`Odds::NEVER`].
    #[must_use]
    pub fn without(self, fault: Fault) -> Self {
        self.with(fault, Odds::NEVER)
    }

    /// How long it lasts, for the faults that last; ends before the end of the range.
    #[must_use]
    pub fn lasting(mut self, fault: Fault, time: Range<Duration>) -> Self {
        self.settings[fault.index()].amount = nanos(time.start)..nanos(time.end);
        self
    }

    /// How large it is in bytes, for [`Fault::SmallWindows`], and in bytes a second, for [`Fault::SlowLines`].
    #[must_use]
    pub fn sized(mut self, fault: Fault, bytes: Range<u64>) -> Self {
        self.settings[fault.index()].amount = bytes;
        self
    }

    /// Of all that would strike, only what is on this list does: how a failure is replayed with the fewest faults.
    #[must_use]
    pub fn only(self, list: impl IntoIterator<Item = Selector>) -> Self {
        Self { only: Some(list.into_iter().collect()), ..self }
    }

    /// What is on this list does not strike, and everything else does as before.
    #[must_use]
    pub fn except(mut self, list: impl IntoIterator<Item = Selector>) -> Self {
        self.without.extend(list);
        self
    }

    /// This profile with about half of its kinds, which the seed chooses; one seed in eight keeps all. A swarm does this:
    /// with everything on at once, one fault hides another.
    #[must_use]
    pub fn sampled(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed, SAMPLING);
        let all = rng.hits(Odds::one_in(8));
        let kept = Fault::ALL.map(|_| rng.hits(Odds::one_in(2)));
        let left_out = Fault::ALL.into_iter().filter(|fault| !all && !kept[fault.index()]);
        left_out.fold(self.clone(), Self::without)
    }

    /// How often this fault strikes.
    #[must_use]
    pub fn odds(&self, fault: Fault) -> Odds {
        self.settings[fault.index()].odds
    }

    pub(crate) fn setting(&self, fault: Fault) -> &Setting {
        &self.settings[fault.index()]
    }

    /// Whether the stroke of this number is wanted.
    pub(crate) fn allows(&self, fault: Fault, number: u64) -> bool {
        let among = |list: &[Selector]| list.iter().any(|selector| selector.matches(fault, number));
        self.only.as_deref().is_none_or(among) && !among(&self.without)
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The stream of numbers that chooses among faults: none of those of dice.rs.
const SAMPLING: u64 = 1_000_000;
