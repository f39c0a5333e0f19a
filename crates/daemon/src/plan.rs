//! What the runner will do: every path absolute, every name resolved, nothing opened. Who holds a plan may begin.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::descriptors::Descriptors;
use crate::identity::Identity;
use crate::logs::LogPlan;
use crate::options::{ProcessOptions, RunnerOptions};
use crate::place::Place;
use crate::service_maker::UsageError;
use crate::surroundings::Surroundings;

/// The permissions that new files of a detached process do not get, unless told otherwise: as twistd.
pub(crate) const DETACHED_UMASK: u32 = 0o077;

/// The checked wishes of a command line.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether it stays where it was started.
    pub(crate) foreground: bool,
    pub(crate) rundir: PathBuf,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) umask: Option<u32>,
    pub(crate) env_clear: bool,
    pub(crate) nofile: Option<u64>,
    pub(crate) core: Option<u64>,
    pub(crate) identity: Identity,
    pub(crate) times: Times,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_per_peer: Option<usize>,
    pub(crate) logs: LogPlan,
    pub(crate) place: Place,
    /// How many descriptors it got: known when it serves.
    pub(crate) descriptors: Descriptors,
}

/// How long its phases may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: Duration,
    pub(crate) drain: Duration,
    pub(crate) kill: Duration,
}

impl Times {
    pub(crate) fn of(options: &ProcessOptions) -> Self {
        Self { start: options.start_timeout, drain: options.drain_timeout, kill: options.kill_timeout }
    }
}

impl Plan {
    /// `program` names the files that have no name of their own: `sestina.pid`, `sestina.log`.
    ///
    /// # Errors
    /// [`UsageError`] for what cannot be.
    pub(crate) fn check(
        program: &str,
        options: &RunnerOptions,
        surroundings: &Surroundings,
    ) -> Result<Self, UsageError> {
        let process = &options.process;
        let foreground = Self::is_foreground(options, surroundings);
        if !foreground && options.notify.needs_foreground() {
            let why = "--notify fd:N is for the foreground: a detached program has no such descriptor";
            return Err(UsageError::new(why));
        }
        let absolute = |path: &Path| surroundings.directory.join(path);
        let rundir = directory(
            "rundir",
            process.rundir.as_deref().map_or_else(|| surroundings.directory.clone(), absolute),
        )?;
        let chroot = process.chroot.as_deref().map(|path| directory("chroot", absolute(path))).transpose()?;
        // Within another root, what a service calls relative begins in the run directory if that is inside, else at the root.
        let inside = chroot.as_ref().map(|root| {
            let inside = rundir.strip_prefix(root).unwrap_or_else(|_| Path::new(""));
            Path::new("/").join(inside)
        });
        let place = Place::new(inside.unwrap_or_else(|| rundir.clone()), process.listen.clone());
        let root = chroot.clone().unwrap_or_else(|| PathBuf::from("/"));
        let place = if process.check { place.inspected(root) } else { place };
        Ok(Self {
            foreground,
            pid_file: Self::pid_file(program, options, surroundings, foreground),
            umask: process.umask.or_else(|| (!foreground).then_some(DETACHED_UMASK)),
            env_clear: process.env_clear,
            nofile: process.nofile,
            core: process.core,
            identity: Identity::resolve(process, chroot)?,
            times: Times::of(process),
            max_connections: process.max_connections,
            max_per_peer: process.max_per_peer,
            logs: LogPlan::check(program, &options.logs, foreground, &rundir, surroundings)?
                .with_umask(process.umask),
            place,
            rundir,
            descriptors: None,
        })
    }

    fn is_foreground(options: &RunnerOptions, surroundings: &Surroundings) -> bool {
        options.process.nodaemon || !options.process.daemon && surroundings.is_supervised()
    }

    /// The pid file of the options alone: for orders to a process that runs, which is detached if nobody says otherwise.
    pub(crate) fn pid_file(
        program: &str,
        options: &RunnerOptions,
        surroundings: &Surroundings,
        foreground: bool,
    ) -> Option<PathBuf> {
        match &options.process.pidfile {
            Some(path) if path.as_os_str().is_empty() => None,
            Some(path) => Some(surroundings.directory.join(path)),
            None if foreground => None,
            None => {
                let rundir = options.process.rundir.as_deref().unwrap_or_else(|| Path::new(""));
                Some(surroundings.directory.join(rundir).join(format!("{program}.pid")))
            }
        }
    }

    /// Whether who reads the log does not see the standard error: then the cause of a failure is to be in both.
    pub(crate) fn logs_are_apart(&self, options: &RunnerOptions) -> bool {
        !self.foreground || options.logs.logfile.is_some() || options.logs.syslog.is_some()
    }

    /// The plan for people: `key = value`, a line each.
    pub(crate) fn dump(&self, title: &str) -> String {
        let mut text = String::new();
        let mut line =
            |key: &str, value: String| writeln!(text, "{key} = {value}").expect("a string takes everything");
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string())
        };
        let or = |number: Option<String>, otherwise: &str| number.unwrap_or_else(|| otherwise.to_owned());
        line("runs", title.to_owned());
        line("place", if self.foreground { "foreground" } else { "detached" }.to_owned());
        line("rundir", self.rundir.display().to_string());
        line("pidfile", path(&self.pid_file));
        line("umask", or(self.umask.map(|mask| format!("{mask:03o}")), "as it is"));
        line("env-clear", self.env_clear.to_string());
        line("nofile", or(self.nofile.map(|limit| limit.to_string()), "as much as the system allows"));
        line("core", or(self.core.map(|limit| limit.to_string()), "as it is"));
        self.identity.dump(&mut line);
        line("start-timeout", format!("{:?}", self.times.start));
        line("drain-timeout", format!("{:?}", self.times.drain));
        line("kill-timeout", format!("{:?}", self.times.kill));
        line(
            "max-connections",
            or(self.max_connections.map(|limit| limit.to_string()), "as the service says"),
        );
        line("max-per-peer", or(self.max_per_peer.map(|limit| limit.to_string()), "as the service says"));
        for listen in self.place.moved() {
            line("listen", format!("{}={}", listen.name, listen.at));
        }
        text
    }
}

fn directory(option: &str, path: PathBuf) -> Result<PathBuf, UsageError> {
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Ok(path),
        Ok(_) => {
            Err(UsageError::new(format!("--{option}: '{}' is not a directory: name one", path.display())))
        }
        Err(error) => {
            let path = path.display();
            Err(UsageError::new(format!("--{option}: '{path}': make it first, or name another one: {error}")))
        }
    }
}
