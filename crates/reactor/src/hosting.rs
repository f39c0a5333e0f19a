//! Living inside another loop: tokio's, a GUI's, an interpreter's.
//!
//! The host waits until [`Reactor::pollable`] is readable or [`Reactor::next_timeout`] has passed, and then calls
//! [`Reactor::turn`] with a timeout of zero. What user code of the host asks for between two turns (a write, a new
//! connection, a timer) wakes it: `nudge` writes once to the driver's waker, which makes the descriptor
//! readable. Whoever asks for the descriptor is a host: others pay nothing for this.
//! Invariant: at most one nudge lies between two turns.
//! Tests: `tests/suite/hosting.rs`, and `tests/suite/hosting.rs` of reactor-mio, which runs its example inside tokio.

use std::cell::Cell;

use crate::driver::Wake;
use crate::inner::Reactor;

pub(crate) struct Hosting {
    wake: Wake,
    is_hosted: Cell<bool>,
    /// Whether the host was woken since the last turn began.
    is_nudged: Cell<bool>,
}

impl Hosting {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { wake, is_hosted: Cell::new(false), is_nudged: Cell::new(false) }
    }

    /// A turn begins: it will see everything that was asked for.
    pub(crate) fn turn_begins(&self) {
        self.is_nudged.set(false);
    }
}

impl Reactor {
    /// A descriptor that becomes readable when a turn would find something, for loops that host this one. From the
    /// first call on, what is asked for between two turns makes it readable too, so that a sleeping host looks at
    /// [`next_timeout`](Reactor::next_timeout) again.
    ///
    /// `None` if the driver has none.
    #[must_use]
    pub fn pollable(&self) -> Option<i32> {
        self.inner().hosting.is_hosted.set(true);
        self.inner().driver.borrow().pollable()
    }

    /// Something was asked for: if that was between two turns, a sleeping host has to know.
    pub(crate) fn nudge(&self) {
        let inner = self.inner();
        let hosting = &inner.hosting;
        if hosting.is_hosted.get() && !inner.turning.get() && !hosting.is_nudged.replace(true) {
            (hosting.wake)();
        }
    }
}
