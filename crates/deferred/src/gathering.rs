//! The node of a list: takes the answers of many and makes one of them.
//!
//! Walk: [`DeferredList`](crate::DeferredList) hangs a callback below each member, which brings its answer here;
//! a cancel of the list goes up to every member.
//! Invariant: the list is answered once. What comes later is late: it is dropped, or reported.
//! Tests: `tests/suite/lists.rs`.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::debugging;
use crate::deferred::Deferred;
use crate::drive;
use crate::inspector::{self, WaitsOn};
use crate::node::{AnyNode, Node, Part, weak};
use crate::outcome::{Outcome, Res};
use crate::panicked::drop_quietly;
use crate::request::{self, Mode, Request, Verdict};
use crate::unhandled;

/// How the answers of the members make the answer of the list.
///
/// `is_asked` says whether somebody asked the list to stop: then a member's `Cancelled` is the list's own.
pub(crate) trait Rule<T>: 'static {
    type Out: 'static;

    /// The answer that does not wait for the other members, if this one decides. Otherwise gives it back.
    fn decide(&self, is_asked: bool, index: usize, answer: Res<T>) -> Result<Res<Self::Out>, Res<T>>;

    /// The answer when all have come, in the order of the members.
    fn conclude(&self, is_asked: bool, answers: Vec<Res<T>>) -> Res<Self::Out>;

    /// Whether a decision makes the other members superfluous.
    fn cancels_losers(&self) -> bool {
        false
    }
}

/// The part of the node.
pub(crate) struct Gathering<T, R> {
    rule: R,
    answers: RefCell<Vec<Option<Res<T>>>>,
    missing: Cell<usize>,
    members: RefCell<Vec<Weak<dyn AnyNode>>>,
    is_asked: Cell<bool>,
    reports_late_errors: bool,
}

/// Makes one deferred of many.
pub(crate) fn gather<T, R>(
    members: Vec<Deferred<T>>,
    rule: R,
    reports_late_errors: bool,
    at: &'static Location<'static>,
) -> Deferred<R::Out>
where
    T: 'static,
    R: Rule<T>,
{
    let mut nodes = Vec::with_capacity(members.len());
    nodes.extend(members.iter().filter_map(|member| member.node().map(weak)));
    let part = Gathering {
        rule,
        answers: RefCell::new(members.iter().map(|_| None).collect()),
        missing: Cell::new(members.len()),
        members: RefCell::new(nodes),
        is_asked: Cell::new(false),
        reports_late_errors,
    };
    let list = Rc::new(Node { core: Core::default(), part });
    list.core.set_at(at);
    if debugging::is_on() {
        inspector::watch(&list);
    }
    if members.is_empty() {
        list.core.settle(list.part.rule.conclude(false, Vec::new()));
    }
    for (index, member) in members.into_iter().enumerate() {
        let list = Rc::clone(&list);
        let told = move |answer| {
            take(list, index, answer);
            Outcome::Now(Ok(()))
        };
        // What comes of it is `()`, or a panic in the destructor of a late value, which is reported.
        drop(member.then(at, told));
    }
    Deferred::from_node(list)
}

/// A member has its answer.
fn take<T, R>(list: Rc<Node<R::Out, Gathering<T, R>>>, index: usize, answer: Res<T>)
where
    T: 'static,
    R: Rule<T>,
{
    let part = &list.part;
    if !list.core.status.state().is_open() {
        if part.reports_late_errors {
            unhandled::report_unless_cancelled(answer, list.core.at());
        }
        return;
    }
    part.missing.set(part.missing.get() - 1);
    match part.rule.decide(part.is_asked.get(), index, answer) {
        Ok(decision) => finish(list, decision),
        Err(answer) => {
            part.answers.borrow_mut()[index] = Some(answer);
            if part.missing.get() == 0 {
                let slots = part.answers.take();
                let mut answers = Vec::with_capacity(slots.len());
                answers.extend(slots.into_iter().flatten());
                let conclusion = part.rule.conclude(part.is_asked.get(), answers);
                finish(list, conclusion);
            }
        }
    }
}

/// The list has its answer: what the losers say from now on is late.
fn finish<T, R>(list: Rc<Node<R::Out, Gathering<T, R>>>, answer: Res<R::Out>)
where
    T: 'static,
    R: Rule<T>,
{
    let somebody_waits = list.core.settle(answer);
    let members = list.part.members.take();
    drop_quietly(list.core.at(), list.part.answers.take());
    if list.part.rule.cancels_losers() {
        for member in members.iter().filter_map(Weak::upgrade) {
            request::climb(member, Request::new(Mode::Ask, None, list.core.at()));
        }
    }
    if somebody_waits {
        drive::start(list);
    }
}

impl<T, R> Part<R::Out> for Gathering<T, R>
where
    T: 'static,
    R: Rule<T>,
{
    /// The members are the producers: each is asked, and what they answer makes the answer of the list.
    fn pass_up(node: &Rc<Node<R::Out, Self>>, _request: &Request) -> Verdict<R::Out> {
        node.part.is_asked.set(true);
        let members = node.part.members.borrow();
        Verdict::Fan(members.iter().filter_map(Weak::upgrade).collect())
    }

    fn waits_on(node: &Node<R::Out, Self>) -> WaitsOn {
        let members = node.part.members.borrow();
        let unfired =
            members.iter().filter_map(Weak::upgrade).filter(|member| inspector::is_unfired(&**member));
        WaitsOn::Deferreds(unfired.map(|member| member.at()).collect())
    }

    fn release(&self, at: &'static Location<'static>) {
        self.members.take();
        drop_quietly(at, self.answers.take());
    }
}
