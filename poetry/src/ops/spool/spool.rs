//! The spool: an observer of the proxy that keeps the disk in line with it, and a service that reads the disk at its start.
//!
//! Invariant: one job at a time is on a thread, so the files change in the order in which the proxy did.
//! Invariant: what fails on the disk is counted and told, and changes nothing in the proxy.
//! Tests: `tests/suite/spool.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sestina_deferred::{Deferred, Resolver, TimedOut, deferred, succeed};
use sestina_reactor::{Reactor, ThreadPoolFull, Time};
use sestina_service::{Details, Service, ServiceContext};

use super::counters::{DiskWork, SpoolCounters};
use super::directory::Directory;
use super::disk_copy::{Label, file_bytes, file_name, head};
use super::index::{Index, SpoolLimits};
use super::queue::{Change, Queue, SPOOL_QUEUE_BYTES_MAX};
use crate::cache::{Body, Purge, StoredBody};
use crate::ops::place::ProxyPlace;
use crate::ops::warner::Warner;
use crate::proxy::Observer;

/// How long the start may read what is on the disk. Then the proxy starts with what it has.
pub const SPOOL_START_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a change waits when all threads are busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Keeps a copy of a proxy's bodies in a directory, and gives them back to a proxy that starts anew.
///
/// Its start reads what is there, before the services after it open their ports; so add it before the servers. Its stop
/// waits until what the proxy has stored is written.
///
/// The files are for this program alone: one a body, named by the hash of its key, `0600` in a directory `0700`, written
/// aside and renamed, checked by a hash when they are read. What is damaged is a miss, and removed; what is not ours is left
/// alone, and links are not followed. A purge removes the copy. The age of a body counts on while nobody runs, by
/// `clock`: the calendar, which the program reads.
///
/// # Errors
/// Its start fails with a [`SpoolError`](super::SpoolError) if it was a mistake to name this directory. A disk that fails is
/// told to the log, once a minute at most, and the proxy goes on without it.
///
/// # Limits
/// Its start takes no more than [`SPOOL_START_TIME_MAX`]. [`SpoolLimits`]: the copies written first go first.
/// [`SPOOL_QUEUE_BYTES_MAX`] wait to be written. One job at a time is on a thread of the driver.
///
/// # Cancelling
/// A stop that is cancelled waits no more: what is not written is lost, and costs a fetch.
///
/// ```
/// use sestina_poetry::ops::{ProxyPlace, Spool, SpoolLimits};
/// use sestina_poetry::{PoetryProxy, ProxySettings};
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, Child};
/// use std::time::SystemTime;
///
/// let reactor = Simulation::seeded(1).reactor();
/// let place = ProxyPlace::default();
/// place.set(&PoetryProxy::with_settings(&reactor, ProxySettings::default()));
/// let mut application = Application::new("proxy");
/// application.add(Child::new("spool", move || {
///     Spool::new(&place, "/var/cache/sestina", SpoolLimits::default(), || SystemTime::UNIX_EPOCH)
/// }))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
#[derive(Clone)]
pub struct Spool {
    inner: Rc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) place: ProxyPlace,
    pub(crate) path: PathBuf,
    pub(crate) limits: SpoolLimits,
    pub(crate) clock: Box<dyn Fn() -> SystemTime>,
    reactor: RefCell<Option<Reactor>>,
    pub(crate) directory: RefCell<Option<Arc<Directory>>>,
    pub(crate) index: RefCell<Index>,
    queue: RefCell<Queue>,
    pub(crate) counters: RefCell<SpoolCounters>,
    warner: RefCell<Warner>,
    /// Whether a job is on a thread, or one waits for a thread.
    busy: Cell<bool>,
    /// Told when nothing is left to do.
    idle: RefCell<Vec<Resolver<()>>>,
}

/// Which counter is meant.
pub(crate) type Work = fn(&mut SpoolCounters) -> &mut DiskWork;

