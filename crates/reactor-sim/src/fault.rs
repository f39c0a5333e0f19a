//! The kinds of faults, and one stroke of one of them.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::odds::Odds;

/// What can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A receive gets less than there is.
    ShortReads,
    /// A send takes less than there is room for.
    ShortWrites,
    /// Any call that could go on answers `WouldBlock`, and an event comes after this time.
    WouldBlock,
    /// An event comes for which nothing has happened.
    SpuriousEvents,
    /// The events of one wait come in another order.
    EventOrder,
    /// A packet takes this much longer.
    Latency,
    /// A packet takes this much longer, as if it was lost a few times.
    Stalls,
    /// A packet goes through a line of so many bytes a second.
    SlowLines,
    /// A connection's buffer has room for so many bytes.
    SmallWindows,
    /// An accepted connection shows up this much later.
    SlowAccepts,
    /// A name is looked up this much longer.
    SlowLookups,
    /// A job of a thread takes this much longer.
    SlowJobs,
    /// A send finds the connection reset, and so does the peer.
    Resets,
    /// A connection is refused although somebody listens.
    Refusals,
    /// An attempt to connect is never answered.
    BlackHoles,
    /// A connection is reset before it is accepted.
    AbortedAccepts,
    /// A call that needs a descriptor finds none left.
    Descriptors,
    /// A host's clock jumps ahead by this time.
    ClockJumps,
    /// Two hosts do not reach each other for this time; packets are held (as TCP sends them again) or dropped.
    Partitions,
    /// A datagram is lost.
    LostDatagrams,
    /// A datagram comes twice.
    DoubledDatagrams,
    /// A datagram comes this much later, after others.
    LateDatagrams,
    /// A name cannot be looked up now.
    FailedLookups,
    /// The pool of threads is full.
    RefusedJobs,
}

impl Fault {
    /// Every kind, in the order of the list above: first those after which the reactor's contract holds all the same.
    pub const ALL: [Self; 24] = [
        Self::ShortReads,
        Self::ShortWrites,
        Self::WouldBlock,
        Self::SpuriousEvents,
        Self::EventOrder,
        Self::Latency,
        Self::Stalls,
        Self::SlowLines,
        Self::SmallWindows,
        Self::SlowAccepts,
        Self::SlowLookups,
        Self::SlowJobs,
        Self::Resets,
        Self::Refusals,
        Self::BlackHoles,
        Self::AbortedAccepts,
        Self::Descriptors,
        Self::ClockJumps,
        Self::Partitions,
        Self::LostDatagrams,
        Self::DoubledDatagrams,
        Self::LateDatagrams,
        Self::FailedLookups,
        Self::RefusedJobs,
    ];

