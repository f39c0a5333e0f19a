//! What a reactor holds: small cells, none of which is borrowed while user code runs.
//!
//! User code is every protocol, factory, closure, deferred callback and task, and the `Drop` of each of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::{Rc, Weak};

use sestina_deferred::{CancelHandle, Executor};

use crate::accept::PortState;
use crate::address::Address;
use crate::answers::Answers;
use crate::close::Closings;
use crate::connect::Attempt;
use crate::cooperate::Cooperator;
use crate::datagram::DatagramState;
use crate::driver::{Driver, Event, Signal, Sock, Token};
use crate::endpoint::ParseKind;
use crate::hold::Hold;
use crate::hosting::Hosting;
use crate::leftovers::Places;
use crate::process::ProcessState;
use crate::protocol::Protocol;
use crate::queue::BufferPool;
use crate::remote::Calls;
use crate::slab::Slab;
use crate::state::{Reading, State};
use crate::statistics::Statistics;
use crate::threads::ThreadJob;
use crate::time::Time;
use crate::timers::{TimerId, Timers};
use crate::triggers::Triggers;
use crate::watching::Watchers;

/// One loop: connections, timers, tasks and calls from threads, on one thread, over one [`Driver`].
///
/// A cheap handle: clones are the same reactor. There is no global one; whoever needs it is given it. It is neither
/// `Send` nor `Sync`; other threads use [`Remote`](crate::Remote).
///
/// # Order
/// Only [`Reactor::turn`] (and what is built on it: [`run`](Reactor::run), [`run_until`](Reactor::run_until),
/// [`clear`](Reactor::clear)) runs user code. Every other method only queues.
#[derive(Clone)]
pub struct Reactor(pub(crate) Rc<Inner>);

/// A reactor that may be gone.
#[derive(Clone)]
pub(crate) struct WeakReactor(Weak<Inner>);

impl WeakReactor {
    pub(crate) fn upgrade(&self) -> Option<Reactor> {
        self.0.upgrade().map(Reactor)
    }

    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

pub(crate) struct Inner {
    pub(crate) driver: RefCell<Box<dyn Driver>>,
    pub(crate) entries: RefCell<Slab<Entry>>,
    pub(crate) timers: RefCell<Timers<Job>>,
    /// Entries with something to flush.
    pub(crate) dirty: RefCell<VecDeque<Token>>,
    /// Entries with something to read, accept or check.
    pub(crate) ready: RefCell<Vec<Token>>,
    /// The place of those that are served: both lists are used by turns.
    pub(crate) served: Cell<Vec<Token>>,
    pub(crate) closings: RefCell<Closings>,
    /// What new ports take.
    pub(crate) connection_limits: Cell<crate::limits::ConnectionLimits>,
    pub(crate) pool: RefCell<BufferPool>,
    /// Lent to `data_received`; taken out while what is ready is served.
    pub(crate) scratch: Cell<Vec<u8>>,
    /// Reused by each wait.
    pub(crate) events: Cell<Vec<Event>>,
    pub(crate) executor: Executor,
    pub(crate) calls: Calls,
    pub(crate) signals: RefCell<BTreeMap<Signal, SignalHandler>>,
    pub(crate) statistics: RefCell<Statistics>,
    /// The time of the running turn.
    pub(crate) now: Cell<Time>,
    pub(crate) turning: Cell<bool>,
    pub(crate) stopping: Cell<bool>,
    /// Whether the loop only goes on for the shutdown triggers that are waited for.
    pub(crate) ending: Cell<bool>,
    /// Whether the loop of `run` goes on, and whether it was told to end without a stop.
    pub(crate) running: Cell<bool>,
    pub(crate) crashed: Cell<bool>,
    pub(crate) triggers: Triggers,
    /// To be called when `run` begins.
    pub(crate) startup: RefCell<Vec<Box<dyn FnOnce()>>>,
    pub(crate) cooperator: Cooperator,
    pub(crate) hosting: Hosting,
    pub(crate) hold: Hold,
    /// Jobs on other threads, and who waits for them.
    pub(crate) thread_jobs: RefCell<Slab<ThreadJob>>,
    /// Deferreds that other threads wait for.
    pub(crate) remote_runs: RefCell<BTreeMap<u64, CancelHandle>>,
    /// Kinds of endpoints that other crates have added.
    pub(crate) endpoint_kinds: RefCell<BTreeMap<String, Rc<ParseKind>>>,
    pub(crate) places: Places,
    /// Those who wait for the end of connections that are not theirs.
    pub(crate) watchers: Watchers,
}

pub(crate) type SignalHandler = Rc<RefCell<dyn FnMut()>>;

/// What a token names.
pub(crate) enum Entry {
    Connection(Connection),
    Port(Box<PortState>),
    Attempt(Box<Attempt>),
    Datagrams(Box<DatagramState>),
    Process(Box<ProcessState>),
    /// A process that is being started.
    Placeholder(Listed),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connection,
    Port,
    Attempt,
    Datagrams,
    Process,
}

pub(crate) struct Connection {
    pub(crate) sock: Sock,
    pub(crate) peer: Address,
    pub(crate) role: Role,
    pub(crate) state: State,
    /// The port that accepted it.
    pub(crate) port: Option<Token>,
    pub(crate) timer: Option<TimerId>,
    pub(crate) answers: Option<Box<Answers>>,
    /// When bytes last moved, or a limit began to count: bytes sent; bytes received while it is open or drains. What comes in
    /// while it closes does not count, for then the peer is to take something.
    pub(crate) progress: Time,
}

/// Which lists an entry is on: each at most once. Bits of one byte, for each connection has one of these.
#[derive(Clone, Copy, Default)]
pub(crate) struct Listed(u8);

impl Listed {
    const DIRTY: u8 = 1;
    const READY: u8 = 2;
    const STALLED: u8 = 4;
    const RESTS: u8 = 8;

