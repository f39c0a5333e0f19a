//! What the runner will do: every path absolute, every name resolved, nothing opened. Who holds a plan may begin.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::logs::LogPlan;
use crate::options::RunnerOptions;
use crate::place::Place;
use crate::service_maker::UsageError;
use crate::surroundings::Surroundings;

/// The checked wishes of a command line.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether it stays where it was started.
    pub(crate) foreground: bool,
    pub(crate) rundir: PathBuf,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) umask: Option<u32>,
    pub(crate) times: Times,
    pub(crate) logs: LogPlan,
    pub(crate) place: Place,
}

/// How long its phases may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: Duration,
    pub(crate) drain: Duration,
    pub(crate) kill: Duration,
}

impl Plan {
    /// `program` names the files that have no name of their own: `sestina.pid`, `sestina.log`.
    pub(crate) fn check(
        program: &str,
        options: &RunnerOptions,
        surroundings: &Surroundings,
    ) -> Result<Self, UsageError> {
        let process = &options.process;
        let foreground = process.nodaemon || !process.daemon && surroundings.is_supervised();
        let absolute = |path: &Path| surroundings.directory.join(path);
        let rundir = process.rundir.as_deref().map_or_else(|| surroundings.directory.clone(), absolute);
        let pid_file = match &process.pidfile {
            Some(path) if path.as_os_str().is_empty() => None,
            Some(path) => Some(absolute(path)),
            None if foreground => None,
            None => Some(rundir.join(format!("{program}.pid"))),
        };
        Ok(Self {
            foreground,
            pid_file,
            umask: process.umask,
            times: Times {
                start: process.start_timeout,
                drain: process.drain_timeout,
                kill: process.kill_timeout,
            },
            logs: LogPlan::check(program, &options.logs, foreground, &rundir, surroundings)?,
            place: Place::new(rundir.clone(), process.listen.clone()),
            rundir,
        })
    }
}
