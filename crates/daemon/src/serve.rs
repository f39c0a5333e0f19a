//! From a plan to a life: in the command that was given, or in the process that it starts.
//!
//! The order, each step after the one before has succeeded: services are made, the pid file is claimed, the process
//! is detached; umask, log, directory, limits; sockets, root, user, start, ready (`life.rs`).

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::fs::Mode;
use sestina_deferred::Failure;
use sestina_service::Application;

use crate::detach::{Detached, Launch, launch};
use crate::ending::{Ending, status_of};
use crate::life::{End, Life};
use crate::lock::PidFile;
use crate::logs::Log;
use crate::notify::Notify;
use crate::options::RunnerOptions;
use crate::plan::Plan;
use crate::program::Program;
use crate::service_maker::UsageError;
use crate::signals::EarlySignals;
use crate::sockets::{Inherited, close_others_on_exec};
use crate::surroundings::Surroundings;
use crate::{descriptors, words};

/// What a detached process says when it was told to end before it was ready.
const ENDED_BEFORE_READY: &str = "it was told to end before it was ready";

/// The command that waits for a word of this process, until it has got it.
pub(crate) type Word = Rc<RefCell<Option<Detached>>>;

/// All that is known before anything is done.
pub(crate) struct Served<'a> {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) arguments: &'a [OsString],
    pub(crate) options: &'a RunnerOptions,
    pub(crate) surroundings: &'a Surroundings,
}

/// What a process has that is to live.
struct Belongings {
    application: Application,
    pid_file: Option<PidFile>,
    inherited: Inherited,
    early: EarlySignals,
    word: Word,
}

