//! The spool: an observer of the proxy that keeps the disk in line with it, and a service that reads the disk at its start.
//!
//! Invariant: one job at a time is on a thread, so the files change in the order in which the proxy did.
//! Invariant: what fails on the disk is counted and told, and changes nothing in the proxy.
//! Tests: `tests/spool.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sestina_deferred::{Deferred, Failure, Resolver, deferred, succeed};
use sestina_reactor::{Reactor, ThreadPoolFull, Time};
use sestina_service::{Details, Service, ServiceContext};

use super::directory::{Directory, Listing, SpoolError};
use super::disk_copy::{Damage, FILE_BYTES_BESIDE_BODY_MAX, Label, decode, file_name, head};
use super::index::{Index, SpoolLimits};
use super::queue::{Change, Queue, SPOOL_QUEUE_BYTES_MAX};
use crate::cache::{Body, KeptBody, NotRestored, Purge, StoredBody};
use crate::ops::histogram::Histogram;
use crate::ops::place::ProxyPlace;
use crate::ops::warner::Warner;
use crate::proxy::{Observer, PoetryProxy};

/// How long a change waits when all threads are busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One kind of work on the disk, counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DiskWork {
    /// How often it was done or tried.
    pub operations: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took, with the waiting for a thread.
    pub time: Histogram,
}

impl Default for DiskWork {
    fn default() -> Self {
        Self { operations: 0, errors: 0, time: Histogram::of_durations() }
    }
}

/// What a [`Spool`] did, and what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct SpoolCounters {
    /// Files read at the start.
    pub reads: DiskWork,
    /// Bodies written.
    pub writes: DiskWork,
    /// Copies removed.
    pub removes: DiskWork,
    /// Bodies that the proxy took in at the start.
    pub restored: u64,
    /// Files that were no good copy, and were removed.
    pub damaged: u64,
    /// Bodies that were not written because too much waited, or because they are too large.
    pub skipped: u64,
    /// Files now.
    pub files: u64,
    /// Bytes of all files now.
    pub bytes: u64,
}

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
/// Its start fails with a [`SpoolError`] if it was a mistake to name this directory. A disk that fails is told to the log,
/// once a minute at most, and the proxy goes on without it.
///
/// # Limits
/// [`SpoolLimits`]: the copies written first go first. [`SPOOL_QUEUE_BYTES_MAX`] wait to be written. One job at a time is
/// on a thread of the driver.
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

struct Inner {
    place: ProxyPlace,
    path: PathBuf,
    limits: SpoolLimits,
    clock: Box<dyn Fn() -> SystemTime>,
    reactor: RefCell<Option<Reactor>>,
    directory: RefCell<Option<Arc<Directory>>>,
    index: RefCell<Index>,
    queue: RefCell<Queue>,
    counters: RefCell<SpoolCounters>,
    warner: RefCell<Warner>,
    /// Whether a job is on a thread, or one waits for a thread.
    busy: Cell<bool>,
    /// Told when nothing is left to do.
    idle: RefCell<Vec<Resolver<()>>>,
}

/// What a file turned out to be.
enum Found {
    Copy {
        label: Label,
        file: Vec<u8>,
        body_at: usize,
    },
    Damaged(Damage),
    /// No file any more, or too long for the proxy's limits.
    Nothing,
}

