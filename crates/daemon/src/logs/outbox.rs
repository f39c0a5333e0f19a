//! What stands between the lines and where they go: nothing waits here, and nothing is torn.
//!
//! A line is written whole, waits whole (a bounded number of bytes, for streams only), or is lost whole and counted. When
//! lines can be written again, a line says how many were lost before it.
//! Invariant: nothing is written while something waits.

use std::io;

use rustix::event::Timespec;

use super::file::{FileError, LogFile};
use super::stream::Stream;
use super::syslog::Syslog;

/// How long the end of a program waits for a slow reader: so many times so long.
const FLUSH_ROUNDS: usize = 10;
const FLUSH_ROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Where lines go.
#[derive(Debug)]
pub(crate) enum Output {
    Stream(Stream),
    File(LogFile),
    Syslog(Syslog),
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::File(file) => file.write(bytes),
            Self::Syslog(syslog) => syslog.send(bytes),
        }
    }

    fn before_line(&mut self) -> Option<FileError> {
        match self {
            Self::File(file) => file.before_line(),
            Self::Stream(_) | Self::Syslog(_) => None,
        }
    }
}

/// Lines on their way out.
#[derive(Debug)]
pub(crate) struct Outbox {
    output: Output,
    /// The rest of a line, and whole lines after it.
    waiting: Vec<u8>,
    waiting_max: usize,
    /// Not yet told.
    lost: u64,
}

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Gone,
    Waits,
    Lost,
}

impl Outbox {
    /// Up to `waiting_max` bytes wait for a reader that is slow.
    pub(crate) fn new(output: Output, waiting_max: usize) -> Self {
        Self { output, waiting: Vec::new(), waiting_max, lost: 0 }
    }

    pub(crate) fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes a line, as far as that goes at once. `own` makes a line of what the log has to say about itself.
    pub(crate) fn push(&mut self, line: &[u8], own: impl Fn(&str) -> Vec<u8>) {
        self.go_on();
        if self.waiting.is_empty()
            && let Some(error) = self.output.before_line()
        {
            self.put(&own(&crate::words::chain(&error)));
        }
        self.tell_losses(&own);
        self.put(line);
    }

    /// Writes what waits, and what is to be said about losses, as far as that goes at once.
    pub(crate) fn go_on_and_tell(&mut self, own: impl Fn(&str) -> Vec<u8>) {
        self.go_on();
        self.tell_losses(&own);
    }

    /// Gives a slow reader a last, bounded chance.
    pub(crate) fn flush(&mut self, own: impl Fn(&str) -> Vec<u8>) {
        self.go_on_and_tell(&own);
        for _ in 0..FLUSH_ROUNDS {
            match &self.output {
                Output::Stream(stream) if !self.waiting.is_empty() => stream.waits(FLUSH_ROUND),
                _ => return,
            };
            self.go_on_and_tell(&own);
        }
    }

    /// The output is another one now: the rest of a torn line does not belong there.
    pub(crate) fn is_renewed(&mut self) {
        if !self.waiting.is_empty() {
            self.waiting.clear();
            self.lose(1);
        }
    }

    fn tell_losses(&mut self, own: &impl Fn(&str) -> Vec<u8>) {
        if self.lost == 0 || !self.waiting.is_empty() {
            return;
        }
        let (words, count) = (if self.lost == 1 { "line was" } else { "lines were" }, self.lost);
        if self.write(&own(&format!("{count} {words} lost: the log could not be written"))) != Fate::Lost {
            self.lost -= count;
        }
    }

    fn put(&mut self, line: &[u8]) {
        if !self.waiting.is_empty() || self.lost > 0 {
            // What comes later does not overtake, and a gap is told where it is.
            let fits = self.lost == 0 && self.waiting.len() + line.len() <= self.waiting_max;
            if fits { self.waiting.extend_from_slice(line) } else { self.lose(1) }
        } else if self.write(line) == Fate::Lost {
            self.lose(1);
        }
    }

    fn lose(&mut self, lines: u64) {
        self.lost = self.lost.saturating_add(lines);
    }

    /// Writes a line while nothing waits. What was begun waits to be ended, however long it is.
    fn write(&mut self, line: &[u8]) -> Fate {
        match self.write_some(line) {
            Ok(count) if count == line.len() => Fate::Gone,
            Ok(count) => self.keep(&line[count..]),
            Err((count, _)) if count > 0 => self.keep(&line[count..]),
            Err((_, error))
                if error.kind() == io::ErrorKind::WouldBlock && line.len() <= self.waiting_max =>
            {
                self.keep(line)
            }
            Err(_) => Fate::Lost,
        }
    }

    fn keep(&mut self, rest: &[u8]) -> Fate {
        self.waiting.extend_from_slice(rest);
        Fate::Waits
    }

    fn go_on(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        match self.write_some(&waiting) {
            Ok(_) => {}
            Err((_, error)) if self.is_hopeless(&error) => {
                let lines = waiting.iter().filter(|byte| **byte == b'\n').count();
                self.lose(u64::try_from(lines).unwrap_or(u64::MAX));
            }
            Err((count, _)) => {
                self.waiting = waiting;
                self.waiting.drain(..count);
            }
        }
    }

    /// Whether nobody will ever read the rest. The rest of a line in a file waits for room.
    fn is_hopeless(&self, error: &io::Error) -> bool {
        error.kind() != io::ErrorKind::WouldBlock && !matches!(self.output, Output::File(_))
    }

    /// Writes until all is written or nothing more goes. Gives how much.
    fn write_some(&mut self, bytes: &[u8]) -> Result<usize, (usize, io::Error)> {
        let mut count = 0;
        while count < bytes.len() {
            match self.output.write(&bytes[count..]) {
                Ok(0) => return Err((count, io::ErrorKind::WriteZero.into())),
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((count, error)),
            }
        }
        Ok(count)
    }
}
