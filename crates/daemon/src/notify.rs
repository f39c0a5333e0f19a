//! Telling the service manager how it goes: sd_notify(3), and the watchdog.

use std::time::Duration;

use clap::Args;
use sestina_reactor::Reactor;

use crate::surroundings::Surroundings;

/// Whom to tell.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct NotifyOptions {}

/// Who is told of readiness, reloads and the end. Tells nobody if nobody asked.
#[derive(Debug)]
pub(crate) struct Notify {}

impl Notify {
    /// # Errors
    /// If nobody can be told where the options say.
    pub(crate) fn new(options: &NotifyOptions, surroundings: &Surroundings) -> std::io::Result<Self> {
        let _ = (options, surroundings);
        Ok(Self {})
    }

    /// The start is complete; `status` is one line for people.
    pub(crate) fn ready(&self, status: &str) {
        let _ = status;
    }

    /// A reload has begun; `ready` ends it.
    pub(crate) fn reloading(&self) {}

    /// The end has begun.
    pub(crate) fn stopping(&self, status: &str) {
        let _ = status;
    }

    /// The end takes so much longer.
    pub(crate) fn extend(&self, time: Duration) {
        let _ = time;
    }

    /// From now on the manager hears that the loop turns, until the reactor stops.
    pub(crate) fn watch(&self, reactor: &Reactor) {
        let _ = reactor;
    }
}
