//! What a failure means: for the service, its siblings, its parent.

use crate::errors::{Cause, ServiceError};
use crate::machine::node::{Id, Stage, Wait};
use crate::machine::{Machine, Order, TROUBLES_MAX, Want};
use crate::state::Step;
use crate::supervision::{Restart, Strategy};

impl Machine {
    /// A place has failed, or has finished. `in_start`: before it had started.
    pub(super) fn failed(&mut self, id: Id, error: ServiceError, in_start: bool) {
        let wanted = self.want(id) != Want::Down;
        let now = self.now;
        let node = self.node_mut(id);
        let finished = matches!(error.cause, Cause::Finished) && node.restart != Restart::Permanent;
        node.failed = !finished;
        if !finished {
            node.last_failure = Some((now, error.clone()));
        }
        if !node.is_at_rest() && node.group.is_none() {
            node.fault = Some(error.clone());
        }
        let is_group = node.group.is_some();
        let Some(parent) = node.parent.filter(|_| wanted) else {
            // A parent that is stopped for the failure of a child has nothing new to say.
            if !is_group {
                self.order(Order::Failed { id, error, restart: false });
            }
            return;
        };
        match node.wait {
            // Who adds it is told, and it goes again.
            Some(Wait::Added) => {
                node.leaving = true;
                return self.order(Order::Failed { id, error, restart: false });
            }
            Some(Wait::Restarted) => {
                node.wait = None;
                self.order(Order::Settled { id, result: Err(error.clone()) });
            }
            None => {}
        }
        let opening = matches!(self.stage(parent), Some(Stage::Opening { .. }));
        if in_start && opening {
            self.give_up_start(parent, &error);
            return self.order(Order::Failed { id, error, restart: false });
        }
        let restart = self.supervise(id, parent, finished, &error);
        if !finished {
            self.order(Order::Failed { id, error, restart });
        }
    }

    /// Decides what follows. Says whether it will be started again.
    fn supervise(&mut self, id: Id, parent: Id, finished: bool, error: &ServiceError) -> bool {
        if finished || !self.node(id).can_run_again() {
            self.node_mut(id).halted = true;
            return false;
        }
        let Some(group) = &mut self.node_mut(parent).group else { return false };
        let supervision = group.supervision;
        let now = self.now;
        let Some(group) = &mut self.node_mut(parent).group else { return false };
        group.restarts.retain(|at| now - *at < supervision.period);
        group.restarts.push_back(now);
        if u64::try_from(group.restarts.len()).unwrap_or(u64::MAX) > u64::from(supervision.restarts_max) {
            let (restarts_max, period) = (supervision.restarts_max, supervision.period);
            let cause = Cause::GaveUp { restarts_max, period, last: Box::new(error.clone()) };
            let error = ServiceError::new(self.path(parent), Step::Run, cause);
            self.give_up(parent, error);
            return false;
        }
        let random = self.rng.next();
        let node = self.node_mut(id);
        if node.up_since.is_some_and(|since| now - since >= supervision.period) {
            node.attempts = 0;
        }
        let until = now + supervision.backoff.pause(node.attempts, random);
        node.attempts = node.attempts.saturating_add(1);
        for member in self.involved(id, parent, supervision.strategy) {
            let node = self.node_mut(member);
            if node.halted || node.leaving {
                continue;
            }
            if !node.can_run_again() {
                node.halted = !node.is_at_rest();
                continue;
            }
            node.cycling = node.cycling.max(Some(until));
            if node.is_at_rest() {
                node.deadline = node.cycling;
            }
        }
        true
    }

    /// Those who are started again when this child is, itself among them.
    fn involved(&self, id: Id, parent: Id, strategy: Strategy) -> Vec<Id> {
        let siblings = self.children(parent);
        match strategy {
            Strategy::OneForOne => vec![id],
            Strategy::OneForAll => siblings.to_vec(),
            Strategy::RestForOne => siblings.iter().copied().skip_while(|sibling| *sibling != id).collect(),
        }
    }

    /// A parent stops its children, and has failed when they are at rest.
    fn give_up(&mut self, parent: Id, error: ServiceError) {
        if let Some(group) = &mut self.node_mut(parent).group {
            group.failing.get_or_insert(error);
        }
    }

    /// The start of a parent has failed, and so have the starts that it is a part of: nobody there waits for it to be at
    /// rest, so that all stop in reverse.
    fn give_up_start(&mut self, parent: Id, error: &ServiceError) {
        let mut at = Some(parent);
        while let Some(id) = at {
            self.give_up(id, error.clone());
            let node = self.node(id);
            let part_of = node.parent.filter(|_| node.wait.is_none());
            at = part_of.filter(|above| matches!(self.stage(*above), Some(Stage::Opening { .. })));
        }
    }

    fn stage(&self, id: Id) -> Option<Stage> {
        self.node(id).group.as_ref().map(|group| group.stage)
    }

    /// A service did not end as it should.
    pub(super) fn trouble(&mut self, id: Id, step: Step, cause: Cause) {
        let error = ServiceError::new(self.path(id), step, cause);
        if self.troubles.len() < TROUBLES_MAX {
            self.troubles.push((id, error.clone()));
        }
        self.order(Order::Trouble { error });
    }
}
