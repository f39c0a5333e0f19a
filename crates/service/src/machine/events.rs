//! What happens to the machine: verbs of the user, answers of services, the passing of time.

use sestina_deferred::{Cancelled, Failure, TimedOut};
use sestina_reactor::Time;

use crate::errors::{Cause, MoveError, NeverReady, ServiceError};
use crate::limits::Limits;
use crate::machine::node::{Id, Node, Phase, Spec, Wait, drain_limit, start_limit, stop_limit};
use crate::machine::{Answer, Machine, Order, Want};
use crate::state::Step;
use crate::supervision::{Restart, Supervision};

/// Verbs.
impl Machine {
    /// Adds a place below a parent, after its children or at `index`. Nothing happens before
    /// [`announce`](Self::announce).
    pub(crate) fn insert(&mut self, parent: Id, index: Option<usize>, spec: Spec) -> Id {
        let id = Id(self.next);
        self.next += 1;
        self.nodes.insert(id, Node::new(Some(parent), spec));
        if let Some(group) = &mut self.node_mut(parent).group {
            let index = index.unwrap_or(usize::MAX).min(group.children.len());
            group.children.insert(index, id);
        }
        id
    }

    /// Has an added place started, if its parent is. Settled when it is.
    pub(crate) fn announce(&mut self, id: Id, now: Time) {
        self.now = now;
        if self.want_from_above(id) == Want::Down {
            self.order(Order::Settled { id, result: Ok(()) });
        } else {
            self.node_mut(id).wait = Some(Wait::Added);
        }
        self.settle();
    }

    /// Starts the tree as far as this. Answered when it is, or has failed and is at rest again.
    pub(crate) fn start(&mut self, want: Want, now: Time) {
        self.now = now;
        if self.is_closing() {
            self.afterwards = self.afterwards.max(Some(want));
        } else {
            self.troubles.clear();
            self.goal = self.goal.max(want);
            // Who waits for less is told when the rest has come, too.
            self.starting = self.starting.max(Some(want));
        }
        self.settle();
    }

    /// Drains and stops the tree. Answered when it is at rest.
    pub(crate) fn stop(&mut self, now: Time) {
        self.now = now;
        (self.goal, self.stopping, self.afterwards) = (Want::Down, true, None);
        if self.node(self.root).is_at_rest() {
            self.stopping = false;
            self.order(Order::Answer(Answer::Stopped(Vec::new())));
        } else if !self.node(self.root).is_failing() {
            self.graceful = true;
        }
        self.settle();
    }

    /// A stop that waits for nobody any more.
    pub(crate) fn hurry(&mut self, now: Time) {
        self.now = now;
        if self.goal == Want::Down && !self.node(self.root).is_at_rest() {
            self.hurried = true;
            for id in self.leaves(self.root) {
                let node = self.node_mut(id);
                if node.deadline.is_some() {
                    node.deadline = Some(now);
                }
            }
        }
        self.settle();
    }

    /// Drains and stops a place, and takes it out.
    pub(crate) fn remove(&mut self, id: Id, now: Time) {
        self.now = now;
        let node = self.node_mut(id);
        (node.leaving, node.graceful) = (true, true);
        self.settle();
    }

    /// Drains and stops a place that runs, and starts it again.
    pub(crate) fn restart(&mut self, id: Id, now: Time) {
        self.now = now;
        let node = self.node_mut(id);
        (node.cycling, node.graceful, node.halted) = (Some(now), true, false);
        node.wait.get_or_insert(Wait::Restarted);
        self.settle();
    }

    /// Whether a restart can be asked for: its parent runs, and it can be made again.
    pub(crate) fn can_restart(&self, id: Id) -> bool {
        let node = self.node(id);
        let again = node.group.is_some() || node.reusable;
        again && id != self.root && !node.leaving && self.want_from_above(id) == Want::Up
    }

