//! What a stream refuses, beside the end of its connection.

use std::error::Error;
use std::fmt;

/// Why a stream has no answer although its connection has not failed. What was received stays for the next read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StreamError {
    /// The peer finished in the middle of what was asked for.
    UnexpectedEnd {
        /// How many bytes of it came.
        got: usize,
    },
    /// The peer sent more than the limit that was given without coming to an end.
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// Our direction was finished by `shutdown`: nothing can be written any more.
    ShutDown,
}

impl fmt::Display for StreamError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd { got } => {
                write!(out, "the peer finished in the middle of a message, after {got} bytes of it")
            }
            Self::TooLong { max } => write!(out, "the peer sent more than {max} bytes without an end"),
            Self::ShutDown => out.write_str("the stream was shut down: nothing can be written any more"),
        }
    }
}

impl Error for StreamError {}
