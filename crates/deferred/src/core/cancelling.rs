//! How a node is cancelled: whom it asks, and where the request goes from there.
//!
//! Walk: `request.rs` climbs from node to node by `AnyNode::cancel`, which comes here.
//! Invariant: user code runs with nothing taken out of its cell, and the node may be answered meanwhile.
//! Tests: `tests/suite/cancelling.rs`, `tests/suite/cancellers.rs`.

use std::any::Any;
use std::rc::{Rc, Weak};

use super::Core;
use crate::answer::Answer;
use crate::cells::with;
use crate::extras::{Canceller, Extras};
use crate::node::AnyNode;
use crate::panicked::{drop_quietly, guarded};
use crate::request::{Mode, Request, Verdict};
use crate::status::{Hearing, State};

impl<T: 'static> Core<T> {
    /// Asks the cancellers of this node, the newest first. `None` if none of them answered.
    pub(crate) fn ask(&self, request: &Request) -> Option<Verdict<T>> {
        if !self.status.state().is_open() {
            return Some(Verdict::Stay);
        }
        let insists = match request.mode {
            Mode::Ask => false,
            Mode::Abort => true,
            Mode::Break => return Some(Verdict::Settle(Err(request.failure()))),
        };
        if self.is_deaf() {
            return Some(if insists { Verdict::Settle(Err(request.failure())) } else { Verdict::Stay });
        }
        while let Some(canceller) = self.pop_canceller() {
            if self.status.hearing() == Hearing::Open {
                self.status.set_hearing(Hearing::Asking);
            }
            let answer = guarded(self.at(), || canceller(&request.cancelled));
            if !self.status.state().is_open() {
                return Some(Verdict::Stay); // it fired the deferred itself, and that wins
            }
            match answer {
                // Whoever is asked next must know that nobody else will answer.
                Ok(Answer::Continue) if self.status.hearing() == Hearing::AskingOrphan => {}
                Ok(Answer::Continue) => self.status.set_hearing(Hearing::Open),
                Ok(Answer::Reply(answer)) => return Some(Verdict::Settle(answer)),
                Ok(Answer::Later) if insists => return Some(Verdict::Settle(Err(request.failure()))),
                Ok(Answer::Later) if self.status.hearing() == Hearing::AskingOrphan => {
                    return Some(Verdict::Settle(Err(self.abandoned())));
                }
                Ok(Answer::Later) => {
                    self.status.set_hearing(Hearing::Later);
                    return Some(Verdict::Stay);
                }
                Err(panicked) => return Some(Verdict::Settle(Err(panicked))),
            }
        }
        None
    }

    /// Where a request goes that nobody here has answered: to the node above, or to the end.
    pub(crate) fn pass_up(&self, request: &Request) -> Verdict<T> {
        if self.status.state() == State::Running {
            return self.remember(request);
        }
        match self.upstream() {
            // The answer is on its way, the callback will run: what it returns is cancelled.
            Some(node) if node.status().state() == State::Queued => self.remember(request),
            Some(node) => Verdict::Up(node),
            None => Verdict::Settle(Err(request.failure())),
        }
    }

    fn remember(&self, request: &Request) -> Verdict<T> {
        let request = request.clone();
        let old = with(&self.extras, |extras| extras.get_or_insert_default().remembered.replace(request));
        drop(old); // with its reason, which is the user's
        Verdict::Stay
    }

    /// The request that arrived while the callback ran.
    pub(crate) fn take_remembered(&self) -> Option<Request> {
        with(&self.extras, |extras| extras.as_mut().and_then(|extras| extras.remembered.take()))
    }

    /// Whether a request has arrived that is not yet answered.
    pub(crate) fn is_deaf(&self) -> bool {
        self.status.hearing() != Hearing::Open
    }

    /// The producer goes away unfired. Whether its own canceller did that, and so answers for it.
    pub(crate) fn is_orphaned_by_canceller(&self) -> bool {
        let asking = matches!(self.status.hearing(), Hearing::Asking | Hearing::AskingOrphan);
        if asking {
            self.status.set_hearing(Hearing::AskingOrphan);
        }
        asking
    }

    /// Adds a canceller, to be asked before the ones that are there. Dropped if it comes too late.
    pub(crate) fn add_canceller(&self, canceller: Canceller<T>) {
        if self.status.state().is_open() {
            self.with_extras(|extras| extras.add_canceller(canceller));
        } else {
            drop_quietly(self.at(), canceller);
        }
    }

    fn pop_canceller(&self) -> Option<Canceller<T>> {
        with(&self.extras, |extras| extras.as_mut().and_then(|extras| extras.pop_canceller()))
    }

    pub(crate) fn keep(&self, guard: Box<dyn Any>) {
        if self.status.state().is_open() {
            self.with_extras(|extras| extras.kept.push(guard));
        } else {
            drop_quietly(self.at(), guard);
        }
    }

    pub(super) fn with_extras(&self, change: impl FnOnce(&mut Extras<T>)) {
        with(&self.extras, |extras| change(extras.get_or_insert_default()));
    }

    /// Notes which node will answer this one, which is new.
    #[inline]
    pub(crate) fn init_upstream(&self, node: Weak<dyn AnyNode>) {
        std::mem::forget(self.above.replace(Some(node))); // there was none: this spares the check
    }

    /// Notes which node will answer this one.
    pub(crate) fn set_upstream(&self, node: Weak<dyn AnyNode>) {
        self.above.set(Some(node));
    }

    pub(crate) fn upstream(&self) -> Option<Rc<dyn AnyNode>> {
        with(&self.above, |above| above.as_ref().and_then(Weak::upgrade))
    }

    /// Whether nothing but the link to the node above is kept here: a request passes by as if there were no node.
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_deaf() && with(&self.extras, |extras| extras.as_ref().is_none_or(|extras| extras.is_plain()))
    }
}