    /// Gives a place another parent, without a stop.
    pub(crate) fn move_to(&mut self, id: Id, parent: Id, now: Time) -> Result<(), MoveError> {
        self.now = now;
        let mut above = Some(parent);
        while let Some(at) = above {
            if at == id {
                return Err(MoveError::IntoItself(self.path(id)));
            }
            above = self.parent(at);
        }
        let settled = |machine: &Self, at: Id| {
            let node = machine.node(at);
            let quiet = node.wait.is_none() && node.cycling.is_none() && !node.leaving && !node.is_failing();
            let running = machine.want(at) == Want::Up && node.has_reached(true);
            let resting = machine.want_from_above(at) == Want::Down && node.is_at_rest();
            (quiet && (running || resting)).then_some(running)
        };
        let own = settled(self, id).ok_or_else(|| MoveError::Busy(self.path(id)))?;
        if settled(self, parent) != Some(own) {
            return Err(MoveError::Busy(self.path(parent)));
        }
        if let Some(group) = self.node(id).parent.and_then(|old| self.node_mut(old).group.as_mut()) {
            group.children.retain(|child| *child != id);
        }
        if let Some(group) = &mut self.node_mut(parent).group {
            group.children.push(id);
        }
        self.node_mut(id).parent = Some(parent);
        self.settle();
        Ok(())
    }

    /// Sets the limits of a place, for steps that begin from now on.
    pub(crate) fn set_limits(&mut self, id: Id, limits: Limits) {
        self.node_mut(id).limits = limits;
    }

    /// Sets which ends of a place are followed by a new start, from the next end on.
    pub(crate) fn set_restart(&mut self, id: Id, restart: Restart) {
        let node = self.node_mut(id);
        node.restart = if node.reusable { restart } else { Restart::Temporary };
    }

    /// Sets how a parent looks after its children, from the next failure and the next stop on. Restarts that were are counted.
    pub(crate) fn set_supervision(&mut self, id: Id, supervision: Supervision, together: bool) {
        if let Some(group) = &mut self.node_mut(id).group {
            (group.supervision, group.together) = (supervision, together);
        }
    }

    /// Puts the children that are named in this order, each in a place that one of them has now.
    pub(crate) fn reorder(&mut self, id: Id, names: &[&str], now: Time) {
        self.now = now;
        let children = self.children(id).to_vec();
        let place = |child: &Id| names.iter().position(|name| *name == self.node(*child).name);
        let mut named: Vec<Id> = children.iter().copied().filter(|child| place(child).is_some()).collect();
        named.sort_by_key(place);
        let is_named = |child: &Id| named.contains(child);
        let mut ordered = named.iter();
        let children: Vec<Id> = children
            .iter()
            .filter_map(|child| if is_named(child) { ordered.next().copied() } else { Some(*child) })
            .collect();
        if let Some(group) = &mut self.node_mut(id).group {
            group.children = children;
        }
        self.settle();
    }
}

/// Answers and time.
impl Machine {
    /// A step has answered. Answers that nobody waits for any more have no effect.
    pub(crate) fn answered(
        &mut self,
        (id, instance): (Id, u64),
        step: Step,
        result: Result<(), Failure>,
        now: Time,
    ) {
        self.now = now;
        let Some(node) = self.nodes.get(&id).filter(|node| node.instance == instance) else { return };
        match (node.phase, step) {
            (Phase::Binding { cancelled }, Step::PrivilegedStart) => self.bound(id, cancelled, result),
            (Phase::Starting { cancelled }, Step::Start) => self.started(id, cancelled, result),
            (Phase::Draining, Step::Drain) => {
                if let Err(failure) = result {
                    self.trouble(id, step, Cause::Failed(failure));
                }
                self.move_on(id, Phase::Ending);
            }
            (Phase::Stopping, Step::Stop) => {
                if let Err(failure) = result {
                    self.trouble(id, step, Cause::Failed(failure));
                }
                self.down(id);
            }
            _ => return,
        }
        self.settle();
    }

    fn bound(&mut self, id: Id, cancelled: bool, result: Result<(), Failure>) {
        match result {
            Ok(()) => self.move_on(id, if cancelled { Phase::Ending } else { Phase::Bound }),
            Err(failure) => {
                self.start_failed(id, cancelled, Step::PrivilegedStart, failure);
                self.down(id);
            }
        }
    }

    fn started(&mut self, id: Id, cancelled: bool, result: Result<(), Failure>) {
        match result {
            Ok(()) if !cancelled => {
                self.move_on(id, Phase::Up);
                let now = self.now;
                self.node_mut(id).up_since = Some(now);
            }
            Ok(()) => self.move_on(id, Phase::Ending),
            Err(failure) => {
                self.start_failed(id, cancelled, Step::Start, failure);
                self.move_on(id, Phase::Ending); // what the privileged start made is still there
            }
        }
    }

