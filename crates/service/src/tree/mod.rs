//! A tree of services on a reactor: the verbs.
//!
//! Walk: each verb tells the machine (`machine/`) what is asked and carries out its orders (`tree/run.rs`).
//! Invariant: nothing is borrowed while a service, a constructor, a callback or a destructor of the user's runs.
//! Tests: `tests/suite/`, one file for each situation.

mod place;
mod run;
mod status;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Deferred, Failure, Resolver, deferred, fail, succeed};
use sestina_reactor::{DelayedCall, Phase, Reactor, Time, Trigger};

use crate::child::{Child, Kind, Maker, check_name};
use crate::errors::{
    AddError, Cause, MoveError, NoSuchService, ServiceError, StartError, StopReport, Stopping,
};
use crate::limits::Limits;
use crate::machine::{GroupSpec, Id, Machine, Spec, Want};
use crate::monitor::{End, push_waiting};
use crate::multi_service::MultiService;
use crate::service::Service;
use crate::state::{State, Step};
use crate::supervision::{Restart, Supervision};
use place::Place;

/// A tree of services on a reactor. A cheap handle: clones are the same tree.
///
/// Made by [`Application::attach`](crate::Application::attach). Services are named by their path, such as `poetry/tcp`; the
/// empty path is the application itself.
///
/// While it runs, the reactor's stop stops it first: its clients are drained and its services stopped before anything is ended.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, State, service};
///
/// let reactor = Simulation::seeded(7).reactor();
/// let tree = Application::new("example").attach(&reactor)?;
/// let story = {
///     let tree = tree.clone();
///     async move {
///         tree.start().await?;
///         // Added while it runs: started once, and there when the answer comes.
///         tree.add("", service("late", |cx| async move { cx.ready(); cx.stopped().await })).await?;
///         assert_eq!(tree.state("late"), Some(State::Running));
///         tree.remove("late").await?;
///         assert_eq!(tree.state("late"), None);
///         tree.stop().await
///     }
/// };
/// let report = reactor.run_until(reactor.spawn(story)).expect("all goes well");
/// assert!(report.is_clean());
/// # Ok::<(), sestina_service::AddError>(())
/// ```
#[derive(Clone)]
pub struct Tree(Rc<Inner>);

pub(crate) struct Inner {
    reactor: Reactor,
    machine: RefCell<Machine>,
    places: RefCell<BTreeMap<Id, Place>>,
    /// Whether orders are being carried out, further up on the stack.
    running: Cell<bool>,
    /// The next deadline of the machine.
    timer: RefCell<Option<(Time, DelayedCall)>>,
    /// Stops the tree when the reactor stops.
    trigger: RefCell<Option<Trigger>>,
    waiting: RefCell<Waiting>,
    watchers: RefCell<BTreeMap<u64, Watcher>>,
    next_watcher: Cell<u64>,
    this: RefCell<std::rc::Weak<Self>>,
}

type Watcher = Rc<RefCell<dyn FnMut(&str, State)>>;

/// Who waits for something of the whole tree.
#[derive(Default)]
struct Waiting {
    bound: Vec<Resolver<()>>,
    up: Vec<Resolver<()>>,
    /// Those who asked for a start during a stop.
    next: Vec<(Want, Resolver<()>)>,
    stopped: Vec<Resolver<StopReport>>,
    failed: Vec<Resolver<()>>,
}

/// Tells of states as long as it is kept.
#[must_use = "nothing is told any more when this is dropped"]
pub struct Subscription {
    tree: std::rc::Weak<Inner>,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(tree) = self.tree.upgrade() {
            let watcher = tree.watchers.borrow_mut().remove(&self.number);
            drop(watcher);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Subscription({})", self.number)
    }
}

impl Tree {
    pub(crate) fn new(reactor: &Reactor, top: MultiService) -> Self {
        let spec = spec_of(&top.name, Restart::Temporary, top.limits, Some(&top), true);
        let inner = Inner {
            reactor: reactor.clone(),
            machine: RefCell::new(Machine::new(spec, reactor.random())),
            places: RefCell::default(),
            running: Cell::new(false),
            timer: RefCell::default(),
            trigger: RefCell::default(),
            waiting: RefCell::default(),
            watchers: RefCell::default(),
            next_watcher: Cell::new(0),
            this: RefCell::default(),
        };
        let inner = Rc::new(inner);
        *inner.this.borrow_mut() = Rc::downgrade(&inner);
        let root = inner.machine.borrow().root();
        inner.places.borrow_mut().insert(root, Place::new(Maker::UsedUp));
        for child in top.children {
            inner.insert(root, None, child);
        }
        Self(inner)
    }

