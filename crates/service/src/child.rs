//! A child: a name, a way to make the service, and what its parent should know.

use std::fmt;
use std::rc::Rc;

use crate::errors::AddError;
use crate::limits::Limits;
use crate::multi_service::MultiService;
use crate::service::Service;
use crate::supervision::Restart;

/// A service as a parent has it: its name, how an instance is made, when it is started again, how long its steps may take.
///
/// ```
/// use sestina_service::{Child, Limits, MultiService, Restart, Service};
/// use std::time::Duration;
///
/// struct Cache;
/// impl Service for Cache {}
///
/// let mut top = MultiService::new("top");
/// top.add(Child::new("cache", || Cache).with_restart(Restart::Transient))?;
/// top.add(Child::new("hasty", || Cache).with_limits(Limits::new().with_start(Duration::from_secs(1))))?;
/// assert!(top.add(Child::new("cache", || Cache)).is_err()); // names are unique among siblings
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct Child {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
}

pub(crate) enum Kind {
    Leaf(Maker),
    Group(MultiService),
}

/// What makes the instances of a child.
pub(crate) enum Maker {
    Constructor(Box<dyn FnMut() -> Rc<dyn Service>>),
    /// It exists, and serves once.
    Once(Rc<dyn Service>),
    /// It has served.
    UsedUp,
}

impl Child {
    /// A child whose instances are made by this constructor, one for each start. Permanent, unless told otherwise.
    #[must_use]
    pub fn new<S: Service>(name: impl Into<String>, mut make: impl FnMut() -> S + 'static) -> Self {
        Self::with_maker(name, Maker::Constructor(Box::new(move || Rc::new(make()))))
    }

    /// The same for constructors that choose between services.
    #[must_use]
    pub fn boxed(name: impl Into<String>, make: impl FnMut() -> Rc<dyn Service> + 'static) -> Self {
        Self::with_maker(name, Maker::Constructor(Box::new(make)))
    }

    /// A child that exists already. It can be started once, so it is temporary whatever is said.
    #[must_use]
    pub fn once(name: impl Into<String>, service: Rc<dyn Service>) -> Self {
        Self::with_maker(name, Maker::Once(service)).with_restart(Restart::Temporary)
    }

    fn with_maker(name: impl Into<String>, maker: Maker) -> Self {
        let (kind, restart) = (Kind::Leaf(maker), Restart::Permanent);
        Self { name: name.into(), kind, restart, limits: Limits::default() }
    }

    /// Sets which ends are followed by a new start.
    #[must_use]
    pub fn with_restart(self, restart: Restart) -> Self {
        let once = matches!(self.kind, Kind::Leaf(Maker::Once(_)));
        Self { restart: if once { Restart::Temporary } else { restart }, ..self }
    }

    /// Sets how long its steps may take.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Gives it another name: what makes children need not know what they are called.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        if let Kind::Group(group) = &mut self.kind {
            group.name.clone_from(&self.name);
        }
        self
    }

    /// Its name among its siblings.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which ends are followed by a new start.
    #[must_use]
    pub fn restart(&self) -> Restart {
        self.restart
    }

    /// How long its steps may take, where it says so itself.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether this child, or one below it, is this very object.
    pub(crate) fn find(&self, service: &Rc<dyn Service>) -> Option<String> {
        match &self.kind {
            Kind::Leaf(Maker::Once(own)) => is_same(own, service).then(|| self.name.clone()),
            Kind::Leaf(_) => None,
            Kind::Group(group) => group.find(service).map(|below| format!("{}/{below}", self.name)),
        }
    }

    /// The objects in it that exist already.
    pub(crate) fn objects(&self) -> Vec<Rc<dyn Service>> {
        match &self.kind {
            Kind::Leaf(Maker::Once(own)) => vec![Rc::clone(own)],
            Kind::Leaf(_) => Vec::new(),
            Kind::Group(group) => group.children.iter().flat_map(Self::objects).collect(),
        }
    }
}

/// Whether both are the same object.
pub(crate) fn is_same(one: &Rc<dyn Service>, other: &Rc<dyn Service>) -> bool {
    Rc::ptr_eq(one, other)
}

impl From<Rc<dyn Service>> for Child {
    /// A child that exists already, by [the name](Service::name) that it gives itself: see [`Child::once`].
    fn from(service: Rc<dyn Service>) -> Self {
        Self::once(service.name().to_owned(), service)
    }
}

impl From<MultiService> for Child {
    /// A parent as the child of another: permanent, unless told otherwise.
    fn from(group: MultiService) -> Self {
        Self {
            name: group.name.clone(),
            limits: group.limits,
            restart: Restart::Permanent,
            kind: Kind::Group(group),
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Child({}, {:?})", self.name, self.restart)
    }
}

/// Whether a service may have this name.
pub(crate) fn check_name(name: &str) -> Result<(), AddError> {
    if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
        return Err(AddError::BadName(name.to_owned()));
    }
    Ok(())
}
