//! One turn of the loop, and the loop.
//!
//! A turn settles what was asked for since the last one, waits, and then does what has come: events, calls from
//! threads, woken tasks, timers, a slice of the cooperative tasks, sockets, connections on their way out. After each piece
//! of user code what it asked for is settled, so nothing that one callback did is seen half done by the next; woken tasks,
//! and the tasks of a slice, are such a piece together.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure};

use crate::driver::{Event, Token};
use crate::inner::{Entry, Inner, Job, Kind, Reactor};
use crate::reactor::Stopped;
use crate::read::SCRATCH_BYTES;
use crate::state::Input;
use crate::statistics::wide;
use crate::time::Time;
use crate::triggers::Phase;

/// After this many timers the sockets have their turn: ten thousand that are due at once, with a write each, would
/// hold everybody up for longer than people notice.
const TIMERS_PER_TURN_MAX: u32 = 512;
/// How often [`Reactor::clear`] ends everything again because the ends made something new.
const CLEAR_ROUNDS_MAX: u32 = 16;

impl Reactor {
    /// Runs until [`Reactor::stop`]: then the shutdown triggers run, and what is left is ended as [`Reactor::clear`]
    /// does. May be run again.
    ///
    /// # Errors
    /// If the driver can no longer wait. Triggers run and everything is ended all the same.
    ///
    /// # Panics
    /// If called from inside the loop.
    pub fn run(&self) -> io::Result<()> {
        let inner = self.inner();
        let inside = inner.turning.get() || inner.running.get();
        assert!(!inside, "a reactor's run is not called from inside its loop");
        inner.running.set(true);
        self.entered(|reactor| reactor.start_up()); // also if it was stopped before
        let mut waited = Ok(());
        while waited.is_ok() && !inner.stopping.get() {
            waited = self.turn(None);
        }
        let waited = waited.and_then(|()| self.shut_down());
        self.entered(|reactor| drop(reactor.run_triggers(Phase::During)));
        self.clear();
        self.entered(|reactor| drop(reactor.run_triggers(Phase::After)));
        inner.stopping.set(false);
        inner.ending.set(false);
        inner.crashed.set(false);
        inner.running.set(false);
        waited
    }

    /// Makes the calls that waited for the loop; says whether there were any.
    fn start_up(&self) -> bool {
        let calls = self.inner().startup.take();
        let were_there = !calls.is_empty();
        for f in calls {
            self.guard("a call at the start", f);
            self.settle();
        }
        were_there
    }

    /// Runs the triggers of the first phase, and the loop until they have answered.
    fn shut_down(&self) -> io::Result<()> {
        let inner = self.inner();
        inner.ending.set(true);
        let mut waiting = Vec::new();
        let mut waited = Ok(());
        while waited.is_ok() && !inner.crashed.get() {
            // Those that were added meanwhile count too.
            waiting.append(&mut self.entered(|reactor| reactor.run_triggers(Phase::Before)));
            waiting.retain(|answer| !answer.is_fired());
            if waiting.is_empty() {
                break;
            }
            waited = self.turn(None);
        }
        waited
    }