    pub(crate) fn from_inner(inner: Rc<Inner>) -> Self {
        Self(inner)
    }

    /// The reactor.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }

    /// Runs the privileged starts of all services, in order: sockets are bound, nothing is served. Afterwards the program may
    /// give up its privileges, and [`start`](Self::start).
    ///
    /// # Errors
    /// [`StartError`]; what was started has been stopped then, in reverse.
    ///
    /// # Cancelling
    /// Stops the tree; the answer comes when it is at rest.
    pub fn privileged_start(&self) -> Deferred<()> {
        self.begin(Want::Bound)
    }

    /// Starts all services in order, each when those before it run; first their privileged starts, unless that was done.
    /// Called during a stop, it starts afterwards.
    ///
    /// # Errors
    /// [`StartError`]; what was started has been stopped then, in reverse.
    ///
    /// # Cancelling
    /// Stops the tree; the answer comes when it is at rest.
    pub fn start(&self) -> Deferred<()> {
        self.begin(Want::Up)
    }

    fn begin(&self, want: Want) -> Deferred<()> {
        let (resolver, answer) = deferred();
        let tree = Rc::downgrade(&self.0);
        resolver.on_cancel(move || {
            if let Some(inner) = tree.upgrade() {
                drop(Self(inner).stop());
            }
            sestina_deferred::Answer::Later
        });
        let is_next = self.0.machine.borrow().is_on_its_way_down();
        match want {
            _ if is_next => self.0.waiting.borrow_mut().next.push((want, resolver)),
            Want::Bound => self.0.waiting.borrow_mut().bound.push(resolver),
            Want::Up | Want::Down => self.0.waiting.borrow_mut().up.push(resolver),
        }
        self.0.attach_to_stop();
        self.0.tell(|machine, now| machine.start(want, now));
        answer
    }

    /// Stops all services: first they drain, all at the same time; then they stop in reverse. Each is bounded, so the answer
    /// always comes, and names what did not stop by itself.
    ///
    /// # Cancelling
    /// Has no effect: use [`stop_now`](Self::stop_now).
    pub fn stop(&self) -> Deferred<StopReport> {
        let (resolver, answer) = deferred();
        self.0.waiting.borrow_mut().stopped.push(resolver);
        // A start that was to follow the stop that goes on is not wanted any more.
        let next = std::mem::take(&mut self.0.waiting.borrow_mut().next);
        self.0.tell(Machine::stop);
        for (want, resolver) in next {
            let step = if want == Want::Bound { Step::PrivilegedStart } else { Step::Start };
            resolver.errback(not_started(ServiceError::new(String::new(), step, Cause::Stopped), Vec::new()));
        }
        answer
    }

    /// The same without patience: what drains is cut, and what does not stop at once is left behind.
    pub fn stop_now(&self) -> Deferred<StopReport> {
        let answer = self.stop();
        self.0.tell(Machine::hurry);
        answer
    }

    /// Fires when the application gives up: when failures went on in spite of all restarts. It is at rest then. Fires at once
    /// if it has given up, and was not started again.
    ///
    /// # Errors
    /// Always: with a [`StartError`], whose [`error`](StartError::error) is the failure that was one too many.
    ///
    /// # Cancelling
    /// Stops waiting.
    pub fn failed(&self) -> Deferred<()> {
        if let Some(error) = self.0.machine.borrow().gave_up() {
            return fail(not_started(error, Vec::new()));
        }
        let (resolver, answer) = deferred();
        push_waiting(&mut self.0.waiting.borrow_mut().failed, resolver);
        answer
    }

    /// Adds a child to the service at `parent`, after the others. If that one runs or is being started, the child is started,
    /// once, when those before it run; the answer comes when it runs.
    ///
    /// # Errors
    /// [`AddError`]; or [`ServiceError`] if the child did not start: then it is not in the tree any more.
    ///
    /// # Cancelling
    /// Takes the child out again.
    pub fn add(&self, parent: &str, child: impl Into<Child>) -> Deferred<()> {
        self.add_at(parent, usize::MAX, child)
    }