impl Spool {
    /// Keeps the bodies of the proxy in this place in the directory `path`. `clock` gives the time of the calendar.
    #[must_use]
    pub fn new(
        place: &ProxyPlace,
        path: impl Into<PathBuf>,
        limits: SpoolLimits,
        clock: impl Fn() -> SystemTime + 'static,
    ) -> Self {
        let inner = Inner {
            place: place.clone(),
            path: path.into(),
            limits,
            clock: Box::new(clock),
            reactor: RefCell::default(),
            directory: RefCell::default(),
            index: RefCell::default(),
            queue: RefCell::default(),
            counters: RefCell::default(),
            warner: RefCell::default(),
            busy: Cell::new(false),
            idle: RefCell::default(),
        };
        let inner = Rc::new(inner);
        // Here and not at the start, of which there may be several. What is heard before there is a directory is forgotten.
        let copying = Rc::downgrade(&inner);
        place.on_arrival(move |proxy| proxy.observe(Copying(Weak::clone(&copying))));
        Self { inner }
    }

    /// What it did, and what it has.
    #[must_use]
    pub fn counters(&self) -> SpoolCounters {
        let index = self.inner.index.borrow();
        let files = u64::try_from(index.len()).unwrap_or(u64::MAX);
        SpoolCounters { files, bytes: index.bytes(), ..*self.inner.counters.borrow() }
    }

    /// Fires when everything that the proxy has stored and purged is on the disk.
    ///
    /// # Cancelling
    /// Waits no more.
    #[must_use]
    pub fn idle(&self) -> Deferred<()> {
        let inner = &self.inner;
        if !inner.busy.get() && inner.queue.borrow().is_empty() {
            return succeed(());
        }
        let (resolver, idle) = deferred();
        inner.idle.borrow_mut().push(resolver);
        idle
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Spool({})", self.inner.path.display())
    }
}

impl Service for Spool {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        let (reactor, inner) = (cx.reactor().clone(), Rc::clone(&self.inner));
        *inner.reactor.borrow_mut() = Some(reactor.clone());
        reactor.clone().spawn(async move {
            let (opens, its) = (Rc::clone(&inner), reactor.clone());
            let opening = reactor.spawn(async move { opens.open(&its).await });
            match opening.add_timeout(SPOOL_START_TIME_MAX, &reactor).await {
                Err(failure) if failure.is::<TimedOut>() => {
                    tracing::warn!("{} is slow: what was not read yet is fetched", inner.path.display());
                }
                opened => opened?,
            }
            Ok(())
        })
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        let inner = Rc::clone(&self.inner);
        self.idle().add_both(move |_| {
            inner.reactor.take();
            let directory = inner.directory.take();
            drop(directory); // and with it the lock
            Ok(())
        })
    }

    fn details(&self) -> Details {
        let counters = self.counters();
        let words =
            format!("{} files, {} bytes in {}", counters.files, counters.bytes, self.inner.path.display());
        Details::default().with_note(words)
    }
}

impl Inner {
    pub(crate) fn count(&self, work: Work, took: Duration, failed: bool) {
        let mut counters = self.counters.borrow_mut();
        let work = work(&mut counters);
        work.operations += 1;
        work.errors += u64::from(failed);
        work.time.observe_duration(took);
    }

    pub(crate) fn warn(&self, reactor: &Reactor, what: &str, error: &io::Error) {
        if let Some(unsaid) = self.warner.borrow_mut().trouble(reactor.now()) {
            let unsaid = (unsaid > 0).then_some(unsaid);
            tracing::warn!(unsaid, "cannot {what} {}: {error}", self.path.display());
        }
    }

    /// A key's copy must change.
    fn change(self: &Rc<Self>, key: &Rc<str>, change: Change) {
        if self.directory.borrow().is_none() {
            return;
        }
        if !self.queue.borrow_mut().push(key, change, SPOOL_QUEUE_BYTES_MAX) {
            self.counters.borrow_mut().skipped += 1;
        }
        self.go_on();
    }

    /// Has the next change done.
    fn go_on(self: &Rc<Self>) {
        let (reactor, directory) = (self.reactor.borrow().clone(), self.directory.borrow().clone());
        let (Some(reactor), Some(directory)) = (reactor, directory) else { return };
        if self.busy.get() {
            return;
        }
        let next = self.queue.borrow_mut().pop();
        let Some((key, change)) = next else {
            let idle = self.idle.take();
            return idle.into_iter().for_each(|resolver| resolver.callback(()));
        };
        self.busy.set(true);
        self.begin(&reactor, directory, key, change);
    }

