//! What the machine can be asked: names, states, what a service should be.

use std::time::Duration;

use sestina_reactor::Time;

use crate::errors::ServiceError;
use crate::limits::Limits;
use crate::machine::node::{Id, Node, Phase, Stage, stop_limit};
use crate::machine::{Answer, Machine, Order, Want};
use crate::state::State;

impl Machine {
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// Whether the whole tree is being stopped: by hand, or because it gives up.
    pub(super) fn is_closing(&self) -> bool {
        let root = self.node(self.root);
        !root.is_at_rest() && (self.goal == Want::Down || root.is_failing())
    }

    /// Whether a start that is asked for now comes after an end that has not been told yet.
    pub(crate) fn is_on_its_way_down(&self) -> bool {
        let ends = |order: &Order| {
            matches!(order, Order::Answer(Answer::NotStarted(..) | Answer::Failed(..) | Answer::Stopped(..)))
        };
        self.is_closing() || self.orders.iter().any(ends)
    }

    /// Why the whole tree is at rest, if it gave up.
    pub(crate) fn gave_up(&self) -> Option<ServiceError> {
        let root = self.node(self.root);
        let error = root.last_failure.as_ref().map(|(_, error)| error.clone());
        error.filter(|_| root.failed && root.is_at_rest())
    }

    pub(crate) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.get(&id)?.parent
    }

    pub(crate) fn name_of(&self, id: Id) -> &str {
        self.nodes.get(&id).map_or("", |node| &node.name)
    }

    pub(crate) fn children(&self, id: Id) -> &[Id] {
        self.nodes.get(&id).map_or(&[], Node::children)
    }

    pub(crate) fn is_group(&self, id: Id) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.group.is_some())
    }

    /// The names down to it, without the top's.
    pub(crate) fn path(&self, id: Id) -> String {
        let mut names = Vec::new();
        let mut at = self.nodes.get(&id);
        while let Some(node) = at {
            let Some(parent) = node.parent else { break };
            names.push(node.name.as_str());
            at = self.nodes.get(&parent);
        }
        names.reverse();
        names.join("/")
    }

    /// The place at a path. The empty path is the top.
    pub(crate) fn find(&self, path: &str) -> Option<Id> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(self.root, |at, name| {
            self.children(at).iter().copied().find(|child| self.name_of(*child) == name)
        })
    }

    pub(crate) fn state(&self, id: Id) -> State {
        let Some(node) = self.nodes.get(&id) else { return State::Stopped };
        match &node.group {
            None => leaf_state(node),
            Some(group) => match group.stage {
                Stage::Closed if node.has_failed() => State::Failed,
                Stage::Closed => State::Stopped,
                _ if group.failing.is_some() || self.want(id) == Want::Down => {
                    let draining =
                        self.leaves(id).iter().any(|leaf| self.node(*leaf).phase == Phase::Draining);
                    if draining { State::Draining } else { State::Stopping }
                }
                Stage::Opening { .. } => State::Starting,
                Stage::Open => State::Running,
            },
        }
    }

    pub(crate) fn since(&self, id: Id) -> Time {
        self.nodes.get(&id).map_or(Time::ZERO, |node| node.since)
    }

    pub(crate) fn restarts(&self, id: Id) -> u64 {
        self.nodes.get(&id).map_or(0, |node| node.restarts)
    }

    pub(crate) fn instance(&self, id: Id) -> u64 {
        self.nodes.get(&id).map_or(0, |node| node.instance)
    }

    pub(crate) fn last_failure(&self, id: Id) -> Option<&(Time, ServiceError)> {
        self.nodes.get(&id)?.last_failure.as_ref()
    }

    /// When it will be started again.
    pub(crate) fn restart_at(&self, id: Id) -> Option<Time> {
        self.nodes.get(&id).filter(|node| node.is_at_rest())?.cycling
    }

    pub(crate) fn is_known(&self, id: Id) -> bool {
        self.nodes.contains_key(&id)
    }

    /// How long it will not be started again, although it will.
    pub(crate) fn pause_of(&self, id: Id) -> Option<Duration> {
        self.nodes.get(&id)?.cycling.map(|until| until - self.now)
    }

    /// Its limits, with those of its parents where it has none.
    pub(crate) fn limits(&self, id: Id) -> Limits {
        let mut limits = Limits::default();
        let mut at = Some(id);
        while let Some(node) = at.and_then(|id| self.nodes.get(&id)) {
            limits = limits.or(node.limits);
            at = node.parent;
        }
        limits
    }

    /// The moment at which a stop or a clean-up that begins now has taken too long.
    pub(crate) fn stop_deadline(&self, id: Id) -> Time {
        if self.hurried { self.now } else { self.now + stop_limit(self.limits(id)) }
    }

    /// The services below a place, itself if it is one, in order.
    pub(crate) fn leaves(&self, id: Id) -> Vec<Id> {
        let Some(node) = self.nodes.get(&id) else { return Vec::new() };
        if node.group.is_none() {
            return vec![id];
        }
        node.children().iter().flat_map(|child| self.leaves(*child)).collect()
    }

    /// What a place should be, for all that its parents and its own marks say.
    pub(crate) fn want(&self, id: Id) -> Want {
        let node = self.node(id);
        let from_above = self.want_from_above(id);
        let unwanted = node.leaving || node.halted || node.cycling.is_some();
        let ends = node.fault.is_some() && node.phase != Phase::Down;
        if unwanted || ends { Want::Down } else { from_above }
    }

    /// What its parents let it be.
    pub(crate) fn want_from_above(&self, id: Id) -> Want {
        let Some(parent) = self.node(id).parent else { return self.goal };
        let above = self.node(parent);
        if above.is_failing() {
            return Want::Down;
        }
        let most = match above.group.as_ref().map(|group| group.stage) {
            // Nobody starts before everybody is bound.
            Some(Stage::Closed | Stage::Opening { bound: false }) => Want::Bound,
            _ => Want::Up,
        };
        self.want(parent).min(most)
    }
}

fn leaf_state(node: &Node) -> State {
    match node.phase {
        Phase::Down if node.has_failed() => State::Failed,
        Phase::Down => State::Stopped,
        Phase::Binding { .. } | Phase::Bound | Phase::Starting { .. } => State::Starting,
        Phase::Up => State::Running,
        Phase::Draining => State::Draining,
        Phase::Ending | Phase::Stopping => State::Stopping,
    }
}

impl Node {
    /// It is at rest because it failed: it waits to be started again, or will not be.
    fn has_failed(&self) -> bool {
        self.failed && self.is_at_rest()
    }
}
