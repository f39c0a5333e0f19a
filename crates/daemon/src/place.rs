//! Where the services of a program live: what every plugin's context is made of.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sestina_reactor::Endpoint;

use crate::options::parse::Listen;

/// The surroundings of a program's services. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    sockets: Rc<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    listen: Vec<Listen>,
    /// The names that services have asked for.
    asked: RefCell<BTreeSet<String>>,
}

impl Place {
    /// Relative paths begin in `directory`, and these sockets are elsewhere than their services would have them.
    pub(crate) fn new(directory: PathBuf, listen: Vec<Listen>) -> Self {
        Self { directory, sockets: Rc::new(Sockets { listen, asked: RefCell::default() }) }
    }

    /// Where relative paths begin.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the socket of this name is to be.
    pub(crate) fn listen(&self, name: &str, usual: &Endpoint) -> Endpoint {
        self.sockets.asked.borrow_mut().insert(name.to_owned());
        let told = self.sockets.listen.iter().rfind(|listen| listen.name == name);
        told.map_or_else(|| usual.clone(), |listen| listen.at.clone())
    }

    /// The sockets that are elsewhere than usual.
    pub(crate) fn moved(&self) -> &[Listen] {
        &self.sockets.listen
    }

    /// The first name of `--listen` that no service has asked for, and the names that there are.
    pub(crate) fn unasked(&self) -> Option<(String, Vec<String>)> {
        let asked = self.sockets.asked.borrow();
        let unasked = self.sockets.listen.iter().find(|listen| !asked.contains(&listen.name))?;
        Some((unasked.name.clone(), asked.iter().cloned().collect()))
    }
}
