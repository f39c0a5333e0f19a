//! Plays a case on the model.

use super::{Model, Next, Node, State};
use crate::script::{Ans, At, Canceller, OOPS, Op, Reaction, SLOTS, Step, end};

/// A case that is played: its slots, and what happened.
#[derive(Default)]
pub(super) struct Case {
    slots: [Slot; SLOTS],
    pub(super) reports: Vec<&'static str>,
    log: Vec<String>,
}

/// What a slot holds: numbers of nodes.
#[derive(Default)]
struct Slot {
    resolver: Option<usize>,
    deferred: Option<usize>,
    guards: Vec<usize>,
}

impl Model {
    /// Plays the case to its end. Returns what happened, with the errors that nobody handled after each
    /// operation.
    pub(crate) fn play(mut self, case: &[Op]) -> Vec<String> {
        for op in case.iter().chain(&end()) {
            self.run(op);
            let mut reports = std::mem::take(&mut self.case.reports);
            reports.sort_unstable();
            self.case.log.extend(reports.into_iter().map(str::to_owned));
        }
        self.case.log
    }

    /// Runs a callback. Gives an answer, or the deferred that has it later.
    pub(super) fn react(&mut self, step: &Step, answer: Ans) -> Result<Ans, usize> {
        if !step.trigger.matches(&answer) {
            return Ok(answer);
        }
        self.case.log.push(format!("step {} got {answer:?}", step.id));
        step.ops.iter().for_each(|op| self.run(op));
        match step.reaction {
            Reaction::Value => Ok(Ok(answer.unwrap_or(0) + 1)),
            Reaction::Fail => Ok(Err(OOPS)),
            Reaction::Return(slot) => self.case.slots[slot].deferred.take().map_or(Ok(Ok(0)), Err),
        }
    }

    /// Runs a canceller.
    pub(super) fn ask(&mut self, canceller: &Canceller) {
        self.case.log.push(format!("canceller {} is asked", canceller.id));
        canceller.ops.iter().for_each(|op| self.run(op));
    }

    pub(super) fn make(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(super) fn take_answer(&mut self, n: usize) -> Option<Ans> {
        if self.nodes[n].state == State::Fired { self.nodes[n].answer.take() } else { None }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Make(slot) => self.fill(*slot),
            Op::Fire(slot, answer) => {
                if let Some(root) = self.case.slots[*slot].resolver.take() {
                    self.level(|model| model.receive(root, *answer));
                }
            }
            Op::DropResolver(slot) => {
                if let Some(root) = self.case.slots[*slot].resolver.take() {
                    self.abandon(root);
                }
            }
            Op::Add(slot, step) => self.replace(*slot, |model, d| model.add(d, step)),
            Op::Task(slot, step) => self.replace(*slot, |model, d| {
                model.hang(d, Node { step: Some(step.clone()), is_task: true, ..Node::default() })
            }),
            Op::Pause(slot) => self.replace(*slot, |model, d| {
                let gate = model.hang(d, Node { is_paused: true, ..Node::default() });
                model.case.slots[*slot].guards.push(gate);
                gate
            }),
            Op::Unpause(slot) => {
                for gate in std::mem::take(&mut self.case.slots[*slot].guards) {
                    self.unpause(gate);
                }
            }
            Op::OnCancel(slot, at, canceller) => {
                let slot = &self.case.slots[*slot];
                let place = match at {
                    At::Resolver => slot.resolver,
                    At::Deferred => slot.deferred,
                };
                if let Some(n) = place {
                    self.nodes[n].cancellers.push(canceller.clone());
                }
            }
            Op::Cancel(slot) => {
                self.with_deferred(*slot, |model, d| model.level(|model| model.cancel(d, false)))
            }
            Op::Abort(slot) => {
                self.with_deferred(*slot, |model, d| model.level(|model| model.cancel(d, true)))
            }
            Op::Drop(slot) => self.take_deferred(*slot, |model, d| model.give(d, Next::Report(""))),
            Op::Discard(slot) => self.take_deferred(*slot, |model, d| model.level(|model| model.discard(d))),
            Op::Ignore(slot) => self.take_deferred(*slot, |model, d| model.give(d, Next::Ignore)),
            Op::ChainTo(from, to) => self.chain_to(*from, *to),
            Op::Take(slot) => self.with_deferred(*slot, |model, d| {
                if let Some(answer) = model.take_answer(d) {
                    model.case.slots[*slot].deferred = None;
                    model.case.log.push(format!("slot {slot} has {answer:?}"));
                }
            }),
        }
    }

    fn with_deferred(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize)) {
        if let Some(d) = self.case.slots[slot].deferred {
            f(self, d);
        }
    }

    fn take_deferred(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize)) {
        if let Some(d) = self.case.slots[slot].deferred.take() {
            f(self, d);
        }
    }

    /// Puts another deferred in the place of a slot's.
    fn replace(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize) -> usize) {
        let Some(d) = self.case.slots[slot].deferred.take() else { return };
        let d = f(self, d);
        if let Some(old) = self.case.slots[slot].deferred.replace(d) {
            self.give(old, Next::Report(""));
        }
    }

    fn fill(&mut self, slot: usize) {
        if self.case.slots[slot].resolver.is_none() && self.case.slots[slot].deferred.is_none() {
            let root = self.make(Node::default());
            (self.case.slots[slot].resolver, self.case.slots[slot].deferred) = (Some(root), Some(root));
        }
    }

    fn chain_to(&mut self, from: usize, to: usize) {
        let (Some(d), Some(root)) = (self.case.slots[from].deferred, self.case.slots[to].resolver) else {
            return;
        };
        (self.case.slots[from].deferred, self.case.slots[to].resolver) = (None, None);
        self.chain(d, root);
    }
}
