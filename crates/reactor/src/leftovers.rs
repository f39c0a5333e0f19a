//! What a reactor still has, in words, and where it was made: what a test must not leave behind.
//!
//! Places are noted beside the things, not in them, and only while somebody watches this thread
//! ([`sestina_deferred::watch_unfired`]) or debugging is on; otherwise a note costs one load.
//! Invariant: a key has a generation, so a note of something that is gone finds nothing.
//! Tests: `tests/suite/leftovers.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use sestina_deferred::is_watching;

use crate::inner::{Connection, Entry, Inner, Job, Reactor};
use crate::slab::Key;
use crate::state::Phase;

/// Notes are swept when there are more than this, and then when they have doubled.
const SWEEP_MIN: usize = 64;

/// Something that a reactor has and that goes on until it is ended: see [`Reactor::leftovers`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leftover {
    kind: LeftoverKind,
    words: String,
    note: Option<Note>,
    is_closing: bool,
}

/// What is left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// A call of [`Reactor::call_later`], [`sleep`](Reactor::sleep) and the like.
    Timer,
    /// A listening socket.
    Port,
    /// An attempt to connect.
    Attempt,
    /// A connection.
    Connection,
    /// A datagram socket.
    Datagrams,
    /// A process.
    Process,
    /// A job on another thread.
    Thread,
    /// A task of [`Reactor::cooperate`].
    Task,
}

impl Leftover {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> LeftoverKind {
        self.kind
    }

