//! Lines between hosts: how long packets take, and which of them get nowhere.
//!
//! A line has a latency for each packet, drawn from a range, and may have a bandwidth, for which packets queue.
//! Order is kept by the sender (streams.rs), so datagrams and different connections may overtake one another, bytes of one
//! connection never do. A partition concerns what arrives while it lasts, also what was under way when it began.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use sestina_reactor::Time;

use crate::dice::Dice;
use crate::machine::HostId;
use crate::packet::Packet;

/// How a line between two hosts is, in each direction.
///
/// ```
/// use sestina_reactor_sim::{Link, Simulation};
/// use std::time::Duration;
///
/// let far = Link::default()
///     .with_latency(Duration::from_millis(40)..Duration::from_millis(60))
///     .with_bandwidth(1_000_000);
/// let simulation = Simulation::seeded(7);
/// let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
/// simulation.set_link(&alice, &bob, far);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    pub(crate) latency: Range<Duration>,
    pub(crate) bytes_per_s: Option<u64>,
}

impl Default for Link {
    /// A quarter of a millisecond, and as many bytes a second as anybody likes.
    fn default() -> Self {
        Self { latency: LATENCY..LATENCY, bytes_per_s: None }
    }
}

impl Link {
    /// How long a packet takes; drawn for each from this range, which may be empty: then it is its start.
    #[must_use]
    pub fn with_latency(self, latency: Range<Duration>) -> Self {
        Self { latency, ..self }
    }

    /// How many bytes a second go through, at least 1, in each direction.
    #[must_use]
    pub fn with_bandwidth(self, bytes_per_s: u64) -> Self {
        Self { bytes_per_s: Some(bytes_per_s.max(1)), ..self }
    }
}

/// What becomes of packets between two hosts that do not reach each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "they get there later or not at all")]
pub enum Partition {
    /// They are held until the partition heals: a short one, during which TCP repeats everything. Datagrams and resets,
    /// which nobody repeats, are lost.
    Held,
    /// As `Held`, but new connections time out, and connections with something unsent give up in the end.
    Dropped,
}

/// A partition that lasts.
#[derive(Clone, Copy, Debug)]
struct Cut {
    how: Partition,
    /// Which of all cuts, so that the end of an earlier one does not end it.
    number: u64,
}

#[derive(Debug)]
pub(crate) struct Links {
    usual: Link,
    loopback: Link,
    own: BTreeMap<(HostId, HostId), Link>,
    /// When a direction with a bandwidth has sent what it has.
    busy: BTreeMap<(HostId, HostId), Time>,
    partitions: BTreeMap<(HostId, HostId), Cut>,
    /// Cuts so far.
    cuts: u64,
    /// What waits for a partition to heal, in the order of arrival.
    pub(crate) held: Vec<Packet>,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self {
            usual: Link::default(),
            loopback: Link { latency: LOOPBACK_LATENCY..LOOPBACK_LATENCY, bytes_per_s: None },
            own: BTreeMap::new(),
            busy: BTreeMap::new(),
            partitions: BTreeMap::new(),
            cuts: 0,
            held: Vec::new(),
        }
    }

    pub(crate) fn set_usual(&mut self, link: Link) {
        self.usual = link;
    }

    pub(crate) fn set(&mut self, one: HostId, other: HostId, link: Link) {
        self.own.insert(pair(one, other), link);
    }

    /// When a packet of this size gets there that is sent now.
    pub(crate) fn arrival(
        &mut self,
        now: Time,
        (from, to): (HostId, HostId),
        bytes: usize,
        dice: &mut Dice,
    ) -> Time {
        let usual = if from == to { &self.loopback } else { &self.usual };
        let link = self.own.get(&pair(from, to)).unwrap_or(usual);
        let latency = dice.latency(&link.latency);
        let Some(bytes_per_s) = link.bytes_per_s else { return now + latency };
        let busy = self.busy.entry((from, to)).or_default();
        *busy = (*busy).max(now) + transfer_time(bytes, bytes_per_s);
        *busy + latency
    }

    /// Begins a partition, in the place of one that lasts already. Says which cut this is.
    pub(crate) fn cut(&mut self, one: HostId, other: HostId, how: Partition) -> u64 {
        self.cuts += 1;
        self.partitions.insert(pair(one, other), Cut { how, number: self.cuts });
        self.cuts
    }

    pub(crate) fn partition(&self, one: HostId, other: HostId) -> Option<Partition> {
        self.partitions.get(&pair(one, other)).map(|cut| cut.how)
    }

    /// Whether it is this cut that lasts.
    pub(crate) fn is_cut(&self, one: HostId, other: HostId, number: u64) -> bool {
        self.partitions.get(&pair(one, other)).is_some_and(|cut| cut.number == number)
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = (HostId, HostId)> {
        self.partitions.keys().copied()
    }

    /// Ends a partition and gives back what was held.
    pub(crate) fn heal(&mut self, one: HostId, other: HostId) -> Vec<Packet> {
        self.partitions.remove(&pair(one, other));
        let (released, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|packet| pair(packet.from, packet.to) == pair(one, other));
        self.held = held;
        released
    }
}

/// How long a line of this bandwidth is busy with so many bytes.
pub(crate) fn transfer_time(bytes: usize, bytes_per_s: u64) -> Duration {
    let nanos = u128::try_from(bytes).unwrap_or(u128::MAX).saturating_mul(NANOS_PER_S)
        / u128::from(bytes_per_s.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn pair(one: HostId, other: HostId) -> (HostId, HostId) {
    (one.min(other), one.max(other))
}

/// How long a byte is on its way between two hosts, unless [`Link::with_latency`] said otherwise.
const LATENCY: Duration = Duration::from_micros(250);
/// How long it is on its way within one host.
const LOOPBACK_LATENCY: Duration = Duration::from_micros(10);
const NANOS_PER_S: u128 = 1_000_000_000;
