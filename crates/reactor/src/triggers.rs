//! What happens when a reactor stops: three phases, in order, the first of which is waited for.
//!
//! Twisted's system event triggers for `shutdown`, without the freely chosen event names.
//! Invariant: a trigger runs once at most. Tests: `time.rs` of the contract, `tests/suite/stopping.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use sestina_deferred::{Deferred, IntoOutcome, succeed};

use crate::inner::{Reactor, WeakReactor};

/// When a trigger runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// While everything still works; the loop goes on until all these have answered.
    Before,
    /// When all of `Before` have answered, just before connections, ports and timers are ended.
    During,
    /// When nothing is left.
    After,
}

pub(crate) type Work = Box<dyn FnOnce() -> Deferred<()>>;

#[derive(Default)]
pub(crate) struct Triggers {
    waiting: RefCell<BTreeMap<(Phase, u64), Work>>,
    next: Cell<u64>,
}

impl Triggers {
    pub(crate) fn add(&self, phase: Phase, work: Work) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.waiting.borrow_mut().insert((phase, number), work);
        number
    }

    /// The caller drops or runs it with nothing borrowed.
    pub(crate) fn remove(&self, phase: Phase, number: u64) -> Option<Work> {
        self.waiting.borrow_mut().remove(&(phase, number))
    }

    /// Takes all out; the caller drops them with nothing borrowed.
    pub(crate) fn take(&self) -> BTreeMap<(Phase, u64), Work> {
        self.waiting.take()
    }

    /// Takes out the next trigger of this phase.
    pub(crate) fn pop(&self, phase: Phase) -> Option<Work> {
        let mut waiting = self.waiting.borrow_mut();
        let key = *waiting.range((phase, 0)..=(phase, u64::MAX)).next()?.0;
        waiting.remove(&key)
    }
}

/// A trigger that [`Reactor::add_trigger`] has added. Dropping it changes nothing: the trigger runs.
#[derive(Clone)]
pub struct Trigger {
    reactor: WeakReactor,
    phase: Phase,
    number: u64,
}

impl Trigger {
    /// The trigger does not run. Says whether it still would have.
    #[expect(clippy::must_use_candidate, reason = "the effect is what it is called for")]
    pub fn remove(&self) -> bool {
        let Some(reactor) = self.reactor.upgrade() else { return false };
        let work = reactor.inner().triggers.remove(self.phase, self.number);
        work.is_some() // and dropped here, with nothing borrowed
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Trigger({:?}, {})", self.phase, self.number)
    }
}

impl Reactor {
    /// Has `f` called when the reactor stops, in this phase, in the order in which triggers were added.
    ///
    /// In [`Phase::Before`] a deferred that `f` gives is waited for while the loop goes on: this is where a service
    /// closes its ports and waits for its clients. Bound it with a time limit of your own. In the other phases
    /// a deferred is not waited for.
    ///
    /// # Panics
    /// A panic or a failure of `f` is logged, and the stop goes on.
    ///
    /// ```
    /// # use sestina_reactor::{Phase, Reactor};
    /// # fn example(reactor: &Reactor, port: sestina_reactor::Port) {
    /// reactor.add_trigger(Phase::Before, move || port.stop_listening());
    /// # }
    /// ```
    pub fn add_trigger<R: IntoOutcome<Out = ()>>(
        &self,
        phase: Phase,
        f: impl FnOnce() -> R + 'static,
    ) -> Trigger {
        let work: Work = Box::new(move || succeed(()).add_callback(move |()| f()));
        let number = self.inner().triggers.add(phase, work);
        Trigger { reactor: self.downgrade(), phase, number }
    }

    /// Runs the triggers of a phase; the deferreds are theirs, for whoever waits.
    pub(crate) fn run_triggers(&self, phase: Phase) -> Vec<Deferred<()>> {
        let mut answers = Vec::new();
        while let Some(work) = self.inner().triggers.pop(phase) {
            let answer = self.guard("a shutdown trigger", work);
            answers.extend(answer.map(|answer| {
                answer.add_errback(move |failure| {
                    let (at, error) = (failure.location(), Box::<dyn Error>::from(failure));
                    tracing::error!(error = &*error, %at, ?phase, "a shutdown trigger failed");
                    Ok(())
                })
            }));
            self.settle();
        }
        answers
    }
}