    /// Runs until `deferred` has fired, and gives its result: the `main` of a program that does one thing.
    ///
    /// # Errors
    /// The deferred's failure; if the reactor was stopped first, [`Stopped`] or what the deferred made of its cancel.
    ///
    /// # Cancelling
    /// If the reactor is stopped first, `deferred` is cancelled because of [`Stopped`].
    ///
    /// # Panics
    /// If called from inside the loop.
    pub fn run_until<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        let answer = Rc::new(RefCell::new(None));
        let (slot, stop) = (Rc::clone(&answer), self.downgrade());
        let whole = deferred.add_both(move |result| {
            *slot.borrow_mut() = Some(result);
            if let Some(reactor) = stop.upgrade() {
                reactor.stop();
            }
        });
        let canceller = whole.canceller();
        let trigger = self.add_trigger(Phase::During, move || canceller.cancel_because(Stopped));
        let waited = self.run();
        trigger.remove();
        drop(whole);
        let answer = answer.borrow_mut().take();
        waited?;
        answer.unwrap_or_else(|| Err(Stopped.into()))
    }

    /// One turn: waits for something to do, at most `timeout` (`None`: as long as it takes), and does it. Public for
    /// loops that host this one.
    ///
    /// # Errors
    /// If the driver can no longer wait.
    ///
    /// # Panics
    /// If called from inside the loop.
    pub fn turn(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.entered(|reactor| {
            let has_started_up = reactor.start_up();
            // What was done here may be what the caller waits for: let it look.
            let worked = (reactor.settle() || has_started_up).then_some(Duration::ZERO);
            if worked.is_some() {
                reactor.hold_pauses();
            }
            let own = worked.or_else(|| reactor.next_timeout());
            let timeout = own.into_iter().chain(timeout).min();
            reactor.wait(timeout)?;
            reactor.make_calls();
            let woken = reactor.inner().executor.run_woken();
            if woken > 0 {
                reactor.count(|statistics| statistics.callbacks += wide(woken));
                reactor.held(|| "a woken task");
            }
            reactor.settle();
            reactor.fire_timers();
            if !reactor.inner().cooperator.is_idle() {
                reactor.run_slice();
                reactor.held(|| "a cooperative task");
            }
            reactor.serve_ready();
            reactor.sweep();
            reactor.count(|statistics| statistics.turns += 1);
            Ok(())
        })
    }

    /// How long a turn may wait; `None` if only the outside world can give it something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Duration> {
        if self.is_busy() {
            return Some(Duration::ZERO);
        }
        Some(self.next_timed()? - self.inner().driver.borrow().now())
    }

    /// When the next turn has something to do, on this reactor's clock: now if something waits already, else the time
    /// of the first timer. `None` if only the outside world can give it something to do. For hosts that keep deadlines;
    /// those that count from now want [`next_timeout`](Self::next_timeout).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        if self.is_busy() { Some(self.now()) } else { self.next_timed() }
    }

    /// Whether a turn would find something without waiting.
    fn is_busy(&self) -> bool {
        let inner = self.inner();
        !inner.dirty.borrow().is_empty()
            || !inner.ready.borrow().is_empty()
            || !inner.startup.borrow().is_empty()
            || self.is_stopping()
            || inner.executor.has_woken()
            || !inner.cooperator.is_idle()
            || !inner.calls.is_empty()
    }

    /// The first time that anything has asked for.
    fn next_timed(&self) -> Option<Time> {
        let timer = self.inner().timers.borrow_mut().next();
        timer.into_iter().chain(self.inner().closings.borrow().next()).min()
    }

    /// Ends everything that is left: connections are aborted (drained ones closed), attempts cancelled, ports closed,
    /// timers and tasks dropped, and everybody is told.
    ///
    /// # Panics
    /// If called from inside the loop.
    pub fn clear(&self) {
        self.entered(|reactor| {
            for _ in 0..CLEAR_ROUNDS_MAX {
                reactor.stop_thread_jobs();
                reactor.stop_remote_runs();
                reactor.end_all();
                let jobs = reactor.inner().timers.borrow_mut().clear();
                reactor.guard("the drop of a timer", move || drop(jobs));
                let calls = reactor.inner().calls.take();
                reactor.guard("the drop of a call from a thread", move || drop(calls));
                reactor.guard("the drop of a task", || reactor.inner().executor.clear());
                for task in reactor.inner().cooperator.take_all() {
                    reactor.guard("the end of a task", || task.stop());
                }
                reactor.settle();
                if reactor.inner().entries.borrow().is_empty() && reactor.timers() == 0 {
                    return;
                }
            }
            tracing::warn!("the reactor was cleared, but the ends of connections go on making new ones");
        });
    }

    /// Runs the loop's own code: with the executor entered, and never inside itself.
    pub(crate) fn entered<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        struct Turning<'a>(&'a Reactor);
        impl Drop for Turning<'_> {
            fn drop(&mut self) {
                self.0.inner().turning.set(false);
            }
        }
        let inner = self.inner();
        let now = inner.driver.borrow().now();
        assert!(
            !inner.turning.replace(true),
            "a reactor's turn, run or clear is not called from inside its loop"
        );
        let turning = Turning(self);
        self.set_now(now);
        inner.hold.starts_afresh();
        inner.hold.begins(now, inner.statistics.borrow().callbacks);
        inner.hosting.turn_begins();
        let result = inner.executor.enter(|| f(self));
        self.turn_was_held();
        drop(turning);
        result
    }

    /// Notes the time of this turn, also for the list of the deferreds that wait.
    fn set_now(&self, now: Time) {
        self.inner().now.set(now);
        self.inner().executor.tell_time(now - Time::ZERO);
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        let inner = self.inner();
        let mut events = inner.events.take();
        let waited = inner.driver.borrow_mut().wait(timeout, &mut events);
        self.set_now(inner.driver.borrow().now());
        inner.hold.begins(inner.now.get(), inner.statistics.borrow().callbacks);
        for event in events.drain(..) {
            self.note(event);
        }
        inner.events.set(events);
        waited
    }

    fn note(&self, event: Event) {
        match event {
            Event::Ready { token, readable, writable } => self.note_ready(token, readable, writable),
            Event::Resolved { token, addresses } => {
                self.resolved(token, addresses);
                self.settle();
            }
            Event::Signal(signal) => {
                let handler = self.inner().signals.borrow().get(&signal).cloned();
                if let Some(handler) = handler {
                    self.guard("a signal handler", || (handler.borrow_mut())());
                    self.settle();
                }
            }
            Event::Exited { token, status } => {
                self.process_exited(token, status);
                self.settle();
            }
        }
    }

    fn note_ready(&self, token: Token, readable: bool, writable: bool) {
        let (mut is_ready, mut is_dirty) = (false, false);
        let other = self.with_entry(token, |entry| {
            let Entry::Connection(connection) = entry else { return Some(entry.kind()) };
            if readable {
                connection.state.set_input(Input::Ready);
                is_ready = connection.state.listed.becomes_ready();
            }
            // Every event says it of a socket that was never full.
            is_dirty = writable && connection.state.unblocked() && connection.state.listed.becomes_dirty();
            None
        });
        self.list_dirty(token, is_dirty);
        if is_ready {
            self.push_ready(token);
        }
        match other.flatten() {
            Some(Kind::Attempt) => {
                if readable {
                    self.note_input(token);
                }
                self.mark_ready(token);
            }
            Some(Kind::Port) => self.mark_ready(token),
            Some(Kind::Datagrams) => self.note_datagrams(token, readable, writable),
            Some(Kind::Connection | Kind::Process) | None => {}
        }
    }

    fn make_calls(&self) {
        for call in self.inner().calls.take() {
            self.guard("a call from a thread", || call(self));
            self.settle();
        }
    }

    /// Fires what is due, as far as it was asked for before the first one fired, and within the budget.
    fn fire_timers(&self) {
        let horizon = self.inner().timers.borrow().horizon();
        let now = self.now();
        for _ in 0..TIMERS_PER_TURN_MAX {
            let job = self.inner().timers.borrow_mut().pop_due(now, horizon);
            let Some(job) = job else { return };
            self.count(|statistics| statistics.timers_fired += 1);
            self.fire(job);
            self.settle();
        }
    }

    fn fire(&self, job: Job) {
        match job {
            Job::Connection(token) => {
                let protocol = self.with_connection(token, |connection| {
                    connection.timer = None;
                    connection.take_protocol()
                });
                if let Some(protocol) = protocol {
                    self.upcall_and_settle(token, protocol, |protocol, conn| protocol.timer(conn));
                }
            }
            Job::Call(f) => self.fire_call(f),
            Job::Accept(token) => self.accept_again(token),
            Job::Closing(token) => self.closing_timer(token),
            Job::Layers(token) => self.layer_timer(token),
            Job::Idle(token) => self.idle_timer(token),
            Job::NextAddress(token) => self.try_next_address(token),
            Job::ConnectTimeout(token) => self.connect_timed_out(token),
        }
    }

    #[inline(never)]
    fn fire_call(&self, f: Box<dyn FnOnce()>) {
        self.guard("a delayed call", f);
    }

    /// Reads, accepts and checks what is ready now; what gets ready meanwhile waits for the next turn.
    fn serve_ready(&self) {
        if self.inner().ready.borrow().is_empty() {
            return;
        }
        let mut serving = Serving::of(self.inner());
        while let Some(token) = serving.next() {
            if !self.read(token, &mut serving) {
                self.serve_other(token, &mut serving);
            }
            self.settle();
        }
    }

    /// Serves an entry that is no connection.
    #[inline(never)]
    fn serve_other(&self, token: Token, serving: &mut Serving<'_>) {
        match self.take_ready(token) {
            Some(Kind::Port) => self.accept(token),
            Some(Kind::Attempt) => self.check_attempt(token),
            Some(Kind::Datagrams) => self.receive_datagrams(token, serving.scratch()),
            Some(Kind::Connection | Kind::Process) | None => {}
        }
    }

    /// Connections that are open or on their way out.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner().entries.borrow().iter().filter(|entry| matches!(entry, Entry::Connection(_))).count()
    }
}

/// Those that were ready when they began to be served, and the buffer for what comes in. If a panic ends the turn, those that
/// were not served yet are ready as before.
pub(crate) struct Serving<'a> {
    inner: &'a Inner,
    tokens: Vec<Token>,
    served: usize,
    scratch: Vec<u8>,
}

impl<'a> Serving<'a> {
    fn of(inner: &'a Inner) -> Self {
        let tokens = inner.ready.replace(inner.served.take());
        Self { inner, tokens, served: 0, scratch: inner.scratch.take() }
    }

    fn next(&mut self) -> Option<Token> {
        let token = *self.tokens.get(self.served)?;
        self.served += 1;
        Some(token)
    }

    /// Made when something is received for the first time: a server that only writes has none.
    pub(crate) fn scratch(&mut self) -> &mut [u8] {
        self.scratch.resize(SCRATCH_BYTES, 0);
        &mut self.scratch
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.tokens.drain(..self.served);
        if !self.tokens.is_empty() {
            self.inner.ready.borrow_mut().append(&mut self.tokens);
        }
        self.inner.served.set(std::mem::take(&mut self.tokens));
        self.inner.scratch.set(std::mem::take(&mut self.scratch));
    }
}
