//! Signals, as events.
//!
//! A handler of signal-hook writes into a pipe of each driver that watches the signal. The pipe is made with the
//! first signal that is watched: a driver that watches none has neither pipe nor handler.

use std::ffi::c_int;
use std::io;

use mio::{Interest, Registry};
use sestina_reactor::Signal;
use signal_hook::consts::signal;
use signal_hook_mio::v1_0;

use crate::token;

#[derive(Default)]
pub(crate) struct Signals {
    delivery: Option<v1_0::Signals>,
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signals").field("watched", &self.delivery.is_some()).finish()
    }
}

impl Signals {
    /// Watches the signal with this number; once is enough.
    pub(crate) fn watch(&mut self, registry: &Registry, number: c_int) -> io::Result<()> {
        if self.delivery.is_none() {
            let mut delivery = v1_0::Signals::new::<_, c_int>([])?;
            registry.register(&mut delivery, token::SIGNALS, Interest::READABLE)?;
            self.delivery = Some(delivery);
        }
        self.delivery.as_ref().map_or(Ok(()), |delivery| delivery.add_signal(number))
    }

    /// The signals that came since the last time, each once, by number.
    pub(crate) fn pending(&mut self) -> impl Iterator<Item = c_int> {
        self.delivery.iter_mut().flat_map(v1_0::Signals::pending)
    }
}

pub(crate) fn number_of(signal: Signal) -> io::Result<c_int> {
    Ok(match signal {
        Signal::Hangup => signal::SIGHUP,
        Signal::Interrupt => signal::SIGINT,
        Signal::Quit => signal::SIGQUIT,
        Signal::Terminate => signal::SIGTERM,
        Signal::User1 => signal::SIGUSR1,
        Signal::User2 => signal::SIGUSR2,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

pub(crate) fn signal_of(number: c_int) -> Option<Signal> {
    Some(match number {
        signal::SIGHUP => Signal::Hangup,
        signal::SIGINT => Signal::Interrupt,
        signal::SIGQUIT => Signal::Quit,
        signal::SIGTERM => Signal::Terminate,
        signal::SIGUSR1 => Signal::User1,
        signal::SIGUSR2 => Signal::User2,
        _ => return None,
    })
}
