//! One place in the tree: a service, or a parent with children.

use std::collections::VecDeque;
use std::time::Duration;

use sestina_reactor::Time;

use crate::errors::ServiceError;
use crate::limits::{DRAIN_TIMEOUT, Limits, START_TIMEOUT, STOP_TIMEOUT};
use crate::state::State;
use crate::supervision::{Restart, Supervision};

/// The name of a place in the tree. Never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Id(pub(crate) u64);

/// What the machine must know of a child.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
    /// Whether it can be started more than once.
    pub(crate) reusable: bool,
    /// For parents.
    pub(crate) group: Option<GroupSpec>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupSpec {
    pub(crate) supervision: Supervision,
    pub(crate) together: bool,
}

/// Where the instance of a leaf is. A group has [`Stage`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// There is none.
    Down,
    /// Its privileged start goes on; `cancelled` if that is not wanted any more.
    Binding {
        cancelled: bool,
    },
    /// Waits for its turn to start.
    Bound,
    /// Its start goes on.
    Starting {
        cancelled: bool,
    },
    Up,
    Draining,
    /// Waits for its turn to stop.
    Ending,
    /// Its stop goes on.
    Stopping,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// All children are at rest.
    Closed,
    /// Its children are being started for the first time since it was closed.
    Opening {
        /// Whether all their privileged starts have answered.
        bound: bool,
    },
    /// All children have run.
    Open,
}

/// What somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// That it was added, and runs. If it does not start, it is taken out again.
    Added,
    /// That it was started again.
    Restarted,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) supervision: Supervision,
    pub(crate) together: bool,
    pub(crate) children: Vec<Id>,
    pub(crate) stage: Stage,
    /// Why it gives up; its children are being stopped.
    pub(crate) failing: Option<ServiceError>,
    /// When children were started again, within the period.
    pub(crate) restarts: VecDeque<Time>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) parent: Option<Id>,
    pub(crate) name: String,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
    pub(crate) reusable: bool,
    pub(crate) group: Option<Group>,
    pub(crate) phase: Phase,
    /// Counts instances from 1.
    pub(crate) instance: u64,
    /// When patience with the step that goes on, or a pause before a restart, ends.
    pub(crate) deadline: Option<Time>,
    /// Why this instance ends. Invariant: none while it is down.
    pub(crate) fault: Option<ServiceError>,
    /// It has ended and is not to be started again, until its parent is.
    pub(crate) halted: bool,
    /// Its last instance ended with a failure, and there was none since.
    pub(crate) failed: bool,
    /// It is to be stopped, if it runs, and started again not before then.
    pub(crate) cycling: Option<Time>,
    /// It is to be stopped and taken out.
    pub(crate) leaving: bool,
    pub(crate) wait: Option<Wait>,
    /// A stop by hand: begins with a drain.
    pub(crate) graceful: bool,
    /// Failures in a row.
    pub(crate) attempts: u32,
    /// Restarts since it was added.
    pub(crate) restarts: u64,
    pub(crate) up_since: Option<Time>,
    pub(crate) last_failure: Option<(Time, ServiceError)>,
    /// The state that was told last, and since when.
    pub(crate) shown: State,
    pub(crate) since: Time,
}

impl Node {
    pub(crate) fn new(parent: Option<Id>, spec: Spec) -> Self {
        let group = spec.group.map(|group| Group {
            supervision: group.supervision,
            together: group.together,
            children: Vec::new(),
            stage: Stage::Closed,
            failing: None,
            restarts: VecDeque::new(),
        });
        Self {
            parent,
            name: spec.name,
            restart: spec.restart,
            limits: spec.limits,
            reusable: spec.reusable,
            group,
            phase: Phase::Down,
            instance: 0,
            deadline: None,
            fault: None,
            halted: false,
            failed: false,
            cycling: None,
            leaving: false,
            wait: None,
            graceful: false,
            attempts: 0,
            restarts: 0,
            up_since: None,
            last_failure: None,
            shown: State::Stopped,
            since: Time::ZERO,
        }
    }

    /// Nothing of it runs.
    pub(crate) fn is_at_rest(&self) -> bool {
        match &self.group {
            Some(group) => group.stage == Stage::Closed,
            None => self.phase == Phase::Down,
        }
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.failing.is_some())
    }

    /// Whether it has got as far as its privileged start, or as its start.
    pub(crate) fn has_reached(&self, up: bool) -> bool {
        match &self.group {
            Some(Group { failing: Some(_), .. }) => false,
            Some(group) => match group.stage {
                Stage::Closed => false,
                Stage::Opening { bound } => bound && !up,
                Stage::Open => true,
            },
            None => match self.phase {
                Phase::Up => true,
                Phase::Bound | Phase::Starting { cancelled: false } => !up,
                _ => false,
            },
        }
    }

    pub(crate) fn can_run_again(&self) -> bool {
        self.restart != Restart::Temporary && (self.reusable || self.instance == 0)
    }

    pub(crate) fn children(&self) -> &[Id] {
        self.group.as_ref().map_or(&[], |group| &group.children)
    }
}

/// What limits say when nobody else does.
pub(crate) fn start_limit(limits: Limits) -> Duration {
    limits.start().unwrap_or(START_TIMEOUT)
}

pub(crate) fn drain_limit(limits: Limits) -> Duration {
    limits.drain().unwrap_or(DRAIN_TIMEOUT)
}

pub(crate) fn stop_limit(limits: Limits) -> Duration {
    limits.stop().unwrap_or(STOP_TIMEOUT)
}
