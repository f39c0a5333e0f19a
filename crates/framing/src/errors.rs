//! What can be wrong with a message: with one that came (the peer's fault), or with one to be sent (ours).

use std::error::Error;
use std::fmt;

/// A line came that is longer than allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LineTooLong {
    /// How long a line may be, in bytes, without its delimiter.
    pub line_bytes_max: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.line_bytes_max;
        write!(out, "the peer sent a line of more than {max} bytes: `with_line_bytes_max` allows longer ones")
    }
}

impl Error for LineTooLong {}

/// Why a line cannot be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LineError {
    /// The line holds the delimiter, or makes one together with the delimiter behind it: the peer would read other
    /// lines than this one. Split it first, and send the parts.
    HoldsDelimiter,
}

impl fmt::Display for LineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HoldsDelimiter => {
                out.write_str("the line holds the delimiter: split it and send the parts")
            }
        }
    }
}

impl Error for LineError {}

/// What is wrong with a netstring that came. There is no way to find the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NetstringError {
    /// Its length is above the limit. Known before the digits are all there.
    TooLong {
        /// How long the string may be, in bytes.
        string_bytes_max: usize,
    },
    /// It does not begin with a length: `0`, or digits of which the first is not 0, and a colon.
    MalformedLength,
    /// There is no comma behind the string.
    MissingComma,
}

impl fmt::Display for NetstringError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { string_bytes_max } => write!(
                out,
                "the peer sent a netstring of more than {string_bytes_max} bytes: \
                 `with_string_bytes_max` allows longer ones"
            ),
            Self::MalformedLength => {
                out.write_str("the peer sent something that is not a netstring: it has no proper length")
            }
            Self::MissingComma => out.write_str("the peer sent a netstring without a comma at its end"),
        }
    }
}

impl Error for NetstringError {}

/// A string with a length prefix came that is longer than allowed. There is no way to find the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LengthLimitExceeded {
    /// The length that the peer announced, in bytes.
    pub length: u32,
    /// How long a string may be, in bytes.
    pub string_bytes_max: usize,
}

impl fmt::Display for LengthLimitExceeded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "the peer announced a string of {} bytes, more than {}: `with_string_bytes_max` allows longer ones",
            self.length, self.string_bytes_max
        )
    }
}

impl Error for LengthLimitExceeded {}

/// A string cannot be sent: it does not fit its prefix, or a peer with the same limit would refuse it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StringTooLong {
    /// Its length in bytes.
    pub bytes: usize,
    /// How long it may be, in bytes.
    pub string_bytes_max: usize,
}

impl fmt::Display for StringTooLong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, string_bytes_max } = self;
        write!(
            out,
            "the string has {bytes} bytes, more than {string_bytes_max}: \
             raise the limit on both sides, take a wider prefix, or send it in parts"
        )
    }
}

impl Error for StringTooLong {}

/// A delimiter needs at least one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmptyDelimiter;

impl fmt::Display for EmptyDelimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a delimiter needs at least one byte")
    }
}

impl Error for EmptyDelimiter {}
