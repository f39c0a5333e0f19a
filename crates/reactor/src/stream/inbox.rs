//! The reading side of a stream: what came, who waits for it, and when the peer is asked to wait.
//!
//! Reads are answered in the order in which they were asked for. One that is cancelled, or dropped before its answer
//! came, has taken nothing.
//! Invariant: no resolver is fired while the inbox is borrowed; stream/link.rs does that.

use std::collections::VecDeque;

use sestina_deferred::{Failure, Resolver};

use super::buffer::ReadBuffer;
use super::error::StreamError;
use crate::errors::Lost;
use crate::state::{HIGH_MARK_BYTES, LOW_MARK_BYTES};

/// What a read asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// Whatever is there.
    Some,
    /// Only to know that something is there; takes nothing.
    #[cfg_attr(not(feature = "futures-io"), expect(dead_code, reason = "only pollers ask"))]
    Notice,
    Exactly(usize),
    Until {
        byte: u8,
        max: usize,
        /// This many bytes were looked at.
        scanned: usize,
    },
    All {
        max: usize,
    },
}

/// Why nothing more will come.
#[derive(Debug)]
enum End {
    Finished,
    Lost(Lost),
}

struct Read {
    number: u64,
    want: Want,
    resolver: Resolver<Vec<u8>>,
}

/// Changes what the connection does about reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tap {
    Open,
    Close,
}

pub(super) type Answer = Result<Vec<u8>, Failure>;

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) buffer: ReadBuffer,
    reads: VecDeque<Read>,
    next: u64,
    end: Option<End>,
    is_paused: bool,
}

impl Inbox {
    /// The answer to a read that need not wait.
    pub(super) fn try_now(&mut self, want: &mut Want) -> Option<Answer> {
        if self.reads.is_empty() { self.answer(want) } else { None }
    }

    /// The number of the next read that waits.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn wait(&mut self, want: Want, resolver: Resolver<Vec<u8>>) {
        self.reads.push_back(Read { number: self.next, want, resolver });
        self.next += 1;
    }

    /// Strikes a read off: whoever asked has been answered otherwise.
    pub(super) fn forget(&mut self, number: u64) -> Option<Resolver<Vec<u8>>> {
        let at = self.reads.iter().position(|read| read.number == number)?;
        self.reads.remove(at).map(|read| read.resolver)
    }

    /// The next read that can be answered, with its answer.
    pub(super) fn pop(&mut self) -> Option<(Resolver<Vec<u8>>, Answer)> {
        let mut want = self.reads.front()?.want;
        let answer = self.answer(&mut want);
        if answer.is_none() {
            if let Some(read) = self.reads.front_mut() {
                read.want = want; // it remembers how far it has looked
            }
            return None;
        }
        self.reads.pop_front().map(|read| read.resolver).zip(answer)
    }

    pub(super) fn is_awaited(&self) -> bool {
        !self.reads.is_empty()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub(super) fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The peer has finished.
    pub(super) fn finish(&mut self) {
        self.end.get_or_insert(End::Finished);
    }

    /// The connection is gone. A peer that finished before, or finished cleanly now, has said all it wanted to say.
    pub(super) fn lose(&mut self, why: &Lost) {
        let end = if matches!(why, Lost::Done) { End::Finished } else { End::Lost(why.clone()) };
        self.end.get_or_insert(end);
    }

    /// What to change about reading: nothing is read for nobody above the high mark. A read that waits bounds
    /// what it waits for itself.
    pub(super) fn tap(&mut self) -> Option<Tap> {
        let mark = if self.is_paused { LOW_MARK_BYTES + 1 } else { HIGH_MARK_BYTES };
        let pause = self.reads.is_empty() && self.buffer.len() >= mark;
        let change = pause != self.is_paused && self.end.is_none();
        self.is_paused = pause;
        change.then_some(if pause { Tap::Close } else { Tap::Open })
    }

    fn answer(&mut self, want: &mut Want) -> Option<Answer> {
        let len = self.buffer.len();
        match want {
            Want::Notice if len > 0 => Some(Ok(Vec::new())),
            Want::Some if len > 0 => Some(Ok(self.buffer.take_all())),
            Want::Exactly(count) if len >= *count => Some(Ok(self.buffer.take(*count))),
            Want::Until { byte, max, scanned } => {
                let end = len.min(*max);
                let begin = (*scanned).min(end);
                let found = self.buffer.unread()[begin..end].iter().position(|it| it == byte);
                if let Some(at) = found {
                    return Some(Ok(self.buffer.take(begin + at + 1)));
                }
                *scanned = end;
                if len >= *max {
                    return Some(Err(StreamError::TooLong { max: *max }.into()));
                }
                self.at_end(len)
            }
            Want::All { max } if len > *max => Some(Err(StreamError::TooLong { max: *max }.into())),
            Want::All { .. } => match self.end.as_ref()? {
                End::Finished => Some(Ok(self.buffer.take_all())),
                End::Lost(why) => Some(Err(why.clone().into())),
            },
            Want::Exactly(_) => self.at_end(len.max(1)), // also an empty rest is too little
            Want::Notice | Want::Some => self.at_end(0),
        }
    }

    /// What is said at the end, where `missed` bytes came of something that is not whole.
    fn at_end(&self, missed: usize) -> Option<Answer> {
        match self.end.as_ref()? {
            End::Finished if missed == 0 => Some(Ok(Vec::new())),
            End::Finished => Some(Err(StreamError::UnexpectedEnd { got: self.buffer.len() }.into())),
            End::Lost(why) => Some(Err(why.clone().into())),
        }
    }
}
