//! One answer for many.
//!
//! Walk: [`Deferred::share`] hangs a callback below the deferred that fires all subscribers; the last of them to
//! cancel cancels it.
//! Invariant: the list of subscribers is taken out before any of them is told.
//! Tests: `tests/suite/sharing.rs`.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::answer::Answer;
use crate::cancel_handle::CancelHandle;
use crate::cancelled::Cancelled;
use crate::deferred::Deferred;
use crate::outcome::Res;
use crate::resolver::Resolver;
use crate::unhandled;

/// One answer for many: each [`subscribe`](Self::subscribe) gives a deferred of its own.
///
/// A subscriber that cancels leaves; when the last one leaves, what they waited for is cancelled. So several
/// requests for the same thing are one request, which lives as long as anybody wants it.
///
/// ```
/// use sestina_deferred::deferred;
///
/// let (resolver, fetch) = deferred::<&str>();
/// let fetch = fetch.share();
/// let (alice, bob) = (fetch.subscribe(), fetch.subscribe());
/// alice.discard(); // she hangs up; bob still waits
/// assert!(!resolver.is_cancelled());
/// resolver.callback("poem");
/// assert_eq!(bob.try_result().unwrap().unwrap(), "poem");
/// ```
///
/// # Errors
/// Each subscriber gets a clone of the failure. It is reported if there never was one.
///
/// # Limits
/// The answer is kept for late subscribers until the last `Shared` is dropped: keep it out of long-lived
/// structures, or use it as a cache on purpose.
#[derive(Clone)]
pub struct Shared<T: Clone + 'static> {
    hub: Rc<Hub<T>>,
}

struct Hub<T: Clone + 'static> {
    subscribers: RefCell<Subscribers<T>>,
    answer: OnceCell<Res<T>>,
    /// Whether anybody ever subscribed: then the failure was somebody's to handle.
    is_known: Cell<bool>,
    upstream: CancelHandle,
    at: &'static Location<'static>,
}

struct Subscribers<T: 'static> {
    /// By ticket, in the order in which they came.
    waiting: BTreeMap<u64, Resolver<T>>,
    tickets: u64,
    /// Those of them that have not cancelled.
    interested: usize,
}

impl<T: Clone> Deferred<T> {
    /// Lets many wait for this answer: see [`Shared`].
    ///
    /// # Cancelling
    /// This deferred is cancelled when the last subscriber cancels. While there is none, it goes on.
    #[track_caller]
    #[must_use]
    pub fn share(self) -> Shared<T> {
        let hub = Rc::new(Hub {
            subscribers: RefCell::new(Subscribers { waiting: BTreeMap::new(), tickets: 0, interested: 0 }),
            answer: OnceCell::new(),
            is_known: Cell::new(false),
            upstream: self.canceller(),
            at: Location::caller(),
        });
        let told = Rc::clone(&hub);
        drop(self.add_both(move |answer| told.tell(answer))); // a panic of a clone is reported
        Shared { hub }
    }
}

impl<T: Clone> Shared<T> {
    /// A deferred that gets the answer too; at once, if it is here.
    ///
    /// # Cancelling
    /// Cancelling it leaves the others alone: it fires [`Cancelled`]. But the last one that cancels takes
    /// everything with it: what they waited for is cancelled, and it gets whatever that answers.
    /// Dropping it only detaches it, as for any deferred.
    #[track_caller]
    pub fn subscribe(&self) -> Deferred<T> {
        self.hub.is_known.set(true);
        if let Some(answer) = self.hub.answer.get() {
            return Deferred::ready(answer.clone());
        }
        let (resolver, deferred) = Deferred::new();
        let mut subscribers = self.hub.subscribers.borrow_mut();
        let ticket = subscribers.tickets;
        subscribers.tickets += 1;
        subscribers.interested += 1;
        let hub = Rc::downgrade(&self.hub);
        resolver.on_cancel_with(move |cancelled| leave(&hub, ticket, cancelled));
        subscribers.waiting.insert(ticket, resolver);
        deferred
    }

    /// Whether the answer is here.
    #[must_use]
    pub fn is_fired(&self) -> bool {
        self.hub.answer.get().is_some()
    }

    /// Number of subscribers that wait and have not cancelled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.hub.subscribers.borrow().interested
    }
}

impl<T: Clone> Hub<T> {
    fn tell(&self, answer: Res<T>) {
        let answer = self.answer.get_or_init(|| answer);
        let waiting = {
            let mut subscribers = self.subscribers.borrow_mut();
            subscribers.interested = 0;
            std::mem::take(&mut subscribers.waiting)
        };
        for resolver in waiting.into_values() {
            resolver.resolve(answer.clone());
        }
    }
}

/// A subscriber cancels.
fn leave<T: Clone>(hub: &Weak<Hub<T>>, ticket: u64, cancelled: &Cancelled) -> Answer<T> {
    let Some(hub) = hub.upgrade() else { return Answer::Continue };
    let resolver = {
        let mut subscribers = hub.subscribers.borrow_mut();
        subscribers.interested = subscribers.interested.saturating_sub(1);
        if subscribers.interested > 0 { subscribers.waiting.remove(&ticket) } else { None }
    };
    if let Some(resolver) = resolver {
        resolver.disarm(); // `Continue` answers
        return Answer::Continue;
    }
    hub.upstream.forward(cancelled);
    Answer::Later
}

impl<T: Clone> Drop for Hub<T> {
    fn drop(&mut self) {
        if let Some(Err(failure)) = self.answer.take()
            && !self.is_known.get()
        {
            unhandled::report(failure, self.at);
        }
    }
}

impl<T: Clone> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_fired() { "fired" } else { "waiting" };
        write!(f, "Shared({word}, {} subscribers, made at {})", self.waiting(), self.hub.at)
    }
}
