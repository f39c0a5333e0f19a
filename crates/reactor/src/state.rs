//! One connection's state machine, without a socket: what is queued, how it closes, what to do next.
//!
//! Walk: verbs ([`Conn`](crate::Conn), [`ConnHandle`](crate::ConnHandle)) change it and mark the connection dirty;
//! flush.rs asks [`State::step`] for the next thing to do, does it, and reports back; read.rs tells what came in.
//!
//! ```text
//!            lose_connection            all sent, FIN            peer's FIN, silence
//!   Open ------------------> Closing ----------------> Draining --------------------> Over(Closed)
//!     |  peer's FIN, then lose_connection      |\ the peer's FIN came first --------> Over(Done)
//!     |                                         \ nothing unread (Drain::IfUnread) -> Over(Closed)
//!     +-- abort, reset, error, limit, from any phase -------------------------------> Over(why)
//! ```
//!
//! Invariant: `Over` is never left, and its reason never changes: the first one counts.
//! Invariant: nothing is queued outside `Open` and `Closing`; `Closing` takes no new bytes.
//! Tests: below, and `closing.rs` and `flow.rs` of the contract.

use std::ops::Range;
use std::rc::Rc;

use crate::errors::Lost;
use crate::extra::{End, Extra};
use crate::inner::Listed;
use crate::layer::Out;
use crate::queue::{BufferPool, WriteQueue};
use crate::statistics::wide;
use crate::time::Time;

/// Above this many queued bytes the producer is told to pause, unless [`Conn::set_marks`](crate::Conn::set_marks)
/// said otherwise.
pub const HIGH_MARK_BYTES: usize = 64 * 1024;
/// At this many queued bytes the producer is told to go on, unless [`Conn::set_marks`](crate::Conn::set_marks)
/// said otherwise.
pub const LOW_MARK_BYTES: usize = 16 * 1024;
/// A producer that does not pause is cut when more than this is queued, unless
/// [`Conn::set_queue_limit`](crate::Conn::set_queue_limit) said otherwise. Bodies that are shared and not copied do not count.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How far a connection has come.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Open,
    /// `lose_connection` was called: what is queued is sent, input is discarded.
    Closing {
        /// Whether the peer had finished before: then there is nothing to wait for at the end.
        peer_first: bool,
    },
    /// All is sent and finished; input is discarded until the peer finishes too.
    Draining {
        /// When our end was sent.
        finished: Time,
    },
    Over(Lost),
}

/// What the socket has for us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// Nothing until the next event.
    Quiet,
    /// Perhaps something: try.
    Ready,
    /// The peer has finished.
    Finished,
}

/// What the socket takes from us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Output {
    Open,
    /// Nothing until the next event.
    Full,
    /// To be finished when all is sent.
    Finishing,
    /// As `Finishing`, and nothing until the next event.
    FinishingFull,
    Finished,
}

/// What the producer knows about the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Producer {
    Flowing,
    /// The queue went above the high mark; not told yet.
    Over,
    Paused,
}

/// What a connection does with input that comes after `lose_connection` has sent everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Drain {
    /// Read and discard it until the peer finishes, within the reactor's [`CloseLimits`](crate::CloseLimits): the
    /// peer gets every byte, whatever it sends.
    #[default]
    Always,
    /// Look once: if nothing is unread, close at once. Faster, and wrong for peers that send later: the kernel
    /// answers them with a reset, and they may lose the end of what we sent, or all of it if it is short.
    IfUnread,
}

/// The next thing to do for a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Send,
    /// Look whether anything is unread: if not, it is the end.
    Look,
    /// Send the FIN.
    Finish,
    /// The FIN is sent: begin to drain.
    Drain {
        /// Whether the poller knows the socket.
        watched: bool,
    },
    Watch,
    TellPause,
    TellResume,
    /// A layer's place has come.
    InstallLayer,
    /// Bring what was written through the layers.
    Transform,
    /// Tell the layers that no more will be written.
    EndLayers,
    /// The protocol hands over to its successor.
    Become,
    /// It is over: the phase says why.
    Lose,
    Idle {
        /// Whether it closes, and something is unsent.
        closing: bool,
    },
}

/// How much may be queued, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marks {
    low: usize,
    high: usize,
    limit: usize,
}

const MARKS: Marks = Marks { low: LOW_MARK_BYTES, high: HIGH_MARK_BYTES, limit: QUEUE_BYTES_MAX };

