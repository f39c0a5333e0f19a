//! What an application file says: a tree of services as data, checked against the plugins' definitions.

use std::ffi::OsString;
use std::ops::Range;

use sestina_service::{Backoff, Limits, Restart, Strategy, Supervision};

/// Where something stands in its file: bytes.
pub(crate) type Span = Range<usize>;

/// All that a file says.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What the application is called.
    pub(crate) name: String,
    /// The services at the top.
    pub(crate) top: GroupPlan,
    /// The runner's settings, as options.
    pub(crate) settings: Vec<Setting>,
}

/// A setting of the runner: the option, by its id, and what would stand on the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    pub(crate) id: String,
    pub(crate) arguments: Vec<OsString>,
}

/// A parent, or the application itself.
#[derive(Clone, Debug)]
pub(crate) struct GroupPlan {
    pub(crate) supervision: SupervisionPlan,
    pub(crate) together: bool,
    pub(crate) children: Vec<ChildPlan>,
}

/// A child, as its parent has it.
#[derive(Clone, Debug)]
pub(crate) struct ChildPlan {
    pub(crate) name: String,
    /// Where it begins in the file.
    pub(crate) at: Span,
    /// What the file says of it; the plugin's own words otherwise.
    pub(crate) restart: Option<Restart>,
    pub(crate) limits: Limits,
    pub(crate) kind: KindPlan,
}

#[derive(Clone, Debug)]
pub(crate) enum KindPlan {
    Service(ServicePlan),
    Group(GroupPlan),
}

/// A service of a plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServicePlan {
    pub(crate) plugin: String,
    /// What would stand behind the plugin's name on the command line.
    pub(crate) arguments: Vec<OsString>,
}

/// How a parent looks after its children, in parts that can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SupervisionPlan {
    pub(crate) strategy: Option<Strategy>,
    pub(crate) restarts_max: Option<u32>,
    pub(crate) period: Option<std::time::Duration>,
    pub(crate) backoff: Option<Backoff>,
}

impl SupervisionPlan {
    /// With the usual numbers for what was not said.
    pub(crate) fn supervision(self) -> Supervision {
        let supervision = self.strategy.map(Supervision::new).unwrap_or_default();
        let (restarts_max, period) = supervision.intensity();
        let supervision = supervision
            .with_intensity(self.restarts_max.unwrap_or(restarts_max), self.period.unwrap_or(period));
        match self.backoff {
            Some(backoff) => supervision.with_backoff(backoff),
            None => supervision,
        }
    }
}

impl GroupPlan {
    /// How many services there are in it, parents not counted.
    pub(crate) fn services(&self) -> usize {
        self.children.iter().map(ChildPlan::services).sum()
    }

    /// The child at this path below it.
    pub(crate) fn find(&self, path: &str) -> Option<&ChildPlan> {
        let (name, below) = path.split_once('/').map_or((path, None), |(name, below)| (name, Some(below)));
        let child = self.children.iter().find(|child| child.name == name)?;
        match (below, &child.kind) {
            (None, _) => Some(child),
            (Some(below), KindPlan::Group(group)) => group.find(below),
            (Some(_), KindPlan::Service(_)) => None,
        }
    }

    /// The parent at this path; the empty path is this one.
    pub(crate) fn group(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        match &self.find(path)?.kind {
            KindPlan::Group(group) => Some(group),
            KindPlan::Service(_) => None,
        }
    }

    /// The parent of what is at this path.
    pub(crate) fn parent_of_mut(&mut self, path: &str) -> Option<&mut Self> {
        let Some((name, below)) = path.split_once('/') else { return Some(self) };
        match &mut self.children.iter_mut().find(|child| child.name == name)?.kind {
            KindPlan::Group(group) => group.parent_of_mut(below),
            KindPlan::Service(_) => None,
        }
    }
}

impl ChildPlan {
    /// How many services it is.
    pub(crate) fn services(&self) -> usize {
        match &self.kind {
            KindPlan::Service(_) => 1,
            KindPlan::Group(group) => group.services(),
        }
    }
}
