//! Plays a case on the model.

use crate::model::{Kind, Model, Next, Node, Player, State};
use crate::script::{ABANDONED, Ans, At, Canceller, Op, Reaction, SLOTS, Step, end};

#[derive(Default)]
struct Slot {
    resolver: Option<usize>,
    deferred: Option<usize>,
    guards: Vec<usize>,
}

/// The model, and the slots of the case.
pub(crate) struct PlayedModel {
    model: Model,
    slots: [Slot; SLOTS],
    /// How deep operations are in callbacks.
    depth: u32,
    /// What waits for the outermost level to end.
    queue: Vec<usize>,
    pub(crate) log: Vec<String>,
}

impl Player for PlayedModel {
    fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    fn react(&mut self, step: &Step, answer: Ans) -> Result<Ans, usize> {
        if !step.trigger.matches(&answer) {
            return Ok(answer);
        }
        self.log.push(format!("step {} got {answer:?}", step.id));
        step.ops.iter().for_each(|op| self.run(op));
        match step.reaction {
            Reaction::Value => Ok(Ok(answer.unwrap_or(0) + 1)),
            Reaction::Fail => Ok(Err(crate::script::OOPS)),
            Reaction::Return(slot) => self.slots[slot].deferred.take().map_or(Ok(Ok(0)), Err),
        }
    }

    fn ask(&mut self, canceller: &Canceller) {
        self.log.push(format!("canceller {} is asked", canceller.id));
        canceller.ops.iter().for_each(|op| self.run(op));
    }
}

impl PlayedModel {
    pub(crate) fn new() -> Self {
        Self {
            model: Model::default(),
            slots: Default::default(),
            depth: 0,
            queue: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Plays the case to its end. Returns what happened, with the errors that nobody handled after each
    /// operation.
    pub(crate) fn play(mut self, case: &[Op]) -> Vec<String> {
        for op in case.iter().chain(&end()) {
            self.run(op);
            let mut reports = std::mem::take(&mut self.model.reports);
            reports.sort();
            self.log.extend(reports);
        }
        self.log
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Make(slot) => self.make(*slot),
            Op::Fire(slot, answer) => {
                if let Some(root) = self.slots[*slot].resolver.take() {
                    self.level(|player| player.fire(root, *answer));
                }
            }
            Op::DropResolver(slot) => {
                if let Some(root) = self.slots[*slot].resolver.take() {
                    self.abandon(root);
                }
            }
            Op::Add(slot, step) => self.replace(*slot, |player, d| player.add(d, step)),
            Op::Task(slot, step) => self.replace(*slot, |player, d| player.spawn(d, step)),
            Op::Pause(slot) => self.replace(*slot, |player, d| player.pause(*slot, d)),
            Op::OnCancel(slot, at, canceller) => {
                let slot = &self.slots[*slot];
                let place = match at {
                    At::Resolver => slot.resolver,
                    At::Deferred => slot.deferred,
                };
                if let Some(n) = place.filter(|n| self.is_open(*n)) {
                    self.node(n).cancellers.push(canceller.clone());
                }
            }
            Op::Unpause(slot) => {
                for gate in std::mem::take(&mut self.slots[*slot].guards) {
                    self.level(|player| player.unpause(gate));
                }
            }
            Op::Cancel(slot) => {
                self.with_deferred(*slot, |player, d| player.level(|player| player.cancel(d, false)))
            }
            Op::Abort(slot) => {
                self.with_deferred(*slot, |player, d| player.level(|player| player.cancel(d, true)))
            }
            Op::Drop(slot) => self.take_deferred(*slot, Self::disown),
            Op::Discard(slot) => {
                self.take_deferred(*slot, |player, d| player.level(|player| player.discard(d)))
            }
            Op::Ignore(slot) => self.take_deferred(*slot, |player, d| {
                if player.take_answer(d).is_none() {
                    player.node(d).next = Next::Ignore;
                    player.node(d).is_owned = false;
                }
            }),
            Op::ChainTo(from, to) => self.chain(*from, *to),
            Op::Take(slot) => self.with_deferred(*slot, |player, d| {
                if let Some(answer) = player.take_answer(d) {
                    player.slots[*slot].deferred = None;
                    player.log.push(format!("slot {slot} has {answer:?}"));
                }
            }),
        }
    }

    /// The outermost level ends with what destructors left behind.
    fn level(&mut self, f: impl FnOnce(&mut Self)) {
        self.depth += 1;
        f(self);
        while self.depth == 1 && !self.queue.is_empty() {
            let n = self.queue.remove(0);
            self.hand_on(n);
        }
        self.depth -= 1;
    }

    /// What a destructor starts inside of something else waits for the outermost level to end.
    fn abandon(&mut self, root: usize) {
        if self.node(root).is_asking && self.node(root).state == State::Waiting {
            self.node(root).is_orphan = true; // the canceller answers for it
            return;
        }
        if self.depth == 0 || matches!(self.node(root).next, Next::Nobody) {
            self.level(|player| player.fire(root, Err(ABANDONED)));
        } else if self.node(root).state == State::Waiting {
            self.settle(root, Err(ABANDONED));
            self.node(root).state = State::Queued;
            self.queue.push(root);
        }
    }

    fn with_deferred(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize)) {
        if let Some(d) = self.slots[slot].deferred {
            f(self, d);
        }
    }

