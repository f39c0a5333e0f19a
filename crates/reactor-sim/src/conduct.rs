//! The conductor: gives every host its turn, and moves the clock when nobody has anything to do.
//!
//! A step is one turn of one host, drawn among those that have something to do, or one move of the clock to the next
//! thing that happens anywhere. Ends of hosts that are asked for inside a turn are carried out when it is over.
//! Invariant: a host's turn never waits, so no host's code runs inside another's.
//! Tests: `tests/suite/hosts.rs`, `tests/suite/crashes.rs`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::{Reactor, Stopped, Time};

use crate::advance::{advance_to, happen_now, spins_take};
use crate::machine::{HostId, Machine};
use crate::simulation::Simulation;
use crate::world::Conductor;

/// The end of a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Stop(HostId),
    Crash(HostId),
}

/// How far a step may move the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    /// To whatever comes next.
    Anything,
    /// To then, and somebody waits for an answer: if nothing comes at all it never will.
    Patience(Time),
    /// To then, whether anything comes or not.
    Time(Time),
}

impl Until {
    /// Whether its limit has gone by, and longer ago than it takes to end what began then.
    fn is_over(self, now: Time) -> bool {
        match self {
            Self::Anything => false,
            Self::Patience(limit) | Self::Time(limit) => limit + spins_take(TURNS_AFTER) < now,
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stepped {
    Worked,
    /// Nothing happens up to the limit, and the clock stands there; or a host that never rests lets it go by.
    Limit,
}

impl Simulation {
    /// Runs all hosts until `deferred` has fired, and gives its result. The simulation goes on afterwards.
    ///
    /// # Errors
    /// The deferred's failure; an [`io::Error`] of kind `Deadlock` that says who waits for what, if nothing will ever
    /// happen again; one of kind `TimedOut` after the [patience](Simulation::with_patience); others if a reactor can no
    /// longer wait.
    ///
    /// # Cancelling
    /// In all but the first of these cases `deferred` is cancelled because of [`Stopped`].
    ///
    /// # Panics
    /// If called from inside a host's turn.
    pub fn run_until<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        let answer = Rc::new(RefCell::new(None));
        let (slot, canceller) = (Rc::clone(&answer), deferred.canceller());
        drop(deferred.add_both(move |result| *slot.borrow_mut() = Some(result)));
        let limit = self.now() + self.0.patience.get();
        let error = loop {
            if let Some(result) = answer.borrow_mut().take() {
                return result;
            }
            match self.step_within(Until::Patience(limit)) {
                Ok(Stepped::Worked) => {}
                Ok(Stepped::Limit) => {
                    let text = format!("no answer within {:?} of virtual time", self.0.patience.get());
                    break io::Error::new(io::ErrorKind::TimedOut, text);
                }
                Err(error) => break error,
            }
        };
        canceller.cancel_because(Stopped);
        Err(error.into())
    }

    /// Runs all hosts for this long. That nothing happens any more is no error here: time passes all the same.
    ///
    /// # Errors
    /// If a reactor can no longer wait.
    ///
    /// # Panics
    /// If called from inside a host's turn.
    pub fn run_for(&self, time: Duration) -> io::Result<()> {
        let limit = self.now() + time;
        while self.step_within(Until::Time(limit))? == Stepped::Worked {}
        Ok(())
    }

    /// One step, as [`step`](Self::step) makes it, unless nothing happens up to `limit`: then the clock stands there, and
    /// the answer is false; also once the clock is a moment past `limit` because a host is busy with itself.
    ///
    /// # Errors
    /// Of kind `Deadlock` if nothing will ever happen again; others if a reactor can no longer wait.
    ///
    /// # Panics
    /// If called from inside a host's turn.
    pub fn step_before(&self, limit: Time) -> io::Result<bool> {
        Ok(self.step_within(Until::Patience(limit))? == Stepped::Worked)
    }

    /// One step: a turn of one host, or a move of the clock.
    ///
    /// # Errors
    /// Of kind `Deadlock` if nothing will ever happen again; others if a reactor can no longer wait.
    ///
    /// # Panics
    /// If called from inside a host's turn.
    pub fn step(&self) -> io::Result<()> {
        self.step_within(Until::Anything).map(drop)
    }

    /// Calls `f` after this time, outside of every host's turn: the place to crash hosts and to cut lines.
    pub fn call_after(&self, after: Duration, f: impl FnOnce(&Self) + 'static) {
        let number = self.0.next_call.get();
        self.0.next_call.set(number + 1);
        self.0.calls.borrow_mut().insert((self.now() + after, number), Box::new(f));
        self.0.world.borrow_mut().calls_waiting += 1;
    }

    /// Stops all hosts, in the order in which they were made: the end of a test. Afterwards nothing is left of them.
    ///
    /// # Errors
    /// If a host cannot end what is left at once.
    ///
    /// # Panics
    /// If called from inside a host's turn.
    pub fn stop(&self) -> io::Result<()> {
        self.check_outside();
        self.0.world.borrow_mut().calls_waiting = 0;
        let calls = std::mem::take(&mut *self.0.calls.borrow_mut());
        drop(calls);
        let hosts = self.hosts();
        let results: Vec<io::Result<()>> =
            hosts.iter().map(|host| self.end(Order::Stop(host.id()))).collect();
        results.into_iter().collect()
    }

    fn check_outside(&self) {
        assert!(!self.0.turning.get(), "a simulation is not run from inside the turn of a host");
    }

    fn step_within(&self, until: Until) -> io::Result<Stepped> {
        self.check_outside();
        self.obey()?;
        if self.make_due_call() {
            return Ok(Stepped::Worked);
        }
        happen_now(&self.0.world);
        let busy = self.busy_hosts();
        if !busy.is_empty() {
            // A host that is busy with itself has time pass too (advance.rs), and may do so for ever.
            if until.is_over(self.now()) {
                return Ok(Stepped::Limit);
            }
            let chosen = self.0.world.borrow_mut().dice.turn(busy.len());
            let (host, reactor) = &busy[chosen];
            if reactor.is_stopping() {
                self.end(Order::Stop(*host))?;
            } else {
                self.give_turn(reactor)?;
            }
            return Ok(Stepped::Worked);
        }
        let next = self.next_time();
        let (at, stepped) = match (next, until) {
            (None, Until::Time(limit)) => (limit, Stepped::Limit),
            (None, _) => return Err(self.deadlock()),
            (Some(next), Until::Time(limit) | Until::Patience(limit)) if limit < next => {
                (limit, Stepped::Limit)
            }
            (Some(next), _) => (next, Stepped::Worked),
        };
        self.0.world.borrow_mut().machines.iter_mut().for_each(Machine::sleeps);
        advance_to(&self.0.world, at);
        Ok(stepped)
    }

    fn busy_hosts(&self) -> Vec<(HostId, Reactor)> {
        let world = self.0.world.borrow();
        let running: Vec<_> = (0..)
            .map(HostId)
            .zip(self.0.reactors.borrow().iter())
            .filter(|(host, _)| world.machine(*host).is_up)
            .filter_map(|(host, reactor)| Some((host, reactor.clone()?, world.machine(host).has_news())))
            .collect();
        drop(world);
        let busy = running.into_iter().filter(|(_, reactor, has_news)| {
            *has_news || reactor.is_stopping() || reactor.next_timeout() == Some(Duration::ZERO)
        });
        busy.map(|(host, reactor, _)| (host, reactor)).collect()
    }

    /// When something happens next, anywhere.
    fn next_time(&self) -> Option<Time> {
        let now = self.now();
        let world = self.0.world.borrow_mut().next_time();
        let call = self.0.calls.borrow().first_key_value().map(|((at, _), _)| *at);
        let reactors = self.0.reactors.borrow().clone();
        let timers = self.hosts().into_iter().zip(reactors).filter_map(|(host, reactor)| {
            let timeout = reactor.filter(|_| host.is_up())?.next_timeout()?;
            Some(now + timeout)
        });
        timers.chain(world).chain(call).min()
    }

    fn give_turn(&self, reactor: &Reactor) -> io::Result<()> {
        let turned = self.conducted(|| reactor.turn(Some(Duration::ZERO)));
        self.obey()?;
        turned
    }

    /// Runs a reactor's code: it may not move the clock, and nobody else may run meanwhile.
    fn conducted<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Conducting<'a>(&'a Simulation);
        impl Drop for Conducting<'_> {
            fn drop(&mut self) {
                self.0.0.turning.set(false);
                self.0.0.world.borrow_mut().conductor = Conductor::Reactor;
            }
        }
        self.0.turning.set(true);
        self.0.world.borrow_mut().conductor = Conductor::Simulation;
        let _conducting = Conducting(self);
        f()
    }

    fn make_due_call(&self) -> bool {
        let due = self.0.calls.borrow().first_key_value().is_some_and(|((at, _), _)| *at <= self.now());
        let call = due.then(|| self.0.calls.borrow_mut().pop_first()).flatten();
        let Some((_, call)) = call else { return false };
        self.0.world.borrow_mut().calls_waiting -= 1;
        call(self);
        true
    }

    /// Ends a host now, or at the end of the running turn.
    pub(crate) fn end_host(&self, order: Order) -> io::Result<()> {
        if self.0.turning.get() {
            self.0.orders.borrow_mut().push_back(order);
            return Ok(());
        }
        self.end(order)
    }

    fn obey(&self) -> io::Result<()> {
        loop {
            let order = self.0.orders.borrow_mut().pop_front();
            match order {
                Some(order) => self.end(order)?,
                None => return Ok(()),
            }
        }
    }

    fn end(&self, order: Order) -> io::Result<()> {
        let (Order::Stop(host) | Order::Crash(host)) = order;
        if !self.0.world.borrow().machine(host).is_up {
            return Ok(());
        }
        let reactor = self.0.reactors.borrow()[host.0].clone();
        let mut ended = Ok(());
        match order {
            Order::Stop(_) => {
                self.0.world.borrow_mut().note(|world| format!("{} stops", world.machine(host).name));
                if let Some(reactor) = reactor {
                    reactor.stop();
                    ended = self.conducted(|| reactor.run());
                }
                self.0.world.borrow_mut().shut_down(host);
            }
            Order::Crash(_) => {
                self.0.world.borrow_mut().crash(host);
                if let Some(reactor) = reactor {
                    self.conducted(|| reactor.abandon());
                }
            }
        }
        ended
    }

    fn deadlock(&self) -> io::Error {
        let reactors = self.0.reactors.borrow().clone();
        let tasks: Vec<String> = self
            .hosts()
            .iter()
            .zip(reactors)
            .filter_map(|(host, reactor)| Some((host.name(), reactor?.tasks())))
            .filter(|(_, tasks)| *tasks > 0)
            .map(|(name, tasks)| format!("{name}: {tasks} tasks wait"))
            .collect();
        self.0.world.borrow().deadlock(&tasks)
    }
}

/// So many turns hosts get after a limit, to end what began at it: one that is busy with itself would never have enough.
const TURNS_AFTER: u32 = 1000;
