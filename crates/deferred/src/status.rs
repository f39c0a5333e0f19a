//! How far a node has come, and who looks at its answer, in one word.
//!
//! Invariant: it is written as a word. With a narrow field of its own for each, rustc builds nodes on the stack
//! and copies them, and a wide load after narrow stores costs as much as allocating the node.
//! Tests: `tests/laws/main.rs`.

use std::cell::Cell;

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its producer, or the node above it, has not answered.
    Waiting,
    /// Its callback runs right now, or its task is being polled.
    Running,
    /// Its callback returned a deferred, whose answer will be its own.
    Inner,
    /// The answer is here, but a [`PauseGuard`](crate::PauseGuard) holds it back.
    Held,
    /// The answer is here, and waits for the outermost drive loop to hand it on.
    Queued,
    /// Answered. The answer is here, or was handed on.
    Fired,
}

impl State {
    /// Whether an answer may still be given.
    #[inline]
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Inner)
    }
}

/// Who looks at the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    /// There is a deferred, so somebody may.
    Possible,
    /// The deferred was dropped: nobody ever will.
    Gone,
    /// Somebody waits for it.
    Waiting,
}

/// Whether a node hears requests to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    Open,
    /// A canceller is being asked.
    Asking,
    /// A canceller is being asked, and has dropped the resolver: what it says is all that will be said.
    AskingOrphan,
    /// A canceller said "later".
    Later,
}

/// The word: state, consumer, and whether requests to stop are heard.
#[derive(Default)]
pub(crate) struct Status(Cell<u64>);

impl Status {
    #[inline]
    pub(crate) fn state(&self) -> State {
        match self.0.get() & STATE {
            0 => State::Waiting,
            1 => State::Running,
            2 => State::Inner,
            3 => State::Held,
            4 => State::Queued,
            _ => State::Fired,
        }
    }

    #[inline]
    pub(crate) fn set_state(&self, state: State) {
        let bits = match state {
            State::Waiting => 0,
            State::Running => 1,
            State::Inner => 2,
            State::Held => 3,
            State::Queued => 4,
            State::Fired => 5,
        };
        self.0.set(self.0.get() & !STATE | bits);
    }

    #[inline]
    pub(crate) fn consumer(&self) -> Consumer {
        match self.0.get() & CONSUMER {
            0 => Consumer::Possible,
            GONE => Consumer::Gone,
            _ => Consumer::Waiting,
        }
    }

    #[inline]
    pub(crate) fn set_consumer(&self, consumer: Consumer) {
        let bits = match consumer {
            Consumer::Possible => 0,
            Consumer::Gone => GONE,
            Consumer::Waiting => WAITING,
        };
        self.0.set(self.0.get() & !CONSUMER | bits);
    }

    #[inline]
    pub(crate) fn hearing(&self) -> Hearing {
        match self.0.get() & HEARING {
            0 => Hearing::Open,
            ASKING => Hearing::Asking,
            ASKING_ORPHAN => Hearing::AskingOrphan,
            _ => Hearing::Later,
        }
    }

    pub(crate) fn set_hearing(&self, hearing: Hearing) {
        let bits = match hearing {
            Hearing::Open => 0,
            Hearing::Asking => ASKING,
            Hearing::AskingOrphan => ASKING_ORPHAN,
            Hearing::Later => LATER,
        };
        self.0.set(self.0.get() & !HEARING | bits);
    }
}

const STATE: u64 = 0b111;
const CONSUMER: u64 = 0b11 << 8;
const GONE: u64 = 0b01 << 8;
const WAITING: u64 = 0b10 << 8;
const HEARING: u64 = 0b11 << 16;
const ASKING: u64 = 0b01 << 16;
const ASKING_ORPHAN: u64 = 0b10 << 16;
const LATER: u64 = 0b11 << 16;
