//! Byte layers: what stands between a socket and a protocol. TLS is one; counting, logging and rate limits are others.
//!
//! A layer gets bytes of either direction and passes bytes on in either direction, at once or later. It does no I/O of
//! its own and cannot see the connection. The loop calls it, never a verb, so it may be anybody's code.
//! Invariant: bytes keep their order in each direction; an end comes after the last byte before it.
//! Tests: `layers.rs` of the contract, and the contract as a whole through a layer that transforms and holds back.

use std::time::Duration;

use crate::time::Time;

/// Transforms the bytes of one connection.
///
/// The defaults pass everything on. A layer that holds bytes back must say how many ([`Layer::held`]), or no back-pressure
/// comes of it, and must pass them on when their direction ends, or at a time that it asks for.
///
/// # Panics
/// A panic ends the connection ([`Lost::Aborted`](crate::Lost::Aborted)) and nothing else.
///
/// ```
/// use sestina_reactor::{Layer, LayerIo};
///
/// /// Every byte upside down.
/// struct Inverted;
/// impl Layer for Inverted {
///     fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
///         io.pass_up(&bytes.iter().map(|byte| !byte).collect::<Vec<_>>());
///     }
///     fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
///         io.pass_down(&bytes.iter().map(|byte| !byte).collect::<Vec<_>>());
///     }
/// }
/// ```
pub trait Layer: 'static {
    /// Bytes from the peer.
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        io.pass_up(bytes);
    }

    /// Bytes for the peer.
    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        io.pass_down(bytes);
    }

    /// The peer will send no more. Pass on what was held back, then the end.
    fn incoming_ended(&mut self, io: &mut LayerIo) {
        io.end_up();
    }

    /// We will send no more. Pass on what was held back, then the end.
    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        io.end_down();
    }

    /// The time that was asked for with [`LayerIo::wake_after`] has come.
    fn timer(&mut self, io: &mut LayerIo) {
        let _ = io;
    }

    /// How many outgoing bytes are held back here: they count as queued.
    fn held(&self) -> usize {
        0
    }
}

/// What a layer passes on.
#[derive(Debug)]
pub struct LayerIo {
    now: Time,
    up: Flow,
    down: Flow,
    wake: Option<Time>,
    pause: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: bool,
}

impl Flow {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.ended
    }
}

impl LayerIo {
    fn new(now: Time) -> Self {
        Self { now, up: Flow::default(), down: Flow::default(), wake: None, pause: None }
    }

    /// Towards the protocol.
    pub fn pass_up(&mut self, bytes: &[u8]) {
        self.up.bytes.extend_from_slice(bytes);
    }

    /// Towards the peer.
    pub fn pass_down(&mut self, bytes: &[u8]) {
        self.down.bytes.extend_from_slice(bytes);
    }

    /// Towards the protocol: the peer's end.
    pub fn end_up(&mut self) {
        self.up.ended = true;
    }

    /// Towards the peer: our end.
    pub fn end_down(&mut self) {
        self.down.ended = true;
    }

    /// The reactor's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Stops reading from the socket, or lets it go on: for a layer that has more from the peer than it may pass up.
    pub fn pause_incoming(&mut self, pause: bool) {
        self.pause = Some(pause);
    }

    /// Has [`Layer::timer`] called after this time. Replaces an earlier request of the same layer.
    pub fn wake_after(&mut self, after: Duration) {
        self.wake = Some(self.now + after);
    }
}

/// The layers of one connection, the one next to the socket first.
#[derive(Default)]
pub(crate) struct Chain {
    layers: Vec<Placed>,
}

struct Placed {
    layer: Box<dyn Layer>,
    wake: Option<Time>,
    /// It wants nothing from the socket now.
    paused: bool,
}

/// What has come out of a chain at its two ends.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) up: Flow,
    pub(crate) down: Flow,
}

/// What goes into one layer.
enum Piece {
    Up(Flow),
    Down(Flow),
}

impl Chain {
    /// Puts a layer on top, next to the protocol.
    pub(crate) fn push(&mut self, layer: Box<dyn Layer>) {
        self.layers.push(Placed { layer, wake: None, paused: false });
    }

