//! What differs between two plans, service by service.
//!
//! Invariant: a service that is the same in both is in no change, so it runs on with its connections.

use std::collections::BTreeSet;

use super::making::join;
use super::plan::{ChildPlan, GroupPlan, KindPlan};

/// One difference. Paths are those of the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// It is not there any more, or is another one now.
    Remove { path: String },
    /// It is new, or another one than before: whole, with all below it.
    Add { parent: String, name: String, was_there: bool },
    /// It may take another time for its steps.
    Limits { path: String },
    /// Other ends are followed by a new start.
    Restart { path: String },
    /// Its children are looked after in another way.
    Group { path: String },
    /// Its children are in another order.
    Order { path: String },
}

/// The differences: what goes first, then the rest from the top down.
pub(crate) fn changes(old: &GroupPlan, new: &GroupPlan) -> Vec<Change> {
    let mut changes = Vec::new();
    group("", old, new, &mut changes);
    changes.sort_by_key(|change| !matches!(change, Change::Remove { .. }));
    changes
}

fn group(path: &str, old: &GroupPlan, new: &GroupPlan, out: &mut Vec<Change>) {
    if (old.supervision, old.together) != (new.supervision, new.together) {
        out.push(Change::Group { path: path.to_owned() });
    }
    let kept = |child: &&ChildPlan| find(new, child).is_some_and(|now| is_same(child, now));
    let kept: BTreeSet<&str> = old.children.iter().filter(kept).map(|child| child.name.as_str()).collect();
    for child in old.children.iter().filter(|child| !kept.contains(child.name.as_str())) {
        out.push(Change::Remove { path: join(path, &child.name) });
    }
    if names(&old.children, &kept) != names(&new.children, &kept) {
        out.push(Change::Order { path: path.to_owned() });
    }
    for child in &new.children {
        let was = find(old, child);
        let (Some(was), true) = (was, kept.contains(child.name.as_str())) else {
            let (parent, name) = (path.to_owned(), child.name.clone());
            out.push(Change::Add { parent, name, was_there: was.is_some() });
            continue;
        };
        let path = join(path, &child.name);
        if was.limits != child.limits {
            out.push(Change::Limits { path: path.clone() });
        }
        if was.restart != child.restart {
            out.push(Change::Restart { path: path.clone() });
        }
        if let (KindPlan::Group(was), KindPlan::Group(now)) = (&was.kind, &child.kind) {
            group(&path, was, now, out);
        }
    }
}

fn names<'a>(children: &'a [ChildPlan], kept: &BTreeSet<&str>) -> Vec<&'a str> {
    children.iter().map(|child| child.name.as_str()).filter(|name| kept.contains(name)).collect()
}

fn find<'a>(group: &'a GroupPlan, like: &ChildPlan) -> Option<&'a ChildPlan> {
    group.children.iter().find(|child| child.name == like.name)
}

/// Whether the running one can go on: the same plugin with the same options, or a parent still.
fn is_same(one: &ChildPlan, other: &ChildPlan) -> bool {
    match (&one.kind, &other.kind) {
        (KindPlan::Service(one), KindPlan::Service(other)) => one == other,
        (KindPlan::Group(_), KindPlan::Group(_)) => true,
        _ => false,
    }
}
