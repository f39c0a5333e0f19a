//! Why somebody got no body, or only a part of one.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{ConnectError, Lost};

/// How an upstream connection ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UpstreamEnd {
    /// It was never made.
    NotConnected(Arc<ConnectError>),
    /// It was made, and this ended it.
    Lost(Lost),
}

/// Which limit a flight passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Limit {
    /// To the connection.
    Connect,
    /// To the first byte.
    FirstByte,
    /// Between two pieces.
    Idle,
    /// For the whole body.
    Total,
}

/// What made the end of a body suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Suspicion {
    /// It has no bytes.
    Empty,
    /// It has fewer bytes than a good one.
    TooShort,
    /// It does not end as every good one does.
    NoEnding,
    /// It stops within the last good one.
    Prefix,
}

/// Why a reader's body ended early, or never began. Cheap to clone: one failure is told to many.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FlightError {
    /// The upstream could not be reached.
    Unreachable(Arc<ConnectError>),
    /// The upstream's connection broke off.
    Broken(Lost),
    /// The upstream was too slow.
    TimedOut(Limit, Duration),
    /// The upstream ended, but this cannot be all.
    Suspect(Suspicion),
    /// The body is longer than allowed.
    TooLarge(u64),
    /// There is no memory for it.
    NoMemory,
    /// The key was purged.
    Purged,
    /// This reader was a whole window behind for too long.
    Lagging,
    /// An operator cancelled the flight.
    Cancelled,
    /// The cache is closing.
    Draining,
}

impl fmt::Display for FlightError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => out.write_str("the upstream could not be reached"),
            Self::Broken(_) => out.write_str("the upstream's connection broke off"),
            Self::TimedOut(limit, after) => write!(out, "the upstream {limit} within {after:?}"),
            Self::Suspect(suspicion) => write!(out, "the upstream ended, but {suspicion}"),
            Self::TooLarge(max) => write!(out, "the body is longer than {max} bytes"),
            Self::NoMemory => out.write_str("there is no memory left for this body"),
            Self::Purged => out.write_str("the key was purged"),
            Self::Lagging => out.write_str("this reader was too slow for a body that is not kept"),
            Self::Cancelled => out.write_str("an operator cancelled the flight"),
            Self::Draining => out.write_str("the proxy is closing"),
        }
    }
}

impl Error for FlightError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(&**error),
            Self::Broken(lost) => Some(lost),
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Connect => "did not accept the connection",
            Self::FirstByte => "said nothing",
            Self::Idle => "did not go on",
            Self::Total => "was not done",
        })
    }
}

impl fmt::Display for Suspicion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Empty => "it sent nothing",
            Self::TooShort => "what it sent is too short",
            Self::NoEnding => "what it sent does not end as it should",
            Self::Prefix => "what it sent is the beginning of what it sent before",
        })
    }
}

/// Why somebody was turned away at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The upstream failed a moment ago and is left alone for a while.
    Negative(FlightError),
    /// As many wait for this flight as may.
    Waiters(usize),
    /// There are as many upstream connections as there may be.
    Upstreams(usize),
    /// As many keys are in use as are remembered.
    Keys(usize),
    /// There is no memory for another flight.
    NoMemory,
    /// The cache is closing.
    Draining,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(_) => out.write_str("the upstream failed and is left alone for a moment"),
            Self::Waiters(max) => write!(out, "{max} wait already: raise the limit of waiters"),
            Self::Upstreams(max) => write!(out, "{max} upstream connections are open: raise their limit"),
            Self::Keys(max) => write!(out, "{max} keys are in use: raise their limit"),
            Self::NoMemory => out.write_str("there is no memory for another flight: raise the limit"),
            Self::Draining => out.write_str("the proxy is closing"),
        }
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Negative(error) => Some(error),
            _ => None,
        }
    }
}
