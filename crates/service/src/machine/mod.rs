//! The tree as a state machine: it is told what happened and what time it is, and says what to do.
//!
//! No service, no reactor, no clock: so its rules are tested against random events (`model.rs`). [`Tree`](crate::Tree)
//! carries out its orders and tells it the answers.
//!
//! ```text
//!   event -> events.rs: notes what happened; supervise.rs: what a failure means
//!         -> reconcile.rs: compares what every service is with what it should be, and orders the next steps
//! ```
//!
//! Nothing here remembers where in a start or a stop it is. What a service should be follows from its parent and its own
//! marks; when it may take its next step follows from its neighbours: to start, all before it must run; to stop, all after
//! it must be at rest. So an event may come at any moment, and starts, stops, restarts and additions may overlap.
//!
//! Invariant: a step is ordered only together with the change of phase that forbids to order it again.

mod events;
#[cfg(test)]
mod model;
mod node;
mod order;
mod reconcile;
mod rng;
mod supervise;
mod view;

use std::collections::{BTreeMap, VecDeque};

use sestina_reactor::Time;

use crate::errors::ServiceError;
use crate::state::State;
use node::Node;
pub(crate) use node::{GroupSpec, Id, Spec};
pub(crate) use order::{Answer, Order};
use rng::Rng;

/// At most so many services that did not stop are remembered for the report of a stop; the log has all.
const TROUBLES_MAX: usize = 1000;

/// What the whole tree is to be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Want {
    Down,
    /// Privileged starts are done.
    Bound,
    Up,
}

#[derive(Debug)]
pub(crate) struct Machine {
    nodes: BTreeMap<Id, Node>,
    root: Id,
    next: u64,
    goal: Want,
    /// Whether the stop was asked for, and so begins with a drain.
    graceful: bool,
    /// Whether nobody is waited for any more.
    hurried: bool,
    /// Whether a start was asked for and has not been answered.
    starting: Option<Want>,
    /// Whether a stop was asked for and has not been answered.
    stopping: bool,
    /// A start that was asked for while a stop goes on.
    afterwards: Option<Want>,
    troubles: Vec<(Id, ServiceError)>,
    orders: VecDeque<Order>,
    /// Those that come after the others.
    answers: Vec<Order>,
    rng: Rng,
    now: Time,
}

impl Machine {
    /// A tree with nothing but its top. `seed` decides the jitter of its back-offs.
    pub(crate) fn new(top: Spec, seed: u64) -> Self {
        let root = Id(0);
        Self {
            nodes: BTreeMap::from([(root, Node::new(None, top))]),
            root,
            next: 1,
            goal: Want::Down,
            graceful: false,
            hurried: false,
            starting: None,
            stopping: false,
            afterwards: None,
            troubles: Vec::new(),
            orders: VecDeque::new(),
            answers: Vec::new(),
            rng: Rng::new(seed),
            now: Time::ZERO,
        }
    }

    /// What is to be done next. Orders come in the order in which they are to be carried out.
    pub(crate) fn next_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When [`tick`](Self::tick) is to be called.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.nodes.values().filter_map(|node| node.deadline).min()
    }

    /// Whoever waits is told when everything else is done: then what can be seen agrees with what is told.
    fn order(&mut self, order: Order) {
        match order {
            Order::Answer(_) | Order::Settled { .. } | Order::Removed { .. } => self.answers.push(order),
            _ => self.orders.push_back(order),
        }
    }

    fn node(&self, id: Id) -> &Node {
        self.nodes.get(&id).expect("an id inside of the machine names a node that is there")
    }

    fn node_mut(&mut self, id: Id) -> &mut Node {
        self.nodes.get_mut(&id).expect("an id inside of the machine names a node that is there")
    }

    /// Ends every event: orders the next steps, and tells which states have changed.
    fn settle(&mut self) {
        loop {
            self.reconcile();
            self.tell_changes();
            self.orders.extend(self.answers.drain(..));
            // A start that was asked for during a stop begins when the stop has been told.
            let next = self.afterwards.take_if(|_| self.nodes.get(&self.root).is_some_and(Node::is_at_rest));
            let Some(want) = next else { return };
            (self.goal, self.starting) = (want, Some(want));
        }
    }

    /// Those that begin something are told from the top, those that have come to something from the bottom: a parent runs
    /// when its children do.
    fn tell_changes(&mut self) {
        let (mut down, mut up) = (Vec::new(), Vec::new());
        self.walk(self.root, &mut down, &mut up);
        let comes = |state| matches!(state, State::Running | State::Stopped | State::Failed);
        let begins = down.into_iter().filter(|(_, state)| !comes(*state));
        let changed: Vec<(Id, State)> =
            begins.chain(up.into_iter().filter(|(_, state)| comes(*state))).collect();
        for (id, state) in changed {
            let (now, node) = (self.now, self.node_mut(id));
            node.shown = state;
            node.since = now;
            let path = self.path(id);
            self.order(Order::Changed { id, path, state });
        }
    }

    /// The changed ones, each before its children and each after them.
    fn walk(&self, id: Id, down: &mut Vec<(Id, State)>, up: &mut Vec<(Id, State)>) {
        let state = self.state(id);
        let is_changed = self.node(id).shown != state;
        if is_changed {
            down.push((id, state));
        }
        for child in self.children(id) {
            self.walk(*child, down, up);
        }
        if is_changed {
            up.push((id, state));
        }
    }
}
