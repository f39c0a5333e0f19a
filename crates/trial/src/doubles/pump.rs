//! Two protocols, joined in memory.

use std::time::Duration;

use sestina_reactor::{Close, ConnHandle, Key, Protocol, Reactor};

use super::by_hand::{ByHand, Incoming};

/// Two protocols that still talk after so many rounds are taken to talk for ever.
pub const PUMP_ROUNDS_MAX: u32 = 100_000;

/// Joins two protocols: what one writes arrives at the other when [`pump`](Self::pump) or [`flush`](Self::flush) is
/// called, cut as it is told. Both are on one reactor, with the real state machine below each.
///
/// ```
/// use sestina_reactor::{Conn, Protocol};
/// use sestina_trial::Pump;
///
/// struct Greeter;
/// impl Protocol for Greeter {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.write(b"good day");
///     }
/// }
/// struct Echo;
/// impl Protocol for Echo {
///     fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
///         conn.write(data);
///     }
/// }
///
/// let mut pump = Pump::joining(Greeter, Echo).cut_into(1); // each byte by itself
/// pump.flush();
/// assert_eq!(pump.right().sent(), b"good day");
/// ```
#[derive(Debug)]
pub struct Pump {
    hand: ByHand,
    ends: [Half; 2],
    piece: usize,
}

#[derive(Debug)]
struct Half {
    socket: Key,
    conn: ConnHandle,
    /// How much of what it sent has arrived.
    delivered: usize,
    told_end: bool,
}

/// One side of a [`Pump`].
#[derive(Debug)]
pub struct PumpEnd<'a> {
    hand: &'a ByHand,
    half: &'a Half,
}

impl PumpEnd<'_> {
    /// All that this side has sent so far, whether it has arrived or not.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        self.hand.with(self.half.socket, |socket| socket.sent.clone())
    }

    /// Whether this side's connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.hand.with(self.half.socket, |socket| socket.closed.is_some())
    }

    /// The connection of this side.
    #[must_use]
    pub fn conn(&self) -> &ConnHandle {
        &self.half.conn
    }
}

impl Pump {
    /// Two protocols that face each other; `connection_made` has been called on both, on the left one first.
    ///
    /// # Panics
    /// If a `connection_made` panics.
    #[must_use]
    #[track_caller]
    pub fn joining(left: impl Protocol, right: impl Protocol) -> Self {
        let hand = ByHand::new();
        let left = begin(&hand, left);
        let right = begin(&hand, right);
        Self { hand, ends: [left, right], piece: usize::MAX }
    }

    /// Bytes arrive in pieces of at most this many, at least 1. Without it, all that was written meanwhile is one piece.
    #[must_use]
    pub fn cut_into(mut self, bytes: usize) -> Self {
        self.piece = bytes.max(1);
        self
    }

    /// Brings one piece from each side to the other. Says whether there was one, or an end.
    pub fn pump(&mut self) -> bool {
        self.hand.settle();
        let left_moved = self.bring(0, 1);
        let right_moved = self.bring(1, 0);
        self.hand.settle();
        left_moved || right_moved
    }

    /// Pumps until nothing moves any more. Time does not pass.
    ///
    /// # Panics
    /// After [`PUMP_ROUNDS_MAX`] rounds.
    #[track_caller]
    pub fn flush(&mut self) {
        for _ in 0..PUMP_ROUNDS_MAX {
            if !self.pump() {
                return;
            }
        }
        panic!("after {PUMP_ROUNDS_MAX} rounds they still talk");
    }

    fn bring(&mut self, from: usize, to: usize) -> bool {
        let (piece, target) = (self.piece, self.ends[to].socket);
        let half = &mut self.ends[from];
        let (bytes, is_over, is_reset) = self.hand.with(half.socket, |socket| {
            let end = half.delivered.saturating_add(piece).min(socket.sent.len());
            let bytes = socket.sent[half.delivered..end].to_vec();
            let is_over = end == socket.sent.len() && (socket.finished || socket.closed.is_some());
            (bytes, is_over, socket.closed == Some(Close::Reset))
        });
        half.delivered += bytes.len();
        let ends = is_over && !half.told_end;
        half.told_end |= is_over;
        let moved = ends || !bytes.is_empty();
        if !bytes.is_empty() {
            self.hand.comes(target, Incoming::Bytes(bytes));
        }
        if ends {
            self.hand.comes(target, if is_reset { Incoming::Reset } else { Incoming::End });
        }
        moved
    }

    /// The side that was named first.
    #[must_use]
    pub fn left(&self) -> PumpEnd<'_> {
        PumpEnd { hand: &self.hand, half: &self.ends[0] }
    }

    /// The other side.
    #[must_use]
    pub fn right(&self) -> PumpEnd<'_> {
        PumpEnd { hand: &self.hand, half: &self.ends[1] }
    }

    /// Lets time pass on both sides.
    pub fn advance(&self, time: Duration) {
        self.hand.advance(time);
    }

    /// The reactor of both.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        self.hand.reactor()
    }
}

#[track_caller]
fn begin(hand: &ByHand, protocol: impl Protocol) -> Half {
    let (socket, conn) = hand.connect(protocol);
    Half { socket, conn, delivered: 0, told_end: false }
}

impl Drop for Pump {
    /// Ends both connections, if they are still there: their protocols are told.
    fn drop(&mut self) {
        self.hand.end();
    }
}

/// Calls `f` with the two parts of `bytes` for each place where they can be cut, both ends included.
///
/// ```
/// let mut cuts = Vec::new();
/// sestina_trial::each_cut(b"ab", |first, rest| cuts.push((first.len(), rest.len())));
/// assert_eq!(cuts, [(0, 2), (1, 1), (2, 0)]);
/// ```
pub fn each_cut(bytes: &[u8], mut f: impl FnMut(&[u8], &[u8])) {
    for at in 0..=bytes.len() {
        let (first, rest) = bytes.split_at(at);
        f(first, rest);
    }
}
