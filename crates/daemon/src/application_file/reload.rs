//! A reload: what changed in the file is changed in the running tree, and everything else runs on.
//!
//! Everything new is made before anything is touched, so a file that cannot be changes nothing. What goes is drained and
//! stopped first, all of it together, because what comes may want its ports. What does not start leaves its place to the one
//! that was there.

use std::error::Error;
use std::fmt;

use sestina_deferred::Failure;
use sestina_service::{Child, Limits, Restart, Tree};

use super::change::{Change, changes};
use super::making::{Making, join};
use super::plan::{ChildPlan, Plan};
use super::problem::Problem;
use super::source::Source;
use crate::words;

/// A reload that can begin.
pub(super) struct Reload {
    pub(super) source: Source,
    old: Plan,
    new: Plan,
    steps: Vec<Step>,
}

/// A change, with what is needed for it.
enum Step {
    Remove { path: String },
    Add { parent: String, name: String, was_there: bool, child: Box<Child> },
    Limits { path: String, limits: Limits },
    Restart { path: String, restart: Restart },
    Group { path: String },
    Order { path: String },
}

/// How a reload went.
pub(super) struct Applied {
    /// What runs now.
    pub(super) plan: Plan,
    pub(super) failed: Vec<Unapplied>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    added: usize,
    removed: usize,
    changed: usize,
    untouched: usize,
}

/// A service that did not start when a reload brought it.
#[derive(Debug)]
pub(crate) struct Unapplied {
    path: String,
    failure: Failure,
    /// Whether the one that was there before runs again.
    restored: Option<bool>,
}

