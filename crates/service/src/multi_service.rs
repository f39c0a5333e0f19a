//! Services with children, before they are part of a running tree.

use std::fmt;
use std::rc::Rc;

use sestina_reactor::Reactor;

use crate::child::{Child, check_name};
use crate::errors::AddError;
use crate::limits::Limits;
use crate::service::Service;
use crate::supervision::Supervision;
use crate::tree::Tree;

/// A service that consists of others: started in the order in which they were added, stopped in reverse, and supervised.
///
/// A later child may depend on an earlier one: it is started when that one runs, and stopped before it.
///
/// ```
/// use sestina_service::{Application, MultiService, Supervision, service};
///
/// let mut poetry = MultiService::new("poetry").with_supervision(Supervision::rest_for_one());
/// poetry.add(service("poem", |cx| async move {
///     cx.ready();
///     cx.stopped().await
/// }))?;
/// let mut application = Application::new("sestina");
/// application.add(poetry)?; // and now it belongs to the application
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct MultiService {
    pub(crate) name: String,
    pub(crate) children: Vec<Child>,
    pub(crate) supervision: Supervision,
    pub(crate) limits: Limits,
    pub(crate) together: bool,
}

impl MultiService {
    /// Without children, one-for-one.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            children: Vec::new(),
            supervision: Supervision::default(),
            limits: Limits::default(),
            together: false,
        }
    }

    /// Sets how its children are supervised.
    #[must_use]
    pub fn with_supervision(self, supervision: Supervision) -> Self {
        Self { supervision, ..self }
    }

    /// Sets how long the steps of its children may take, where they do not say it themselves.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Says that its children do not depend on each other: they are stopped together, not one after the other.
    #[must_use]
    pub fn stopped_together(self) -> Self {
        Self { together: true, ..self }
    }

    /// Adds a child after the others.
    ///
    /// # Errors
    /// If the name is taken or is none, or if the very object has a parent here already.
    pub fn add(&mut self, child: impl Into<Child>) -> Result<&mut Self, AddError> {
        let child = child.into();
        check_name(&child.name)?;
        if self.children.iter().any(|other| other.name == child.name) {
            return Err(AddError::NameTaken { path: format!("{}/{}", self.name, child.name) });
        }
        for object in child.objects() {
            if let Some(path) = self.find(&object) {
                return Err(AddError::HasParent { path: format!("{}/{path}", self.name) });
            }
        }
        self.children.push(child);
        Ok(self)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn find(&self, service: &Rc<dyn Service>) -> Option<String> {
        self.children.iter().find_map(|child| child.find(service))
    }
}

impl fmt::Debug for MultiService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MultiService({}, {:?})", self.name, self.children)
    }
}

/// The top of a tree: a [`MultiService`] without a parent. Paths begin below it: its child `poetry` is at `poetry`.
///
/// ```
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, task};
///
/// let reactor = Simulation::seeded(7).reactor();
/// let mut application = Application::new("greeter");
/// application.add(task("greet", |_| async { println!("good day"); Ok(()) }))?;
/// let tree = application.attach(&reactor)?;
/// reactor.run_until(tree.start()).expect("it starts; and stops, when the reactor does");
/// # Ok::<(), sestina_service::AddError>(())
/// ```
#[derive(Debug)]
pub struct Application {
    pub(crate) top: MultiService,
}

impl Application {
    /// Without children, one-for-one.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { top: MultiService::new(name) }
    }

    /// Sets how its children are supervised.
    #[must_use]
    pub fn with_supervision(self, supervision: Supervision) -> Self {
        Self { top: self.top.with_supervision(supervision) }
    }

    /// Sets how long each step of a service may take that does not say it itself.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { top: self.top.with_limits(limits) }
    }

    /// Says that its children do not depend on each other: they are stopped together, not one after the other.
    #[must_use]
    pub fn stopped_together(self) -> Self {
        Self { top: self.top.stopped_together() }
    }

    /// Adds a child after the others.
    ///
    /// # Errors
    /// As [`MultiService::add`].
    pub fn add(&mut self, child: impl Into<Child>) -> Result<&mut Self, AddError> {
        self.top.add(child)?;
        Ok(self)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.top.name
    }

    /// The tree, on this reactor, at rest.
    ///
    /// # Errors
    /// If its own name is none.
    pub fn attach(self, reactor: &Reactor) -> Result<Tree, AddError> {
        check_name(&self.top.name)?;
        Ok(Tree::new(reactor, self.top))
    }
}
