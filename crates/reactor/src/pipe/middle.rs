//! What the two ends of a pipe share: bytes on their way, and who has to wait for whom.
//!
//! Everything here only queues (writes, pauses, closes of connections); no user code runs.
//! Invariant: a side is read only while nothing of it is held and the other side takes more, so at most one read is held.

use sestina_deferred::{Failure, Resolver};

use super::{PipeBroken, PipeOptions, Piped};
use crate::conn::ConnHandle;
use crate::errors::Lost;
use crate::rate::Bucket;

/// One of the two ends of a pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The first one.
    Left,
    /// The second one.
    Right,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// How far one side's own direction has come: what its peer sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Open,
    /// Its peer has finished; the other side is told when all that is held has gone.
    Finishing,
    /// The other side was told.
    Finished,
}

struct Half {
    conn: Option<ConnHandle>,
    /// Received and not passed on.
    held: Vec<u8>,
    carried: u64,
    flow: Flow,
    bucket: Option<Bucket>,
    /// What it has to send is above its mark.
    is_full: bool,
    is_read: bool,
    is_lost: bool,
}

impl Half {
    fn new() -> Self {
        Self {
            conn: None,
            held: Vec::new(),
            carried: 0,
            flow: Flow::Open,
            bucket: None,
            is_full: false,
            is_read: true,
            is_lost: false,
        }
    }
}

pub(super) struct Middle {
    left: Half,
    right: Half,
    options: PipeOptions,
    done: Option<Resolver<Piped>>,
    broken: Option<(Side, Lost)>,
}

/// Whom to tell that the pipe is over, and how.
type Over = (Resolver<Piped>, Result<Piped, Failure>);

impl Middle {
    pub(super) fn new(options: PipeOptions, done: Resolver<Piped>) -> Self {
        Self { left: Half::new(), right: Half::new(), options, done: Some(done), broken: None }
    }

    pub(super) fn begin(&mut self, side: Side, conn: ConnHandle) {
        if self.half(side.other()).is_lost || self.broken.is_some() {
            conn.abort(); // the pipe ended before this connection was there
        }
        let bucket = self.options.limit.zip(conn.now()).map(|(limit, now)| Bucket::new(limit, now));
        let half = self.half_mut(side);
        half.bucket = bucket;
        half.conn = Some(conn);
        self.carry(side.other());
        self.turn_tap(side);
    }

    pub(super) fn take(&mut self, side: Side, bytes: &[u8]) {
        let half = self.half(side);
        let passes = half.held.is_empty() && half.bucket.is_none();
        match &self.half(side.other()).conn {
            Some(other) if passes => {
                other.write(bytes);
                self.half_mut(side).count(bytes.len());
            }
            _ => {
                self.half_mut(side).held.extend_from_slice(bytes);
                self.carry(side);
            }
        }
    }

    pub(super) fn finish(&mut self, side: Side) {
        self.half_mut(side).flow = Flow::Finishing;
        self.carry(side);
    }

    pub(super) fn set_full(&mut self, side: Side, is_full: bool) {
        self.half_mut(side).is_full = is_full;
        self.turn_tap(side.other());
    }

    /// Passes on what this side holds, as far as it may go now, and then its end.
    pub(super) fn carry(&mut self, side: Side) {
        let Some(other) = self.half(side.other()).conn.clone() else { return };
        let half = self.half_mut(side);
        let now = half.conn.as_ref().and_then(ConnHandle::now);
        let allowed = half.bucket.as_mut().zip(now).map_or(usize::MAX, |(bucket, now)| bucket.fill(now));
        let count = half.held.len().min(allowed);
        if count > 0 {
            other.write(&half.held[..count]);
            half.held.drain(..count);
            half.count(count);
        }
        match (&mut half.bucket, &half.conn) {
            (Some(bucket), Some(conn)) if !half.held.is_empty() => {
                bucket.spend(count);
                conn.set_timer(bucket.wait_for(half.held.len()));
            }
            (Some(bucket), _) => bucket.spend(count),
            (None, _) => {}
        }
        if half.held.is_empty() && half.flow == Flow::Finishing {
            half.flow = Flow::Finished;
            other.lose_write_connection();
            self.close_if_finished();
        }
        self.turn_tap(side);
    }

    fn close_if_finished(&self) {
        if self.left.flow == Flow::Finished && self.right.flow == Flow::Finished {
            for half in [&self.left, &self.right] {
                if let Some(conn) = &half.conn {
                    conn.lose_connection();
                }
            }
        }
    }

    /// Reads from this side, or lets its peer wait.
    fn turn_tap(&mut self, side: Side) {
        let other = self.half(side.other());
        let takes = other.conn.is_some() && !other.is_full;
        let half = self.half_mut(side);
        let is_read = takes && half.held.is_empty();
        let Some(conn) = &half.conn else { return };
        if is_read != std::mem::replace(&mut half.is_read, is_read) {
            if is_read { conn.resume_reading() } else { conn.pause_reading() }
        }
    }

    /// A connection is gone. What broke it breaks the other one too; a polite end of ours is passed on politely.
    pub(super) fn lose(&mut self, side: Side, why: &Lost) -> Option<Over> {
        if std::mem::replace(&mut self.half_mut(side).is_lost, true) {
            return None;
        }
        if !why.is_clean() {
            self.broken.get_or_insert_with(|| (side, why.clone()));
        }
        if let Some(conn) = &self.half(side.other()).conn {
            if why.is_clean() { conn.lose_connection() } else { conn.abort() }
        }
        self.over()
    }

    /// Cuts both connections.
    pub(super) fn cut(&mut self) {
        self.broken.get_or_insert((Side::Left, Lost::Aborted));
        for conn in [&self.left.conn, &self.right.conn].into_iter().flatten() {
            conn.abort();
        }
    }

    fn over(&mut self) -> Option<Over> {
        if !(self.left.is_lost && self.right.is_lost) {
            return None;
        }
        let piped = Piped { to_right: self.left.carried, to_left: self.right.carried };
        let how = match self.broken.take() {
            None => Ok(piped),
            Some((side, why)) => Err(Failure::new(PipeBroken { piped, side, why })),
        };
        self.done.take().map(|done| (done, how))
    }

    fn half(&self, side: Side) -> &Half {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

impl Half {
    fn count(&mut self, bytes: usize) {
        self.carried += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}
