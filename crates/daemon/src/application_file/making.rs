//! From the plan to services: each plugin makes its own.

use std::rc::Rc;

use sestina_deferred::Failure;
use sestina_service::{AddError, Application, Child, Limits, MultiService};

use super::plan::{ChildPlan, GroupPlan, KindPlan, Plan, ServicePlan};
use super::problem::Problem;
use crate::place::Place;
use crate::service_maker::{Context, ServiceMaker};
use crate::words;

/// What makes services: the plugins, and the place where they will live.
pub(super) struct Making<'a> {
    pub(super) plugins: &'a [Rc<dyn ServiceMaker>],
    pub(super) place: &'a Place,
}

impl Making<'_> {
    /// The whole tree.
    ///
    /// # Errors
    /// Everything that the plugins have to say against it.
    pub(super) fn application(&self, plan: &Plan) -> Result<Application, Vec<Problem>> {
        let mut application =
            Application::new(plan.name.clone()).with_supervision(plan.top.supervision.supervision());
        if plan.top.together {
            application = application.stopped_together();
        }
        let problems = self.children(&plan.top, "", |child| application.add(child).map(|_| ()));
        if problems.is_empty() { Ok(application) } else { Err(problems) }
    }

    /// One child, and all below it, below the parent at this path.
    pub(super) fn child(&self, plan: &ChildPlan, parent: &str) -> Result<Child, Vec<Problem>> {
        let path = join(parent, &plan.name);
        let made = match &plan.kind {
            KindPlan::Service(service) => {
                let made = self.service(&path, service);
                let what =
                    |failure: Failure| vec![Problem::new(plan.at.clone(), words::chain(failure.error()))];
                made.map_err(what)?
            }
            KindPlan::Group(group) => self.group(plan, group, &path)?,
        };
        let mut made = made.with_name(plan.name.clone());
        if let Some(restart) = plan.restart {
            made = made.with_restart(restart);
        }
        let limits = over(plan.limits, made.limits());
        Ok(made.with_limits(limits))
    }

    fn group(&self, plan: &ChildPlan, group: &GroupPlan, path: &str) -> Result<Child, Vec<Problem>> {
        let mut made = MultiService::new(plan.name.clone()).with_supervision(group.supervision.supervision());
        if group.together {
            made = made.stopped_together();
        }
        let problems = self.children(group, path, |child| made.add(child).map(|_| ()));
        if problems.is_empty() { Ok(made.into()) } else { Err(problems) }
    }

    /// Makes the children of a parent, and adds them to it. Gives everything that is said against them.
    fn children(
        &self,
        group: &GroupPlan,
        path: &str,
        mut add: impl FnMut(Child) -> Result<(), AddError>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for child in &group.children {
            match self.child(child, path) {
                Ok(made) => {
                    let refused = add(made).err();
                    problems.extend(refused.map(|error| Problem::new(child.at.clone(), error.to_string())));
                }
                Err(more) => problems.extend(more),
            }
        }
        problems
    }

    fn service(&self, path: &str, plan: &ServicePlan) -> Result<Child, Failure> {
        let plugin = self.plugins.iter().find(|plugin| plugin.name() == plan.plugin);
        let plugin = plugin.expect("the reader has found the plugin");
        let line = std::iter::once(plan.plugin.clone().into()).chain(plan.arguments.iter().cloned());
        let options = plugin.command().try_get_matches_from(line).map_err(Failure::new)?;
        plugin.make_service(&options, &Context::in_place(path, self.place))
    }
}

/// The path of a child.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// These limits, and where they say nothing, those.
fn over(these: Limits, those: Limits) -> Limits {
    let mut limits = those;
    if let Some(start) = these.start() {
        limits = limits.with_start(start);
    }
    if let Some(drain) = these.drain() {
        limits = limits.with_drain(drain);
    }
    match these.stop() {
        Some(stop) => limits.with_stop(stop),
        None => limits,
    }
}
