//! Every decision that the seed makes, and a list of the faults that struck.
//!
//! Invariant: each kind of fault, the lines, the order of turns and the scenario draw from streams of their own. A stroke
//! that is switched off is drawn with its details, and counted, all the same.

use std::ops::Range;
use std::time::Duration;

use sestina_reactor::Time;

use crate::fault::{Fault, Selector};
use crate::faults::{Faults, nanos};
use crate::rng::Rng;

/// A fault that struck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Stroke {
    /// Which one: the kind and its number.
    pub selector: Selector,
    /// When, on the simulation's clock.
    pub at: Time,
}

#[derive(Debug)]
pub(crate) struct Dice {
    pub(crate) faults: Faults,
    kinds: [Rng; Fault::ALL.len()],
    drawn: [u64; Fault::ALL.len()],
    strokes: Vec<Stroke>,
    lines: Rng,
    turns: Rng,
    endings: Rng,
    scenario: Rng,
    programs: Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut stream = 0;
        let mut rng = || {
            stream += 1;
            Rng::new(seed, stream)
        };
        let (lines, turns, endings, scenario) = (rng(), rng(), rng(), rng());
        Self {
            faults: Faults::none(),
            kinds: std::array::from_fn(|_| rng()),
            drawn: [0; Fault::ALL.len()],
            strokes: Vec::new(),
            lines,
            turns,
            endings,
            scenario,
            programs: Rng::new(seed, PROGRAMS),
        }
    }

    /// Whether the fault strikes here, and with how many nanoseconds or bytes.
    pub(crate) fn strikes(&mut self, fault: Fault, now: Time) -> Option<u64> {
        self.strikes_with(fault, now, 0)
    }

    /// The same for a fault of so many [details](Self::detail): who sees it strike draws exactly as many.
    pub(crate) fn strikes_with(&mut self, fault: Fault, now: Time, details: usize) -> Option<u64> {
        let place = fault.index();
        let setting = self.faults.setting(fault);
        if setting.odds.is_never() {
            return None;
        }
        let rng = &mut self.kinds[place];
        let (hits, amount) = (rng.hits(setting.odds), rng.between(&setting.amount));
        if !hits {
            return None;
        }
        self.drawn[place] += 1;
        let number = self.drawn[place];
        if !self.faults.allows(fault, number) {
            for _ in 0..details {
                self.kinds[place].next();
            }
            return None;
        }
        self.strokes.push(Stroke { selector: Selector { fault, number: Some(number) }, at: now });
        Some(amount)
    }

    /// As [`strikes`](Self::strikes), for faults that last.
    pub(crate) fn delays(&mut self, fault: Fault, now: Time) -> Option<Duration> {
        self.delays_with(fault, now, 0)
    }

    /// As [`strikes_with`](Self::strikes_with), for faults that last.
    pub(crate) fn delays_with(&mut self, fault: Fault, now: Time, details: usize) -> Option<Duration> {
        self.strikes_with(fault, now, details).map(Duration::from_nanos)
    }

    /// A part of `count` things, at least one: what is left of them when this fault strikes.
    pub(crate) fn cuts(&mut self, fault: Fault, now: Time, count: usize) -> usize {
        match self.strikes_with(fault, now, usize::from(count > 1)) {
            Some(_) if count > 1 => 1 + self.kinds[fault.index()].index(count - 1),
            _ => count,
        }
    }

    /// A number from the stream of a fault that strikes, for its details.
    pub(crate) fn detail(&mut self, fault: Fault, bound: usize) -> usize {
        self.kinds[fault.index()].index(bound)
    }

    /// How long a packet is on its way, or a job takes.
    pub(crate) fn latency(&mut self, range: &Range<Duration>) -> Duration {
        Duration::from_nanos(self.lines.between(&(nanos(range.start)..nanos(range.end))))
    }

    /// Whose turn it is.
    pub(crate) fn turn(&mut self, count: usize) -> usize {
        self.turns.index(count)
    }

    /// Whether a reset takes what was not read yet.
    pub(crate) fn discards(&mut self) -> bool {
        self.endings.below(2) == 0
    }

    pub(crate) fn scenario(&mut self, bound: u64) -> u64 {
        self.scenario.below(bound)
    }

    /// A number for a program that asked for a random one.
    pub(crate) fn random(&mut self) -> u64 {
        self.programs.next()
    }

    pub(crate) fn strokes(&self) -> &[Stroke] {
        &self.strokes
    }
}

/// The stream of the programs' own random numbers: far from those that are counted up from 1.
const PROGRAMS: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odds::Odds;

    /// What two kinds of faults do, drawn by turns.
    fn drawn(faults: Faults) -> Vec<(Option<u64>, Option<u64>)> {
        let mut dice = Dice { faults, ..Dice::new(7) };
        (0..100)
            .map(|_| (dice.strikes(Fault::Latency, Time::ZERO), dice.strikes(Fault::Stalls, Time::ZERO)))
            .collect()
    }

    #[test]
    fn a_stroke_that_is_switched_off_is_drawn_and_counted_all_the_same() {
        let both = Faults::none().with(Fault::Latency, Odds::one_in(3)).with(Fault::Stalls, Odds::one_in(3));
        let all = drawn(both.clone());
        let second = Selector { fault: Fault::Stalls, number: Some(2) };
        let without = drawn(both.clone().except([second]));
        let strokes = all.iter().enumerate().filter(|(_, (_, stall))| stall.is_some());
        let at = strokes.map(|(at, _)| at).nth(1).expect("it strikes more than once");
        for (number, (before, after)) in all.iter().zip(&without).enumerate() {
            let stall = before.1.filter(|_| number != at);
            assert_eq!(*after, (before.0, stall), "draw {number}");
        }
        let none = drawn(both.except([Fault::Stalls.into()]));
        assert!(none.iter().all(|(_, stall)| stall.is_none()));
        assert!(
            none.iter().zip(&all).all(|(after, before)| after.0 == before.0),
            "the other kind is not moved"
        );
    }

    #[test]
    fn the_details_of_a_stroke_that_is_switched_off_are_drawn_too() {
        let faults = Faults::none().with(Fault::ShortReads, Odds::one_in(2));
        let cut = |faults: Faults| -> Vec<usize> {
            let mut dice = Dice { faults, ..Dice::new(7) };
            (0..100).map(|_| dice.cuts(Fault::ShortReads, Time::ZERO, 1000)).collect()
        };
        let mut expected = cut(faults.clone());
        let first = expected.iter().position(|count| *count < 1000).expect("it strikes");
        expected[first] = 1000;
        let without = faults.except([Selector { fault: Fault::ShortReads, number: Some(1) }]);
        assert_eq!(cut(without), expected);
    }
}
