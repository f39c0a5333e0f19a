//! Services that are one async function.
//!
//! Tests: `tests/suite/lives.rs`.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use sestina_deferred::{Answer, Cancelled, Deferred, Failure, Resolver, deferred};

use crate::child::Child;
use crate::context::ServiceContext;
use crate::errors::NeverReady;
use crate::ready::{Ready, ReadyGuard};
use crate::service::Service;
use crate::supervision::Restart;

/// A service that is one async function: its start is done when it calls [`ready`](ServiceContext::ready), its stop is the
/// catchable cancel of what it awaits, and what it returns is how it ended.
///
/// Each start calls `f` anew. Permanent, unless told otherwise: a function that returns is called again.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, service};
/// use std::time::Duration;
///
/// let clock = service("clock", |cx| async move {
///     // Here it opens what it needs; an error is a failed start.
///     cx.ready();
///     loop {
///         if let Err(stop) = cx.reactor().sleep(Duration::from_secs(60)).await {
///             cx.reactor().sleep(Duration::from_millis(5)).await?; // still alive: it can clean up
///             return Err(stop);
///         }
///     }
/// });
/// let mut application = Application::new("example");
/// application.add(clock)?;
/// let reactor = Simulation::seeded(7).reactor();
/// let tree = application.attach(&reactor)?;
/// reactor.run_until(tree.start()).expect("it is ready");
/// # Ok::<(), sestina_service::AddError>(())
/// ```
///
/// # Cancelling
/// A stop cancels what the function awaits, because of [`Stopping`](crate::Stopping). It may clean up, and has the time
/// limit of a stop for it; then it is dropped where it stands.
///
/// # Errors
/// An error or a panic before `ready` is a failed start, as is an end without it ([`NeverReady`]); afterwards it is a failure
/// of the service.
#[must_use = "a child does nothing until it is added"]
pub fn service<F, A>(name: impl Into<String>, f: F) -> Child
where
    F: Fn(ServiceContext) -> A + 'static,
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let f = Rc::new(f);
    Child::new(name, move || Function::new(Rc::clone(&f), Readiness::Says))
}

/// A service that is one async function with work that ends: it counts as started at once. Transient, unless told
/// otherwise: started again when it fails, and done when it is done.
///
/// ```
/// use sestina_service::{MultiService, Restart, task};
///
/// let mut top = MultiService::new("top");
/// top.add(task("migrate", |cx| async move {
///     tracing::info!("{} moves the old files", cx.path());
///     Ok(())
/// }))?;
/// top.add(task("greet", |_| async { Ok(()) }).with_restart(Restart::Temporary))?;
/// # Ok::<(), sestina_service::AddError>(())
/// ```
#[must_use = "a child does nothing until it is added"]
pub fn task<F, A>(name: impl Into<String>, f: F) -> Child
where
    F: Fn(ServiceContext) -> A + 'static,
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let f = Rc::new(f);
    Child::new(name, move || TaskService::shared(Rc::clone(&f))).with_restart(Restart::Transient)
}

/// The service behind [`task`]: an async function that runs from the start of the service on.
///
/// ```
/// use sestina_service::{Child, TaskService};
///
/// let child = Child::new("greet", || TaskService::new(|_| async { Ok(()) }));
/// # drop(child);
/// ```
pub struct TaskService(Function);

impl TaskService {
    /// Runs this function.
    pub fn new<F, A>(f: F) -> Self
    where
        F: Fn(ServiceContext) -> A + 'static,
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        Self::shared(Rc::new(f))
    }

    fn shared<F, A>(f: Rc<F>) -> Self
    where
        F: Fn(ServiceContext) -> A + 'static,
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        Self(Function::new(f, Readiness::AtOnce))
    }
}

impl Service for TaskService {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        self.0.start(&cx)
    }

    fn failed(&self) -> Option<Deferred<()>> {
        self.0.failed()
    }
}

impl std::fmt::Debug for TaskService {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TaskService")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Readiness {
    AtOnce,
    /// The function says when.
    Says,
}

/// One run of a function.
struct Function {
    make: Box<dyn Fn(ServiceContext, Rc<Ready>) -> Deferred<()>>,
    readiness: Readiness,
    end: Rc<RefCell<End>>,
}

/// How the run ended, for whoever asks.
enum End {
    Open,
    Asked(Resolver<()>),
    Over(Result<(), Failure>),
}

impl Function {
    fn new<F, A>(f: Rc<F>, readiness: Readiness) -> Self
    where
        F: Fn(ServiceContext) -> A + 'static,
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        let make = Box::new(move |cx: ServiceContext, ready: Rc<Ready>| {
            let (reactor, span, f) = (cx.reactor().clone(), cx.span().clone(), Rc::clone(&f));
            // The function is called inside of its task, so that a panic in it is caught there.
            span.in_scope(|| reactor.spawn(ready.polling(move || Box::pin(f(cx)))))
        });
        Self { make, readiness, end: Rc::new(RefCell::new(End::Open)) }
    }

    fn start(&self, cx: &ServiceContext) -> Deferred<()> {
        let (ready, started) = Ready::new();
        let own = match self.readiness {
            Readiness::AtOnce => cx.clone_without_ready(),
            Readiness::Says => cx.with_ready(ReadyGuard(Rc::clone(&ready))),
        };
        let answer = (self.make)(own, Rc::clone(&ready));
        let end = Rc::clone(&self.end);
        let at_once = self.readiness == Readiness::AtOnce;
        if at_once {
            ready.say();
        }
        let task = cx.keep(answer, move |result| {
            if ready.is_open() {
                return ready.fail(result.err().unwrap_or_else(|| Failure::new(NeverReady)));
            }
            let asked = end.replace(End::Over(Ok(())));
            match asked {
                End::Asked(resolver) => resolver.resolve(result),
                End::Open | End::Over(_) => drop(end.replace(End::Over(result))),
            }
        });
        let task = task.canceller();
        started.on_cancel_with(move |cancelled: &Cancelled| {
            match cancelled.reason() {
                Some(reason) => task.cancel_because(reason.clone()),
                None => task.cancel(),
            }
            Answer::Later
        })
    }

    fn failed(&self) -> Option<Deferred<()>> {
        let over = self.end.replace(End::Over(Ok(())));
        if let End::Over(result) = over {
            let (resolver, answer) = deferred();
            resolver.resolve(result);
            return Some(answer);
        }
        let (resolver, answer) = deferred();
        drop(self.end.replace(End::Asked(resolver)));
        Some(answer)
    }
}

impl Service for Function {
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Self::start(&self, &cx)
    }

    fn failed(&self) -> Option<Deferred<()>> {
        Self::failed(self)
    }
}