pub(crate) struct State {
    pub(crate) queue: WriteQueue,
    phase: Phase,
    input: Input,
    output: Output,
    producer: Producer,
    drain: Drain,
    reading_paused: bool,
    watched: bool,
    /// For the loop; here because there is room for a byte.
    pub(crate) listed: Listed,
    /// While open: how many of the queued bytes are copies, at most. From `lose_connection` on: how many bytes of input were
    /// discarded, or taken by layers that still needed them.
    counted: u64,
    /// What few connections have.
    pub(crate) extra: Option<Box<Extra>>,
}

impl State {
    pub(crate) fn new(watched: bool, input: Input) -> Self {
        Self {
            queue: WriteQueue::default(),
            phase: Phase::Open,
            input,
            output: Output::Open,
            producer: Producer::Flowing,
            drain: Drain::Always,
            reading_paused: false,
            watched,
            listed: Listed::default(),
            counted: 0,
            extra: None,
        }
    }

    /// Queues a copy.
    pub(crate) fn write(&mut self, bytes: &[u8], pool: &mut BufferPool) -> Written {
        if !self.takes_bytes() {
            return Written::Unheard;
        }
        self.counted = wide(self.queued()).min(self.counted) + wide(bytes.len());
        match self.above() {
            Some(above) => above.push_copy(bytes, pool),
            None => self.queue.push_copy(bytes, pool),
        }
        if self.counted > wide(self.queue_limit()) {
            self.over(Lost::Aborted, pool);
            return Written::Cut;
        }
        self.note_queue();
        Written::Queued
    }

    /// Queues a counted body. False if nobody will get it.
    pub(crate) fn write_shared(
        &mut self,
        body: Rc<[u8]>,
        range: Range<usize>,
        pool: &mut BufferPool,
    ) -> bool {
        let taken = self.takes_bytes();
        if taken {
            match self.above() {
                Some(above) => above.push_shared(body, range, pool),
                None => self.queue.push_shared(body, range, pool),
            }
            self.note_queue();
        }
        taken
    }