    /// A start that was cancelled may say so; anything else went wrong in its clean-up.
    fn start_failed(&mut self, id: Id, cancelled: bool, step: Step, failure: Failure) {
        if !cancelled {
            let error = ServiceError::new(self.path(id), step, Cause::Failed(failure));
            self.failed(id, error, true);
        } else if !failure.is::<Cancelled>() && !failure.is::<TimedOut>() && !failure.is::<NeverReady>() {
            self.trouble(id, step, Cause::Failed(failure));
        }
    }

    fn move_on(&mut self, id: Id, phase: Phase) {
        let node = self.node_mut(id);
        (node.phase, node.deadline) = (phase, None);
    }

    /// An instance is over.
    fn down(&mut self, id: Id) {
        let node = self.node_mut(id);
        (node.phase, node.deadline) = (Phase::Down, node.cycling);
        let (instance, why) = (node.instance, node.fault.take());
        self.order(Order::Ended { id, instance, why });
    }

    /// A service has ended by itself: finished, or failed.
    pub(crate) fn ended(&mut self, id: Id, instance: u64, result: Result<(), Failure>, now: Time) {
        self.now = now;
        let Some(node) = self.nodes.get(&id).filter(|node| node.instance == instance) else { return };
        if node.fault.is_some() {
            return; // it has failed already
        }
        let phase = node.phase;
        let error = |machine: &Self, step| {
            let cause = match &result {
                Ok(()) => Cause::Finished,
                Err(failure) => Cause::Failed(failure.clone()),
            };
            ServiceError::new(machine.path(id), step, cause)
        };
        match phase {
            Phase::Binding { cancelled: false } => {
                self.failed(id, error(self, Step::PrivilegedStart), true);
                self.cancel(id, false);
            }
            Phase::Starting { cancelled: false } => {
                self.failed(id, error(self, Step::Start), true);
                self.cancel(id, false);
            }
            Phase::Bound | Phase::Up => self.failed(id, error(self, Step::Run), false),
            Phase::Draining => {
                if let Err(failure) = result {
                    self.trouble(id, Step::Drain, Cause::Failed(failure));
                }
                let instance = self.node(id).instance;
                self.order(Order::Abort { id, instance, step: Step::Drain });
                self.move_on(id, Phase::Ending);
            }
            _ => return,
        }
        self.settle();
    }

    /// Time has passed: steps that take too long are cancelled, then aborted; pauses end.
    pub(crate) fn tick(&mut self, now: Time) {
        self.now = now;
        let due: Vec<Id> = self
            .nodes
            .iter()
            .filter(|(_, node)| node.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.expired(id);
        }
        self.settle();
    }

    fn expired(&mut self, id: Id) {
        let limits = self.limits(id);
        match self.node(id).phase {
            Phase::Binding { cancelled: false } => self.start_too_long(id, Step::PrivilegedStart),
            Phase::Starting { cancelled: false } => self.start_too_long(id, Step::Start),
            Phase::Binding { cancelled: true } => {
                self.left_behind(id, Step::PrivilegedStart, stop_limit(limits));
                self.down(id);
            }
            Phase::Starting { cancelled: true } => {
                self.left_behind(id, Step::Start, stop_limit(limits));
                self.move_on(id, Phase::Ending);
            }
            Phase::Draining => {
                self.left_behind(id, Step::Drain, drain_limit(limits));
                self.move_on(id, Phase::Ending);
            }
            Phase::Stopping => {
                self.left_behind(id, Step::Stop, stop_limit(limits));
                self.down(id);
            }
            Phase::Down | Phase::Bound | Phase::Up | Phase::Ending => self.node_mut(id).deadline = None,
        }
    }

    fn start_too_long(&mut self, id: Id, step: Step) {
        let limit = start_limit(self.limits(id));
        let error = ServiceError::new(self.path(id), step, Cause::TimedOut(limit));
        self.failed(id, error, true);
        self.cancel(id, true);
    }

    /// Nobody waits for this step any more.
    fn left_behind(&mut self, id: Id, step: Step, limit: std::time::Duration) {
        let instance = self.node(id).instance;
        self.order(Order::Abort { id, instance, step });
        self.trouble(id, step, Cause::TimedOut(limit));
    }
}
