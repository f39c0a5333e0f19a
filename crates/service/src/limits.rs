//! How long each step of a service may take.

use std::time::Duration;

/// How long a privileged start, and then a start, may take, unless [`Limits::with_start`] said otherwise for a child,
/// a parent or the application.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open conversations may go on after a stop was asked for, unless [`Limits::with_drain`] said otherwise.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a stop, or the clean-up of a start that was cancelled, may take, unless [`Limits::with_stop`] said
/// otherwise.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long each step of a service may take. What is not said is taken from the parent, and at the top from
/// [`START_TIMEOUT`], [`DRAIN_TIMEOUT`] and [`STOP_TIMEOUT`].
///
/// ```
/// use sestina_service::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().with_start(Duration::from_secs(5));
/// assert_eq!(limits.start(), Some(Duration::from_secs(5)));
/// assert_eq!(limits.stop(), None); // as the parent says
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    start: Option<Duration>,
    drain: Option<Duration>,
    stop: Option<Duration>,
}

impl Limits {
    /// All as the parent says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long the privileged start, and then the start, may take.
    #[must_use]
    pub fn with_start(self, limit: Duration) -> Self {
        Self { start: Some(limit), ..self }
    }

    /// Sets how long open conversations may go on after a stop was asked for. Zero cuts them at once.
    #[must_use]
    pub fn with_drain(self, limit: Duration) -> Self {
        Self { drain: Some(limit), ..self }
    }

    /// Sets how long the stop, or the clean-up of a cancelled start, may take.
    #[must_use]
    pub fn with_stop(self, limit: Duration) -> Self {
        Self { stop: Some(limit), ..self }
    }

    /// The limit of a start, if one is set here.
    #[must_use]
    pub fn start(&self) -> Option<Duration> {
        self.start
    }

    /// The limit of a drain, if one is set here.
    #[must_use]
    pub fn drain(&self) -> Option<Duration> {
        self.drain
    }

    /// The limit of a stop, if one is set here.
    #[must_use]
    pub fn stop(&self) -> Option<Duration> {
        self.stop
    }

    /// What is not set here as `parent` says.
    pub(crate) fn or(self, parent: Self) -> Self {
        Self {
            start: self.start.or(parent.start),
            drain: self.drain.or(parent.drain),
            stop: self.stop.or(parent.stop),
        }
    }
}