    /// The same, before the child that is at `index` now.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_at(&self, parent: &str, index: usize, child: impl Into<Child>) -> Deferred<()> {
        let child = child.into();
        let checked = self.0.check(parent, &child);
        let parent = match checked {
            Ok(parent) => parent,
            Err(error) => return fail(error),
        };
        let id = self.0.insert(parent, Some(index), child);
        let (resolver, answer) = deferred();
        let tree = Rc::downgrade(&self.0);
        resolver.on_cancel(move || {
            if let Some(tree) = tree.upgrade() {
                tree.tell(|machine, now| machine.remove(id, now));
            }
            sestina_deferred::Answer::Later
        });
        self.0.with_place(id, |place| place.settled.push(resolver));
        self.0.tell(|machine, now| machine.announce(id, now));
        answer
    }

    /// Drains and stops a service and those below it, and takes them out of the tree.
    ///
    /// # Errors
    /// [`NoSuchService`]. The application itself cannot be removed.
    ///
    /// # Cancelling
    /// Has no effect.
    pub fn remove(&self, path: &str) -> Deferred<StopReport> {
        let Some(id) = self.0.find_below(path) else { return fail(NoSuchService(path.to_owned())) };
        let (resolver, answer) = deferred();
        self.0.with_place(id, |place| place.removed.push(resolver));
        self.0.tell(|machine, now| machine.remove(id, now));
        answer
    }

    /// Puts another child in the place of a service: that one is drained, stopped and removed, then the new one is started.
    /// Its siblings run on.
    ///
    /// # Errors
    /// [`NoSuchService`], [`AddError`], or [`ServiceError`] if the new one did not start: then neither is in the tree.
    ///
    /// # Cancelling
    /// Takes the new child out again; the old one is gone in any case.
    pub fn replace(&self, path: &str, child: impl Into<Child>) -> Deferred<StopReport> {
        let child = child.into();
        let Some(id) = self.0.find_below(path) else { return fail(NoSuchService(path.to_owned())) };
        let (parent, index) = self.0.position(id);
        let taken =
            self.0.name_taken(&parent, child.name()).filter(|taken| taken.as_str() != path.trim_matches('/'));
        if let Some(path) = taken {
            return fail(AddError::NameTaken { path });
        }
        let tree = self.clone();
        self.remove(path).add_callback(move |report| tree.add_at(&parent, index, child).map(move |()| report))
    }

    /// Drains, stops and starts a service again, with a new instance. Not a failure: nothing is counted.
    ///
    /// # Errors
    /// [`NoSuchService`] if it is not there, not to run, or cannot be made again; [`ServiceError`] if it does not start: its
    /// parent goes on trying then.
    pub fn restart(&self, path: &str) -> Deferred<()> {
        let id = self.0.find_below(path).filter(|id| self.0.machine.borrow().can_restart(*id));
        let Some(id) = id else { return fail(NoSuchService(path.to_owned())) };
        let (resolver, answer) = deferred();
        self.0.with_place(id, |place| place.settled.push(resolver));
        self.0.tell(|machine, now| machine.restart(id, now));
        answer
    }

    /// Gives a service another parent, after the others there; it runs on. Both must run, or both be at rest.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn move_child(&self, path: &str, parent: &str) -> Result<(), MoveError> {
        let no_such = |path: &str| MoveError::NoSuchService(NoSuchService(path.to_owned()));
        let id = self.0.find_below(path).ok_or_else(|| no_such(path))?;
        let to = self.0.find(parent).ok_or_else(|| no_such(parent))?;
        if !self.0.machine.borrow().is_group(to) {
            return Err(MoveError::Add(AddError::NotAParent(parent.to_owned())));
        }
        let name = self.0.machine.borrow().name_of(id).to_owned();
        if let Some(path) = self.0.name_taken(parent, &name) {
            return Err(MoveError::Add(AddError::NameTaken { path }));
        }
        let mut moved = Ok(());
        self.0.tell(|machine, now| moved = machine.move_to(id, to, now));
        moved
    }

    /// Has every running service read again what it was made of, in order. All are asked, whatever the others say, and all run
    /// on.
    ///
    /// # Errors
    /// None: the answer has those that failed. A service that does not answer within its start's time limit has failed.
    pub fn reload(&self) -> Deferred<Vec<ServiceError>> {
        let tree = self.clone();
        self.reactor().spawn(async move { Ok(tree.0.reload_all().await) })
    }

    /// The state of a service; `None` if there is none of this path.
    #[must_use]
    pub fn state(&self, path: &str) -> Option<State> {
        let machine = self.0.machine.borrow();
        machine.find(path).map(|id| machine.state(id))
    }

    /// Calls `f` with path and state whenever a service's state changes, as long as the subscription is kept.
    pub fn subscribe(&self, f: impl FnMut(&str, State) + 'static) -> Subscription {
        let number = self.0.next_watcher.get();
        self.0.next_watcher.set(number + 1);
        self.0.watchers.borrow_mut().insert(number, Rc::new(RefCell::new(f)));
        Subscription { tree: Rc::downgrade(&self.0), number }
    }

    /// Fires once, when the instance of a service that is there now has ended, with the reason. If none runs, at once: with
    /// the end of the last one, or [`End::NotThere`] if there was none. Any number may ask.
    ///
    /// # Cancelling
    /// Stops watching; the service goes on.
    pub fn monitor(&self, path: &str) -> Deferred<End> {
        let Some(id) = self.0.find(path) else { return succeed(End::NotThere) };
        if matches!(self.0.machine.borrow().state(id), State::Stopped | State::Failed) {
            let end = self.0.with_place(id, |place| place.end.clone()).flatten();
            return succeed(end.unwrap_or(End::NotThere));
        }
        let (resolver, answer) = deferred();
        self.0.with_place(id, |place| push_waiting(&mut place.monitors, resolver));
        answer
    }

    /// The running instance of a service, if it is an `S`. A restart makes another one: ask again rather than keep it.
    #[must_use]
    pub fn service<S: Service>(&self, path: &str) -> Option<Rc<S>> {
        let id = self.0.find(path)?;
        let service = self.0.places.borrow().get(&id)?.service()?;
        let any: Rc<dyn std::any::Any> = service;
        any.downcast().ok()
    }

    /// Sets the time limits of a service, or of all below it that have none of their own, for steps that begin from now on.
    ///
    /// # Errors
    /// [`NoSuchService`].
    pub fn set_limits(&self, path: &str, limits: Limits) -> Result<(), NoSuchService> {
        let id = self.0.find(path).ok_or_else(|| NoSuchService(path.to_owned()))?;
        self.0.machine.borrow_mut().set_limits(id, limits);
        Ok(())
    }

    /// Sets which ends of a service are followed by a new start, from its next end on. What was given as an object stays
    /// temporary.
    ///
    /// # Errors
    /// [`NoSuchService`].
    pub fn set_restart(&self, path: &str, restart: Restart) -> Result<(), NoSuchService> {
        let id = self.0.find_below(path).ok_or_else(|| NoSuchService(path.to_owned()))?;
        self.0.machine.borrow_mut().set_restart(id, restart);
        Ok(())
    }

    /// Sets how a parent looks after its children, from the next failure on, and whether they are stopped together. They run
    /// on. Has no effect on a service that is no parent.
    ///
    /// # Errors
    /// [`NoSuchService`].
    pub fn set_supervision(
        &self,
        path: &str,
        supervision: Supervision,
        together: bool,
    ) -> Result<(), NoSuchService> {
        let id = self.0.find(path).ok_or_else(|| NoSuchService(path.to_owned()))?;
        self.0.machine.borrow_mut().set_supervision(id, supervision, together);
        Ok(())
    }

    /// Puts the children that are named in this order, among themselves: in it they are started and, in reverse, stopped from
    /// now on. They run on. Names that there are not are left out.
    ///
    /// # Errors
    /// [`NoSuchService`] if there is no such parent.
    pub fn reorder(&self, parent: &str, names: &[&str]) -> Result<(), NoSuchService> {
        let id = self.0.find(parent).ok_or_else(|| NoSuchService(parent.to_owned()))?;
        self.0.tell(|machine, now| machine.reorder(id, names, now));
        Ok(())
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.0.machine.borrow();
        let root = machine.root();
        write!(out, "Tree({}, {})", machine.name_of(root), machine.state(root))
    }
}

