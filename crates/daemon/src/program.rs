//! Where services come from: a plugin with its options, an application file, or code.

use std::cell::RefCell;
use std::rc::Rc;

use clap::ArgMatches;
use sestina_deferred::{Deferred, Failure};
use sestina_service::{Application, Tree};

use crate::place::Place;
use crate::service_maker::{Context, ServiceMaker};

/// What the runner runs.
///
/// # Order
/// [`build`](Self::build) once in each process (when it detaches: in the command and in the detached one), then
/// [`reload`](Self::reload) any number of times while it runs.
pub(crate) trait Program {
    /// What it is called in the log, by `ps` and for systemd.
    fn title(&self) -> &str;

    /// Says what is loaded, in the log, before the start: `loading FILE`, for an application file.
    fn announce(&self) {}

    /// Makes all services, and checks what can be checked. Without effect on the outside: `--check` calls it too.
    fn build(&self, place: &Place) -> Result<Application, Failure>;

    /// SIGHUP: reads again what it was made of. A failure changes nothing, and its text is told to the operator.
    fn reload(&self, tree: &Tree, place: &Place) -> Deferred<()> {
        let _ = place;
        reload_services(tree)
    }
}

/// Has every service read again what it was made of; fails with the first failure, after all were asked.
pub(crate) fn reload_services(tree: &Tree) -> Deferred<()> {
    tree.reload().add_callback(|failed| match failed.into_iter().next() {
        None => Ok(()),
        Some(error) => Err(Failure::new(error)),
    })
}

/// A plugin with options from the command line: one service.
pub(crate) struct PluginProgram {
    pub(crate) plugin: Rc<dyn ServiceMaker>,
    pub(crate) options: ArgMatches,
}

impl Program for PluginProgram {
    fn title(&self) -> &str {
        self.plugin.name()
    }

    fn build(&self, place: &Place) -> Result<Application, Failure> {
        let name = self.plugin.name();
        let mut application = Application::new(name);
        application.add(self.plugin.make_service(&self.options, &Context::in_place(name, place))?)?;
        Ok(application)
    }
}

/// An application that was built in code.
pub(crate) struct CodeProgram {
    name: String,
    application: RefCell<Option<Application>>,
}

impl CodeProgram {
    pub(crate) fn new(application: Application) -> Self {
        Self { name: application.name().to_owned(), application: RefCell::new(Some(application)) }
    }
}

impl Program for CodeProgram {
    fn title(&self) -> &str {
        &self.name
    }

    fn build(&self, _: &Place) -> Result<Application, Failure> {
        let application = self.application.borrow_mut().take();
        application.ok_or_else(|| Failure::msg("an application in code is built once"))
    }
}
