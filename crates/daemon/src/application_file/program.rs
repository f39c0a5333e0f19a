//! An application file as a program of the runner.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use sestina_deferred::{Deferred, DeferredLock, Failure, succeed};
use sestina_service::{Application, Tree};

use super::making::Making;
use super::plan::Plan;
use super::reader::{Vocabulary, read};
use super::refused::FileRefused;
use super::reload::Reload;
use super::source::Source;
use crate::place::Place;
use crate::program::{Program, reload_services};
use crate::service_maker::ServiceMaker;

/// What a program has that reads application files: its name, its plugins, its options.
#[derive(Clone)]
pub(crate) struct Linked {
    pub(crate) program: String,
    /// What plugins that are programs of their own are called, before their names.
    pub(crate) prefix: Option<String>,
    pub(crate) plugins: Vec<Rc<dyn ServiceMaker>>,
    pub(crate) command: Command,
}

/// The services of an application file.
pub(crate) struct FileProgram(Rc<Inner>);

struct Inner {
    /// The file as it was named, and where that is.
    shown: PathBuf,
    path: PathBuf,
    linked: Linked,
    /// What the application was called when it was loaded.
    name: String,
    /// What runs. Invariant: after a reload it is what the tree has, also if something did not start.
    current: RefCell<(Source, Plan)>,
    /// One reload at a time.
    reloading: DeferredLock,
}

impl FileProgram {
    /// Reads the file, a relative path from this directory on, and checks everything but what only its plugins know.
    ///
    /// # Errors
    /// [`FileRefused`], with all mistakes.
    pub(crate) fn load(shown: &Path, directory: &Path, linked: Linked) -> Result<Self, FileRefused> {
        let path = directory.join(shown);
        let current = load(shown, &path, &linked)?;
        let name = current.1.name.clone();
        let (current, reloading) = (RefCell::new(current), DeferredLock::new());
        Ok(Self(Rc::new(Inner { shown: shown.to_owned(), path, linked, name, current, reloading })))
    }

    /// The settings of the runner in the file, as words for before those of the command line, which win: what was given there,
    /// or does not go together with what was given there, is left out.
    pub(crate) fn settings(&self, given: &ArgMatches) -> Vec<OsString> {
        let command = &self.0.linked.command;
        let id = |arg: &Arg| arg.get_id().clone();
        let is_given = |arg: &&Arg| given.value_source(id(arg).as_str()) == Some(ValueSource::CommandLine);
        let given: Vec<&Arg> = command.get_arguments().filter(is_given).collect();
        let conflicts = |one: &Arg, other: &Arg| {
            command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
        };
        let stays = |setting: &str| {
            let arg = command.get_arguments().find(|arg| arg.get_id() == setting);
            arg.is_some_and(|arg| {
                let is_lost = |other: &&Arg| {
                    other.get_id() == arg.get_id() || conflicts(arg, other) || conflicts(other, arg)
                };
                !given.iter().any(is_lost)
            })
        };
        let (_, plan) = &*self.0.current.borrow();
        let settings = plan.settings.iter().filter(|setting| stays(&setting.id));
        settings.flat_map(|setting| setting.arguments.clone()).collect()
    }
}

impl Program for FileProgram {
    fn title(&self) -> &str {
        &self.0.name
    }

    fn announce(&self) {
        let (shown, services) = (self.0.shown.display(), self.0.current.borrow().1.top.services());
        tracing::info!(target: "sestina", "loading {shown}");
        tracing::info!(target: "sestina", "loaded {shown}: {services} services");
    }

    fn build(&self, place: &Place) -> Result<Application, Failure> {
        let (source, plan) = &*self.0.current.borrow();
        let making = Making { plugins: &self.0.linked.plugins, place };
        let refused = |problems| Failure::new(FileRefused::wrong(source.clone(), problems));
        making.application(plan).map_err(refused)
    }

    fn reload(&self, tree: &Tree, place: &Place) -> Deferred<()> {
        if self.0.reloading.waiting() > 0 {
            return succeed(()); // the one that waits will read what there is then
        }
        let (inner, tree, place) = (Rc::clone(&self.0), tree.clone(), place.clone());
        self.0.reloading.run(move || {
            let reactor = tree.reactor().clone();
            reactor.spawn(async move { inner.reload(&tree, &place).await })
        })
    }
}

impl Inner {
    async fn reload(&self, tree: &Tree, place: &Place) -> Result<(), Failure> {
        let shown = self.shown.display();
        tracing::info!(target: "sestina", "loading {shown}");
        let reload = match self.prepare(place) {
            Ok(reload) => reload,
            Err(refused) => {
                for line in refused.lines() {
                    tracing::error!(target: "sestina", "{line}");
                }
                tracing::error!(target: "sestina", "{shown} is not loaded: all goes on as before");
                return Err(Failure::new(refused));
            }
        };
        let source = reload.source.clone();
        let making = Making { plugins: &self.linked.plugins, place };
        let applied = reload.apply(tree, &making).await;
        tracing::info!(target: "sestina", "loaded {shown}: {}", applied.summary());
        let failed = applied.failed;
        self.current.replace((source, applied.plan));
        // All that run on read again what they are made of, also if something else has failed.
        let services = reload_services(tree).await;
        match failed.into_iter().next() {
            Some(failed) => Err(Failure::new(failed)),
            None => services,
        }
    }

    fn prepare(&self, place: &Place) -> Result<Reload, FileRefused> {
        let (source, plan) = load(&self.shown, &self.path, &self.linked)?;
        let (_, old) = &*self.current.borrow();
        let making = Making { plugins: &self.linked.plugins, place };
        match Reload::prepare(&making, old, plan, source.clone()) {
            Ok(reload) => Ok(reload),
            Err(problems) => Err(FileRefused::wrong(source, problems)),
        }
    }
}

fn load(shown: &Path, path: &Path, linked: &Linked) -> Result<(Source, Plan), FileRefused> {
    let source = Source::read(path, shown)?;
    let words = Vocabulary {
        program: &linked.program,
        prefix: linked.prefix.as_deref(),
        file: shown,
        plugins: &linked.plugins,
        command: &linked.command,
    };
    let plan = read(&source, &words)?;
    Ok((source, plan))
}