impl Inner {
    fn find(&self, path: &str) -> Option<Id> {
        self.machine.borrow().find(path)
    }

    /// A service that is not the application itself.
    fn find_below(&self, path: &str) -> Option<Id> {
        let root = self.machine.borrow().root();
        self.find(path).filter(|id| *id != root)
    }

    /// The path of the parent, and the place among its children.
    fn position(&self, id: Id) -> (String, usize) {
        let machine = self.machine.borrow();
        let parent = machine.parent(id).unwrap_or_else(|| machine.root());
        let index = machine.children(parent).iter().position(|child| *child == id).unwrap_or(usize::MAX);
        (machine.path(parent), index)
    }

    fn name_taken(&self, parent: &str, name: &str) -> Option<String> {
        let machine = self.machine.borrow();
        let parent = machine.find(parent)?;
        let taken = machine.children(parent).iter().find(|child| machine.name_of(**child) == name)?;
        Some(machine.path(*taken))
    }

    /// Whether a child may be added there.
    fn check(&self, parent: &str, child: &Child) -> Result<Id, AddError> {
        check_name(&child.name)?;
        let id = self.find(parent).ok_or_else(|| AddError::NoParent(parent.to_owned()))?;
        if !self.machine.borrow().is_group(id) {
            return Err(AddError::NotAParent(parent.to_owned()));
        }
        if let Some(path) = self.name_taken(parent, &child.name) {
            return Err(AddError::NameTaken { path });
        }
        for object in child.objects() {
            let found = self.places.borrow().iter().find(|(_, place)| place.has(&object)).map(|(id, _)| *id);
            if let Some(id) = found {
                return Err(AddError::HasParent { path: self.machine.borrow().path(id) });
            }
        }
        Ok(id)
    }