    /// It has something to flush. Says whether it did not have before: then it is put on the list.
    pub(crate) fn becomes_dirty(&mut self) -> bool {
        self.becomes(Self::DIRTY)
    }

    /// It has something to read, accept or check. Says whether it did not have before: then it is put on the list.
    pub(crate) fn becomes_ready(&mut self) -> bool {
        self.becomes(Self::READY)
    }

    /// It closes, and its peer takes nothing. Says whether that is new: then it is put on the list.
    pub(crate) fn becomes_stalled(&mut self) -> bool {
        self.becomes(Self::STALLED)
    }

    /// It was taken from the list of those with something to flush.
    pub(crate) fn leaves_dirty(&mut self) {
        self.0 &= !Self::DIRTY;
    }

    /// It was taken from the list of those that are ready. Says whether it had rested.
    pub(crate) fn leaves_ready(&mut self) -> bool {
        let rested = self.rests();
        self.0 &= !(Self::READY | Self::RESTS);
        rested
    }

    /// It has had its share of this turn, and goes on when it is taken from the list of those that are ready.
    pub(crate) fn rests(self) -> bool {
        self.0 & Self::RESTS != 0
    }

    pub(crate) fn rest(&mut self) {
        self.0 |= Self::RESTS;
    }

    fn becomes(&mut self, bit: u8) -> bool {
        let is_news = self.0 & bit == 0;
        self.0 |= bit;
        is_news
    }
}

impl Connection {
    /// For an upcall; it is to be put back after it.
    ///
    /// # Panics
    /// If it is out already: then a law of the reactor is broken.
    pub(crate) fn take_protocol(&mut self) -> Box<dyn Protocol> {
        match std::mem::replace(&mut self.role, Role::Running) {
            Role::Waiting(protocol) => protocol,
            Role::Running => panic!("law 1: no protocol method is called from inside another upcall"),
        }
    }

    /// Whether there is anything to be read, and what was read until now has not led to more than its share.
    pub(crate) fn reads_on(&self) -> bool {
        !self.state.listed.rests() && self.state.reading() != Reading::No
    }

    /// Whether somebody may wait to hear how far it is: a producer, an answer.
    pub(crate) fn may_be_told(&self) -> bool {
        self.state.extra.is_some() || self.answers.is_some()
    }
}

/// Where a connection's protocol is.
pub(crate) enum Role {
    Waiting(Box<dyn Protocol>),
    /// Lent to the upcall that is running now; of an accepted connection, not put in yet.
    Running,
}

/// What a timer does. The wide tag keeps copies of it whole: with a narrow one they are stored in pieces that no load matches.
#[repr(u64)]
pub(crate) enum Job {
    Call(Box<dyn FnOnce()>),
    /// The connection's own timer.
    Connection(Token),
    /// Accept again: descriptors had run out.
    Accept(Token),
    /// A connection on its way out has got another look at its limits.
    Closing(Token),
    /// A layer has asked for it.
    Layers(Token),
    /// The connection may have been idle for too long.
    Idle(Token),
    /// Try the next address as well.
    NextAddress(Token),
    /// The attempt took too long.
    ConnectTimeout(Token),
}

impl Job {
    /// The user's call, if it is one: all that has to be dropped.
    #[inline]
    pub(crate) fn into_call(self) -> Option<Box<dyn FnOnce()>> {
        match self {
            Self::Call(call) => Some(call),
            _ => None,
        }
    }
}

impl Entry {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Connection(_) => Kind::Connection,
            Self::Port(_) => Kind::Port,
            Self::Attempt(_) => Kind::Attempt,
            Self::Datagrams(_) => Kind::Datagrams,
            Self::Process(_) | Self::Placeholder(_) => Kind::Process,
        }
    }

    fn listed(&mut self) -> &mut Listed {
        match self {
            Self::Connection(connection) => &mut connection.state.listed,
            Self::Port(port) => &mut port.listed,
            Self::Attempt(attempt) => &mut attempt.listed,
            Self::Datagrams(state) => &mut state.listed,
            Self::Process(state) => &mut state.listed,
            Self::Placeholder(listed) => listed,
        }
    }
}

