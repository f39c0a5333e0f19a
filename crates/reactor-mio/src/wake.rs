//! Wakes the waiting loop from other threads, with one system call however many ask.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::token;

/// Invariant: whoever finds `pending` set need not wake: a wake is on its way that [`Waker::arrived`] has not yet
/// taken note of, and the loop looks at what it was woken for after that.
#[derive(Debug)]
pub(crate) struct Waker {
    pending: AtomicBool,
    waker: mio::Waker,
}

impl Waker {
    pub(crate) fn new(registry: &mio::Registry) -> io::Result<Self> {
        Ok(Self { pending: AtomicBool::new(false), waker: mio::Waker::new(registry, token::WAKE)? })
    }

    pub(crate) fn wake(&self) {
        if self.pending.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.waker.wake() {
            self.pending.store(false, Ordering::Release); // the next one tries again
            tracing::error!(%error, "cannot wake the reactor");
        }
    }

    /// The loop was woken. Acquires what the wakers wrote before they woke.
    pub(crate) fn arrived(&self) {
        self.pending.swap(false, Ordering::AcqRel);
    }
}
