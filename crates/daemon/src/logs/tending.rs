//! A reactor that looks after the log: what waits for a slow reader goes on when no further line comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sestina_reactor::{Reactor, Remote};

use super::writer::{Work, Writer};

/// When a slow reader is looked at again; the pause doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long repetitions are counted before they are told.
const REPEATS_PAUSE: Duration = Duration::from_secs(10);

/// Who is asked to look after the log.
#[derive(Default)]
pub(crate) struct Tending {
    reactor: Mutex<Option<Remote>>,
    /// Invariant: set while a call to the reactor, or its timer, is on the way.
    is_asked: AtomicBool,
}

impl Tending {
    pub(crate) fn begin(&self, reactor: &Reactor) {
        *self.reactor.lock().unwrap_or_else(PoisonError::into_inner) = Some(reactor.remote());
        self.is_asked.store(false, Ordering::Release); // the reactor before this one has taken its timers along
    }

    /// Has the reactor look after what could not be done at once.
    pub(crate) fn ask(&self, log: &Arc<Writer>) {
        if self.is_asked.swap(true, Ordering::AcqRel) {
            return;
        }
        let remote = self.reactor.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let weak = Arc::downgrade(log);
        let is_on_the_way = remote.is_some_and(|remote| {
            remote.call_from_thread(move |reactor| tend(&weak, reactor, PAUSE_MIN, false)).is_ok()
        });
        // Not set again: the call may have been made and be over by now, on the reactor's thread.
        if !is_on_the_way {
            self.is_asked.store(false, Ordering::Release);
        }
    }
}

/// Does what can be done now, and comes back for the rest.
fn tend(log: &Weak<Writer>, reactor: &Reactor, pause: Duration, tell_repeats: bool) {
    let Some(log) = log.upgrade() else { return };
    log.tending.is_asked.store(false, Ordering::Release);
    let after = match log.go_on(tell_repeats) {
        Work { is_waiting: true, .. } => pause,
        Work { is_holding_back: true, .. } => REPEATS_PAUSE,
        Work { .. } => return,
    };
    if log.tending.is_asked.swap(true, Ordering::AcqRel) {
        return; // another line has asked meanwhile
    }
    let (weak, again) = (Arc::downgrade(&log), reactor.clone());
    reactor.call_later(after, move || {
        tend(&weak, &again, (pause * 2).min(PAUSE_MAX), after == REPEATS_PAUSE);
    });
}
