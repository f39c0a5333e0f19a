//! The log itself: lines come in from all threads, and go out in the order in which they came.
//!
//! Nothing of a user's runs while the lock is held: values are written into lines before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::line::{Line, OWN, Origin, Shape};
use super::outbox::Outbox;
use super::record::Record;
use super::repeats::{Repeats, Verdict, words};
use super::tending::Tending;
use crate::timestamp::Timestamp;

/// What threads share.
pub(crate) struct Writer {
    pub(crate) shape: Shape,
    state: Mutex<State>,
    pub(crate) tending: Tending,
}

pub(crate) struct State {
    pub(crate) outbox: Outbox,
    repeats: Repeats,
}

impl Writer {
    pub(crate) fn new(shape: Shape, outbox: Outbox, repeats: Repeats) -> Arc<Self> {
        let state = Mutex::new(State { outbox, repeats });
        Arc::new(Self { shape, state, tending: Tending::default() })
    }

    /// A thread that panicked while it held the lock did so between two steps that are whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn line(self: &Arc<Self>, line: &Line) {
        let has_work = {
            let mut state = self.lock();
            match state.repeats.line(line.body()) {
                Verdict::Write => state.outbox.push(line.bytes(), |text| self.own(text)),
                Verdict::TellAndWrite(times) => {
                    state.outbox.push(&self.own(&words(times)), |text| self.own(text));
                    state.outbox.push(line.bytes(), |text| self.own(text));
                }
                Verdict::HoldBack => {}
            }
            state.has_work()
        };
        if has_work {
            self.tending.ask(self);
        }
    }

    /// Tells what was held back, and writes what waits. Says what is still to be done.
    pub(crate) fn go_on(&self, tell_repeats: bool) -> Work {
        let mut state = self.lock();
        if tell_repeats {
            self.tell_repeats(&mut state);
        }
        state.outbox.go_on_and_tell(|text| self.own(text));
        Work { is_waiting: state.outbox.is_waiting(), is_holding_back: state.repeats.is_holding_back() }
    }

    /// As [`go_on`](Self::go_on), and waits a little for a slow reader.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        self.tell_repeats(&mut state);
        state.outbox.flush(|text| self.own(text));
    }

    fn tell_repeats(&self, state: &mut State) {
        match state.repeats.take() {
            0 => {}
            times => state.outbox.push(&self.own(&words(times)), |text| self.own(text)),
        }
    }

    /// A line of the log about itself.
    pub(crate) fn own(&self, text: &str) -> Vec<u8> {
        self.shape.line(Timestamp::now(), OWN, &Record::saying(text), &[]).bytes().to_vec()
    }

    pub(crate) fn say(self: &Arc<Self>, origin: Origin<'_>, text: &str) {
        self.line(&self.shape.line(Timestamp::now(), origin, &Record::saying(text), &[]));
    }
}

/// What is left to do when no further line comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) is_waiting: bool,
    pub(crate) is_holding_back: bool,
}

impl State {
    fn has_work(&self) -> bool {
        self.outbox.is_waiting() || self.repeats.is_holding_back()
    }
}
