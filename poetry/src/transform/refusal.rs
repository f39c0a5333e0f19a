//! The service's no: there will be no answer to this request, and that is not an accident.

use std::error::Error;
use std::fmt;

use sestina_framing::NetstringError;

/// Why a request is not answered. On the wire all of them look the same: the connection ends cleanly, without an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// What came is no netstring, or one that is too long.
    Malformed(NetstringError),
    /// The request is not UTF-8.
    NotText,
    /// There is no dot between the name of a transform and a poem.
    NoDot,
    /// There is no transform of this name.
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The request is longer than the service that a proxy asks reads.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The transformed poem is longer than a client reads.
    AnswerTooLong {
        /// Its length in bytes.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A client has sent more requests than a connection may.
    TooMany {
        /// How many it may send.
        limit: usize,
    },
    /// A client has sent more than may wait behind the first request that is not answered.
    TooMuch {
        /// How many bytes may wait.
        limit: usize,
    },
    /// No whole request came for too long.
    Slow,
    /// The client stopped within a request.
    Torn,
    /// The service that a proxy asked has refused.
    Upstream,
}

/// What of a stranger's name is shown, in characters.
const NAME_CHARACTERS_SHOWN: usize = 40;

/// A name that came from a stranger, fit for a line of a log.
pub(crate) fn shown(name: &str) -> String {
    let mut shown: String = name.chars().take(NAME_CHARACTERS_SHOWN).flat_map(char::escape_default).collect();
    if name.chars().nth(NAME_CHARACTERS_SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // In the words of a service: those of the framing name a method that its operator cannot call.
            Self::Malformed(NetstringError::TooLong { string_bytes_max: limit }) => {
                write!(out, "the request has more than {limit} bytes")
            }
            Self::Malformed(error) => error.fmt(out),
            Self::NotText => out.write_str("the request is not UTF-8"),
            Self::NoDot => out.write_str("there is no dot between the name of a transform and a poem"),
            Self::Unknown { name } => write!(out, "there is no transform '{}'", shown(name)),
            Self::TooLong { bytes, limit } => {
                write!(out, "the request has {bytes} bytes, and {limit} are allowed")
            }
            Self::AnswerTooLong { bytes, limit } => {
                write!(out, "the answer would have {bytes} bytes, and {limit} are allowed")
            }
            Self::TooMany { limit } => {
                write!(out, "more than {limit} requests on one connection")
            }
            Self::TooMuch { limit } => {
                write!(out, "more than {limit} bytes of requests wait behind the first")
            }
            Self::Slow => out.write_str("no whole request came in time"),
            Self::Torn => out.write_str("the client stopped within a request"),
            Self::Upstream => out.write_str("the transform service has refused it"),
        }
    }
}

impl Error for Refusal {}