    /// Makes places for a child and those below it.
    fn insert(&self, parent: Id, index: Option<usize>, child: Child) -> Id {
        let Child { name, kind, restart, limits } = child;
        let (maker, group, reusable) = match kind {
            Kind::Leaf(maker) => {
                let reusable = matches!(maker, Maker::Constructor(_));
                (maker, None, reusable)
            }
            Kind::Group(group) => (Maker::UsedUp, Some(group), true),
        };
        let spec = spec_of(&name, restart, limits, group.as_ref(), reusable);
        let id = self.machine.borrow_mut().insert(parent, index, spec);
        self.places.borrow_mut().insert(id, Place::new(maker));
        for child in group.into_iter().flat_map(|group| group.children) {
            self.insert(id, None, child);
        }
        id
    }

    fn with_place<R>(&self, id: Id, f: impl FnOnce(&mut Place) -> R) -> Option<R> {
        self.places.borrow_mut().get_mut(&id).map(f)
    }

    /// A reactor that stops stops the tree first, and waits for it.
    fn attach_to_stop(&self) {
        if self.trigger.borrow().is_some() {
            return;
        }
        let Some(this) = self.this.borrow().upgrade() else { return };
        let trigger = self.reactor.add_trigger(Phase::Before, move || {
            let tree = Tree(this);
            tree.0.trigger.borrow_mut().take();
            tree.stop().map(|report| {
                if !report.is_clean() {
                    tracing::warn!(target: "sestina_service", "{report}");
                }
            })
        });
        *self.trigger.borrow_mut() = Some(trigger);
    }

    async fn reload_all(&self) -> Vec<ServiceError> {
        let leaves = {
            let machine = self.machine.borrow();
            machine.leaves(machine.root())
        };
        let mut failed = Vec::new();
        for id in leaves {
            let running = self.machine.borrow().state(id) == State::Running;
            let service = self.places.borrow().get(&id).and_then(Place::service);
            if let (true, Some(service)) = (running, service) {
                let result = self.reload(id, service).await;
                failed.extend(result.err());
            }
        }
        failed
    }
}

fn spec_of(
    name: &str,
    restart: Restart,
    limits: Limits,
    group: Option<&MultiService>,
    reusable: bool,
) -> Spec {
    let group = group.map(|group| GroupSpec { supervision: group.supervision, together: group.together });
    Spec { name: name.to_owned(), restart, limits, reusable, group }
}

/// What a waiter is told that waits for something that will not come.
fn not_started(error: ServiceError, unstopped: Vec<ServiceError>) -> Failure {
    Failure::new(StartError { error, unstopped })
}

/// The reason of a cancel.
fn stopping() -> Failure {
    Failure::new(Stopping)
}
