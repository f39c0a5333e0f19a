//! What a receiver shares with those who are lent its connection: the decoder, what is kept, whether delivery is paused.
//!
//! A message is handed over while nothing here is borrowed, so that its handler may change the mode, pause, clear.
//! Invariant: bytes are kept only while delivery is paused, or for an upcall that is on its way.
//! Invariant: `wake` is armed at the end of each upcall of the receiver whenever somebody could want it: when bytes are
//! kept, and when answers may come (`then`), which are upcalls without the receiver.
//! Tests: `tests/suite/pausing.rs`, `tests/suite/modes.rs`.

use std::cell::{Cell, RefCell};

use sestina_deferred::Resolver;

use crate::decoder::Decoder;
use crate::kept::Kept;

#[derive(Debug)]
pub(crate) struct Core<D: Decoder> {
    pub(crate) decoder: RefCell<D>,
    pub(crate) kept: RefCell<Kept>,
    pub(crate) is_paused: Cell<bool>,
    /// Whether reading was stopped here, and so must be resumed here.
    pub(crate) stopped_reading: Cell<bool>,
    /// Whether the decoder's error was told.
    pub(crate) has_refused: Cell<bool>,
    pub(crate) expects_answers: Cell<bool>,
    pub(crate) wake: RefCell<Wake>,
}

/// A way to an upcall of the receiver, for those who are not in one.
#[derive(Debug, Default)]
pub(crate) enum Wake {
    #[default]
    Unarmed,
    Armed(Resolver<()>),
    /// The upcall is on its way.
    Fired,
}

impl<D: Decoder> Core<D> {
    pub(crate) fn new(decoder: D) -> Self {
        Self {
            decoder: RefCell::new(decoder),
            kept: RefCell::default(),
            is_paused: Cell::new(false),
            stopped_reading: Cell::new(false),
            has_refused: Cell::new(false),
            expects_answers: Cell::new(false),
            wake: RefCell::default(),
        }
    }

    pub(crate) fn has_kept(&self) -> bool {
        !self.kept.borrow().is_empty()
    }

    /// Asks for an upcall that delivers what is kept.
    pub(crate) fn wake(&self) {
        match self.wake.replace(Wake::Fired) {
            Wake::Armed(resolver) => resolver.callback(()),
            other => drop(self.wake.replace(other)),
        }
    }

    /// Whether somebody could want to [`wake`](Self::wake), and nobody can.
    pub(crate) fn must_be_armed(&self) -> bool {
        matches!(*self.wake.borrow(), Wake::Unarmed) && (self.has_kept() || self.expects_answers.get())
    }

    /// Delivery stops behind the running message.
    pub(crate) fn pause(&self, stop_reading: impl FnOnce()) {
        self.is_paused.set(true);
        if !self.stopped_reading.replace(true) {
            stop_reading();
        }
    }

    /// Delivery goes on: with what is kept, in an upcall of its own, and then with what is read.
    pub(crate) fn resume(&self, resume_reading: impl FnOnce()) {
        self.is_paused.set(false);
        if self.has_kept() {
            self.wake();
        } else {
            self.go_on_reading(resume_reading);
        }
    }

    pub(crate) fn go_on_reading(&self, resume_reading: impl FnOnce()) {
        if self.stopped_reading.replace(false) {
            resume_reading();
        }
    }
}
