//! What must be reached, as ratios in one run.

use crate::figure::{Figure, Figures};
use crate::statistics::{Summary, ratios};

/// Which side of the limit is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Good {
    Small,
    Large,
    /// At most the limit, or not above it outside of the spread: the smallest ratio of all rounds is within it.
    SmallInTheSpread,
}

/// One demand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) scenario: &'static str,
    /// How the case begins: sizes differ in quick runs.
    pub(crate) case: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) good: Good,
    pub(crate) limit: f64,
    /// By how much the ratios of two runs may differ.
    pub(crate) tolerance: f64,
    /// Whether theirs is the smallest of all rounds, and not each round's.
    pub(crate) theirs_at_best: bool,
}

/// How a demand was met.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Verdict {
    pub(crate) ratio: Summary,
    pub(crate) reached: bool,
}

/// Ratios of CPU times and rates of two runs differ by at most this part, those of memory by less.
const TOLERANCE: f64 = 0.05;
const MEMORY_TOLERANCE: f64 = 0.02;

const fn target(
    at: [&'static str; 3],
    ours: &'static str,
    theirs: &'static str,
    good: Good,
    limit: f64,
) -> Target {
    let [scenario, case, figure] = at;
    Target { scenario, case, figure, ours, theirs, good, limit, tolerance: TOLERANCE, theirs_at_best: false }
}

/// Twisted's memory has two states, one of them half as large again: which of them a round finds is chance.
const fn memory(at: [&'static str; 3], ours: &'static str, theirs: &'static str, limit: f64) -> Target {
    let target = target(at, ours, theirs, Good::Small, limit);
    Target { tolerance: MEMORY_TOLERANCE, theirs_at_best: true, ..target }
}

const SHORT: [&str; 3] = ["short", "64 at once", "CPU"];
const ECHO_50: [&str; 3] = ["echo", "50 connections, servers at once", "CPU"];
const ECHO_1000: [&str; 3] = ["echo", "1000 connections, servers at once", "CPU"];
const GIANT: [&str; 3] = ["giant", "", "rate"];
const SLOW_MEMORY: [&str; 3] = ["slow", "", "anonymous memory each"];
const SLOW_CPU: [&str; 3] = ["slow", "", "CPU"];

const HIT: [&str; 3] = ["proxy", "hit", "CPU"];
const TIMERS: [&str; 3] = ["timers", "schedule + cancel at once", "time"];
const DEFERREDS: [&str; 3] = ["deferreds", "one operation", "time"];
const AWAIT: &str = "one await in a running task";
const TASK: &str = "spawn + one await + fire";
const TOKIO_AWAIT: &str = "tokio oneshot awaited in current_thread block_on";
const TOKIO_JOIN: &str = "tokio join!(oneshot, send) in current_thread block_on";
const TOKIO_TASK: &str = "tokio spawn_local + one pending oneshot + join";
const TOKIO_EARLY: &str = "tokio spawn_local + one oneshot sent before it runs + join";

/// All demands.
pub(crate) const TARGETS: &[Target] = &[
    target(SHORT, "sestina, drain if unread", "C epoll", Good::Small, 1.08),
    target(SHORT, "sestina, drain if unread", "tokio", Good::Small, 0.95),
    target(SHORT, "sestina, drain if unread", "Twisted", Good::Small, 0.56),
    target(SHORT, "sestina", "C epoll, drains", Good::Small, 1.05),
    target(SHORT, "sestina", "tokio", Good::Small, 1.0),
    target(ECHO_50, "sestina", "mio by hand", Good::Small, 1.05),
    target(ECHO_50, "sestina", "tokio", Good::SmallInTheSpread, 1.0),
    target(ECHO_1000, "sestina", "mio by hand", Good::Small, 1.05),
    target(ECHO_1000, "sestina", "tokio", Good::SmallInTheSpread, 1.0),
    target(GIANT, "sestina", "C epoll", Good::Large, 0.95),
    memory(SLOW_MEMORY, "sestina", "tokio", 0.4),
    memory(SLOW_MEMORY, "sestina", "Twisted", 0.2),
    target(SLOW_CPU, "sestina", "C epoll", Good::SmallInTheSpread, 1.0),
    target(SLOW_CPU, "sestina", "tokio", Good::Small, 1.0),
    target(TIMERS, "sestina", "tokio", Good::Small, 0.25),
    target(HIT, "sestina proxy", "sestina, fast server", Good::Small, 1.05),
    target(DEFERREDS, "create + one callback + fire + drop", "two bare Rc allocations", Good::Small, 3.0),
    target(DEFERREDS, AWAIT, TOKIO_AWAIT, Good::Small, 1.0),
    target(DEFERREDS, AWAIT, TOKIO_JOIN, Good::Small, 1.0),
    target(DEFERREDS, TASK, TOKIO_TASK, Good::Small, 1.0),
    target(DEFERREDS, TASK, TOKIO_EARLY, Good::Small, 1.0),
];

/// Whether a demand is made of this contender in this case, of ours or of theirs.
pub(crate) fn is_compared(scenario: &str, case: &str, peer: &str) -> bool {
    TARGETS.iter().any(|target| {
        let is_there = target.scenario == scenario && case.starts_with(target.case);
        is_there && [target.ours, target.theirs].contains(&peer)
    })
}

impl Target {
    fn find<'a>(&self, figures: &'a Figures, peer: &str) -> Option<&'a Figure> {
        figures.iter().find(|figure| {
            figure.scenario == self.scenario
                && figure.case.starts_with(self.case)
                && figure.peer == peer
                && figure.name == self.figure
        })
    }

    /// `None` if one of the two was not measured.
    pub(crate) fn verdict(&self, figures: &Figures) -> Option<Verdict> {
        let (ours, theirs) = (self.find(figures, self.ours)?, self.find(figures, self.theirs)?);
        let best = Summary::of(&theirs.rounds)?.min;
        let at_best = vec![best; ours.rounds.len()];
        let theirs = if self.theirs_at_best { &at_best } else { &theirs.rounds };
        let ratio = Summary::of(&ratios(&ours.rounds, theirs))?;
        let reached = match self.good {
            Good::Small => ratio.median <= self.limit,
            Good::Large => ratio.median >= self.limit,
            Good::SmallInTheSpread => ratio.min <= self.limit,
        };
        Some(Verdict { ratio, reached })
    }

    /// `CPU, short, 64 at once: sestina / tokio`
    pub(crate) fn what(&self) -> String {
        let case = if self.case.is_empty() { String::new() } else { format!(", {}", self.case) };
        format!("{}{case}: {}, {} / {}", self.scenario, self.figure, self.ours, self.theirs)
    }

    pub(crate) fn demand(&self) -> String {
        match self.good {
            Good::Small => format!("at most {}", self.limit),
            Good::Large => format!("at least {}", self.limit),
            Good::SmallInTheSpread => format!("at most {} in its spread", self.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Place;

    fn figures(target: &Target, ours: &[f64], theirs: &[f64]) -> Figures {
        let mut figures = Figures::default();
        for (peer, rounds) in [(target.ours, ours), (target.theirs, theirs)] {
            for value in rounds {
                let place = Place { scenario: target.scenario, case: target.case, peer };
                figures.add(place, target.figure, "us/op", *value);
            }
        }
        figures
    }

    fn reached(good: Good, ours: &[f64], theirs: &[f64]) -> Option<bool> {
        let target = target(["a", "b", "c"], "us", "them", good, 1.0);
        Some(target.verdict(&figures(&target, ours, theirs))?.reached)
    }

    #[test]
    fn a_demand_is_met_by_the_median_of_the_ratios_within_rounds() {
        assert_eq!(reached(Good::Small, &[9.0, 1.0, 1.0], &[10.0, 0.9, 2.0]), Some(true));
        assert_eq!(reached(Good::Small, &[1.1, 1.1, 1.0], &[1.0, 1.0, 1.2]), Some(false));
        assert_eq!(reached(Good::Large, &[1.1, 1.1, 1.0], &[1.0, 1.0, 1.2]), Some(true));
        assert_eq!(reached(Good::Small, &[1.0], &[]), None);
    }

    #[test]
    fn within_the_spread_of_the_ratios_is_not_above_them() {
        assert_eq!(reached(Good::SmallInTheSpread, &[1.1, 1.1, 1.1], &[1.0, 1.2, 1.0]), Some(true));
        assert_eq!(reached(Good::SmallInTheSpread, &[1.3, 1.3, 1.3], &[1.0, 1.2, 1.0]), Some(false));
        let slow_moment = reached(Good::SmallInTheSpread, &[1.1, 1.1, 9.0], &[1.0, 1.0, 8.0]);
        assert_eq!(slow_moment, Some(false), "that the machine was slow is not the spread of the comparison");
    }

    #[test]
    fn memory_is_compared_with_what_the_other_needs_at_its_best() {
        let target = memory(["a", "b", "c"], "us", "them", 0.2);
        let two_states = target.verdict(&figures(&target, &[313.0, 313.0], &[2260.0, 1570.0]));
        let verdict = two_states.expect("both are there");
        assert!(verdict.reached && (verdict.ratio.median - 313.0 / 1570.0).abs() < 1e-9, "{verdict:?}");
    }

    #[test]
    fn only_those_are_compared_of_whom_something_is_demanded() {
        assert!(
            is_compared("short", "64 at once", "sestina") && is_compared("short", "64 at once", "Twisted")
        );
        assert!(
            !is_compared("short", "64 at once", "Erlang") && !is_compared("short", "512 at once", "sestina")
        );
        assert!(is_compared("giant", "256 MiB", "C epoll") && !is_compared("giant", "256 MiB", "tokio"));
    }

    #[test]
    fn each_demand_is_found_in_the_figures_of_its_scenario() {
        for target in TARGETS {
            let verdict = target.verdict(&figures(target, &[1.0, 1.0], &[2.0, 2.0])).expect("both are there");
            assert_eq!(verdict.ratio.median, 0.5, "{}", target.what());
        }
    }
}
