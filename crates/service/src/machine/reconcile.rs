//! The next steps: every place is compared with what it should be.
//!
//! Invariant: a child takes its privileged start, or its start, when all before it have; and its stop when all after it
//! that are to stop are at rest, unless their parent said that they stop together.

use crate::errors::{Cause, ServiceError};
use crate::machine::node::{Id, Phase, Stage, Wait, drain_limit, start_limit};
use crate::machine::{Answer, Machine, Order, Want};
use crate::state::{State, Step};
use crate::supervision::Strategy;

/// What the neighbours of a place let it do.
#[derive(Clone, Copy, Debug)]
struct May {
    bind: bool,
    start: bool,
    stop: bool,
    /// A stop was asked for by hand, so running services drain first.
    drain: bool,
}

impl Machine {
    /// Orders all steps that can be taken now.
    pub(super) fn reconcile(&mut self) {
        loop {
            let may = May { bind: true, start: true, stop: true, drain: false };
            let moved = self.visit(self.root, may);
            self.conclude();
            if !moved {
                return;
            }
        }
    }

    /// Takes what steps a place and those below it can take. Says whether there was one.
    fn visit(&mut self, id: Id, mut may: May) -> bool {
        let by_hand = if id == self.root { self.graceful } else { self.node(id).graceful };
        if by_hand {
            may.drain = true;
            // Nobody stops while somebody drains.
            may.stop &= !self.leaves(id).iter().any(|leaf| self.node(*leaf).phase == Phase::Draining);
        }
        if self.is_group(id) { self.visit_group(id, may) } else { self.visit_leaf(id, may) }
    }

    fn visit_leaf(&mut self, id: Id, may: May) -> bool {
        let (want, phase) = (self.want(id), self.node(id).phase);
        match (phase, want) {
            (Phase::Down, Want::Bound | Want::Up) if may.bind => self.bind(id),
            (Phase::Binding { cancelled: false } | Phase::Starting { cancelled: false }, Want::Down) => {
                self.cancel(id, false);
                return true;
            }
            (Phase::Bound, Want::Up) if may.start => {
                let deadline = self.now + start_limit(self.limits(id));
                self.begin(id, Phase::Starting { cancelled: false }, Step::Start, Some(deadline));
            }
            (Phase::Up, Want::Down) if may.drain && self.node(id).fault.is_none() => {
                let limit = drain_limit(self.limits(id));
                let deadline = if self.hurried { self.now } else { self.now + limit };
                self.begin(id, Phase::Draining, Step::Drain, Some(deadline));
            }
            (Phase::Bound | Phase::Up, Want::Down) => self.node_mut(id).phase = Phase::Ending,
            (Phase::Ending, _) if may.stop => {
                let deadline = self.stop_deadline(id);
                self.begin(id, Phase::Stopping, Step::Stop, Some(deadline));
            }
            _ => return false,
        }
        true
    }

    /// The first step of a new instance.
    fn bind(&mut self, id: Id) {
        let node = self.node_mut(id);
        if !node.reusable && node.instance > 0 {
            let error = ServiceError::new(self.path(id), Step::PrivilegedStart, Cause::UsedUp);
            return self.failed(id, error, true);
        }
        node.instance += 1;
        node.failed = false;
        node.up_since = None;
        let deadline = self.now + start_limit(self.limits(id));
        self.begin(id, Phase::Binding { cancelled: false }, Step::PrivilegedStart, Some(deadline));
    }

    fn begin(&mut self, id: Id, phase: Phase, step: Step, deadline: Option<sestina_reactor::Time>) {
        let node = self.node_mut(id);
        node.phase = phase;
        node.deadline = deadline;
        let instance = node.instance;
        self.order(Order::Run { id, instance, step });
    }

    /// Asks a start to end.
    pub(super) fn cancel(&mut self, id: Id, timed_out: bool) {
        let deadline = self.stop_deadline(id);
        let node = self.node_mut(id);
        let step = match &mut node.phase {
            Phase::Binding { cancelled } => {
                *cancelled = true;
                Step::PrivilegedStart
            }
            Phase::Starting { cancelled } => {
                *cancelled = true;
                Step::Start
            }
            _ => return,
        };
        node.deadline = Some(deadline);
        let instance = node.instance;
        self.order(Order::Cancel { id, instance, step, timed_out });
    }