    pub(crate) fn lose_connection(&mut self) {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Closing { peer_first: self.input == Input::Finished };
            self.counted = 0;
        }
    }

    /// Sends a FIN after what is queued; reading goes on.
    pub(crate) fn lose_write_connection(&mut self) {
        self.output = match self.output {
            Output::Open => Output::Finishing,
            Output::Full => Output::FinishingFull,
            other => other,
        };
    }

    /// Ends the connection for this reason, unless it has ended already.
    pub(crate) fn over(&mut self, why: Lost, pool: &mut BufferPool) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.queue.clear(pool);
            if let Some(extra) = &mut self.extra {
                extra.above.clear(pool);
            }
            self.phase = Phase::Over(why);
        }
    }

    pub(crate) fn step(&mut self) -> Step {
        if matches!(self.phase, Phase::Over(_)) {
            return Step::Lose;
        }
        if self.extra.is_some()
            && let Some(step) = self.extra_step()
        {
            return step;
        }
        if matches!(self.phase, Phase::Draining { .. }) {
            return Step::Idle { closing: false };
        }
        if let Some(step) = self.output_step() {
            return step;
        }
        if matches!(self.phase, Phase::Open)
            && let Some(step) = self.producer_step()
        {
            return step;
        }
        if self.watched {
            Step::Idle { closing: matches!(self.phase, Phase::Closing { .. }) }
        } else {
            Step::Watch
        }
    }

    /// What few connections have to do before anything else.
    #[inline(never)]
    fn extra_step(&self) -> Option<Step> {
        // First: the predecessor hears nothing more, however much of its is unsent, also if it has closed.
        if self.extra.as_ref().is_some_and(|extra| extra.successor.is_some()) {
            return Some(Step::Become);
        }
        if matches!(self.phase, Phase::Draining { .. }) { None } else { self.layer_step() }
    }

    /// What is to be done above the wire's queue.
    fn layer_step(&self) -> Option<Step> {
        let extra = self.extra.as_ref().filter(|extra| extra.layered)?;
        if extra.has_new_layer() {
            return Some(Step::InstallLayer);
        }
        if !extra.above.is_empty() {
            // What lies below or is held back must leave before more comes down: that bounds it.
            return (self.queue.len() + extra.held <= self.marks().high).then_some(Step::Transform);
        }
        (self.is_to_end() && extra.end == End::Open).then_some(Step::EndLayers)
    }

    /// Whether everything that was written has come down to the wire's queue, our end included.
    fn layers_are_done(&self) -> bool {
        self.extra.as_ref().is_none_or(|extra| !extra.layered || extra.end == End::Passed)
    }

    fn output_step(&mut self) -> Option<Step> {
        if !self.queue.is_empty() {
            let full = matches!(self.output, Output::Full | Output::FinishingFull);
            return (!full).then_some(Step::Send);
        }
        if !self.layers_are_done() {
            return None;
        }
        match (&self.phase, self.output) {
            (Phase::Closing { peer_first: true }, _) => {
                self.phase = Phase::Over(Lost::Done);
                Some(Step::Lose)
            }
            (Phase::Closing { .. }, _) if self.drain == Drain::IfUnread && self.counted == 0 => {
                Some(Step::Look)
            }
            (Phase::Closing { .. }, Output::Finished) => {
                self.phase = Phase::Draining { finished: Time::ZERO };
                Some(Step::Drain { watched: self.watched })
            }
            (Phase::Closing { .. }, _) | (_, Output::Finishing | Output::FinishingFull) => Some(Step::Finish),
            _ => None,
        }
    }

    fn producer_step(&mut self) -> Option<Step> {
        if self.producer == Producer::Flowing {
            return None;
        }
        if self.queued() <= self.marks().low {
            self.producer = Producer::Flowing;
            return Some(Step::TellResume);
        }
        if self.producer == Producer::Over && self.queued() > self.marks().high {
            self.producer = Producer::Paused;
            return Some(Step::TellPause);
        }
        None
    }

    /// Whether our end was asked for, and is not sent.
    fn is_to_end(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
            || matches!(self.output, Output::Finishing | Output::FinishingFull)
    }

    /// Whether our end comes right after what is queued. A layer may have ended before all that was written went through it.
    pub(crate) fn is_ending(&self) -> bool {
        let is_all = self.extra.as_ref().is_none_or(|extra| extra.above.is_empty());
        is_all && self.is_to_end() && self.layers_are_done()
    }

    /// The socket took `count` bytes.
    pub(crate) fn sent(&mut self, count: usize, pool: &mut BufferPool) {
        self.queue.advance(count, pool);
        if let Some(registered) = self.extra.as_mut().and_then(|extra| extra.producer.as_mut()) {
            registered.sent();
        }
    }

    /// The socket takes nothing now.
    pub(crate) fn blocked(&mut self) {
        self.output = match self.output {
            Output::Open => Output::Full,
            Output::Finishing => Output::FinishingFull,
            other => other,
        };
    }

    /// The socket takes something again. Says whether that is news.
    pub(crate) fn unblocked(&mut self) -> bool {
        self.output = match self.output {
            Output::Full => Output::Open,
            Output::FinishingFull => Output::Finishing,
            _ => return false,
        };
        true
    }

    /// The FIN is sent.
    pub(crate) fn finished(&mut self) {
        self.output = Output::Finished;
    }

    /// Our end was sent at this time.
    pub(crate) fn drains_from(&mut self, now: Time) {
        if let Phase::Draining { finished } = &mut self.phase {
            *finished = now;
        }
    }

    /// So many bytes more came in after `lose_connection`; says how many there are by now.
    pub(crate) fn discard(&mut self, count: usize) -> u64 {
        self.counted = self.counted.saturating_add(wide(count));
        self.counted
    }

    pub(crate) fn watched(&mut self) {
        self.watched = true;
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    pub(crate) fn set_input(&mut self, input: Input) {
        if self.input != Input::Finished {
            self.input = input;
        }
    }

    pub(crate) fn input(&self) -> Input {
        self.input
    }

    /// Whether a read should be tried, and what for.
    #[inline]
    pub(crate) fn reading(&self) -> Reading {
        if self.extra.is_some() {
            return self.reading_with_extra();
        }
        match self.phase {
            Phase::Open if self.reading_paused => Reading::No,
            _ if self.input != Input::Ready => Reading::No,
            Phase::Open => Reading::Deliver,
            Phase::Closing { .. } | Phase::Draining { .. } => Reading::Discard,
            Phase::Over(_) => Reading::No,
        }
    }

    /// As `reading`, whose rules are these without what few connections have; a test compares them.
    #[inline(never)]
    fn reading_with_extra(&self) -> Reading {
        match self.phase {
            Phase::Open if self.reading_paused => Reading::No,
            Phase::Open if self.extra.as_ref().is_some_and(|extra| extra.has_inbox()) => Reading::Inbox,
            _ if self.input != Input::Ready => Reading::No,
            Phase::Open if self.extra.as_ref().is_some_and(|extra| extra.paused) => Reading::No,
            Phase::Open if self.is_layered() => Reading::Layers,
            Phase::Open => Reading::Deliver,
            // Layers may need what the peer says to let go of what they hold: a handshake.
            Phase::Closing { .. } if self.is_layered() && !self.layers_are_done() => {
                let is_paused = self.extra.as_ref().is_some_and(|extra| extra.paused);
                if is_paused { Reading::No } else { Reading::Layers }
            }
            Phase::Closing { .. } | Phase::Draining { .. } => Reading::Discard,
            Phase::Over(_) => Reading::No,
        }
    }

    pub(crate) fn pause_reading(&mut self) {
        self.reading_paused = true;
    }

    pub(crate) fn resume_reading(&mut self) {
        self.reading_paused = false;
    }

    pub(crate) fn set_marks(&mut self, low: usize, high: usize) {
        self.set(Marks { low: low.min(high), high, ..self.marks() });
        self.note_queue();
    }

    pub(crate) fn set_queue_limit(&mut self, limit: usize) {
        self.set(Marks { limit, ..self.marks() });
    }

    fn set(&mut self, marks: Marks) {
        // Streams set the usual ones again and again.
        if marks != MARKS || self.extra.is_some() {
            self.extra.get_or_insert_default().marks = Some(marks);
        }
    }

    fn marks(&self) -> Marks {
        self.extra.as_ref().and_then(|extra| extra.marks).unwrap_or(MARKS)
    }

    /// How many copied bytes may be queued.
    pub(crate) fn queue_limit(&self) -> usize {
        self.marks().limit
    }

    pub(crate) fn set_drain(&mut self, drain: Drain) {
        self.drain = drain;
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Why it is over, if it is.
    pub(crate) fn reason(&self) -> Option<Lost> {
        match &self.phase {
            Phase::Over(why) => Some(why.clone()),
            Phase::Open | Phase::Closing { .. } | Phase::Draining { .. } => None,
        }
    }

    /// Whether all that was written has gone, but for what layers hold back until more comes.
    pub(crate) fn is_drained(&self) -> bool {
        self.queue.is_empty() && self.extra.as_ref().is_none_or(|extra| extra.above.is_empty())
    }

    /// Whether the producer was told to pause.
    pub(crate) fn is_paused(&self) -> bool {
        self.producer == Producer::Paused
    }

    /// Whether a write would be queued.
    pub(crate) fn takes_bytes(&self) -> bool {
        matches!(self.phase, Phase::Open) && matches!(self.output, Output::Open | Output::Full)
    }

    /// The mark counts at the write, not after the flush: a producer that stops because it sees a full queue must be
    /// told to go on, even if the end of the upcall empties the queue at once.
    fn note_queue(&mut self) {
        if self.producer == Producer::Flowing && self.queued() > self.marks().high {
            self.producer = Producer::Over;
        }
    }

    /// Bytes that were written and are not sent.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len() + self.extra.as_ref().map_or(0, |extra| extra.above.len() + extra.held)
    }

    /// Where writes go if there are layers.
    fn above(&mut self) -> Option<&mut WriteQueue> {
        let extra = self.extra.as_mut().filter(|extra| extra.layered)?;
        Some(&mut extra.above)
    }

    pub(crate) fn is_layered(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.layered && extra.chain.is_some())
    }

    /// What has come out of the layers at both ends.
    pub(crate) fn came_through(&mut self, out: &Out, held: usize, pool: &mut BufferPool) {
        let over = matches!(self.phase, Phase::Over(_));
        if !over {
            self.queue.push_copy(&out.down.bytes, pool);
        }
        let extra = self.extra.get_or_insert_default();
        extra.held = held;
        if matches!(self.phase, Phase::Open) {
            extra.inbox.extend_from_slice(&out.up.bytes);
            extra.inbox_ended |= out.up.ended;
        }
        if out.down.ended {
            extra.end = End::Passed;
        }
    }
}

