//! A service that does what a test says, a diary of what was done, and a stage to play it on.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Answer, Deferred, Failure, Resolver, deferred, succeed};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Child, Service, ServiceContext, Tree};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Whether this is the full run, with all seeds.
#[expect(clippy::disallowed_methods, reason = "a test's size is chosen by the environment")]
pub(crate) fn is_full() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.borrow_mut())
    }

    /// Whether this was noted.
    pub(crate) fn has(&self, line: &str) -> bool {
        self.0.borrow().iter().any(|noted| noted == line)
    }

    /// What was noted since the last time, on one line.
    pub(crate) fn line(&self) -> String {
        self.take().join(", ")
    }
}

/// What a step of a [`Probe`] does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Act {
    #[default]
    Good,
    /// It answers after so many milliseconds; a cancel ends it.
    After(u32),
    Fail,
    Panic,
    /// It never answers; a cancel ends it.
    Hang,
    /// It never answers, whatever it is told.
    Deaf,
    /// It answers a cancel with success after so many milliseconds.
    Cleans(u32),
}

/// What each step does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) bind: Act,
    pub(crate) start: Act,
    pub(crate) drain: Act,
    pub(crate) stop: Act,
    pub(crate) reload: Act,
}

/// A service that follows a plan and keeps a diary.
pub(crate) struct Probe {
    name: String,
    plan: Plan,
    diary: Diary,
    context: RefCell<Option<ServiceContext>>,
    ending: Cell<Option<Resolver<()>>>,
    kept: RefCell<Vec<Resolver<()>>>,
}

impl Probe {
    pub(crate) fn new(name: &str, plan: Plan, diary: &Diary) -> Self {
        Self {
            name: name.to_owned(),
            plan,
            diary: diary.clone(),
            context: RefCell::default(),
            ending: Cell::default(),
            kept: RefCell::default(),
        }
    }

    /// What makes it end by itself.
    pub(crate) fn ending(&self) -> Resolver<()> {
        self.ending.take().expect("it ends once")
    }

    fn act(&self, step: &str, act: Act) -> Deferred<()> {
        self.diary.note(format!("{} {step}", self.name));
        let (done, diary) = (format!("{} {step} done", self.name), self.diary.clone());
        let reactor = self.context.borrow().as_ref().map(|cx| cx.reactor().clone());
        match act {
            Act::Good => succeed(()),
            Act::After(ms) => reactor.expect("it was started").sleep(ms * MS).map(move |()| diary.note(done)),
            Act::Fail => sestina_deferred::fail(Failure::msg(format!("{} cannot {step}", self.name))),
            Act::Panic => panic!("{} panics", self.name),
            Act::Hang => {
                let (resolver, answer) = deferred();
                self.kept.borrow_mut().push(resolver);
                answer
            }
            Act::Deaf => {
                let (resolver, answer) = deferred();
                resolver.on_cancel(|| Answer::Later);
                self.kept.borrow_mut().push(resolver);
                answer
            }
            Act::Cleans(ms) => {
                let (resolver, answer) = deferred();
                let resolver = Rc::new(Cell::new(Some(resolver)));
                let reactor = reactor.expect("it was started");
                let later = Rc::clone(&resolver);
                answer.on_cancel(move || {
                    drop(reactor.call_later(ms * MS, move || {
                        diary.note(done);
                        if let Some(resolver) = later.take() {
                            resolver.callback(());
                        }
                    }));
                    Answer::Later
                })
            }
        }
    }
}

impl Service for Probe {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        *self.context.borrow_mut() = Some(cx);
        self.act("bind", self.plan.bind)
    }

    fn start(self: Rc<Self>, _: ServiceContext) -> Deferred<()> {
        self.act("start", self.plan.start)
    }

    fn drain(self: Rc<Self>) -> Deferred<()> {
        self.act("drain", self.plan.drain)
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        self.act("stop", self.plan.stop)
    }

    fn reload(self: Rc<Self>) -> Deferred<()> {
        self.act("reload", self.plan.reload)
    }

    fn failed(&self) -> Option<Deferred<()>> {
        let (ending, end) = deferred();
        self.ending.set(Some(ending));
        Some(end)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.diary.note(format!("{} dropped", self.name));
    }
}

/// A child whose every instance follows the same plan.
pub(crate) fn probe(name: &str, plan: Plan, diary: &Diary) -> Child {
    let (own, diary) = (name.to_owned(), diary.clone());
    Child::new(name, move || Probe::new(&own, plan, &diary))
}

/// The service at `path` ends by itself.
pub(crate) fn end(tree: &Tree, path: &str, result: Result<(), Failure>) {
    let ending = tree.service::<Probe>(path).expect("it runs").ending();
    ending.resolve(result);
}

/// A child that does all well.
pub(crate) fn good(name: &str, diary: &Diary) -> Child {
    probe(name, Plan::default(), diary)
}

/// An application with these children.
pub(crate) fn application(children: impl IntoIterator<Item = Child>) -> Application {
    let mut application = Application::new("test");
    for child in children {
        application.add(child).expect("the names differ");
    }
    application
}

/// Plays a story about a tree on a simulated reactor. Afterwards nothing may be left.
pub(crate) fn play<T, A>(application: Application, story: impl FnOnce(Tree) -> A) -> T
where
    T: 'static,
    A: Future<Output = Result<T, Failure>> + 'static,
{
    play_on(&Simulation::seeded(1), application, story)
}

/// The same on this simulation's only host.
pub(crate) fn play_on<T, A>(
    simulation: &Simulation,
    application: Application,
    story: impl FnOnce(Tree) -> A,
) -> T
where
    T: 'static,
    A: Future<Output = Result<T, Failure>> + 'static,
{
    let reactor = simulation.reactor();
    let tree = application.attach(&reactor).expect("a good name");
    let told = reactor.run_until(reactor.spawn(story(tree.clone())));
    let told = told.unwrap_or_else(|failure| panic!("the story failed: {failure} at {}", failure.location()));
    drop(tree);
    check_nothing_left(&reactor);
    told
}

pub(crate) fn check_nothing_left(reactor: &Reactor) {
    let left =
        [reactor.timers(), reactor.tasks(), reactor.ports(), reactor.connections(), reactor.processes()];
    assert_eq!(left, [0; 5], "timers, tasks, ports, connections, processes");
    assert_eq!(reactor.statistics().unhandled_errors, 0, "unhandled errors");
}
