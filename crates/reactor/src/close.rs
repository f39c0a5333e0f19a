//! The polite close after our FIN: what the peer still sends is read and discarded, so that the kernel has no reason
//! to reset a connection whose last bytes are on their way.
//!
//! Nearly every peer finishes within milliseconds, so a draining socket that the poller does not know yet is looked at
//! once when it is [`SWEEP_AFTER`] old, and registered only if the peer is still there. All connections have the same
//! limits, so each limit is a queue in the order of time and costs no timer.
//! Invariant: each list is in the order of its times, which are those since when the limit counts: limits may change.

use std::collections::VecDeque;
use std::time::Duration;

use crate::driver::Token;
use crate::errors::Lost;
use crate::inner::{Job, Kind, Reactor};
use crate::state::Phase;
use crate::time::Time;

/// How old a draining socket is when it is looked at for the first time.
const SWEEP_AFTER: Duration = Duration::from_millis(20);
/// How much that look reads: nearly always the answer is the peer's end.
pub(crate) const LOOK_BYTES: usize = 64;
/// After this many connections on their way out, of each limit, the others have their turn.
const CLOSINGS_PER_TURN_MAX: u32 = 512;
/// Those that have stalled are swept when there are more than this, and then when they have doubled.
const STALLED_SWEEP_MIN: usize = 64;

/// Default of [`CloseLimits::silence_max`].
pub const CLOSE_SILENCE_MAX: Duration = Duration::from_secs(2);
/// Default of [`CloseLimits::drain_max`].
pub const CLOSE_DRAIN_MAX: Duration = Duration::from_secs(30);
/// Default of [`CloseLimits::discard_bytes_max`].
pub const CLOSE_DISCARD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Default of [`CloseLimits::stall_max`].
pub const CLOSE_STALL_MAX: Duration = Duration::from_secs(300);

/// What bounds a polite close.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::CloseLimits;
/// use std::time::Duration;
///
/// let mut limits = CloseLimits::default();
/// limits.stall_max = Duration::from_secs(20); // who takes nothing for so long is cut
/// reactor.set_close_limits(limits);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CloseLimits {
    /// After our end was sent, a peer may be silent this long before it is left alone ([`Lost::Closed`]).
    pub silence_max: Duration,
    /// However much a peer still sends, this long after our end was sent it is left alone ([`Lost::Closed`]).
    pub drain_max: Duration,
    /// A peer may send this many bytes after `lose_connection` before it is cut ([`Lost::Aborted`]).
    pub discard_bytes_max: u64,
    /// After `lose_connection` a peer may take nothing for this long before it is cut ([`Lost::TimedOut`]).
    pub stall_max: Duration,
}

impl Default for CloseLimits {
    fn default() -> Self {
        Self {
            silence_max: CLOSE_SILENCE_MAX,
            drain_max: CLOSE_DRAIN_MAX,
            discard_bytes_max: CLOSE_DISCARD_BYTES_MAX,
            stall_max: CLOSE_STALL_MAX,
        }
    }
}

/// Connections on their way out.
#[derive(Debug, Default)]
pub(crate) struct Closings {
    pub(crate) limits: CloseLimits,
    /// Drain, not known to the poller; looked at when they are [`SWEEP_AFTER`] old.
    sweep: VecDeque<(Time, Token)>,
    /// Drain; left alone if silent.
    silent: VecDeque<(Time, Token)>,
    /// Close, with something unsent; cut if nothing is taken.
    stalled: VecDeque<(Time, Token)>,
    /// When `stalled` has so many, it is swept.
    sweep_stalled_at: usize,
}

impl Closings {
    pub(crate) fn next(&self) -> Option<Time> {
        let CloseLimits { silence_max, stall_max, .. } = self.limits;
        let lists = [(&self.sweep, SWEEP_AFTER), (&self.silent, silence_max), (&self.stalled, stall_max)];
        lists.into_iter().filter_map(|(list, after)| Some(list.front()?.0 + after)).min()
    }

    /// Nearly all that stall go on and are gone long before the limit: those are swept out, or the list would hold all that
    /// there were within the limit.
    fn push_stalled(&mut self, now: Time, token: Token, is_closing: impl Fn(Token) -> bool) {
        if self.stalled.len() >= self.sweep_stalled_at.max(STALLED_SWEEP_MIN) {
            self.stalled.retain(|(_, token)| is_closing(*token));
            self.sweep_stalled_at = self.stalled.len() * 2;
        }
        self.stalled.push_back((now, token));
    }
}

fn pop_due(list: &mut VecDeque<(Time, Token)>, after: Duration, now: Time) -> Option<Token> {
    let (begun, token) = *list.front()?;
    (begun + after <= now).then(|| list.pop_front())?;
    Some(token)
}

impl Reactor {
    /// A connection that closes and could not send everything: from now on its peer has limited time.
    #[inline(never)]
    pub(crate) fn limit_stall(&self, token: Token) {
        let now = self.now();
        let news = self.with_connection(token, |connection| {
            let closing = matches!(connection.state.phase(), Phase::Closing { .. });
            let news = closing && connection.state.listed.becomes_stalled();
            if news {
                connection.progress = now;
            }
            news
        });
        if news == Some(true) {
            let mut closings = self.inner().closings.borrow_mut();
            closings.push_stalled(now, token, |token| self.is_closing(token));
        }
    }

