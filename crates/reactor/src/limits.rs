//! How many connections a port takes, in total and from one peer.
//!
//! When the total is reached the port stops accepting, and clients wait in the kernel's backlog. A peer that has its share
//! is refused. Peers are told apart by address, IPv6 ones by their /64, for that is what one peer gets.
//! Invariant: the counts are those of the connections that the port accepted and that are not lost.
//! Tests: `limits.rs` of the contract, and below.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::accept::Port;
use crate::address::Address;
use crate::driver::Token;
use crate::inner::Reactor;

/// Default of [`ConnectionLimits::total`].
pub const CONNECTIONS_MAX: usize = 100_000;
/// Default of [`ConnectionLimits::per_peer`].
pub const CONNECTIONS_PER_PEER_MAX: usize = 256;

/// How many connections a port takes.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::{Address, ConnectionLimits, Endpoint, Protocol};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
/// let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| Quiet)?;
/// port.set_connection_limits(ConnectionLimits { total: 1_000, per_peer: 10, ..ConnectionLimits::default() });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// How many connections a port has at once. Reached, the port pauses until one ends.
    pub total: usize,
    /// How many of them one address may have, or one IPv6 /64. Reached, further ones are closed at once.
    pub per_peer: usize,
    /// Whether `per_peer` counts for the loopback too, and for UNIX sockets as if they were one peer. Not by default:
    /// a proxy before this server is one peer for all its clients.
    pub per_peer_on_loopback: bool,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: CONNECTIONS_MAX, per_peer: CONNECTIONS_PER_PEER_MAX, per_peer_on_loopback: false }
    }
}

/// What a port has accepted and not lost.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) limits: ConnectionLimits,
    total: usize,
    peers: BTreeMap<Share, usize>,
    /// Whether it was logged that the total is reached, since it last was not.
    logged: bool,
    /// Whether it was logged that a peer was refused, since nobody last was there.
    logged_refusal: bool,
}

impl Census {
    pub(crate) fn with_limits(limits: ConnectionLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Whether another connection may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.total < self.limits.total
    }

    /// Whether nobody has asked this since the port last had room.
    pub(crate) fn is_full_news(&mut self) -> bool {
        !std::mem::replace(&mut self.logged, true)
    }

    /// Whether nobody has asked this since nobody was there.
    pub(crate) fn is_refusal_news(&mut self) -> bool {
        !std::mem::replace(&mut self.logged_refusal, true)
    }

    /// Counts a connection in, unless its peer has its share.
    pub(crate) fn admit(&mut self, peer: &Address) -> bool {
        let limit = self.limits.per_peer;
        let limited = self.is_limited(peer);
        // All are counted, for the limits may be set later.
        let key = share(peer);
        let count = self.peers.entry(key).or_default();
        if limited && *count >= limit {
            if *count == 0 {
                self.peers.remove(&key);
            }
            return false;
        }
        *count += 1;
        self.total += 1;
        true
    }

    /// Counts a connection out.
    pub(crate) fn release(&mut self, peer: &Address) {
        self.total = self.total.saturating_sub(1);
        if self.total < self.limits.total {
            self.logged = false;
        }
        self.logged_refusal &= self.total > 0;
        let key = share(peer);
        if let Some(count) = self.peers.get_mut(&key) {
            *count -= 1;
            // The only one stays: a server with one peer would make and free the map for each connection.
            if *count == 0 && self.peers.len() > 1 {
                self.peers.remove(&key);
            }
        }
    }

    /// Whether a peer has only its share.
    fn is_limited(&self, peer: &Address) -> bool {
        let local = peer.ip().is_none_or(|ip| ip.to_canonical().is_loopback());
        !local || self.limits.per_peer_on_loopback
    }
}

/// What counts as one peer: an IPv4 address, an IPv6 network of 64 bits, or all UNIX sockets, as a number. Each connection looks
/// for it twice.
type Share = u128;

fn share(peer: &Address) -> Share {
    match peer.ip().map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => ip.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(ip)) => ip.to_bits() & !Share::from(u64::MAX),
        None => Share::MAX, // its lower half is no network's, and no address's
    }
}

impl Port {
    /// Sets how many connections this port takes, from now on; those that are there stay.
    pub fn set_connection_limits(&self, limits: ConnectionLimits) {
        self.with_state(|reactor, token| {
            reactor.with_port(token, |port| port.census.limits = limits);
            reactor.mark_ready(token);
        });
    }
}

impl Reactor {
    /// Sets how many connections ports take that listen from now on, and have no limits of their own
    /// ([`Port::set_connection_limits`]).
    ///
    /// ```
    /// # let reactor = sestina_reactor_mio::reactor()?;
    /// use sestina_reactor::ConnectionLimits;
    ///
    /// reactor.set_connection_limits(ConnectionLimits { total: 500, ..ConnectionLimits::default() });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_connection_limits(&self, limits: ConnectionLimits) {
        self.inner().connection_limits.set(limits);
    }

    /// A connection of this port has ended.
    pub(crate) fn release_from_port(&self, port: Token, peer: &Address) {
        let waits = self.with_port(port, |port| {
            port.census.release(peer);
            std::mem::take(&mut port.waits_for_room)
        });
        if waits == Some(true) {
            self.mark_ready(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Address {
        Address::Inet((text.parse::<IpAddr>().expect("an address"), 1).into())
    }

    #[test]
    fn a_peer_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() {
        let limits = ConnectionLimits { per_peer: 1, ..ConnectionLimits::default() };
        let mut census = Census { limits, ..Census::default() };
        assert!(census.admit(&peer("192.0.2.1")) && census.admit(&peer("192.0.2.2")));
        assert!(!census.admit(&peer("192.0.2.1")) && !census.admit(&peer("::ffff:192.0.2.1")));
        assert!(census.admit(&peer("2001:db8::1")) && !census.admit(&peer("2001:db8::ffff:0:0:2")));
        assert!(census.admit(&peer("2001:db8:0:1::1")));
        census.release(&peer("2001:db8::1"));
        assert!(census.admit(&peer("2001:db8::7")));
    }

    #[test]
    fn connections_that_came_before_a_limit_was_set_count_for_it() {
        let mut census = Census::default();
        assert!(census.admit(&peer("::1")) && census.admit(&peer("::1")));
        census.limits = ConnectionLimits { per_peer: 2, per_peer_on_loopback: true, total: 100 };
        assert!(!census.admit(&peer("::1")));
        census.release(&peer("::1"));
        assert!(census.admit(&peer("::1")) && !census.admit(&peer("::1")));
    }

    #[test]
    fn unix_sockets_are_no_network_and_no_address() {
        let limits = ConnectionLimits { per_peer: 1, per_peer_on_loopback: true, total: 100 };
        let mut census = Census { limits, ..Census::default() };
        let different = [Address::Unix(None), peer("::1"), peer("0.0.0.0"), peer("ffff:ffff:ffff:ffff::1")];
        assert!(different.iter().all(|peer| census.admit(peer)));
        assert!(different.iter().all(|peer| !census.admit(peer)));
    }

    #[test]
    fn the_loopback_and_unix_sockets_count_only_when_told() {
        for (loopback, admitted) in [(false, 3), (true, 1)] {
            let limits = ConnectionLimits { per_peer: 1, per_peer_on_loopback: loopback, total: 100 };
            for peer in [peer("127.0.0.1"), peer("::1"), Address::Unix(None)] {
                let mut census = Census { limits, ..Census::default() };
                assert_eq!((0..3).filter(|_| census.admit(&peer)).count(), admitted, "{peer}");
            }
        }
    }
}