/// What has become of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    Queued,
    /// It was too much: the connection is cut.
    Cut,
    /// Nobody will get it.
    Unheard,
}

/// What to do with input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    No,
    /// Something waits for the protocol above the socket.
    Inbox,
    Deliver,
    /// As `Deliver`, but the layers come first.
    Layers,
    Discard,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> (State, BufferPool) {
        (State::new(true, Input::Quiet), BufferPool::default())
    }

    fn sent_all(state: &mut State, pool: &mut BufferPool) {
        assert!(matches!(state.step(), Step::Send));
        state.sent(state.queue.len(), pool);
    }

    #[test]
    fn our_close_sends_all_then_finishes_then_drains() {
        let (mut state, mut pool) = open();
        assert_eq!(state.write(b"poem", &mut pool), Written::Queued);
        state.lose_connection();
        assert_eq!(state.write(b"too late", &mut pool), Written::Unheard);
        sent_all(&mut state, &mut pool);
        assert!(matches!(state.step(), Step::Finish));
        state.finished();
        assert!(matches!(state.step(), Step::Drain { watched: true }));
        assert!(matches!(state.step(), Step::Idle { .. }));
        state.set_input(Input::Ready);
        assert_eq!(state.reading(), Reading::Discard);
    }

    #[test]
    fn after_the_peers_end_what_is_queued_is_sent_and_the_reason_is_done() {
        let (mut state, mut pool) = open();
        state.write(b"answer", &mut pool);
        state.set_input(Input::Finished);
        state.lose_connection();
        sent_all(&mut state, &mut pool);
        assert_eq!(state.step(), Step::Lose);
        assert!(matches!(state.phase(), Phase::Over(Lost::Done)));
    }

    #[test]
    fn a_blocked_close_waits_and_the_first_reason_stays() {
        let (mut state, mut pool) = open();
        state.write(b"poem", &mut pool);
        state.lose_connection();
        assert!(matches!(state.step(), Step::Send));
        state.blocked();
        assert!(matches!(state.step(), Step::Idle { .. }));
        state.over(Lost::Reset, &mut pool);
        state.over(Lost::Aborted, &mut pool);
        assert_eq!(state.step(), Step::Lose);
        assert!(matches!(state.phase(), Phase::Over(Lost::Reset)));
    }

    #[test]
    fn a_queue_that_was_over_only_until_the_flush_still_tells_resume() {
        let (mut state, mut pool) = open();
        state.set_marks(2, 4);
        state.write(b"12345", &mut pool);
        sent_all(&mut state, &mut pool);
        assert!(matches!(state.step(), Step::TellResume));
        assert!(matches!(state.step(), Step::Idle { .. }));
    }

    #[test]
    fn pause_is_told_once_and_resume_only_at_the_low_mark() {
        let (mut state, mut pool) = open();
        state.set_marks(2, 4);
        state.write(b"12345", &mut pool);
        assert!(matches!(state.step(), Step::Send));
        state.blocked();
        assert!(matches!(state.step(), Step::TellPause));
        assert!(matches!(state.step(), Step::Idle { .. }));
        state.unblocked();
        state.sent(2, &mut pool);
        state.blocked();
        assert!(matches!(state.step(), Step::Idle { .. }), "three bytes are above the low mark");
        state.sent(1, &mut pool);
        assert!(matches!(state.step(), Step::TellResume));
    }

    #[test]
    fn a_producer_that_never_pauses_is_cut_at_the_limit() {
        let (mut state, mut pool) = open();
        state.set_queue_limit(8);
        state.write(b"12345678", &mut pool);
        assert!(matches!(state.phase(), Phase::Open));
        assert_eq!(state.write(b"9", &mut pool), Written::Cut);
        assert_eq!(state.step(), Step::Lose);
        assert!(matches!(state.phase(), Phase::Over(Lost::Aborted)) && state.queue.is_empty());
    }

    #[test]
    fn half_close_sends_the_end_after_the_queue_and_goes_on_reading() {
        let (mut state, mut pool) = open();
        state.write(b"question", &mut pool);
        state.lose_write_connection();
        assert_eq!(state.write(b"more", &mut pool), Written::Unheard);
        sent_all(&mut state, &mut pool);
        assert!(matches!(state.step(), Step::Finish));
        state.finished();
        assert!(matches!(state.step(), Step::Idle { .. }));
        state.set_input(Input::Ready);
        assert_eq!(state.reading(), Reading::Deliver);
    }

    #[test]
    fn what_few_connections_have_changes_nothing_as_long_as_it_is_empty() {
        type Change = fn(&mut State, &mut BufferPool);
        let phases: [Change; 4] = [
            |_, _| {},
            |state, _| state.lose_connection(),
            |state, _| state.phase = Phase::Draining { finished: Time::ZERO },
            |state, pool| state.over(Lost::Closed, pool),
        ];
        let inputs = [Input::Quiet, Input::Ready, Input::Finished];
        for (change, input) in phases.iter().flat_map(|phase| inputs.map(|input| (phase, input))) {
            for is_paused in [false, true] {
                let (mut state, mut pool) = (State::new(true, input), BufferPool::default());
                state.reading_paused = is_paused;
                change(&mut state, &mut pool);
                let without = (state.reading(), state.step());
                state.extra.get_or_insert_default();
                assert_eq!((state.reading(), state.step()), without, "{:?} {input:?}", state.phase());
            }
        }
    }
}