impl Served<'_> {
    /// Serves here, if this is the foreground or the detached process; else starts that one, and waits until it is ready.
    pub(crate) fn serve(&self, plan: Plan, program: Rc<dyn Program>, detached: Option<Detached>) -> Ending {
        match detached {
            Some(detached) => self.serve_detached(plan, program, detached),
            None => self.serve_or_launch(plan, program).unwrap_or_else(|failure| Ending::of(&failure)),
        }
    }

    fn serve_or_launch(&self, plan: Plan, program: Rc<dyn Program>) -> Result<Ending, Failure> {
        let application = build(&*program, &plan)?;
        let inherited = Inherited::take(self.surroundings, plan.place.moved())?;
        close_others_on_exec();
        plan.identity.check_possible(self.surroundings.is_root)?;
        let early = plan.foreground.then(|| EarlySignals::catch(true)).transpose()?;
        let pid_file = plan.pid_file.as_deref().map(|path| PidFile::claim(path, self.surroundings.pid));
        let pid_file = pid_file.transpose()?;
        if let Some(early) = early {
            let belongings = Belongings { application, pid_file, inherited, early, word: Word::default() };
            return Ok(match self.live(plan, program, belongings)? {
                End::Clean => Ending::good(),
                End::Cut(status) => Ending::with_status(status),
            });
        }
        let wanted = Launch {
            arguments: self.arguments,
            surroundings: self.surroundings,
            inherited: &inherited,
            env_clear: plan.env_clear,
            within: plan.times.start + plan.times.kill,
        };
        Ok(match launch(&wanted, pid_file) {
            Ok(()) => Ending::good(),
            Err(error) => Ending::with_words(error.status, error.text),
        })
    }

    fn serve_detached(&self, plan: Plan, program: Rc<dyn Program>, mut detached: Detached) -> Ending {
        let (lock, inherited) = (detached.pid_lock.take(), std::mem::take(&mut detached.inherited));
        let word: Word = Rc::new(RefCell::new(Some(detached)));
        let (status, text) = match self.live_detached(plan, program, (lock, inherited), &word) {
            Ok(End::Clean) => (1, ENDED_BEFORE_READY.to_owned()),
            Ok(End::Cut(status)) => (status, ENDED_BEFORE_READY.to_owned()),
            Err(failure) => (status_of(failure.error()), words::chain(failure.error())),
        };
        // Who was told that all is well is not told how it ended: nobody is there any more.
        if let Some(detached) = word.borrow_mut().take() {
            detached.failed(status, &text);
        }
        Ending::with_status(status)
    }

    fn live_detached(
        &self,
        plan: Plan,
        program: Rc<dyn Program>,
        (lock, inherited): (Option<(OwnedFd, Option<u32>)>, Inherited),
        word: &Word,
    ) -> Result<End, Failure> {
        let early = EarlySignals::catch(false)?;
        let claim = plan.pid_file.clone().zip(lock);
        let pid_file =
            claim.map(|(path, lock)| PidFile::adopt(path, lock, self.surroundings.pid)).transpose();
        let pid_file =
            pid_file.map_err(|error| Failure::msg(format!("cannot write the pid file: {error}")))?;
        let application = build(&*program, &plan)?;
        let belongings = Belongings { application, pid_file, inherited, early, word: Rc::clone(word) };
        self.live(plan, program, belongings)
    }

    /// The life of this process.
    fn live(&self, mut plan: Plan, program: Rc<dyn Program>, belongings: Belongings) -> Result<End, Failure> {
        if let Some(mask) = plan.umask {
            rustix::process::umask(Mode::from_bits_truncate(mask));
        }
        let log = Rc::new(Log::begin(&plan.logs, plan.identity.owner())?);
        let notify = Notify::new(&self.options.notify, self.surroundings)?;
        let logs_are_apart = plan.logs_are_apart(self.options);
        let lived = self.prepare(&mut plan).and_then(|()| {
            let life =
                Rc::new(Life::new(plan, Rc::clone(&program), Rc::clone(&log), notify, &belongings.word));
            self.announce(&life, belongings.pid_file.as_ref());
            life.pid_file.replace(belongings.pid_file);
            let lived = life.live(belongings.application, belongings.inherited, &belongings.early);
            life.release();
            lived
        });
        match &lived {
            Ok(End::Clean) => tracing::info!(target: "sestina", "{} stopped", program.title()),
            Ok(End::Cut(_)) => tracing::warn!(target: "sestina", "{} was cut short", program.title()),
            Err(failure) if logs_are_apart => {
                tracing::error!(target: "sestina", "{} failed: {}", program.title(), words::chain(failure.error()));
            }
            Err(_) => {}
        }
        log.flush();
        lived
    }

    fn prepare(&self, plan: &mut Plan) -> Result<(), Failure> {
        let failed = |what: String| move |error: std::io::Error| Failure::new(PrepareError { what, error });
        std::env::set_current_dir(&plan.rundir)
            .map_err(failed(format!("cannot change to the directory '{}'", plan.rundir.display())))?;
        plan.descriptors =
            descriptors::set_limit(plan.nofile).map_err(failed("--nofile: ask for fewer".to_owned()))?;
        if let Some(bytes) = plan.core {
            descriptors::set_core_limit(bytes).map_err(failed("--core: ask for less".to_owned()))?;
        }
        Ok(())
    }

    /// The first lines of the log, as twistd's.
    fn announce(&self, life: &Life, pid_file: Option<&PidFile>) {
        life.program.announce();
        let pid = self.surroundings.pid;
        tracing::info!(target: "sestina", "{} {} starting up, process {pid}", self.name, self.version);
        tracing::info!(target: "sestina", "reactor: mio, on {}", if cfg!(target_os = "linux") { "epoll" } else { "kqueue" });
        if let Some((path, left)) = pid_file.and_then(|file| Some((file.path()?, file.left_behind()?))) {
            tracing::warn!(target: "sestina", "'{}' was stale: process {left} did not end cleanly", path.display());
        }
    }
}

/// A step before the start that the system did not allow.
#[derive(Debug)]
struct PrepareError {
    what: String,
    error: std::io::Error,
}

impl std::fmt::Display for PrepareError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for PrepareError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Makes the services, and sees that every name of `--listen` is one of theirs.
pub(crate) fn build(program: &dyn Program, plan: &Plan) -> Result<Application, Failure> {
    let application = program.build(&plan.place)?;
    let Some((name, asked)) = plan.place.unasked() else { return Ok(application) };
    let why = match asked.as_slice() {
        [] => format!("--listen {name}: no service here asks where to listen"),
        names => format!("--listen {name}: no service listens under this name, only {}", names.join(", ")),
    };
    Err(UsageError::new(why).into())
}
