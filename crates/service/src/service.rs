//! What a service is: the trait, and what a service tells about itself.
//!
//! Walk: the tree (`tree/run.rs`) calls these, one step at a time and each once for an instance; nobody else does.
//! Tests: `tests/suite/steps.rs`.

use std::any::Any;
use std::rc::Rc;

use sestina_deferred::{Deferred, succeed};
use sestina_reactor::Address;

use crate::context::ServiceContext;

/// A part of a program that is started and stopped: a server, a client that stays connected, a cache, a clock.
///
/// Most are easier to write as [`service`](crate::service()), one async function. All steps have defaults.
///
/// # Order
/// [`privileged_start`](Self::privileged_start), [`start`](Self::start), [`drain`](Self::drain), [`stop`](Self::stop):
/// each at most once, the next only when the one before has answered. `stop` is called once for each instance whose
/// `privileged_start` succeeded, also when its `start` failed or was cancelled: it releases what either made. A
/// `privileged_start` that fails has cleaned up after itself. An instance is never started twice: a restart makes a new
/// one by the child's constructor.
///
/// # Cancelling
/// A step that takes too long, and a start that is not wanted any more, is cancelled: a `privileged_start` or `start`
/// because of the [`ServiceError`](crate::ServiceError) that says so, or of [`Stopping`](crate::Stopping); it may clean up first, within the
/// time limit of a stop. A `drain` is cancelled when its time is over: cut what is open. A `stop` that takes too long is
/// aborted, and the service is named in the [`StopReport`](crate::StopReport).
///
/// # Panics
/// A panic in a step is its failure.
///
/// ```
/// use sestina_deferred::Deferred;
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, Child, Service, ServiceContext, State};
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// struct Database;
/// impl Service for Database {
///     fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
///         cx.reactor().sleep(Duration::from_millis(20)) // it opens its files
///     }
///     fn stop(self: Rc<Self>) -> Deferred<()> {
///         println!("flushed");
///         sestina_deferred::succeed(())
///     }
/// }
///
/// let reactor = Simulation::seeded(7).reactor();
/// let mut application = Application::new("shop");
/// application.add(Child::new("database", || Database))?;
/// let tree = application.attach(&reactor)?;
/// let story = {
///     let tree = tree.clone();
///     async move {
///         tree.start().await?;
///         assert_eq!(tree.state("database"), Some(State::Running));
///         assert!(tree.stop().await?.is_clean());
///         Ok(())
///     }
/// };
/// reactor.run_until(reactor.spawn(story)).expect("it starts and stops");
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub trait Service: Any {
    /// What it is called where nobody else names it: as a child that is added as the object that it is. By default the name
    /// of its type, without the path. A [`Child`](crate::Child) with a name of its own goes by that.
    fn name(&self) -> &str {
        let path = std::any::type_name::<Self>();
        let path = path.split_once('<').map_or(path, |(path, _)| path);
        path.rsplit("::").next().unwrap_or(path)
    }

    /// What needs a privilege that the program gives up before it starts: bind sockets, read keys.
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        drop(cx);
        succeed(())
    }

    /// Begins to work. All services before this one run already.
    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        drop(cx);
        succeed(())
    }

    /// Takes nothing new, and answers when what is open has ended. All services of the tree still run, and drain at the
    /// same time. Not called before a restart: what failed has nothing to finish.
    fn drain(self: Rc<Self>) -> Deferred<()> {
        succeed(())
    }

    /// Ends, and releases everything. Services after this one have stopped; those before it still run.
    fn stop(self: Rc<Self>) -> Deferred<()> {
        succeed(())
    }

    /// Reads again what it was made of (SIGHUP), while it goes on working. A failure changes nothing.
    fn reload(self: Rc<Self>) -> Deferred<()> {
        succeed(())
    }

    /// Asked for once, when the start has answered: fires when the service ends by itself, with success if it has finished
    /// its work, with a failure if it failed. `None` if it never does; it may still
    /// [`fail`](crate::ServiceContext::fail).
    fn failed(&self) -> Option<Deferred<()>> {
        None
    }

    /// What it is doing, for the printed tree.
    fn details(&self) -> Details {
        Details::default()
    }
}

/// What a running service tells about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Details {
    /// Where it listens, or to whom it is connected.
    pub addresses: Vec<Address>,
    /// Open conversations.
    pub connections: Option<usize>,
    /// Anything else worth a few words.
    pub note: Option<String>,
}

impl Details {
    /// Adds an address.
    #[must_use]
    pub fn with_address(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Sets how many conversations are open.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: Some(connections), ..self }
    }

    /// Sets a few words.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}
