//! Carries out the machine's orders: calls services, tells the machine their answers, tells everybody else.
//!
//! Invariant: one loop at a time. What a service answers while it is called is told to the machine at once, and its orders
//! are carried out by the loop that is running.

use std::rc::{Rc, Weak};

use sestina_deferred::{CancelHandle, Deferred, Failure, fail, maybe_deferred};
use sestina_reactor::Time;

use crate::child::Maker;
use crate::context::ServiceContext;
use crate::errors::{Cause, ServiceError, StopReport};
use crate::limits::START_TIMEOUT;
use crate::machine::{Answer, Id, Machine, Order, Want};
use crate::monitor::End;
use crate::service::Service;
use crate::state::{State, Step};
use crate::tree::place::{self, Live};
use crate::tree::{Inner, not_started, stopping};

impl Inner {
    /// Tells the machine something, and carries out what follows.
    pub(crate) fn tell(&self, f: impl FnOnce(&mut Machine, Time)) {
        let now = self.reactor.now();
        f(&mut self.machine.borrow_mut(), now);
        self.run();
    }

    /// A service has ended by itself.
    pub(crate) fn ended(&self, id: Id, instance: u64, result: Result<(), Failure>) {
        self.tell(|machine, now| machine.ended(id, instance, result, now));
    }

    fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        loop {
            let order = self.machine.borrow_mut().next_order();
            match order {
                Some(order) => self.carry_out(order),
                None if self.is_due() => {
                    let now = self.reactor.now();
                    self.machine.borrow_mut().tick(now);
                }
                None => break,
            }
        }
        self.running.set(false);
        self.set_timer();
    }

    fn is_due(&self) -> bool {
        let now = self.reactor.now();
        self.machine.borrow().next_deadline().is_some_and(|deadline| deadline <= now)
    }

    fn set_timer(&self) {
        let next = self.machine.borrow().next_deadline();
        let before = self.timer.borrow().as_ref().map(|(at, call)| (*at, call.clone()));
        if before.as_ref().is_some_and(|(at, call)| Some(*at) == next && call.is_active()) {
            return;
        }
        if let Some((_, call)) = before {
            call.cancel();
        }
        let Some(deadline) = next else { return };
        let this = Weak::clone(&self.this.borrow());
        let timer = self.reactor.call_later(deadline - self.reactor.now(), move || {
            if let Some(this) = this.upgrade() {
                this.tell(Machine::tick);
            }
        });
        *self.timer.borrow_mut() = Some((deadline, timer));
    }

    fn carry_out(&self, order: Order) {
        match order {
            Order::Run { id, instance, step } => self.begin_step(id, instance, step),
            Order::Cancel { id, instance, step, timed_out } => {
                self.cancel_step(id, instance, step, timed_out)
            }
            Order::Abort { id, instance, step } => self.abort_step(id, instance, step),
            Order::Ended { id, instance, why } => self.end_instance(id, instance, why.as_ref()),
            Order::GroupEnded { id, why } => {
                let monitors = self.with_place(id, |place| {
                    place.end = Some(End::of_service(why.as_ref()));
                    std::mem::take(&mut place.monitors)
                });
                place::tell(monitors.unwrap_or_default(), why.as_ref());
            }
            Order::Failed { error, restart, id } => self.log_failure(id, &error, restart),
            Order::Trouble { error } => tracing::warn!(target: LOG, "{error}"),
            Order::Changed { id, path, state } => self.tell_state(id, &path, state),
            Order::Removed { id, troubles } => self.forget(id, troubles),
            Order::Settled { id, result } => {
                let settled = self.with_place(id, |place| std::mem::take(&mut place.settled));
                for resolver in settled.unwrap_or_default() {
                    resolver.resolve(result.clone().map_err(Failure::new));
                }
            }
            Order::Answer(answer) => self.answer(answer),
        }
    }

    fn begin_step(&self, id: Id, instance: u64, step: Step) {
        if step == Step::PrivilegedStart
            && let Err(failure) = self.make_instance(id, instance)
        {
            return self.tell(|machine, now| machine.answered((id, instance), step, Err(failure), now));
        }
        let found = self
            .with_place(id, |place| {
                place.live(instance).map(|live| (Rc::clone(&live.service), live.context.clone()))
            })
            .flatten();
        let Some((service, context)) = found else { return };
        let answer = call(step, service, &context);
        let canceller = answer.canceller();
        self.with_place(id, |place| {
            if let Some(live) = place.live(instance) {
                live.step = Some((step, canceller));
            }
        });
        let this = Weak::clone(&self.this.borrow());
        drop(answer.add_both(move |result| {
            if let Some(this) = this.upgrade() {
                this.step_answered(id, instance, step, result);
            }
        }));
    }

    /// Makes an instance by the child's constructor.
    fn make_instance(&self, id: Id, instance: u64) -> Result<(), Failure> {
        let maker = self.with_place(id, |place| std::mem::replace(&mut place.maker, Maker::UsedUp));
        let mut maker = maker.unwrap_or(Maker::UsedUp);
        // A constructor is user code, and may panic.
        let made = maybe_deferred(|| match &mut maker {
            Maker::Constructor(make) => Ok(make()),
            Maker::Once(service) => Ok(Rc::clone(service)),
            Maker::UsedUp => Err(Failure::msg("it has no constructor")),
        });
        if matches!(maker, Maker::Constructor(_)) {
            self.with_place(id, |place| place.maker = maker);
        }
        let service =
            made.try_result().unwrap_or_else(|_| Err(Failure::msg("a constructor answers at once")))?;
        let Some(this) = self.this.borrow().upgrade() else { return Err(stopping()) };
        let path = self.machine.borrow().path(id);
        let context = ServiceContext::new(&self.reactor, &this, id, instance, path);
        let live = Live { instance, service, context, step: None };
        let before = self.with_place(id, |place| place.live.replace(live));
        let_go(before);
        Ok(())
    }

    fn step_answered(&self, id: Id, instance: u64, step: Step, result: Result<(), Failure>) {
        let started = step == Step::Start && result.is_ok();
        self.with_place(id, |place| {
            if let Some(live) = place.live(instance) {
                live.step = None;
            }
        });
        self.tell(|machine, now| machine.answered((id, instance), step, result, now));
        if started {
            self.ask_for_failure(id, instance);
        }
    }

    /// The service says itself when it ends.
    fn ask_for_failure(&self, id: Id, instance: u64) {
        let service =
            self.with_place(id, |place| place.live(instance).map(|live| Rc::clone(&live.service))).flatten();
        let Some(service) = service else { return };
        let asked = maybe_deferred(|| Ok(service.failed()));
        let asked = match asked.try_result() {
            Ok(Ok(asked)) => asked,
            Ok(Err(panic)) => Some(fail(panic)),
            Err(_) => None,
        };
        let Some(failed) = asked else { return };
        let this = Weak::clone(&self.this.borrow());
        drop(failed.add_both(move |result| {
            if let Some(this) = this.upgrade() {
                this.ended(id, instance, result);
            }
        }));
    }

    fn step_canceller(&self, id: Id, instance: u64, step: Step) -> Option<CancelHandle> {
        let live = self.with_place(id, |place| place.live(instance)?.step.clone()).flatten();
        live.filter(|(going_on, _)| *going_on == step).map(|(_, canceller)| canceller)
    }

    fn cancel_step(&self, id: Id, instance: u64, step: Step, timed_out: bool) {
        let Some(canceller) = self.step_canceller(id, instance, step) else { return };
        if timed_out {
            let (path, limit) = {
                let machine = self.machine.borrow();
                (machine.path(id), machine.limits(id).start().unwrap_or(START_TIMEOUT))
            };
            canceller.cancel_because(ServiceError::new(path, step, Cause::TimedOut(limit)));
        } else {
            canceller.cancel_because(stopping());
        }
    }

    /// Asks, and does not wait for an answer.
    fn abort_step(&self, id: Id, instance: u64, step: Step) {
        let Some(canceller) = self.step_canceller(id, instance, step) else { return };
        canceller.cancel_because(stopping());
        canceller.abort();
    }

    fn end_instance(&self, id: Id, instance: u64, why: Option<&ServiceError>) {
        let taken = self.with_place(id, |place| {
            let live = place.live.take_if(|live| live.instance == instance);
            place.end = Some(End::of_service(why));
            (live, std::mem::take(&mut place.monitors))
        });
        let Some((live, monitors)) = taken else { return };
        if let Some(live) = live {
            live.context.close();
            let_go(live);
        }
        place::tell(monitors, why);
    }

    fn forget(&self, id: Id, troubles: Vec<ServiceError>) {
        // Its places go with it: those that the machine does not know any more.
        let all: Vec<Id> = self.places.borrow().keys().copied().collect();
        let gone: Vec<Id> = {
            let machine = self.machine.borrow();
            all.into_iter().filter(|id| !machine.is_known(*id)).collect()
        };
        let mut removed = Vec::new();
        for id in gone {
            let place = self.places.borrow_mut().remove(&id);
            let Some(place) = place else { continue };
            removed.extend(place.removed);
            place::tell(place.monitors, None);
            let_go((place.maker, place.live, place.settled));
        }
        tracing::debug!(target: LOG, ?id, "removed");
        for resolver in removed {
            resolver.callback(StopReport { unstopped: troubles.clone() });
        }
    }

    fn tell_state(&self, id: Id, path: &str, state: State) {
        let name =
            if path.is_empty() { self.machine.borrow().name_of(id).to_owned() } else { path.to_owned() };
        match state {
            // What matters to people is said by whoever starts and stops the tree, and by the services.
            State::Failed => tracing::info!(target: LOG, "{name}: {state}"),
            _ => tracing::debug!(target: LOG, "{name}: {state}"),
        }
        let watchers: Vec<_> = self.watchers.borrow().values().cloned().collect();
        for watcher in watchers {
            // One that is called already is further up on the stack, and asked for this itself.
            if let Ok(mut watcher) = watcher.try_borrow_mut() {
                let told = maybe_deferred(|| {
                    (*watcher)(path, state);
                    Ok(())
                });
                drop(told);
            }
        }
    }

    fn log_failure(&self, id: Id, error: &ServiceError, restart: bool) {
        let again = self.machine.borrow().pause_of(id);
        match again.filter(|_| restart) {
            Some(pause) => tracing::warn!(target: LOG, "{error}; starting again in {pause:.1?}"),
            None => tracing::error!(target: LOG, "{error}"),
        }
    }

    fn answer(&self, answer: Answer) {
        match answer {
            Answer::Bound => {
                let waiting = std::mem::take(&mut self.waiting.borrow_mut().bound);
                waiting.into_iter().for_each(|resolver| resolver.callback(()));
            }
            Answer::Up => {
                let waiting = self.take_starting();
                waiting.into_iter().for_each(|resolver| resolver.callback(()));
            }
            Answer::NotStarted(error, unstopped) => {
                self.detach();
                let failure = not_started(error, unstopped);
                let told = self.take_starting();
                self.turn_of_the_next();
                for resolver in told {
                    resolver.errback(failure.clone());
                }
            }
            Answer::Failed(error, unstopped) => {
                self.detach();
                let failure = not_started(error, unstopped);
                let waiting = std::mem::take(&mut self.waiting.borrow_mut().failed);
                let starting = self.take_starting();
                self.turn_of_the_next();
                for resolver in waiting.into_iter().chain(starting) {
                    resolver.errback(failure.clone());
                }
            }
            Answer::Stopped(unstopped) => {
                self.detach();
                self.turn_of_the_next();
                let waiting = std::mem::take(&mut self.waiting.borrow_mut().stopped);
                for resolver in waiting {
                    resolver.callback(StopReport { unstopped: unstopped.clone() });
                }
            }
        }
    }

    fn take_starting(&self) -> Vec<sestina_deferred::Resolver<()>> {
        let mut waiting = self.waiting.borrow_mut();
        let mut all = std::mem::take(&mut waiting.bound);
        all.append(&mut waiting.up);
        all
    }

    /// Those who asked for a start while the tree was on its way down wait for the one that begins now.
    fn turn_of_the_next(&self) {
        let next = std::mem::take(&mut self.waiting.borrow_mut().next);
        if !next.is_empty() {
            self.attach_to_stop();
        }
        let mut waiting = self.waiting.borrow_mut();
        for (want, resolver) in next {
            if want == Want::Bound { waiting.bound.push(resolver) } else { waiting.up.push(resolver) }
        }
    }

    /// The reactor need not stop the tree any more.
    fn detach(&self) {
        let trigger = self.trigger.borrow_mut().take();
        if let Some(trigger) = trigger {
            trigger.remove();
        }
    }

    pub(crate) async fn reload(&self, id: Id, service: Rc<dyn Service>) -> Result<(), ServiceError> {
        let (path, limit) = {
            let machine = self.machine.borrow();
            (machine.path(id), machine.limits(id).start().unwrap_or(START_TIMEOUT))
        };
        let answer = maybe_deferred(|| service.reload()).add_timeout(limit, &self.reactor);
        answer.await.map_err(|failure| {
            let error = ServiceError::new(path, Step::Run, Cause::Failed(failure));
            tracing::error!(target: LOG, "reload: {error}");
            error
        })
    }
}

/// Calls a service. A panic is the failure of the step.
fn call(step: Step, service: Rc<dyn Service>, context: &ServiceContext) -> Deferred<()> {
    let lent = context.clone();
    context.span().in_scope(|| match step {
        Step::PrivilegedStart => maybe_deferred(|| service.privileged_start(lent)),
        Step::Start => maybe_deferred(|| service.start(lent)),
        Step::Drain => maybe_deferred(|| service.drain()),
        Step::Stop | Step::Run => maybe_deferred(|| service.stop()).add_both(move |own| {
            // Whatever its own stop said, what it started ends too.
            lent.end_tasks().add_both(move |tasks| own.and(tasks))
        }),
    })
}

/// Drops what belongs to the user. A panic in it is reported, and harms nobody.
fn let_go<X>(garbage: X) {
    drop(maybe_deferred(|| {
        drop(garbage);
        Ok(())
    }));
}

/// The name of the tree's own lines in the log.
pub(crate) const LOG: &str = "sestina_service";
