//! The search for the fewest faults that make a seed fail: kind by kind, and then stroke by stroke.
//!
//! A stroke that is switched off is drawn all the same (dice.rs), so what is left strikes where it struck before, as far
//! as the run goes the same way.
//! Invariant: with the list that is given back the seed fails, and with any one entry less it does not, unless the search was
//! ended by its limit.
//! Tests: `tests/suite/swarm.rs`, `tests/suite/swarm_command.rs`.

use std::collections::BTreeSet;

use crate::dice::Stroke;
use crate::fault::{Fault, Selector};
use crate::scenario::{Outcome, Scenario};

/// The shortest list that was found, and what does not hold with it.
pub(crate) fn fewest(
    scenario: &Scenario,
    seed: u64,
    strokes: &[Stroke],
    failure: String,
) -> (Vec<Selector>, String) {
    let mut search = Search { scenario, seed, runs: 0, failure };
    let kinds: BTreeSet<Fault> = strokes.iter().map(|stroke| stroke.selector.fault).collect();
    let mut list: Vec<Selector> = kinds.into_iter().map(Selector::from).collect();
    search.shorten(&mut list, 1);
    let list = search.split(list);
    (list, search.failure)
}

/// The search for a shorter list.
struct Search<'a> {
    scenario: &'a Scenario,
    seed: u64,
    runs: u32,
    /// What did not hold in the last run that failed.
    failure: String,
}

impl Search<'_> {
    /// Whether it still fails when only these strike.
    fn fails(&mut self, list: &[Selector]) -> Option<Outcome> {
        if self.runs >= RUNS_MAX {
            return None;
        }
        self.runs += 1;
        let outcome = self.scenario.run_only(self.seed, list);
        self.failure.clone_from(outcome.failure.as_ref()?);
        Some(outcome)
    }

    /// Takes away pieces of `size`, then of half that size, down to single entries, as long as it still fails; and single
    /// entries again until none can go.
    fn shorten(&mut self, list: &mut Vec<Selector>, mut size: usize) {
        if !list.is_empty() && self.fails(&[]).is_some() {
            list.clear();
        }
        while size > 0 {
            let before = list.len();
            let mut at = 0;
            while at < list.len() {
                let mut shorter = list.clone();
                shorter.drain(at..list.len().min(at + size));
                if self.fails(&shorter).is_some() {
                    *list = shorter;
                } else {
                    at += size;
                }
            }
            if size > 1 || list.len() == before {
                size /= 2;
            }
        }
    }

    /// Makes single strokes of the kinds that struck seldom enough, and shortens those.
    fn split(&mut self, kinds: Vec<Selector>) -> Vec<Selector> {
        let Some(outcome) = self.fails(&kinds) else { return kinds };
        let mut list = Vec::new();
        for kind in &kinds {
            let strokes: Vec<Selector> = outcome
                .strokes
                .iter()
                .map(|stroke| stroke.selector)
                .filter(|one| one.fault == kind.fault)
                .collect();
            if strokes.len() <= STROKES_MAX { list.extend(strokes) } else { list.push(*kind) }
        }
        if self.fails(&list).is_none() {
            return kinds;
        }
        let half = list.len() / 2;
        self.shorten(&mut list, half.max(1));
        list
    }
}

/// A search ends after so many runs, with the shortest list so far.
const RUNS_MAX: u32 = 500;
/// A kind that strikes more often stays one entry of the list.
const STROKES_MAX: usize = 200;
