//! What a reactor has done so far.

use std::time::Duration;

/// Counters of one reactor, since it was made, and what there is now.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// reactor.run_until(reactor.sleep(std::time::Duration::from_millis(1))).expect("time passes");
/// let statistics = reactor.statistics();
/// assert!(statistics.turns >= 1 && statistics.timers_fired == 1 && statistics.timers == 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Turns of the loop.
    pub turns: u64,
    /// Pieces of user code that the loop has run: upcalls, delayed calls, woken tasks, steps of cooperative tasks, calls
    /// from threads, signal handlers, factories, layers, drops.
    pub callbacks: u64,
    /// Connections there are now, those on their way out included.
    pub connections: usize,
    /// Timers that have not fired now, connections' own ones included.
    pub timers: usize,
    /// Calls of protocol methods.
    pub upcalls: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that were reset at once: their peer had too many, or the factory had no protocol for them.
    pub refused: u64,
    /// Datagrams that did not fit into a queue, or came too late.
    pub datagrams_lost: u64,
    /// Connections made by `connect`.
    pub connected: u64,
    /// Bytes received, discarded ones included.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Sockets that had to be registered with the poller.
    pub watched: u64,
    /// Timers that fired.
    pub timers_fired: u64,
    /// Writes to a connection that was closing or gone.
    pub writes_without_effect: u64,
    /// Panics caught in user code.
    pub panics: u64,
    /// Errors in deferreds that nobody looked at.
    pub unhandled_errors: u64,
    /// How long user code, and the loop's work for it, have taken in one turn, at most; the wait does not
    /// count, and what runs before the first turn and in the shutdown is a turn of its own.
    pub longest_turn: Duration,
    /// Whose code held it longest in that turn: the name of a protocol, or what else it was. With a limit that is measured by the rough
    /// clock ([`set_callback_limit`](crate::Reactor::set_callback_limit)): who ran when that went on; empty if it did not.
    pub longest_turn_holder: &'static str,
    /// Pieces of user code that held the loop longer than the limit
    /// ([`set_callback_limit`](crate::Reactor::set_callback_limit)).
    pub slow_callbacks: u64,
}

/// A count of bytes or pieces, as statistics have it.
pub(crate) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
