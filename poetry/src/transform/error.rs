//! Why a poem came back unchanged.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sestina_framing::NetstringError;
use sestina_reactor::Lost;

/// Why there is no transformed poem, if it was not for a [`ConnectError`](sestina_reactor::ConnectError).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransformError {
    /// The poem, with the name of the transform, is longer than the service reads. Nothing was sent.
    TooLong {
        /// How long the request would be, in bytes: the name, a dot, the poem.
        bytes: usize,
        /// How long a request may be.
        limit: usize,
    },
    /// No transform can have this name: it is empty or has a dot. Nothing was sent.
    BadName {
        /// The name.
        name: String,
    },
    /// The service closed cleanly and had sent nothing: it says no, usually because it knows no such transform.
    Refused {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
        /// The name of the transform.
        name: String,
    },
    /// The service answered with an empty text, and the poem was not empty.
    Empty {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
    },
    /// The answer is longer than `with_bytes_max` allows.
    AnswerTooLong {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
        /// How many bytes were allowed.
        limit: usize,
    },
    /// The answer is no netstring: what listens there is no transform service.
    Malformed {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
        /// What is wrong with it.
        error: NetstringError,
    },
    /// The service closed within its answer.
    Torn {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
    },
    /// The whole answer did not come in the time that `with_time_max` allows.
    TimedOut {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
        /// The limit that passed.
        limit: Duration,
    },
    /// The connection ended in another way; the reason is the source.
    Lost {
        /// The service, in the words of the endpoint.
        peer: Arc<str>,
        /// How it ended.
        why: Lost,
    },
}

impl fmt::Display for TransformError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, limit } => {
                write!(
                    out,
                    "the poem is too long to be transformed: a request of {bytes} bytes, and {limit} are allowed"
                )
            }
            Self::BadName { name } => {
                write!(out, "'{}' is no name of a transform: give one without a dot", name.escape_debug())
            }
            Self::Refused { peer, name } => {
                let name = name.escape_debug();
                write!(out, "{peer} closed the connection without an answer: does it know '{name}'?")
            }
            Self::Empty { peer } => write!(out, "{peer} answered with an empty poem: its log may say why"),
            Self::AnswerTooLong { peer, limit } => {
                write!(out, "{peer} answers with more than {limit} bytes: allow more, or is that no service?")
            }
            Self::Malformed { peer, .. } => {
                write!(out, "{peer} did not answer with a netstring: is that a transform service?")
            }
            Self::Torn { peer } => {
                write!(out, "{peer} closed the connection within its answer: that is not a whole poem")
            }
            Self::TimedOut { peer, limit } => {
                write!(out, "{peer} did not answer within {limit:?}: allow it more time")
            }
            Self::Lost { peer, .. } => write!(out, "lost {peer} before its answer was whole"),
        }
    }
}

impl Error for TransformError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Malformed { error, .. } => Some(error),
            Self::Lost { why, .. } => Some(why),
            _ => None,
        }
    }
}