/// Which counter is meant.
type Work = fn(&mut SpoolCounters) -> &mut DiskWork;

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
        Self { inner: Rc::new(inner) }
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
            inner.open(&reactor).await?;
            let copying = Rc::downgrade(&inner);
            inner.place.on_arrival(move |proxy| proxy.observe(Copying(Weak::clone(&copying))));
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
    /// Opens the directory and gives the proxy what is there.
    async fn open(self: &Rc<Self>, reactor: &Reactor) -> Result<(), Failure> {
        let path = self.path.clone();
        let opened = reactor.defer_to_thread(move || {
            let directory = Directory::open(&path)?;
            let listing = directory.list().map_err(|source| SpoolError::Os { path, source })?;
            Ok((directory, listing))
        });
        let (directory, listing) = match opened.await {
            Ok(opened) => opened,
            Err(failure) if failure.check::<SpoolError>().is_some_and(|error| !error.is_mistake()) => {
                let why = failure.error().source().map(tracing::field::display);
                tracing::warn!(why, "no copies are kept on the disk: {failure}");
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let directory = Arc::new(directory);
        self.trim(reactor, &directory, &listing).await?;
        let names: Vec<String> = self.index.borrow().names().cloned().collect();
        if let Some(proxy) = self.place.proxy() {
            for name in names {
                self.take_in(reactor, &proxy, &directory, name).await?;
            }
        }
        let counters = *self.counters.borrow();
        let (restored, damaged, foreign) = (counters.restored, counters.damaged, listing.foreign);
        tracing::info!(restored, damaged, foreign, "copies were read from {}", self.path.display());
        *self.directory.borrow_mut() = Some(directory);
        Ok(())
    }

    /// Removes what is beyond the limits, and notes the rest.
    async fn trim(
        &self,
        reactor: &Reactor,
        directory: &Arc<Directory>,
        listing: &Listing,
    ) -> Result<(), Failure> {
        let excess = {
            let mut index = self.index.borrow_mut();
            for (name, bytes) in &listing.files {
                index.insert(name, *bytes);
            }
            index.excess(self.limits)
        };
        for name in excess {
            self.remove_one(reactor, directory, name).await?;
        }
        Ok(())
    }

    /// Reads one file and gives it to the proxy.
    async fn take_in(
        &self,
        reactor: &Reactor,
        proxy: &PoetryProxy,
        directory: &Arc<Directory>,
        name: String,
    ) -> Result<(), Failure> {
        let bytes_max = proxy.settings().cache.body_bytes_max.saturating_add(FILE_BYTES_BESIDE_BODY_MAX);
        let (reads, wanted, began) = (Arc::clone(directory), name.clone(), reactor.now());
        let read = reactor
            .defer_to_thread(move || Ok(reads.read(&wanted, bytes_max).map(|file| look_at(file, &wanted))));
        let read = read.await?;
        self.count(|counters| &mut counters.reads, reactor.now() - began, read.is_err());
        let useless = match read {
            Err(error) => {
                self.warn(reactor, "read a copy from", &error);
                false
            }
            Ok(Found::Nothing) => false,
            Ok(Found::Damaged(damage)) => self.is_damaged(&name, damage),
            Ok(Found::Copy { label, file, body_at }) => match label.age((self.clock)()) {
                Err(damage) => self.is_damaged(&name, damage),
                Ok(age) => self.restore(proxy, &label, &file[body_at..], age) == Err(NotRestored::TooOld),
            },
        };
        if useless {
            self.remove_one(reactor, directory, name).await?;
        }
        Ok(())
    }

    fn is_damaged(&self, name: &str, damage: Damage) -> bool {
        self.counters.borrow_mut().damaged += 1;
        tracing::warn!(name, "a copy on the disk is of no use and is removed: {damage}");
        true
    }

    fn restore(
        &self,
        proxy: &PoetryProxy,
        label: &Label,
        body: &[u8],
        age: Duration,
    ) -> Result<(), NotRestored> {
        let (body, confirmations) = (Body::from_bytes(body), label.confirmations);
        let restored = proxy.restore(&label.key, &KeptBody { body, age, ttl: label.ttl, confirmations });
        match restored {
            Ok(()) => self.counters.borrow_mut().restored += 1,
            Err(why) => tracing::debug!(key = label.key, "a copy is not used: {why}"),
        }
        restored
    }

    async fn remove_one(
        &self,
        reactor: &Reactor,
        directory: &Arc<Directory>,
        name: String,
    ) -> Result<(), Failure> {
        let (removes, wanted, began) = (Arc::clone(directory), name.clone(), reactor.now());
        let removed = reactor.defer_to_thread(move || Ok(removes.remove(&wanted))).await?;
        self.count(|counters| &mut counters.removes, reactor.now() - began, removed.is_err());
        match removed {
            Ok(()) => self.index.borrow_mut().remove(&name),
            Err(error) => self.warn(reactor, "remove a copy from", &error),
        }
        Ok(())
    }

    fn count(&self, work: Work, took: Duration, failed: bool) {
        let mut counters = self.counters.borrow_mut();
        let work = work(&mut counters);
        work.operations += 1;
        work.errors += u64::from(failed);
        work.time.observe_duration(took);
    }

    fn warn(&self, reactor: &Reactor, what: &str, error: &io::Error) {
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
        let done = match file {
            None => {
                let wanted = name.clone();
                let removed = reactor.defer_to_thread(move || Ok(directory.remove(&wanted)));
                removed.map(|result| (Done::Removed, result))
            }
            Some(file) => {
                let done = Done::Written { victims: file.victims.clone(), bytes: file.bytes };
                let wanted = name.clone();
                reactor
                    .defer_to_thread(move || Ok(file.write(&directory, &wanted)))
                    .map(|result| (done, result))
            }
        };
        let (this, reactor) = (Rc::clone(self), reactor.clone());
        drop(done.add_both(move |answer| {
            match answer {
                Ok((done, result)) => this.done(&reactor, &name, &done, result, began),
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
        let length = u64::try_from(bytes.len()).ok()?.saturating_add(FILE_BYTES_BESIDE_BODY_MAX);
        let victims = self.index.borrow().victims(name, length, self.limits);
        if victims.is_none() {
            self.counters.borrow_mut().skipped += 1;
        }
        Some(File { label: label.clone(), body: bytes, victims: victims?, bytes: length })
    }

    fn done(&self, reactor: &Reactor, name: &str, done: &Done, result: io::Result<()>, began: Time) {
        let took = reactor.now() - began;
        let work: Work = match done {
            Done::Removed => |counters| &mut counters.removes,
            Done::Written { .. } => |counters| &mut counters.writes,
        };
        self.count(work, took, result.is_err());
        let mut index = self.index.borrow_mut();
        index.remove(name);
        if let Done::Written { victims, bytes } = done {
            victims.iter().for_each(|victim| index.remove(victim));
            if result.is_ok() {
                index.insert(name, *bytes);
            }
        }
        drop(index);
        if let Err(error) = result {
            self.warn(reactor, "keep a copy in", &error);
        }
    }
}

/// What a thread was told to do.
enum Done {
    Removed,
    Written { victims: Vec<String>, bytes: u64 },
}

/// A file to be written, on a thread.
struct File {
    label: Label,
    body: Vec<u8>,
    victims: Vec<String>,
    bytes: u64,
}

impl File {
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

/// What a file is, as far as the file itself can tell.
fn look_at(file: Option<Vec<u8>>, name: &str) -> Found {
    let Some(file) = file else { return Found::Nothing };
    match decode(&file) {
        Ok((label, _)) if file_name(&label.key) != name => Found::Damaged(Damage::Key),
        Ok((label, body_at)) => Found::Copy { label, file, body_at },
        Err(damage) => Found::Damaged(damage),
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