impl Reload {
    /// Makes all that is new.
    pub(super) fn prepare(
        making: &Making<'_>,
        old: &Plan,
        new: Plan,
        source: Source,
    ) -> Result<Self, Vec<Problem>> {
        let (mut steps, mut problems) = (Vec::new(), Vec::new());
        for change in changes(&old.top, &new.top) {
            match step(making, &new, change) {
                Ok(step) => steps.push(step),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() { Ok(Self { source, old: old.clone(), new, steps }) } else { Err(problems) }
    }

    /// Does it.
    pub(super) async fn apply(self, tree: &Tree, making: &Making<'_>) -> Applied {
        let Self { old, new, steps, .. } = self;
        if (&old.name, &old.settings) != (&new.name, &new.settings) {
            tracing::warn!(target: "sestina", "the name, [runner] and [log] are as before until the next start");
        }
        let counts = count(&old, &new, &steps);
        let mut applied = Applied { plan: new, failed: Vec::new(), counts };
        let (going, rest): (Vec<Step>, Vec<Step>) =
            steps.into_iter().partition(|step| matches!(step, Step::Remove { .. }));
        remove(tree, &going).await;
        for step in rest {
            match step {
                Step::Remove { .. } => {}
                Step::Add { parent, name, was_there, child } => {
                    let was = old.top.find(&join(&parent, &name)).filter(|_| was_there);
                    applied.add(tree, making, (&parent, *child), was).await;
                }
                Step::Limits { path, limits } => drop(tree.set_limits(&path, limits)),
                Step::Restart { path, restart } => drop(tree.set_restart(&path, restart)),
                Step::Group { path } => applied.look_after(tree, &path),
                Step::Order { path } => applied.reorder(tree, &path),
            }
        }
        applied
    }
}

impl Applied {
    /// `1 added, 2 untouched`.
    pub(super) fn summary(&self) -> String {
        let Counts { added, removed, changed, untouched } = self.counts;
        let parts = [(added, "added"), (removed, "removed"), (changed, "changed"), (untouched, "untouched")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        if !self.failed.is_empty() {
            parts.push(format!("{} failed", self.failed.len()));
        }
        parts.join(", ")
    }

    /// Starts what is new; if that fails, what was there before.
    async fn add(
        &mut self,
        tree: &Tree,
        making: &Making<'_>,
        (parent, child): (&str, Child),
        was: Option<&ChildPlan>,
    ) {
        let name = child.name().to_owned();
        let path = join(parent, &name);
        let index = self.index(tree, parent, &name);
        let Err(failure) = tree.add_at(parent, index, child).await else { return };
        let mut restored = None;
        if let Some(was) = was {
            // It was made of the same words once.
            restored = Some(match making.child(was, parent) {
                Ok(child) => tree.add_at(parent, index, child).await.is_ok(),
                Err(_) => false,
            });
        }
        if let Some(group) = self.plan.top.parent_of_mut(&path) {
            match was.filter(|_| restored == Some(true)) {
                Some(was) => {
                    let child = group.children.iter_mut().find(|child| child.name == name);
                    if let Some(child) = child {
                        *child = was.clone();
                    }
                }
                None => group.children.retain(|child| child.name != name),
            }
        }
        let failed = Unapplied { path, failure, restored };
        tracing::error!(target: "sestina", "{}", words::chain(&failed));
        self.failed.push(failed);
    }

    /// Where a child belongs among those of its siblings that are there.
    fn index(&self, tree: &Tree, parent: &str, name: &str) -> usize {
        let Some(group) = self.plan.top.group(parent) else { return usize::MAX };
        let before = group.children.iter().take_while(|child| child.name != name);
        before.filter(|child| tree.state(&join(parent, &child.name)).is_some()).count()
    }

    fn look_after(&self, tree: &Tree, path: &str) {
        if let Some(group) = self.plan.top.group(path) {
            tree.set_supervision(path, group.supervision.supervision(), group.together).ok();
        }
    }

    fn reorder(&self, tree: &Tree, path: &str) {
        if let Some(group) = self.plan.top.group(path) {
            let names: Vec<&str> = group.children.iter().map(|child| child.name.as_str()).collect();
            tree.reorder(path, &names).ok();
        }
    }
}

/// All that goes begins to go at once, and is waited for.
async fn remove(tree: &Tree, going: &[Step]) {
    let paths = going.iter().filter_map(|step| match step {
        Step::Remove { path } => Some(path),
        _ => None,
    });
    let going: Vec<_> = paths.map(|path| tree.remove(path)).collect();
    for going in going {
        match going.await {
            Ok(report) if !report.is_clean() => tracing::warn!(target: "sestina", "{report}"),
            // What is not there has failed before, and is gone.
            Ok(_) | Err(_) => {}
        }
    }
}

fn step(making: &Making<'_>, new: &Plan, change: Change) -> Result<Step, Vec<Problem>> {
    let made = |path: &str| {
        let plan = new.top.find(path).expect("changes are about what is there");
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        making.child(plan, parent)
    };
    Ok(match change {
        Change::Remove { path } => Step::Remove { path },
        Change::Add { parent, name, was_there } => {
            let child = Box::new(made(&join(&parent, &name))?);
            Step::Add { parent, name, was_there, child }
        }
        Change::Limits { path } => Step::Limits { limits: made(&path)?.limits(), path },
        Change::Restart { path } => Step::Restart { restart: made(&path)?.restart(), path },
        Change::Group { path } => Step::Group { path },
        Change::Order { path } => Step::Order { path },
    })
}

fn count(old: &Plan, new: &Plan, steps: &[Step]) -> Counts {
    let mut counts = Counts { untouched: new.top.services(), ..Counts::default() };
    for step in steps {
        match step {
            Step::Remove { path } => counts.removed += old.top.find(path).map_or(0, ChildPlan::services),
            Step::Add { parent, name, was_there, .. } => {
                let services = new.top.find(&join(parent, name)).map_or(0, ChildPlan::services);
                counts.untouched -= services;
                if *was_there {
                    let was = old.top.find(&join(parent, name)).map_or(0, ChildPlan::services);
                    counts.removed -= was;
                    counts.changed += services;
                } else {
                    counts.added += services;
                }
            }
            _ => {}
        }
    }
    counts
}

impl fmt::Display for Unapplied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{}' did not start", self.path)?;
        match self.restored {
            Some(true) => out.write_str(", the one that was there runs again"),
            Some(false) => out.write_str(", and the one that was there did not start again"),
            None => Ok(()),
        }
    }
}

impl Error for Unapplied {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.failure.error())
    }
}
