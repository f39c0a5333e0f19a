//! What a tree is doing now, as data.

use crate::machine::Id;
use crate::state::State;
use crate::status::{LastFailure, ServiceStatus};
use crate::tree::Tree;

impl Tree {
    /// What every service is doing, in the order of the tree. Print it (`Display`), or look at its fields.
    ///
    /// ```
    /// use sestina_reactor_sim::Simulation;
    /// use sestina_service::{Application, MultiService, State, service};
    ///
    /// let mut poetry = MultiService::new("poetry");
    /// poetry.add(service("poem", |cx| async move { cx.ready(); cx.stopped().await }))?;
    /// let mut application = Application::new("example");
    /// application.add(poetry)?;
    /// let tree = application.attach(&Simulation::seeded(7).reactor())?;
    /// let status = tree.status();
    /// assert_eq!(status.children[0].children[0].path, "poetry/poem");
    /// assert_eq!(status.children[0].children[0].state, State::Stopped);
    /// assert_eq!(status.to_string(), "\
    /// example     stopped
    /// └─ poetry   stopped
    ///    └─ poem  stopped
    /// ");
    /// # Ok::<(), sestina_service::AddError>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> ServiceStatus {
        let root = self.0.machine.borrow().root();
        self.status_of(root)
    }

    fn status_of(&self, id: Id) -> ServiceStatus {
        let children: Vec<Id> = self.0.machine.borrow().children(id).to_vec();
        let children = children.into_iter().map(|child| self.status_of(child)).collect();
        // User code: with nothing borrowed.
        let live = self.0.places.borrow().get(&id).and_then(|place| {
            place.live.as_ref().map(|live| (std::rc::Rc::clone(&live.service), live.context.tasks()))
        });
        let (details, tasks) = match live {
            Some((service, tasks)) => {
                let details = sestina_deferred::maybe_deferred(|| Ok(service.details()));
                (details.try_result().ok().and_then(Result::ok).unwrap_or_default(), tasks)
            }
            None => Default::default(),
        };
        let (now, machine) = (self.0.reactor.now(), self.0.machine.borrow());
        let state = machine.state(id);
        let last_failure = machine.last_failure(id).map(|(at, error)| LastFailure {
            ago: now - *at,
            step: error.step,
            text: error.to_string(),
        });
        ServiceStatus {
            name: machine.name_of(id).to_owned(),
            path: machine.path(id),
            state,
            since: now - machine.since(id),
            uptime: (state == State::Running).then(|| now - machine.since(id)),
            restarts: machine.restarts(id),
            restart_in: machine.restart_at(id).map(|at| at - now),
            instances: machine.instance(id),
            addresses: details.addresses,
            connections: details.connections,
            note: details.note,
            tasks,
            last_failure,
            children,
        }
    }
}
