//! One step of a chain, and the three views that others have of it.
//!
//! ```text
//! Resolver --Rc--> Node<T, Root> --next--> Node<U, Callback<F>> --next--> Node<V, Callback<G>> <--Rc-- Deferred<V>
//!                        ^------Weak up--------'  ^----------Weak up------------'
//! ```
//!
//! Walk: `resolver.rs` settles a root; `drive.rs` calls [`AnyNode::push`] until nobody is left to tell;
//! `request.rs` climbs by [`AnyNode::cancel`].
//! Invariant: strong links only point downstream, so a chain is freed from the top as its answer passes.
//! Tests: `tests/laws/main.rs` and all the others.

use std::any::Any;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::debugging;
use crate::inspector::{self, WaitsOn};
use crate::next::Next;
use crate::outcome::Res;
use crate::request::{Request, Step, Verdict};
use crate::status::{State, Status};
use crate::task::Resume;
use crate::trace::Trace;

/// A node whose type of answer does not matter.
pub(crate) trait AnyNode {
    fn status(&self) -> &Status;

    fn at(&self) -> &'static Location<'static>;

    /// Hands the answer on, or resumes the task; returns the node to go on with.
    fn push(self: Rc<Self>) -> Option<Rc<dyn AnyNode>>;

    /// A request to stop arrives from downstream.
    fn cancel(self: Rc<Self>, request: &Request) -> Step;

    /// The node whose answer this one waits for.
    fn upstream(&self) -> Option<Rc<dyn AnyNode>>;

    fn is_awaited_by(&self, task: &dyn Resume) -> bool;

    /// Keeps `guard` until the node is answered.
    fn keep(&self, guard: Box<dyn Any>);

    /// What the inspector shows of it, if it is the end of a chain.
    fn glimpse(&self) -> Option<(Trace, WaitsOn)>;
}

/// A node that answers with a `T`.
pub(crate) trait Source<T: 'static>: AnyNode {
    fn core(&self) -> &Core<T>;
}

/// A node that takes a `T` from the node above it.
pub(crate) trait Sink<T> {
    /// Takes the answer; returns itself if somebody waits for what it made of it.
    fn receive(self: Rc<Self>, answer: Res<T>) -> Option<Rc<dyn AnyNode>>;
}

/// What one kind of node does differently from the others.
pub(crate) trait Part<T: 'static>: Sized + 'static {
    /// What a push means while there is no answer. Only tasks have something to do then.
    fn resume(_node: Rc<Node<T, Self>>) -> Option<Rc<dyn AnyNode>> {
        None
    }

    /// Where a request to stop goes that no canceller of this node has answered.
    fn pass_up(node: &Rc<Node<T, Self>>, request: &Request) -> Verdict<T> {
        node.core.pass_up(request)
    }

    /// What the node waits for, while there is no answer.
    fn waits_on(node: &Node<T, Self>) -> WaitsOn {
        node.core.waits_on()
    }

    /// Gives the node the answer of a canceller. Returns whether somebody waits for it.
    fn settle(node: &Node<T, Self>, answer: Res<T>) -> bool {
        node.core.settle(answer)
    }

    /// Drops the user's closure or future, because the answer came from elsewhere.
    fn release(&self, _at: &'static Location<'static>) {}
}

/// The part of a node that a [`Resolver`](crate::Resolver) fires: nothing.
#[derive(Default)]
pub(crate) struct Root;

impl<T: 'static> Part<T> for Root {}

/// A node: what all have, and what its kind adds.
pub(crate) struct Node<T: 'static, P> {
    pub(crate) core: Core<T>,
    pub(crate) part: P,
}

impl<T, P: Part<T> + Default> Node<T, P> {
    /// A waiting node, made for the user's line `at`.
    ///
    /// `Rc::default` builds the node in its allocation; `Rc::new` would build it on the stack and copy it.
    #[inline(always)]
    pub(crate) fn waiting(at: &'static Location<'static>) -> Rc<Self> {
        let node: Rc<Self> = Rc::default();
        node.core.set_at(at);
        if debugging::is_on() {
            inspector::watch(&node);
        }
        node
    }
}

impl<T, P: Default> Default for Node<T, P> {
    fn default() -> Self {
        Self { core: Core::default(), part: P::default() }
    }
}

impl<T: 'static, P: Part<T>> AnyNode for Node<T, P> {
    fn status(&self) -> &Status {
        &self.core.status
    }

    fn at(&self) -> &'static Location<'static> {
        self.core.at()
    }

    fn push(self: Rc<Self>) -> Option<Rc<dyn AnyNode>> {
        match self.core.status.state() {
            State::Fired | State::Queued => self.core.hand_on(),
            _ => P::resume(self),
        }
    }

    fn cancel(self: Rc<Self>, request: &Request) -> Step {
        let verdict = self.core.ask(request).unwrap_or_else(|| P::pass_up(&self, request));
        match verdict {
            Verdict::Stay => Step::Done,
            Verdict::Up(node) => Step::Up(node),
            Verdict::Fan(nodes) => Step::Fan(nodes),
            Verdict::Settle(answer) => {
                P::settle(&self, answer);
                self.part.release(self.core.at());
                Step::Drive(self)
            }
        }
    }

    fn upstream(&self) -> Option<Rc<dyn AnyNode>> {
        self.core.upstream()
    }

    fn is_awaited_by(&self, task: &dyn Resume) -> bool {
        self.core.is_awaited_by(task)
    }

    fn keep(&self, guard: Box<dyn Any>) {
        self.core.keep(guard);
    }

    fn glimpse(&self) -> Option<(Trace, WaitsOn)> {
        let trace = self.core.trace()?;
        self.core.is_end().then(|| (trace, P::waits_on(self)))
    }
}

impl<T: 'static, P: Part<T>> Source<T> for Node<T, P> {
    fn core(&self) -> &Core<T> {
        &self.core
    }
}

/// The way up to a node.
#[inline]
pub(crate) fn weak<T: 'static>(node: &Rc<dyn Source<T>>) -> Weak<dyn AnyNode> {
    let weak: Weak<dyn Source<T>> = Rc::downgrade(node);
    weak
}

/// Puts `below` under `above`: it takes the answer, and a cancel goes the other way.
#[inline]
pub(crate) fn link<T: 'static, U, P>(above: &Rc<dyn Source<T>>, below: &Rc<Node<U, P>>)
where
    Node<U, P>: Sink<T> + 'static,
{
    below.core.init_upstream(weak(above));
    above.core().set_next(Next::Node(Rc::<Node<U, P>>::clone(below)));
}

/// Gives `node` an answer that another node has. Returns it if somebody waits for it.
pub(crate) fn deliver<T: 'static>(node: Rc<dyn Source<T>>, answer: Res<T>) -> Option<Rc<dyn AnyNode>> {
    if !node.core().status.state().is_open() {
        return None; // a canceller answered first: the late answer is dropped
    }
    node.core().settle(answer).then_some(node)
}