    pub(crate) fn incoming(&mut self, bytes: &[u8], ended: bool, now: Time) -> Out {
        let flow = Flow { bytes: bytes.to_vec(), ended };
        self.run(vec![(0, Piece::Up(flow))], now)
    }

    pub(crate) fn outgoing(&mut self, bytes: Vec<u8>, ended: bool, now: Time) -> Out {
        let top = self.layers.len();
        self.run(vec![(top, Piece::Down(Flow { bytes, ended }))], now)
    }

    /// Calls the timers that are due.
    pub(crate) fn timers(&mut self, now: Time) -> Out {
        let mut out = Out::default();
        for at in 0..self.layers.len() {
            let placed = &mut self.layers[at];
            if placed.wake.take_if(|wake| *wake <= now).is_some() {
                let mut io = LayerIo::new(now);
                placed.layer.timer(&mut io);
                let todo = Self::passed_on(placed, io, at);
                out.add(self.run(todo, now));
            }
        }
        out
    }

    pub(crate) fn next_wake(&self) -> Option<Time> {
        self.layers.iter().filter_map(|placed| placed.wake).min()
    }

    pub(crate) fn held(&self) -> usize {
        self.layers.iter().map(|placed| placed.layer.held()).sum()
    }

    /// Whether a layer wants nothing from the socket now.
    pub(crate) fn is_paused(&self) -> bool {
        self.layers.iter().any(|placed| placed.paused)
    }

    /// Brings pieces through the layers until they have left at an end. A piece at place `n` going up enters layer `n`;
    /// going down it enters layer `n - 1`.
    fn run(&mut self, todo: Vec<(usize, Piece)>, now: Time) -> Out {
        let mut out = Out::default();
        let mut todo: std::collections::VecDeque<_> = todo.into();
        while let Some((place, piece)) = todo.pop_front() {
            let mut io = LayerIo::new(now);
            let at = match piece {
                Piece::Up(flow) if place == self.layers.len() => {
                    out.up.add(flow);
                    continue;
                }
                Piece::Down(flow) if place == 0 => {
                    out.down.add(flow);
                    continue;
                }
                Piece::Up(flow) => {
                    let layer = &mut self.layers[place].layer;
                    feed(&flow, &mut io, |bytes, io| layer.incoming(bytes, io));
                    if flow.ended {
                        layer.incoming_ended(&mut io);
                    }
                    place
                }
                Piece::Down(flow) => {
                    let layer = &mut self.layers[place - 1].layer;
                    feed(&flow, &mut io, |bytes, io| layer.outgoing(bytes, io));
                    if flow.ended {
                        layer.outgoing_ended(&mut io);
                    }
                    place - 1
                }
            };
            todo.extend(Self::passed_on(&mut self.layers[at], io, at));
        }
        out
    }

    /// What layer `at` has passed on, and where to.
    fn passed_on(placed: &mut Placed, io: LayerIo, at: usize) -> Vec<(usize, Piece)> {
        if io.wake.is_some() {
            placed.wake = io.wake;
        }
        placed.paused = io.pause.unwrap_or(placed.paused);
        let mut next = Vec::new();
        if !io.down.is_empty() {
            next.push((at, Piece::Down(io.down)));
        }
        if !io.up.is_empty() {
            next.push((at + 1, Piece::Up(io.up)));
        }
        next
    }
}

fn feed(flow: &Flow, io: &mut LayerIo, mut layer: impl FnMut(&[u8], &mut LayerIo)) {
    if !flow.bytes.is_empty() {
        layer(&flow.bytes, io);
    }
}

impl Flow {
    fn add(&mut self, other: Self) {
        if self.bytes.is_empty() {
            self.bytes = other.bytes;
        } else {
            self.bytes.extend_from_slice(&other.bytes);
        }
        self.ended |= other.ended;
    }
}

impl Out {
    fn add(&mut self, other: Self) {
        self.up.add(other.up);
        self.down.add(other.down);
    }
}