    /// Its name in traces and commands: `short-reads`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ShortReads => "short-reads",
            Self::ShortWrites => "short-writes",
            Self::WouldBlock => "would-block",
            Self::SpuriousEvents => "spurious-events",
            Self::EventOrder => "event-order",
            Self::Latency => "latency",
            Self::Stalls => "stalls",
            Self::SlowLines => "slow-lines",
            Self::SmallWindows => "small-windows",
            Self::SlowAccepts => "slow-accepts",
            Self::SlowLookups => "slow-lookups",
            Self::SlowJobs => "slow-jobs",
            Self::Resets => "resets",
            Self::Refusals => "refusals",
            Self::BlackHoles => "black-holes",
            Self::AbortedAccepts => "aborted-accepts",
            Self::Descriptors => "descriptors",
            Self::ClockJumps => "clock-jumps",
            Self::Partitions => "partitions",
            Self::LostDatagrams => "lost-datagrams",
            Self::DoubledDatagrams => "doubled-datagrams",
            Self::LateDatagrams => "late-datagrams",
            Self::FailedLookups => "failed-lookups",
            Self::RefusedJobs => "refused-jobs",
        }
    }

    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|fault| *fault == self).expect("the list has every kind")
    }

    /// Whether the reactor's contract holds all the same: a question of the order of the list.
    pub(crate) fn is_gentle(self) -> bool {
        self <= Self::SlowJobs
    }

    /// How often it strikes in the ready-made profiles.
    pub(crate) fn usual_odds(self) -> Odds {
        match self {
            Self::ShortReads | Self::ShortWrites | Self::Latency => Odds::one_in(4),
            Self::WouldBlock | Self::SpuriousEvents => Odds::one_in(10),
            Self::EventOrder | Self::SmallWindows => Odds::one_in(2),
            Self::SlowLines => Odds::one_in(20),
            Self::SlowAccepts | Self::SlowLookups | Self::SlowJobs => Odds::one_in(5),
            Self::Stalls | Self::ClockJumps => Odds::one_in(500),
            Self::Resets => Odds::one_in(100),
            Self::Refusals | Self::BlackHoles | Self::AbortedAccepts | Self::Descriptors => Odds::one_in(30),
            Self::Partitions => Odds::one_in(1000),
            Self::LostDatagrams | Self::DoubledDatagrams | Self::LateDatagrams => Odds::one_in(10),
            Self::FailedLookups | Self::RefusedJobs => Odds::one_in(20),
        }
    }

    /// How long it lasts (nanoseconds) or how large it is (bytes), unless a profile says otherwise.
    pub(crate) fn usual_amount(self) -> Range<u64> {
        match self {
            Self::WouldBlock | Self::SpuriousEvents => US..MS / 2,
            Self::Latency => US..2 * MS,
            // Shorter than the silence after which a polite close leaves its peer alone.
            Self::Stalls => 100 * MS..700 * MS,
            Self::SlowLines => 100_000..10_000_000,
            Self::SmallWindows => 512..32_768,
            Self::SlowAccepts | Self::SlowJobs => MS..50 * MS,
            Self::SlowLookups => MS..300 * MS,
            Self::ClockJumps => MS..30 * S,
            Self::Partitions => 10 * MS..2 * S,
            Self::LateDatagrams => MS..10 * MS,
            _ => 0..0,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| UnknownFault { text: text.to_owned() })
    }
}

/// No fault has this name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownFault {
    text: String,
}

impl fmt::Display for UnknownFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{}' is no fault: there are", self.text)?;
        Fault::ALL.iter().try_for_each(|fault| write!(out, " {fault}"))?;
        out.write_str("; one stroke of a fault is written like resets#3")
    }
}

impl Error for UnknownFault {}

/// All strokes of a fault (`resets`), or one, counted from 1 (`resets#3`).
///
/// ```
/// use sestina_reactor_sim::{Fault, Selector};
///
/// let third: Selector = "resets#3".parse()?;
/// assert_eq!(third, Selector { fault: Fault::Resets, number: Some(3) });
/// assert_eq!(third.to_string(), "resets#3");
/// # Ok::<(), sestina_reactor_sim::UnknownFault>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a kind and a number, and nothing else ever")]
pub struct Selector {
    /// The kind.
    pub fault: Fault,
    /// Which stroke of it; all if there is no number.
    pub number: Option<u64>,
}

impl Selector {
    pub(crate) fn matches(self, fault: Fault, number: u64) -> bool {
        self.fault == fault && self.number.is_none_or(|wanted| wanted == number)
    }
}

impl From<Fault> for Selector {
    fn from(fault: Fault) -> Self {
        Self { fault, number: None }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.fault)?;
        self.number.map_or(Ok(()), |number| write!(out, "#{number}"))
    }
}

impl FromStr for Selector {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault { text: text.to_owned() };
        match text.split_once('#') {
            None => Ok(text.parse::<Fault>()?.into()),
            Some((fault, number)) => {
                let number = number.parse().map_err(|_| unknown())?;
                Ok(Self { fault: fault.parse().map_err(|_| unknown())?, number: Some(number) })
            }
        }
    }
}

const US: u64 = 1_000;
const MS: u64 = 1_000 * US;
const S: u64 = 1_000 * MS;