    /// The FIN is sent: the peer's is waited for, within the limits.
    pub(crate) fn begin_draining(&self, token: Token, watched: bool) {
        if watched {
            return self.drain_watched(token);
        }
        self.inner().closings.borrow_mut().sweep.push_back((self.now(), token));
    }

    /// The poller knows the socket: wait for the peer's end, within the limits.
    fn drain_watched(&self, token: Token) {
        self.mark_ready(token);
        let mut closings = self.inner().closings.borrow_mut();
        closings.silent.push_back((self.now(), token));
    }

    fn end_draining(&self, token: Token) {
        self.change(token, |state, pool| state.over(Lost::Closed, pool));
    }

    /// Looks at the connections on their way out whose time has come, within the budget.
    pub(crate) fn sweep(&self) {
        let now = self.now();
        for token in self.due_closings(now, |closings| (&mut closings.sweep, SWEEP_AFTER)) {
            self.discard_some(token, &mut [0; LOOK_BYTES]);
            self.flush(token);
            if self.is_draining(token) {
                self.watch(token);
                self.drain_watched(token);
                self.mark_dirty(token); // the poller may have refused it
            }
            self.settle();
        }
        for token in self.due_closings(now, |closings| (&mut closings.silent, closings.limits.silence_max)) {
            if self.is_draining(token) {
                self.silence_ends(token, now);
            }
        }
        for token in self.due_closings(now, |closings| (&mut closings.stalled, closings.limits.stall_max)) {
            if self.is_closing(token) {
                self.stall_ends(token, now);
            }
        }
        self.settle();
    }

    /// Takes those off a list who have been on it for so long.
    fn due_closings(
        &self,
        now: Time,
        list: impl Fn(&mut Closings) -> (&mut VecDeque<(Time, Token)>, Duration),
    ) -> impl Iterator<Item = Token> {
        (0..CLOSINGS_PER_TURN_MAX).map_while(move |_| {
            let mut closings = self.inner().closings.borrow_mut();
            let (list, after) = list(&mut closings);
            pop_due(list, after, now)
        })
    }

    fn silence_ends(&self, token: Token, now: Time) {
        let CloseLimits { silence_max, drain_max, .. } = self.inner().closings.borrow().limits;
        let end = self.with_connection(token, |connection| {
            let finished = match connection.state.phase() {
                Phase::Draining { finished } => *finished,
                Phase::Open | Phase::Closing { .. } | Phase::Over(_) => connection.progress,
            };
            (connection.progress + silence_max).min(finished + drain_max)
        });
        match end {
            Some(end) if end > now => self.look_again(token, end),
            _ => self.end_draining(token),
        }
    }

    fn stall_ends(&self, token: Token, now: Time) {
        let limit = self.inner().closings.borrow().limits.stall_max;
        match self.with_connection(token, |connection| connection.progress + limit) {
            Some(end) if end > now => self.look_again(token, end),
            _ => {
                tracing::warn!(peer = ?self.peer(token), ?limit, "connection cut: the peer takes nothing");
                self.change(token, |state, pool| state.over(Lost::TimedOut, pool));
            }
        }
    }

    /// A peer that did something has more time than the lists are long: it gets a timer of its own.
    fn look_again(&self, token: Token, at: Time) {
        let timer = self.inner().timers.borrow_mut().schedule(at, Job::Closing(token));
        let before = self.with_extra(token, |extra| extra.closing_timer.replace(timer));
        self.cancel_timer(before.unwrap_or(Some(timer)));
    }

    #[inline(never)]
    pub(crate) fn closing_timer(&self, token: Token) {
        let now = self.now();
        self.with_extra(token, |extra| extra.closing_timer = None);
        if self.is_draining(token) {
            self.silence_ends(token, now);
        } else if self.is_closing(token) {
            self.stall_ends(token, now);
        }
    }

    fn is_closing(&self, token: Token) -> bool {
        self.with_connection(token, |connection| matches!(connection.state.phase(), Phase::Closing { .. }))
            .unwrap_or(false)
    }

    /// Ends every connection, attempt, port, datagram socket and process, once: what is told of its end may make new ones.
    pub(crate) fn end_all(&self) {
        let keys = self.inner().entries.borrow().keys();
        for key in keys {
            let token = Token(key);
            match self.kind(token) {
                Some(Kind::Connection) if self.is_draining(token) => self.end_draining(token),
                Some(Kind::Connection) => self.abort(token),
                Some(Kind::Port) => self.stop_port(token, None),
                Some(Kind::Attempt) => self.cancel_attempt(token),
                Some(Kind::Datagrams) => self.stop_datagrams(token, None),
                Some(Kind::Process) => self.abandon_process(token),
                None => {}
            }
        }
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::Slab;

    #[test]
    fn the_list_of_those_that_stalled_holds_no_more_than_twice_those_that_still_do() {
        let (mut closings, mut slab) = (Closings::default(), Slab::default());
        let stuck = Token(slab.insert(()));
        closings.push_stalled(Time::ZERO, stuck, |_| true);
        for _ in 0..10_000 {
            closings.push_stalled(Time::ZERO, Token(slab.insert(())), |token| token == stuck);
            assert!(closings.stalled.len() <= STALLED_SWEEP_MIN, "{}", closings.stalled.len());
        }
        assert_eq!(closings.stalled.front(), Some(&(Time::ZERO, stuck)), "who is first stays first");
    }
}
