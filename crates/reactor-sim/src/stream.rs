//! One end of a connection: what came in, how much may go out, and how it ended.
//!
//! Only this end: packets between the two are made in streams.rs. No clock, no dice.
//! Invariant: `room` is the other end's buffer less what it has not read, so nobody ever buffers more than its window.
//! Invariant: bytes come before the end, and an error is told once, after the bytes.

use std::collections::VecDeque;
use std::io;

use sestina_reactor::{Address, Key, Time};

use crate::machine::HostId;

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) local: Address,
    pub(crate) remote: Address,
    pub(crate) far_host: HostId,
    /// The other end's socket, once it is known.
    pub(crate) far: Option<Key>,
    pub(crate) phase: Phase,
    pub(crate) output: Output,
    pub(crate) input: Bytes,
    /// The other end sends no more.
    pub(crate) ended: bool,
    /// Told by the next call, once.
    pub(crate) error: Option<io::ErrorKind>,
    /// Bytes that may be sent now.
    pub(crate) room: usize,
    /// Bytes that this end buffers.
    pub(crate) window: usize,
    /// Bytes read here that the other end has not been told of.
    pub(crate) owed: usize,
    /// When the last packet of this end gets there: none overtakes it.
    pub(crate) last_arrival: Time,
    /// It waits in the queue of this listener, or is on its way there.
    pub(crate) listener: Option<Key>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Connecting,
    Open,
    /// Reset, refused or given up.
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    Open,
    /// A send was refused: its end is told when there is room.
    Blocked,
    /// The end was sent.
    Finished,
}

impl Stream {
    pub(crate) fn new(local: Address, remote: Address, far_host: HostId, window: usize) -> Self {
        Self {
            local,
            remote,
            far_host,
            far: None,
            phase: Phase::Connecting,
            output: Output::Open,
            input: Bytes::default(),
            ended: false,
            error: None,
            room: 0,
            window,
            owed: 0,
            last_arrival: Time::ZERO,
            listener: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    pub(crate) fn readiness(&self) -> (bool, bool) {
        let over = self.phase == Phase::Dead;
        let readable = over || self.ended || !self.input.is_empty();
        (readable, over || (self.phase == Phase::Open && self.room > 0))
    }

    pub(crate) fn die(&mut self, error: io::ErrorKind) {
        self.phase = Phase::Dead;
        self.error = Some(error);
        self.room = 0;
    }

    /// How much may be sent now; refused sends are remembered.
    pub(crate) fn room_to_send(&mut self) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        if self.phase == Phase::Dead || self.output == Output::Finished {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.room == 0 || self.phase == Phase::Connecting {
            self.output = Output::Blocked;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.room)
    }

    /// Whether the sender has to be told that there is room again.
    pub(crate) fn credit(&mut self, bytes: usize) -> bool {
        self.room += bytes;
        let blocked = self.output == Output::Blocked;
        if blocked {
            self.output = Output::Open;
        }
        blocked
    }

    /// What a read finds when no bytes are left.
    pub(crate) fn read_nothing(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error.into()),
            None if self.ended || self.phase == Phase::Dead => Ok(()),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// After a read: what the other end is to be told now. A little is kept back, so that not every read costs a packet;
    /// nothing is when nothing is left to read.
    pub(crate) fn settle_credit(&mut self, read: usize) -> Option<usize> {
        self.owed += read;
        let worth_it = self.input.is_empty() || self.owed >= self.window / 4;
        let heard = self.phase == Phase::Open && !self.ended;
        (worth_it && heard && self.owed > 0).then(|| std::mem::take(&mut self.owed))
    }
}

/// Bytes in the pieces in which they came.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    pieces: VecDeque<Vec<u8>>,
    /// Read from the first piece already.
    start: usize,
    len: usize,
}

impl Bytes {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, piece: Vec<u8>) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push_back(piece);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Fills `buffer` as far as there are bytes.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len()
            && let Some(piece) = self.pieces.front()
        {
            let count = (piece.len() - self.start).min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&piece[self.start..self.start + count]);
            filled += count;
            self.start += count;
            if self.start == piece.len() {
                self.pieces.pop_front();
                self.start = 0;
            }
        }
        self.len -= filled;
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_they_are_cut() {
        let mut bytes = Bytes::default();
        for piece in ["shall ", "", "I compare", " thee"] {
            bytes.push(piece.as_bytes().to_vec());
        }
        let (mut out, mut buffer) = (Vec::new(), [0; 4]);
        while !bytes.is_empty() {
            let count = bytes.read(&mut buffer);
            out.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(
            (out.as_slice(), bytes.len(), bytes.read(&mut buffer)),
            (&b"shall I compare thee"[..], 0, 0)
        );
    }

    #[test]
    fn an_error_is_told_once_and_then_the_stream_is_at_its_end() {
        let nowhere = Address::Unix(None);
        let mut stream = Stream::new(nowhere.clone(), nowhere, HostId(0), 100);
        stream.die(io::ErrorKind::ConnectionReset);
        assert_eq!(stream.read_nothing().map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
        assert!(stream.read_nothing().is_ok());
        assert_eq!(stream.room_to_send().map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn credit_is_gathered_but_never_kept_from_a_sender_that_waits_for_it() {
        let nowhere = Address::Unix(None);
        let mut stream = Stream::new(nowhere.clone(), nowhere, HostId(0), 100);
        stream.phase = Phase::Open;
        stream.input.push(vec![0; 30]);
        stream.input.read(&mut [0; 10]);
        assert_eq!(stream.settle_credit(10), None);
        stream.input.read(&mut [0; 20]);
        assert_eq!(stream.settle_credit(20), Some(30));
    }
}
