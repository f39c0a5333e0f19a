//! What goes wrong in a tree: each error names the service, the step and the cause.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sestina_deferred::Failure;

use crate::state::Step;

/// Why a child was not added to a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AddError {
    /// A sibling has this name. Names are unique among siblings.
    NameTaken {
        /// Where the name is taken.
        path: String,
    },
    /// A name must not be empty, and has neither `/` nor control characters.
    BadName(String),
    /// This very service has a parent already. To move it there is [`Tree::move_child`](crate::Tree::move_child).
    HasParent {
        /// Where it is.
        path: String,
    },
    /// There is no service at this path.
    NoParent(String),
    /// The service at this path has no children: it is not a [`MultiService`](crate::MultiService).
    NotAParent(String),
}

impl fmt::Display for AddError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken { path } => {
                write!(out, "there is a service '{path}' already: give this one another name")
            }
            Self::BadName(name) => {
                write!(
                    out,
                    "'{}' cannot be the name of a service: it is empty or has '/' or control characters",
                    name.escape_debug()
                )
            }
            Self::HasParent { path } => {
                write!(out, "this service is '{path}' already: move it, or make another one")
            }
            Self::NoParent(path) => write!(out, "there is no service '{path}' to add a child to"),
            Self::NotAParent(path) => {
                write!(out, "the service '{path}' cannot have children: it is no MultiService")
            }
        }
    }
}

impl Error for AddError {}

/// There is no service at this path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoSuchService(pub String);

impl fmt::Display for NoSuchService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "there is no service '{}'", self.0)
    }
}

impl Error for NoSuchService {}

/// Why a service was not moved.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MoveError {
    /// There is no such service, or its new parent is not there.
    NoSuchService(NoSuchService),
    /// Its new parent cannot take it.
    Add(AddError),
    /// It, or its new parent, is neither at rest nor running: wait until it is.
    Busy(String),
    /// A service cannot be moved into itself or below.
    IntoItself(String),
}

impl fmt::Display for MoveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchService(error) => error.fmt(out),
            Self::Add(error) => error.fmt(out),
            Self::Busy(path) => {
                write!(out, "'{path}' is starting or stopping: move services that run or are at rest")
            }
            Self::IntoItself(path) => write!(out, "'{path}' cannot be moved into itself"),
        }
    }
}

impl Error for MoveError {}

/// The reason with which a service that is stopped finds what it waits for cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopping;

impl fmt::Display for Stopping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the service is stopping")
    }
}

impl Error for Stopping {}

/// The task of a [`service`](crate::service()) ended, or let its context go, without having said
/// [`ready`](crate::ServiceContext::ready).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeverReady;

impl fmt::Display for NeverReady {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("it ended without having called ready()")
    }
}

impl Error for NeverReady {}

/// Why a step of a service, or the service itself, came to an end that was not wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It said so itself, or panicked.
    Failed(Failure),
    /// It did not answer in this time.
    TimedOut(Duration),
    /// It finished, although it was meant to run for ever.
    Finished,
    /// It was made once and has run: only children with a constructor can be started again.
    UsedUp,
    /// Its children failed too often.
    GaveUp {
        /// How many restarts were allowed.
        restarts_max: u32,
        /// Within this time.
        period: Duration,
        /// The failure that was one too many.
        last: Box<ServiceError>,
    },
    /// The tree was stopped before it had started.
    Stopped,
}

/// A service that failed: which one, at which step, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceError {
    /// The path of the service, such as `poetry/tcp`. Empty for the application itself.
    pub service: String,
    /// What it was doing.
    pub step: Step,
    /// What went wrong.
    pub cause: Cause,
}

impl ServiceError {
    pub(crate) fn new(service: String, step: Step, cause: Cause) -> Self {
        Self { service, step, cause }
    }

    /// The failure at the bottom of it, whoever gave up above.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.cause {
            Cause::Failed(failure) => Some(failure),
            Cause::GaveUp { last, .. } => last.failure(),
            Cause::TimedOut(_) | Cause::Finished | Cause::UsedUp | Cause::Stopped => None,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.service.is_empty() { "the application" } else { self.service.as_str() };
        match (&self.cause, self.step) {
            (Cause::Failed(failure), Step::Run) => write!(out, "{name} failed: {failure}"),
            (Cause::Failed(failure), step) => write!(out, "{name} failed in its {step}: {failure}"),
            (Cause::TimedOut(limit), step) => {
                write!(out, "{name} did not answer its {step} within {limit:?}")
            }
            (Cause::Finished, _) => write!(out, "{name} ended, although it was to run for ever"),
            (Cause::UsedUp, _) => {
                write!(out, "{name} cannot be started again: it was given as an object, not as a constructor")
            }
            (Cause::GaveUp { restarts_max, period, last }, _) => {
                write!(out, "{name} gave up after {restarts_max} restarts within {period:?}: {last}")
            }
            (Cause::Stopped, step) => write!(out, "{name} was stopped in its {step}"),
        }
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            // The failure's own words are in ours.
            Cause::Failed(failure) => failure.error().source(),
            Cause::GaveUp { last, .. } => last.source(),
            Cause::TimedOut(_) | Cause::Finished | Cause::UsedUp | Cause::Stopped => None,
        }
    }
}

/// Why a tree, or a child that was added, did not start. What had been started before it was stopped again, in reverse.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartError {
    /// The service that did not start, the step and the cause.
    pub error: ServiceError,
    /// What did not stop properly afterwards.
    pub unstopped: Vec<ServiceError>,
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(out)?;
        self.unstopped.iter().try_for_each(|error| write!(out, "; then {error}"))
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// How a stop went: everything that did not stop by itself, in order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StopReport {
    /// Services whose drain was cut short, or whose stop failed or took too long: they were left behind.
    pub unstopped: Vec<ServiceError>,
}

impl StopReport {
    /// Whether all stopped by themselves and in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unstopped.is_empty()
    }
}

impl fmt::Display for StopReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return out.write_str("all services stopped");
        }
        out.write_str("not everything stopped: ")?;
        for (index, error) in self.unstopped.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(out, "{comma}{error}")?;
        }
        Ok(())
    }
}