    fn visit_group(&mut self, id: Id, may: May) -> bool {
        let mut moved = false;
        if self.node(id).is_at_rest() {
            if self.want(id) == Want::Down || !may.bind {
                return false;
            }
            self.open(id);
            moved = true;
        }
        moved |= self.release_cycles(id);
        moved |= self.visit_children(id, may);
        moved | self.move_stage(id)
    }

    /// Begins a new life of a parent: what became of its children in the last one is forgotten.
    fn open(&mut self, id: Id) {
        for child in self.children(id).to_vec() {
            let child = self.node_mut(child);
            (child.halted, child.failed, child.cycling, child.deadline) = (false, false, None, None);
            (child.graceful, child.attempts) = (false, 0);
        }
        let node = self.node_mut(id);
        node.instance += 1;
        node.failed = false;
        node.up_since = None;
        node.deadline = None;
        if let Some(group) = &mut node.group {
            group.stage = Stage::Opening { bound: false };
            group.restarts.clear();
        }
    }

    fn visit_children(&mut self, id: Id, may: May) -> bool {
        let children = self.children(id).to_vec();
        let together = self.node(id).group.as_ref().is_some_and(|group| group.together);
        let mut moved = false;
        // Down from the last to the first ...
        let mut stop = may.stop;
        for child in children.iter().rev() {
            if self.want(*child) == Want::Down {
                moved |= self.visit(*child, May { stop, ..may });
                stop &= together || self.node(*child).is_at_rest();
            }
        }
        // ... and up from the first to the last.
        let (mut bind, mut start) = (may.bind, may.start);
        for child in &children {
            if self.want(*child) != Want::Down {
                moved |= self.visit(*child, May { bind, start, ..may });
            }
            bind &= self.is_out_of_the_way(*child, false);
            start &= self.is_out_of_the_way(*child, true);
        }
        moved
    }

    /// Whether later siblings need not wait for it.
    fn is_out_of_the_way(&self, id: Id, up: bool) -> bool {
        let node = self.node(id);
        node.halted || node.leaving || (self.want(id) != Want::Down && node.has_reached(up))
    }

    /// Lets children start again whose pause is over.
    fn release_cycles(&mut self, id: Id) -> bool {
        let Some(group) = &self.node(id).group else { return false };
        if group.failing.is_some() || self.want(id) == Want::Down {
            return false;
        }
        let alone = group.supervision.strategy == Strategy::OneForOne;
        let cycling: Vec<Id> =
            group.children.iter().copied().filter(|child| self.node(*child).cycling.is_some()).collect();
        let is_over = |child: &Id| {
            let node = self.node(*child);
            node.is_at_rest() && node.cycling.is_some_and(|until| until <= self.now)
        };
        let released: Vec<Id> = match alone {
            true => cycling.into_iter().filter(is_over).collect(),
            false if cycling.iter().all(is_over) => cycling,
            false => Vec::new(),
        };
        for child in &released {
            let node = self.node_mut(*child);
            (node.cycling, node.deadline, node.graceful) = (None, None, false);
            node.restarts += 1;
        }
        !released.is_empty()
    }

    fn move_stage(&mut self, id: Id) -> bool {
        let Some(group) = &self.node(id).group else { return false };
        let (stage, failing, want) = (group.stage, group.failing.is_some(), self.want(id));
        let all = |up| self.children(id).iter().all(|child| self.is_out_of_the_way(*child, up));
        let next = if failing || want == Want::Down {
            let at_rest = self.children(id).iter().all(|child| self.node(*child).is_at_rest());
            return at_rest && self.close(id);
        } else {
            match stage {
                Stage::Opening { bound: false } if all(false) => Stage::Opening { bound: true },
                Stage::Opening { bound: true } if want == Want::Up && all(true) => Stage::Open,
                _ => return false,
            }
        };
        let now = self.now;
        let node = self.node_mut(id);
        if next == Stage::Open {
            node.up_since = Some(now);
        }
        if let Some(group) = &mut node.group {
            group.stage = next;
        }
        true
    }