    /// Where it was made; for an accepted connection, where its port was. `None` if nobody watched then.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.note.map(|note| note.at)
    }

    /// Whether its end was asked for already and only takes its time.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.is_closing
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)?;
        if self.is_closing {
            out.write_str(", on its way out")?;
        }
        match self.note {
            Some(Note { at, origin: Origin::Made }) => write!(out, ", made at {at}"),
            Some(Note { at, origin: Origin::Accepted }) => write!(out, ", accepted by the port made at {at}"),
            Some(Note { origin: Origin::OfProcess, .. }) | None => Ok(()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Note {
    at: &'static Location<'static>,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    Made,
    Accepted,
    /// A pipe of a process, which is named itself.
    OfProcess,
}

/// What a note is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Thing {
    Timer(Key),
    Entry(Key),
    Job(Key),
}

/// Where things were made.
pub(crate) struct Places {
    notes: RefCell<BTreeMap<Thing, Note>>,
    sweep_at: Cell<usize>,
}

impl Default for Places {
    fn default() -> Self {
        Self { notes: RefCell::default(), sweep_at: Cell::new(SWEEP_MIN) }
    }
}

impl Reactor {
    /// Notes where something was made.
    pub(crate) fn note_place(&self, thing: Thing, at: &'static Location<'static>, origin: Origin) {
        if is_watching() {
            self.inner().note(thing, Note { at, origin });
        }
    }

    /// Notes that a port has accepted a connection.
    pub(crate) fn note_accepted(&self, port: Key, connection: Key) {
        if is_watching()
            && let Some(note) = self.inner().noted(Thing::Entry(port))
        {
            self.inner().note(Thing::Entry(connection), Note { origin: Origin::Accepted, ..note });
        }
    }

    /// What goes on until it is ended: timers by their time, then ports, attempts, connections, datagram sockets and
    /// processes, jobs on threads and cooperative tasks. Tasks of [`Reactor::spawn`] are deferreds, and
    /// [`sestina_deferred::unfired`](sestina_deferred::unfired()) knows them.
    ///
    /// For tests and for debugging: it looks at everything there is. Places are known of what was made while debugging
    /// was on or inside of [`sestina_deferred::watch_unfired`].
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// use sestina_deferred::watch_unfired;
    /// use std::time::Duration;
    ///
    /// watch_unfired(|| reactor.call_later(Duration::from_secs(60), || ()));
    /// let left = reactor.leftovers();
    /// assert_eq!(left[0].location().map(|at| at.line()), Some(line!() - 2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        let inner = self.inner();
        let mut left = self.timers_left();
        let mut entries: Vec<Leftover> = {
            let all = inner.entries.borrow();
            all.keys().into_iter().filter_map(|key| self.entry_left(key, all.get(key)?)).collect()
        };
        entries.sort_by_key(Leftover::kind);
        left.append(&mut entries);
        for key in inner.thread_jobs.borrow().keys() {
            left.push(self.left(LeftoverKind::Thread, Thing::Job(key), "a job on a thread".to_owned()));
        }
        for at in inner.cooperator.places() {
            let note = Some(Note { at, origin: Origin::Made });
            let words = "a cooperative task".to_owned();
            left.push(Leftover { kind: LeftoverKind::Task, words, note, is_closing: false });
        }
        left
    }

    fn timers_left(&self) -> Vec<Leftover> {
        let now = self.now();
        let timers = self.inner().timers.borrow();
        let mut calls: Vec<(Duration, Key)> = timers
            .jobs()
            .filter(|(_, _, job)| matches!(job, Job::Call(_)))
            .map(|(key, time, _)| (time - now, key))
            .collect();
        calls.sort_unstable();
        let words = |due: Duration| format!("a timer, due in {due:?}");
        calls
            .into_iter()
            .map(|(due, key)| self.left(LeftoverKind::Timer, Thing::Timer(key), words(due)))
            .collect()
    }

    fn entry_left(&self, key: Key, entry: &Entry) -> Option<Leftover> {
        use LeftoverKind as Kind;
        let thing = Thing::Entry(key);
        let note = self.inner().noted(thing);
        let (kind, words, is_closing) = match entry {
            Entry::Connection(connection) if !is_pipe(note) => {
                (Kind::Connection, connection.words(), !matches!(connection.state.phase(), Phase::Open))
            }
            Entry::Port(port) => (Kind::Port, port.words(), port.is_stopping()),
            Entry::Attempt(attempt) => (Kind::Attempt, attempt.words(), attempt.is_decided()),
            Entry::Datagrams(state) => (Kind::Datagrams, "a datagram socket".to_owned(), state.is_stopping()),
            Entry::Process(state) => (Kind::Process, state.words(), false),
            Entry::Connection(_) | Entry::Placeholder(_) => return None,
        };
        Some(Leftover { is_closing, ..self.left(kind, thing, words) })
    }

    fn left(&self, kind: LeftoverKind, thing: Thing, words: String) -> Leftover {
        Leftover { kind, words, note: self.inner().noted(thing), is_closing: false }
    }
}

fn is_pipe(note: Option<Note>) -> bool {
    note.is_some_and(|note| note.origin == Origin::OfProcess)
}

impl Connection {
    fn words(&self) -> String {
        let word = if self.port.is_some() { "from" } else { "to" };
        format!("a connection {word} {}", self.peer)
    }
}

impl Inner {
    fn note(&self, thing: Thing, note: Note) {
        let mut notes = self.places.notes.borrow_mut();
        if notes.len() >= self.places.sweep_at.get() {
            notes.retain(|thing, _| self.is_there(*thing));
            self.places.sweep_at.set(SWEEP_MIN.max(notes.len() * 2));
        }
        notes.insert(thing, note);
    }

    fn noted(&self, thing: Thing) -> Option<Note> {
        self.places.notes.borrow().get(&thing).copied()
    }

    fn is_there(&self, thing: Thing) -> bool {
        match thing {
            Thing::Timer(key) => self.timers.borrow().time(key).is_some(),
            // Borrowed by the verb that makes something: it is asked again the next time.
            Thing::Entry(key) => self.entries.try_borrow().map_or(true, |all| all.get(key).is_some()),
            Thing::Job(key) => self.thread_jobs.borrow().get(key).is_some(),
        }
    }
}
