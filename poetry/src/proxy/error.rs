//! Why the proxy gave no poem to a caller of its own process.

use std::error::Error;
use std::fmt;

use crate::cache::{FlightError, Refusal};

/// Why [`PoetryProxy::get_poem`](crate::PoetryProxy::get_poem) or [`PoetryProxy::refresh`](crate::PoetryProxy::refresh)
/// gave nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy has no upstream of this name.
    UnknownUpstream(String),
    /// It cannot be served now, and nothing was begun.
    Refused(Refusal),
    /// The flight failed.
    Failed(FlightError),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownUpstream(name) => write!(out, "the proxy has no upstream '{name}'"),
            Self::Refused(_) => out.write_str("the proxy cannot serve this now"),
            Self::Failed(_) => out.write_str("the proxy got no poem from its upstream"),
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::UnknownUpstream(_) => None,
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(error) => Some(error),
        }
    }
}