    /// All children of a parent that is not to run are at rest.
    fn close(&mut self, id: Id) -> bool {
        let node = self.node_mut(id);
        let Some(group) = &mut node.group else { return false };
        let was_open = group.stage == Stage::Open;
        group.stage = Stage::Closed;
        let why = group.failing.take();
        node.deadline = node.cycling;
        for child in self.children(id).to_vec() {
            let child = self.node_mut(child);
            (child.cycling, child.deadline) = (None, None);
        }
        self.order(Order::GroupEnded { id, why: why.clone() });
        if id == self.root {
            self.top_closed(why);
        } else if let Some(error) = why {
            self.failed(id, error, !was_open);
        }
        true
    }

    fn top_closed(&mut self, why: Option<ServiceError>) {
        let troubles: Vec<ServiceError> =
            std::mem::take(&mut self.troubles).into_iter().map(|(_, error)| error).collect();
        let starting = self.starting.take();
        self.goal = Want::Down;
        if let Some(error) = &why {
            let now = self.now;
            let root = self.node_mut(self.root);
            (root.failed, root.last_failure) = (true, Some((now, error.clone())));
        }
        match (starting, why) {
            (Some(want), why) => {
                let step = if want == Want::Up { Step::Start } else { Step::PrivilegedStart };
                let error = why.unwrap_or_else(|| ServiceError::new(String::new(), step, Cause::Stopped));
                self.order(Order::Answer(Answer::NotStarted(error, troubles.clone())));
            }
            (None, Some(error)) => self.order(Order::Answer(Answer::Failed(error, troubles.clone()))),
            (None, None) => {}
        }
        if std::mem::take(&mut self.stopping) {
            self.order(Order::Answer(Answer::Stopped(troubles)));
        }
        (self.graceful, self.hurried) = (false, false);
    }

    /// Answers what has come true.
    fn conclude(&mut self) {
        let (up, bound) = (self.node(self.root).has_reached(true), self.node(self.root).has_reached(false));
        let answer = match self.starting {
            Some(Want::Bound) if bound && self.goal != Want::Down => Some(Answer::Bound),
            Some(Want::Up) if up && self.goal == Want::Up => Some(Answer::Up),
            _ => None,
        };
        if let Some(answer) = answer {
            self.starting = None;
            self.order(Order::Answer(answer));
        }
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.conclude_wait(id);
            if self.nodes.get(&id).is_some_and(|node| node.leaving && node.is_at_rest()) {
                self.take_out(id);
            }
        }
    }

    fn conclude_wait(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        if node.wait.is_none() {
            return;
        }
        let up = self.goal == Want::Up;
        let result = if self.want(id) != Want::Down && node.has_reached(up) {
            Ok(())
        } else if self.want_from_above(id) == Want::Down && !node.leaving {
            Err(ServiceError::new(self.path(id), Step::Start, Cause::Stopped))
        } else {
            return;
        };
        self.node_mut(id).wait = None;
        self.order(Order::Settled { id, result });
    }

    /// Takes a place and those below it out of the tree.
    fn take_out(&mut self, id: Id) {
        let path = self.path(id);
        if let Some(wait) = self.node_mut(id).wait.take() {
            let failure = self.node(id).last_failure.as_ref().map(|(_, error)| error.clone());
            let failure = failure.filter(|_| wait == Wait::Added);
            let error = failure.unwrap_or_else(|| ServiceError::new(path, Step::Start, Cause::Stopped));
            self.order(Order::Settled { id, result: Err(error) });
        }
        let all = self.below(id);
        let (own, others) =
            std::mem::take(&mut self.troubles).into_iter().partition(|(at, _)| all.contains(at));
        self.troubles = others;
        if let Some(parent) = self.node(id).parent
            && let Some(group) = &mut self.node_mut(parent).group
        {
            group.children.retain(|child| *child != id);
        }
        let own: Vec<(Id, ServiceError)> = own;
        let troubles = own.into_iter().map(|(_, error)| error).collect();
        self.order(Order::Removed { id, troubles });
        for id in all {
            if self.node(id).shown != State::Stopped {
                let path = self.path(id);
                self.order(Order::Changed { id, path, state: State::Stopped });
            }
        }
        for id in self.below(id) {
            self.nodes.remove(&id);
        }
    }

    /// A place and all below it.
    fn below(&self, id: Id) -> Vec<Id> {
        let mut all = vec![id];
        all.extend(self.children(id).iter().flat_map(|child| self.below(*child)));
        all
    }
}
