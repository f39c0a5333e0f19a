//! Sizes as people write them: `1000`, `64k`, `64MiB`.

use std::error::Error;
use std::fmt;

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1 << 40),
    ("tib", 1 << 40),
];

/// Reads a number of bytes, at least 1. A unit is a power of 1024, in capitals or not. For `value_parser` of
/// options.
///
/// # Errors
/// [`SizeError`], whose text says what to write.
///
/// ```
/// use sestina_daemon::size::parse_size;
///
/// assert_eq!(parse_size("64k"), Ok(65_536));
/// assert!(parse_size("0").is_err());
/// ```
pub fn parse_size(text: &str) -> Result<usize, SizeError> {
    let fail = |problem| SizeError { text: text.to_owned(), problem };
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(fail(Problem::NoNumber));
    }
    let lower = unit.to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| *name == lower).map(|(_, bytes)| *bytes);
    let unit = unit.ok_or_else(|| fail(Problem::NoNumber))?;
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
        Some(0) => Err(fail(Problem::Zero)),
        Some(bytes) => Ok(bytes),
        None => Err(fail(Problem::TooLarge)),
    }
}

/// A number of bytes as people read it: `615 B`, `64.0 MiB`.
#[must_use]
pub fn readable(bytes: usize) -> String {
    let units = [("GiB", 1_usize << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// Why a text is no size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SizeError {
    text: String,
    problem: Problem,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Problem {
    NoNumber,
    Zero,
    TooLarge,
}

impl fmt::Display for SizeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.problem {
            Problem::NoNumber => {
                write!(
                    out,
                    "'{text}' is no size: give a number of bytes, or one with a unit, like 64k, 10M or 2G"
                )
            }
            Problem::Zero => write!(out, "'{text}' is nothing at all: give more than 0"),
            Problem::TooLarge => write!(out, "'{text}' is more than this machine can count"),
        }
    }
}

impl Error for SizeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bytes_and_units_multiply() {
        let cases = [("1", 1), ("65536", 65_536), ("7b", 7), ("64k", 65_536), ("1KiB", 1024)];
        let large = [("10M", 10 << 20), ("2g", 2 << 30), ("1TiB", 1 << 40)];
        for (text, bytes) in cases.into_iter().chain(large) {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn everything_else_is_told_what_is_wrong() {
        for text in ["", "k", "1.5M", "-1", "+1", "1 k", "1kb", "many", "0x10"] {
            let error = parse_size(text).expect_err(text).to_string();
            assert!(error.contains("is no size"), "{error}");
        }
        assert!(parse_size("0").is_err() && parse_size("0k").is_err());
        assert!(parse_size("99999999999999999999").is_err() && parse_size("99999999999t").is_err());
    }

    #[test]
    fn sizes_can_be_read() {
        let cases =
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_600_000, "1.5 MiB"), (3 << 30, "3.0 GiB")];
        for (bytes, text) in cases {
            assert_eq!(readable(bytes), text);
        }
    }
}