impl Reactor {
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn downgrade(&self) -> WeakReactor {
        WeakReactor(Rc::downgrade(&self.0))
    }

    pub(crate) fn with_entry<R>(&self, token: Token, f: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let mut entries = self.0.entries.borrow_mut();
        let entry = entries.get_mut(token.0)?;
        Some(f(entry))
    }

    pub(crate) fn with_connection<R>(&self, token: Token, f: impl FnOnce(&mut Connection) -> R) -> Option<R> {
        match self.0.entries.borrow_mut().get_mut(token.0) {
            Some(Entry::Connection(connection)) => Some(f(connection)),
            _ => None,
        }
    }

    /// Changes a connection's state and has the loop look at it. No user code in `f`.
    pub(crate) fn change<R>(
        &self,
        token: Token,
        f: impl FnOnce(&mut State, &mut BufferPool) -> R,
    ) -> Option<R> {
        let mut pool = self.0.pool.borrow_mut();
        let mut is_news = false;
        let changed = self.with_connection(token, |connection| {
            is_news = connection.state.listed.becomes_dirty();
            f(&mut connection.state, &mut pool)
        });
        self.list_dirty(token, is_news);
        changed
    }

    pub(crate) fn mark_dirty(&self, token: Token) {
        let is_news = self.with_entry(token, |entry| entry.listed().becomes_dirty());
        self.list_dirty(token, is_news == Some(true));
    }

    pub(crate) fn mark_ready(&self, token: Token) {
        if self.with_entry(token, |entry| entry.listed().becomes_ready()) == Some(true) {
            self.push_ready(token);
        }
    }

    /// Others have their turn: what is left to do for this one is done when it is served again, in the next turn at the latest.
    pub(crate) fn rest(&self, token: Token) {
        self.with_entry(token, |entry| entry.listed().rest());
        self.mark_ready(token);
    }

    /// Lists an entry, if it has just become dirty.
    #[inline]
    pub(crate) fn list_dirty(&self, token: Token, is_news: bool) {
        if is_news {
            self.0.dirty.borrow_mut().push_back(token);
            self.nudge();
        }
    }

    /// Lists an entry that has become ready.
    pub(crate) fn push_ready(&self, token: Token) {
        self.0.ready.borrow_mut().push(token);
        self.nudge();
    }

    /// Takes this entry off the list, if it is the next to flush.
    pub(crate) fn take_if_next(&self, token: Token) -> bool {
        let mut dirty = self.0.dirty.borrow_mut();
        let is_next = dirty.front() == Some(&token);
        if is_next {
            dirty.pop_front();
        }
        is_next
    }

    /// The next entry to flush, and what it is, unless it is gone.
    pub(crate) fn take_dirty(&self) -> Option<(Token, Option<Kind>)> {
        let token = self.0.dirty.borrow_mut().pop_front()?;
        let kind = self.with_entry(token, |entry| {
            entry.listed().leaves_dirty();
            entry.kind()
        });
        Some((token, kind))
    }

    /// What is to be read, accepted or checked, unless it is gone. One that has rested is flushed as well.
    pub(crate) fn take_ready(&self, token: Token) -> Option<Kind> {
        let mut is_news = false;
        let kind = self.with_entry(token, |entry| {
            let listed = entry.listed();
            is_news = listed.leaves_ready() && listed.becomes_dirty();
            entry.kind()
        });
        self.list_dirty(token, is_news);
        kind
    }

    pub(crate) fn kind(&self, token: Token) -> Option<Kind> {
        self.with_entry(token, |entry| entry.kind())
    }

    pub(crate) fn count(&self, f: impl FnOnce(&mut Statistics)) {
        f(&mut self.0.statistics.borrow_mut());
    }

    /// Cancels a job of the reactor's own: dropping it runs no user code.
    pub(crate) fn cancel_timer(&self, timer: Option<TimerId>) {
        if let Some(timer) = timer {
            let job = self.0.timers.borrow_mut().cancel(timer);
            drop(job);
        }
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reactor").field("now", &self.now()).field("statistics", &self.statistics()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_on_each_list_once_and_leaves_them_one_by_one() {
        let mut listed = Listed::default();
        assert!(listed.becomes_dirty() && listed.becomes_ready() && listed.becomes_stalled());
        assert!(!listed.becomes_dirty() && !listed.becomes_ready() && !listed.becomes_stalled());
        listed.leaves_dirty();
        assert!(listed.becomes_dirty() && !listed.becomes_ready() && !listed.becomes_stalled());
        assert!(!listed.leaves_ready(), "it has not rested");
        assert!(listed.becomes_ready() && !listed.becomes_dirty());
        listed.rest();
        assert!(listed.rests() && listed.leaves_ready() && !listed.rests());
        assert!(!listed.becomes_dirty() && !listed.becomes_stalled());
    }
}