    fn begin(self: &Rc<Self>, reactor: &Reactor, directory: Arc<Directory>, key: Rc<str>, change: Change) {
        let name = file_name(&key);
        let (file, again) = match change {
            Change::Remove => (None, Change::Remove),
            Change::Write(label, body) => (self.plan(&name, &label, &body), Change::Write(label, body)),
        };
        let began = reactor.now();
        let (wanted, done) = (name.clone(), Done { name, written: file.as_ref().map(File::promise), began });
        let answer = reactor.defer_to_thread(move || {
            Ok(file.map_or_else(|| directory.remove(&wanted), |file| file.write(&directory, &wanted)))
        });
        let (this, reactor) = (Rc::clone(self), reactor.clone());
        drop(answer.add_both(move |answer| {
            match answer {
                Ok(result) => this.done(&reactor, &done, result),
                Err(failure) if failure.is::<ThreadPoolFull>() => {
                    this.queue.borrow_mut().push_back(key, again);
                    let later = Rc::clone(&this);
                    reactor.call_later(RETRY_AFTER, move || later.next());
                    return Ok(());
                }
                Err(failure) => tracing::warn!("a copy was not written: {failure}"),
            }
            this.next();
            Ok(())
        }));
    }

    fn next(self: &Rc<Self>) {
        self.busy.set(false);
        self.go_on();
    }

    /// What must be written for this body; nothing if it is not to be copied, and then the copy before it must go.
    fn plan(&self, name: &str, label: &Label, body: &Body) -> Option<File> {
        let bytes = body.blocks().concat();
        let length = file_bytes(label, bytes.len());
        let victims = self.index.borrow().victims(name, length, self.limits);
        if victims.is_none() {
            self.counters.borrow_mut().skipped += 1;
        }
        Some(File { label: label.clone(), body: bytes, victims: victims?, bytes: length })
    }

    fn done(&self, reactor: &Reactor, done: &Done, result: io::Result<()>) {
        let work: Work = match done.written {
            None => |counters| &mut counters.removes,
            Some(_) => |counters| &mut counters.writes,
        };
        self.count(work, reactor.now() - done.began, result.is_err());
        let mut index = self.index.borrow_mut();
        match (&done.written, &result) {
            (None, Ok(())) | (Some(_), Err(_)) => index.remove(&done.name),
            (Some((victims, bytes)), Ok(())) => {
                victims.iter().for_each(|victim| index.remove(victim));
                index.insert(&done.name, *bytes);
            }
            (None, Err(_)) => {} // it is still there, and counts
        }
        drop(index);
        if let Err(error) = result {
            self.warn(reactor, "keep a copy in", &error);
        }
    }
}

/// What a thread was told to do.
struct Done {
    name: String,
    /// The files that go for it, and its size; nothing if the file was to be removed.
    written: Option<(Vec<String>, u64)>,
    began: Time,
}

/// A file to be written, on a thread.
struct File {
    label: Label,
    body: Vec<u8>,
    victims: Vec<String>,
    bytes: u64,
}

impl File {
    fn promise(&self) -> (Vec<String>, u64) {
        (self.victims.clone(), self.bytes)
    }

    /// Makes room, and writes. If that fails, the copy before it goes too: it is old news.
    fn write(&self, directory: &Directory, name: &str) -> io::Result<()> {
        let head = head(&self.label, &[&self.body]);
        let head = head.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let room = self.victims.iter().try_for_each(|victim| directory.remove(victim));
        let written = room.and_then(|()| directory.write(name, &[&head, &self.body]));
        if written.is_err() {
            directory.remove(name).ok();
        }
        written
    }
}

/// The spool's ear at the proxy, which may outlive it.
struct Copying(Weak<Inner>);

impl Observer for Copying {
    fn stored(&self, stored: &StoredBody) {
        let Some(inner) = self.0.upgrade() else { return };
        let label = Label {
            key: stored.key.to_string(),
            fetched_at: (inner.clock)(),
            ttl: stored.fresh_for,
            confirmations: stored.confirmations,
        };
        let worth = stored.fresh_for != Some(Duration::ZERO);
        let change = if worth { Change::Write(label, stored.body.clone()) } else { Change::Remove };
        inner.change(&stored.key, change);
    }

    fn purged(&self, key: &str, _: Purge) {
        if let Some(inner) = self.0.upgrade() {
            inner.change(&key.into(), Change::Remove);
        }
    }
}
