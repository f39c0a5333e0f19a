//! Poetry as services of a tree: what loads the poem, and what serves it.
//!
//! ```text
//!   fastpoetry            a MultiService, rest-for-one
//!   ├─ poem               PoetryService: its start loads the poem, its reload loads it again
//!   └─ tcp                TcpServer: bound in the privileged start, accepting when the poem is there
//! ```
//!
//! Invariant: a connection is built with the poem that is current then, and keeps it: a reload changes nothing for clients
//! that are being served.
//! Tests: `tests/suite/services.rs`.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use sestina_deferred::{Deferred, succeed};
use sestina_reactor::{Address, Endpoint, Factory, Protocol, Reactor};
use sestina_service::{Child, Details, MultiService, Service, ServiceContext, Supervision, TcpServer};

use crate::poem::Poem;

/// The poem that is served now. A cheap clone: clones are the same place.
///
/// ```
/// use sestina_poetry::{CurrentPoem, Poem};
///
/// let current = CurrentPoem::default();
/// assert!(current.poem().is_none());
/// current.set(Poem::from_bytes("a poem"));
/// assert_eq!(current.poem().map(|poem| poem.len()), Some(6));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CurrentPoem(Rc<RefCell<Option<Poem>>>);

impl CurrentPoem {
    /// The poem, when it was loaded.
    #[must_use]
    pub fn poem(&self) -> Option<Poem> {
        self.0.borrow().clone()
    }

    /// From now on this one.
    pub fn set(&self, poem: Poem) {
        let before = self.0.borrow_mut().replace(poem);
        drop(before);
    }
}

/// Has a poem ready: loads it from a file when it starts, and again when it is told to reload. It knows nothing of those who
/// serve it, who look into the same [`CurrentPoem`].
///
/// # Errors
/// A start fails with a [`PoemError`](crate::PoemError). So does a reload, and the poem stays what it was.
///
/// ```
/// use sestina_poetry::{CurrentPoem, PoetryService};
/// use sestina_service::Child;
///
/// let current = CurrentPoem::default();
/// let poem = Child::new("poem", move || PoetryService::new("poetry/poems/ecstasy.txt", current.clone()));
/// # drop(poem);
/// ```
#[derive(Debug)]
pub struct PoetryService {
    path: PathBuf,
    current: CurrentPoem,
    reactor: RefCell<Option<Reactor>>,
}

impl PoetryService {
    /// Loads this file into that place.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, current: CurrentPoem) -> Self {
        Self { path: path.into(), current, reactor: RefCell::new(None) }
    }

    /// Reads the file on another thread: it may be on a slow disk.
    fn load(&self) -> Deferred<()> {
        let Some(reactor) = self.reactor.borrow().clone() else { return succeed(()) };
        let (path, current) = (self.path.clone(), self.current.clone());
        let name = path.display().to_string();
        reactor.defer_to_thread(move || Ok(Poem::load_bytes(&path)?)).map(move |bytes| {
            tracing::info!("loaded a poem of {} bytes from {name}", bytes.len());
            current.set(Poem::from_bytes(bytes));
        })
    }
}

impl Service for PoetryService {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        *self.reactor.borrow_mut() = Some(cx.reactor().clone());
        self.load()
    }

    fn reload(self: Rc<Self>) -> Deferred<()> {
        self.load()
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.reactor.borrow_mut().take();
        succeed(())
    }

    fn details(&self) -> Details {
        let details = Details::default();
        match self.current.poem() {
            Some(poem) => details.with_note(format!("{} bytes from {}", poem.len(), self.path.display())),
            None => details,
        }
    }
}

/// Serves a poem from a file: loads it before anybody is accepted, and again at a reload, without losing a client.
///
/// `poet` says how: it makes the factory for one connection.
///
/// ```
/// use sestina_poetry::{FastPoetry, SlowPoetry, poetry_server};
/// use sestina_reactor::Endpoint;
/// use sestina_service::Application;
///
/// let mut application = Application::new("poets");
/// let ecstasy = "poetry/poems/ecstasy.txt";
/// application.add(poetry_server("fast", ecstasy, &Endpoint::loopback(10000), FastPoetry::new))?;
/// application.add(poetry_server("slow", ecstasy, &Endpoint::loopback(10001), |poem| {
///     SlowPoetry::new(poem).with_num_bytes(30.try_into().expect("not zero"))
/// }))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
///
/// # Errors
/// Its start fails with a [`PoemError`](crate::PoemError) or a [`ListenError`](sestina_reactor::ListenError); the port is
/// closed then.
#[expect(clippy::missing_panics_doc, reason = "the names of the two children differ")]
pub fn poetry_server<F: Factory>(
    name: impl Into<String>,
    poem: impl Into<PathBuf>,
    at: &Endpoint,
    poet: impl Fn(Poem) -> F + 'static,
) -> MultiService {
    let (current, path, at, poet) = (CurrentPoem::default(), poem.into(), at.clone(), Rc::new(poet));
    let loads = current.clone();
    let mut group = MultiService::new(name).with_supervision(Supervision::rest_for_one());
    group.add(Child::new("poem", move || PoetryService::new(path.clone(), loads.clone()))).expect(EMPTY);
    let tcp = move || {
        let (current, poet) = (current.clone(), Rc::clone(&poet));
        TcpServer::new(&at, CurrentFactory { current, make: Box::new(move |poem| Box::new(poet(poem))) })
    };
    group.add(Child::new("tcp", tcp)).expect(EMPTY);
    group
}

const EMPTY: &str = "the two children of a server have names of their own";

/// Builds each connection with the poem that is current then.
struct CurrentFactory {
    current: CurrentPoem,
    make: Box<dyn Fn(Poem) -> Box<dyn Factory>>,
}

impl Factory for CurrentFactory {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        (self.make)(self.current.poem()?).build(peer)
    }
}
