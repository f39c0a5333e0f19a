//! Plays a case on the real thing.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_deferred::{
    Answer, Deferred, Executor, Failure, Outcome, PauseGuard, Resolver, collect_unhandled, deferred, spawn,
};

use crate::script::{ABANDONED, Ans, At, CANCELLED, Canceller, OOPS, Op, Reaction, Reply, SLOTS, Step, end};

#[derive(Default)]
struct Slot {
    resolver: Option<Resolver<i32>>,
    deferred: Option<Deferred<i32>>,
    guards: Vec<PauseGuard>,
}

/// The slots of the case, which callbacks reach from inside.
#[derive(Clone, Default)]
pub(crate) struct PlayedEngine {
    slots: Rc<RefCell<[Slot; SLOTS]>>,
    log: Rc<RefCell<Vec<String>>>,
    /// A clone is in every closure: in the end there is one, or something was not dropped.
    token: Rc<()>,
}

fn ans(answer: Result<i32, Failure>) -> Ans {
    answer.map_err(|failure| match failure.to_string().as_str() {
        OOPS => OOPS,
        CANCELLED => CANCELLED,
        ABANDONED => ABANDONED,
        _ => "an error that no case makes",
    })
}

fn res(answer: Ans) -> Result<i32, Failure> {
    answer.map_err(Failure::msg)
}

impl PlayedEngine {
    /// Plays the case to its end, and checks that nothing is left.
    pub(crate) fn play(self, case: &[Op]) -> Vec<String> {
        let executor = Executor::default();
        executor.enter(|| {
            for op in case.iter().chain(&end()) {
                let ((), reports) = collect_unhandled(|| self.run(op));
                let mut reports: Vec<String> =
                    reports.iter().map(|report| report.failure().to_string()).collect();
                reports.sort();
                self.log.borrow_mut().extend(reports);
            }
        });
        assert_eq!(executor.tasks(), 0, "tasks are left");
        assert_eq!(Rc::strong_count(&self.token), 1, "closures are left");
        self.log.take()
    }

    fn run(&self, op: &Op) {
        match op {
            Op::Make(slot) => self.make(*slot),
            Op::Fire(slot, answer) => {
                if let Some(resolver) = self.take_resolver(*slot) {
                    resolver.resolve(res(*answer));
                }
            }
            Op::DropResolver(slot) => drop(self.take_resolver(*slot)),
            Op::Add(slot, step) => self.replace(*slot, |d| self.add(d, step)),
            Op::Task(slot, step) => self.replace(*slot, |d| self.spawn(d, step)),
            Op::Pause(slot) => self.replace(*slot, |mut d| {
                let guard = d.pause();
                self.slots.borrow_mut()[*slot].guards.push(guard);
                d
            }),
            Op::OnCancel(slot, at, canceller) => self.on_cancel(*slot, *at, canceller),
            Op::Unpause(slot) => {
                let guards = std::mem::take(&mut self.slots.borrow_mut()[*slot].guards);
                guards.into_iter().for_each(PauseGuard::unpause);
            }
            Op::Cancel(slot) => self.handle(*slot).iter().for_each(|handle| handle.cancel()),
            Op::Abort(slot) => self.handle(*slot).iter().for_each(|handle| handle.abort()),
            Op::Drop(slot) => drop(self.take_deferred(*slot)),
            Op::Discard(slot) => self.take_deferred(*slot).into_iter().for_each(Deferred::discard),
            Op::Ignore(slot) => self.take_deferred(*slot).into_iter().for_each(Deferred::ignore_errors),
            Op::ChainTo(from, to) => self.chain(*from, *to),
            Op::Take(slot) => self.replace_or_take(*slot),
        }
    }

    fn note(&self, line: String) {
        self.log.borrow_mut().push(line);
    }

    fn take_resolver(&self, slot: usize) -> Option<Resolver<i32>> {
        self.slots.borrow_mut()[slot].resolver.take()
    }

    fn take_deferred(&self, slot: usize) -> Option<Deferred<i32>> {
        self.slots.borrow_mut()[slot].deferred.take()
    }

    fn handle(&self, slot: usize) -> Option<sestina_deferred::CancelHandle> {
        self.slots.borrow()[slot].deferred.as_ref().map(Deferred::canceller)
    }

    fn make(&self, slot: usize) {
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[slot];
        if slot.resolver.is_none() && slot.deferred.is_none() {
            let (resolver, d) = deferred();
            (slot.resolver, slot.deferred) = (Some(resolver), Some(d));
        }
    }

    fn replace(&self, slot: usize, f: impl FnOnce(Deferred<i32>) -> Deferred<i32>) {
        let Some(d) = self.take_deferred(slot) else { return };
        let d = f(d);
        let old = self.slots.borrow_mut()[slot].deferred.replace(d);
        drop(old);
    }

    fn replace_or_take(&self, slot: usize) {
        let Some(d) = self.take_deferred(slot) else { return };
        match d.try_result() {
            Ok(answer) => self.note(format!("slot {slot} has {:?}", ans(answer))),
            Err(d) => self.slots.borrow_mut()[slot].deferred = Some(d),
        }
    }

    fn chain(&self, from: usize, to: usize) {
        let mut slots = self.slots.borrow_mut();
        if slots[from].deferred.is_some() && slots[to].resolver.is_some() {
            let (d, resolver) = (slots[from].deferred.take(), slots[to].resolver.take());
            drop(slots);
            if let (Some(d), Some(resolver)) = (d, resolver) {
                d.chain_to(resolver);
            }
        }
    }

    fn add(&self, d: Deferred<i32>, step: &Step) -> Deferred<i32> {
        let (me, step) = (self.clone(), step.clone());
        d.add_both(move |answer| me.react(&step, answer))
    }

    fn spawn(&self, d: Deferred<i32>, step: &Step) -> Deferred<i32> {
        let (me, step) = (self.clone(), step.clone());
        spawn(async move {
            let answer = d.await;
            match me.react(&step, answer) {
                Outcome::Now(answer) => answer,
                Outcome::Later(d) => d.await,
            }
        })
    }

    fn react(&self, step: &Step, answer: Result<i32, Failure>) -> Outcome<i32> {
        let seen = ans(answer.clone());
        if !step.trigger.matches(&seen) {
            return Outcome::Now(answer);
        }
        self.note(format!("step {} got {seen:?}", step.id));
        step.ops.iter().for_each(|op| self.run(op));
        match step.reaction {
            Reaction::Value => Outcome::Now(Ok(seen.unwrap_or(0) + 1)),
            Reaction::Fail => Outcome::Now(res(Err(OOPS))),
            Reaction::Return(slot) => self.take_deferred(slot).map_or(Outcome::Now(Ok(0)), Outcome::Later),
        }
    }

    fn on_cancel(&self, slot: usize, at: At, canceller: &Canceller) {
        let (me, canceller) = (self.clone(), canceller.clone());
        let ask = move || {
            me.note(format!("canceller {} is asked", canceller.id));
            canceller.ops.iter().for_each(|op| me.run(op));
            match canceller.reply {
                Reply::Continue => Answer::Continue,
                Reply::With(answer) => Answer::Reply(res(answer)),
                Reply::Later => Answer::Later,
            }
        };
        match at {
            At::Resolver => {
                if let Some(resolver) = &self.slots.borrow()[slot].resolver {
                    resolver.on_cancel(ask);
                }
            }
            At::Deferred => self.replace(slot, |d| d.on_cancel(ask)),
        }
    }
}