    fn take_deferred(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize)) {
        if let Some(d) = self.slots[slot].deferred.take() {
            f(self, d);
        }
    }

    /// Puts another deferred in the place of a slot's.
    fn replace(&mut self, slot: usize, f: impl FnOnce(&mut Self, usize) -> usize) {
        let Some(d) = self.slots[slot].deferred.take() else { return };
        let d = f(self, d);
        if let Some(old) = self.slots[slot].deferred.replace(d) {
            self.disown(old);
        }
    }

    /// Nobody else can take the answer of a deferred that is dropped.
    fn disown(&mut self, d: usize) {
        self.node(d).is_owned = false;
        self.report_if_lost(d);
    }

    fn new_node(&mut self, kind: Kind, above: Option<usize>) -> usize {
        self.model.nodes.push(Node {
            state: State::Waiting,
            kind,
            answer: None,
            next: Next::Nobody,
            above,
            cancellers: Vec::new(),
            is_deaf: false,
            is_asking: false,
            is_orphan: false,
            remembered: None,
            is_owned: true,
        });
        self.model.nodes.len() - 1
    }

    fn make(&mut self, slot: usize) {
        if self.slots[slot].resolver.is_none() && self.slots[slot].deferred.is_none() {
            let root = self.new_node(Kind::Root, None);
            (self.slots[slot].resolver, self.slots[slot].deferred) = (Some(root), Some(root));
        }
    }

    /// Hangs `below` below `d`, or gives it the answer that is there.
    fn attach(&mut self, d: usize, below: usize) {
        self.node(d).is_owned = false;
        match self.take_answer(d) {
            Some(answer) => self.level(|player| player.receive(below, answer)),
            None => self.node(d).next = Next::Node(below),
        }
    }

    fn add(&mut self, d: usize, step: &Step) -> usize {
        let below = self.new_node(Kind::Callback(step.clone()), Some(d));
        let Some(answer) = self.take_answer(d) else {
            self.attach(d, below);
            return below;
        };
        // A deferred that a callback returns at once takes the place of the fired one.
        let mut place = below;
        self.level(|player| match player.react(step, answer) {
            Ok(answer) => player.settle(below, answer),
            Err(inner) => place = inner,
        });
        place
    }

    fn spawn(&mut self, d: usize, step: &Step) -> usize {
        let task = self.new_node(Kind::Task(step.clone()), Some(d));
        self.attach(d, task);
        task
    }

    fn pause(&mut self, slot: usize, d: usize) -> usize {
        let gate = self.new_node(Kind::ClosedGate, Some(d));
        self.slots[slot].guards.push(gate);
        self.attach(d, gate);
        gate
    }

    fn unpause(&mut self, gate: usize) {
        self.node(gate).kind = Kind::OpenGate;
        if self.node(gate).state == State::Held {
            self.hand_on(gate);
        }
    }

    fn chain(&mut self, from: usize, to: usize) {
        let (Some(d), Some(root)) = (self.slots[from].deferred, self.slots[to].resolver) else { return };
        (self.slots[from].deferred, self.slots[to].resolver) = (None, None);
        self.level(|player| match player.node(root).state {
            State::Waiting => player.wait_for(root, d),
            _ => player.discard(d),
        });
    }
}
