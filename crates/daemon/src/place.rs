//! Where the services of a program live: what every plugin's context is made of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sestina_reactor::Endpoint;

use crate::options::parse::Listen;

/// The surroundings of a program's services. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    /// The root directory of the services as it is called now, if files are to be looked at already.
    inspected: Option<PathBuf>,
    sockets: Rc<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    listen: Vec<Listen>,
    /// The names that services have asked for, and where they are.
    asked: RefCell<BTreeMap<String, Endpoint>>,
}

impl Place {
    /// Relative paths begin in `directory`, and these sockets are elsewhere than their services would have them.
    pub(crate) fn new(directory: PathBuf, listen: Vec<Listen>) -> Self {
        let sockets = Rc::new(Sockets { listen, asked: RefCell::default() });
        Self { directory, inspected: None, sockets }
    }

    /// Services are only checked, files too; `root` is what will be their root directory.
    pub(crate) fn inspected(self, root: PathBuf) -> Self {
        Self { inspected: Some(root), ..self }
    }

    /// Where a file of a service is now, if it is to be looked at.
    pub(crate) fn inspects(&self, path: &Path) -> Option<PathBuf> {
        let (root, path) = (self.inspected.as_ref()?, self.directory.join(path));
        Some(root.join(path.strip_prefix("/").unwrap_or(&path)))
    }

    /// Where relative paths begin.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the socket of this name is to be.
    pub(crate) fn listen(&self, name: &str, usual: &Endpoint) -> Endpoint {
        let told = self.sockets.listen.iter().rfind(|listen| listen.name == name);
        let at = told.map_or_else(|| usual.clone(), |listen| listen.at.clone());
        self.sockets.asked.borrow_mut().insert(name.to_owned(), at.clone());
        at
    }

    /// The sockets that are elsewhere than usual.
    pub(crate) fn moved(&self) -> &[Listen] {
        &self.sockets.listen
    }

    /// The sockets that services have asked for, and where they are.
    pub(crate) fn sockets(&self) -> Vec<(String, Endpoint)> {
        self.sockets.asked.borrow().iter().map(|(name, at)| (name.clone(), at.clone())).collect()
    }

    /// The first name of `--listen` that no service has asked for, and the names that there are.
    pub(crate) fn unasked(&self) -> Option<(String, Vec<String>)> {
        let asked = self.sockets.asked.borrow();
        let unasked = self.sockets.listen.iter().find(|listen| !asked.contains_key(&listen.name))?;
        Some((unasked.name.clone(), asked.keys().cloned().collect()))
    }
}
