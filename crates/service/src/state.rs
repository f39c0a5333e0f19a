//! Where a service is in its life, and the steps between.

use std::fmt;

/// Where a service is in its life.
///
/// ```text
///   stopped -> starting -> running -> draining -> stopping -> stopped
///                  |          |                      ^
///                  +----------+--- failure ----------+-> failed -> (back-off) starting
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum State {
    /// It does not run, and that is as it should be.
    Stopped,
    /// Its privileged start or its start goes on, or it waits for its turn between the two.
    Starting,
    /// Its start has answered.
    Running,
    /// It takes nothing new and ends what is open.
    Draining,
    /// Its stop goes on, or it waits for its turn to stop.
    Stopping,
    /// It does not run because it failed. It may be waiting to be started again.
    Failed,
}

/// `stopped`, `starting` ...
impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        })
    }
}

/// What a service was doing when something went wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Step {
    /// [`Service::privileged_start`](crate::Service::privileged_start).
    PrivilegedStart,
    /// [`Service::start`](crate::Service::start).
    Start,
    /// Between its start and its stop.
    Run,
    /// [`Service::drain`](crate::Service::drain).
    Drain,
    /// [`Service::stop`](crate::Service::stop).
    Stop,
}

/// `privileged start`, `start`, `run`, `drain`, `stop`.
impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::PrivilegedStart => "privileged start",
            Self::Start => "start",
            Self::Run => "run",
            Self::Drain => "drain",
            Self::Stop => "stop",
        })
    }
}
