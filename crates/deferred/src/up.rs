//! Who is asked when a node is cancelled.
//!
//! Walk: kept by [`Core`](crate::core::Core), which asks the cancellers and then climbs to the node above.
//! Invariant: links upwards are weak.
//! Invariant: a node that is answered holds none of this.
//! Tests: `tests/cancellers.rs`.

use std::any::Any;
use std::rc::Weak;

use crate::answer::Answer;
use crate::cancelled::Cancelled;
use crate::node::AnyNode;
use crate::request::Request;

/// What the user gave to `on_cancel`.
pub(crate) type Canceller<T> = Box<dyn FnOnce(&Cancelled) -> Answer<T>>;

/// The way up from a node. The first two are all that most nodes ever need, and cost nothing.
#[derive(Default)]
pub(crate) enum Up<T> {
    #[default]
    Nothing,
    Node(Weak<dyn AnyNode>),
    Canceller(Canceller<T>),
    Many(Box<Many<T>>),
}

/// The general case.
pub(crate) struct Many<T> {
    node: Option<Weak<dyn AnyNode>>,
    cancellers: Vec<Canceller<T>>,
    /// A request that came while the callback ran, for the deferred that the callback returns.
    remembered: Option<Request>,
    kept: Vec<Box<dyn Any>>,
}

impl<T> Up<T> {
    pub(crate) fn node(&self) -> Option<&Weak<dyn AnyNode>> {
        match self {
            Self::Node(node) => Some(node),
            Self::Many(many) => many.node.as_ref(),
            Self::Nothing | Self::Canceller(_) => None,
        }
    }

    pub(crate) fn set_node(&mut self, node: Weak<dyn AnyNode>) {
        match self {
            Self::Nothing | Self::Node(_) => *self = Self::Node(node),
            Self::Canceller(_) | Self::Many(_) => self.many().node = Some(node),
        }
    }

    pub(crate) fn add_canceller(&mut self, canceller: Canceller<T>) {
        match self {
            Self::Nothing => *self = Self::Canceller(canceller),
            _ => self.many().cancellers.push(canceller),
        }
    }

    /// The newest canceller.
    pub(crate) fn pop_canceller(&mut self) -> Option<Canceller<T>> {
        match self {
            Self::Nothing | Self::Node(_) => None,
            Self::Canceller(_) => match std::mem::take(self) {
                Self::Canceller(canceller) => Some(canceller),
                _ => None,
            },
            Self::Many(many) => many.cancellers.pop(),
        }
    }

    pub(crate) fn remember(&mut self, request: Request) {
        self.many().remembered = Some(request);
    }

    pub(crate) fn take_remembered(&mut self) -> Option<Request> {
        match self {
            Self::Many(many) => many.remembered.take(),
            _ => None,
        }
    }

    pub(crate) fn keep(&mut self, guard: Box<dyn Any>) {
        self.many().kept.push(guard);
    }

    fn many(&mut self) -> &mut Many<T> {
        if !matches!(self, Self::Many(_)) {
            let mut many =
                Box::new(Many { node: None, cancellers: Vec::new(), remembered: None, kept: Vec::new() });
            match std::mem::take(self) {
                Self::Node(node) => many.node = Some(node),
                Self::Canceller(canceller) => many.cancellers.push(canceller),
                Self::Nothing | Self::Many(_) => {}
            }
            *self = Self::Many(many);
        }
        match self {
            Self::Many(many) => many,
            _ => unreachable!("`self` was made `Many` above"),
        }
    }
}
