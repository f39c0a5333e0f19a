//! Durations as people write them: `0.7`, `700ms`, `2m`.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The longest duration that is taken: more is a slip of the finger.
const DAYS_MAX: u64 = 36_500;
/// Digits after the point that mean something: a nanosecond is the smallest step.
const FRACTION_DIGITS: u32 = 9;

const UNITS: [(&str, u128); 6] = [
    ("", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
];
const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Reads a duration: a decimal number, and a unit if it is not seconds. For `value_parser` of options.
///
/// # Errors
/// [`DurationError`], whose text says what to write.
///
/// ```
/// use sestina_daemon::duration::parse_duration;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration("0.7"), Ok(Duration::from_millis(700)));
/// assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
/// assert!(parse_duration("soon").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let fail = |problem| DurationError { text: text.to_owned(), problem };
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (Sign::Minus, number),
        None => (Sign::Plus, text),
    };
    let end = number.find(|character: char| !is_of_a_number(character)).unwrap_or(number.len());
    let (number, unit) = number.split_at(end);
    let unit_nanos = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos);
    let Some(billionths) = billionths(number) else {
        return Err(fail(Problem::NoNumber));
    };
    let unit_nanos = unit_nanos.ok_or_else(|| fail(Problem::UnknownUnit(unit.to_owned())))?;
    let billionths = billionths.ok_or_else(|| fail(Problem::TooLong))?;
    if sign == Sign::Minus && billionths > 0 {
        return Err(fail(Problem::Negative));
    }
    let nanos = billionths.checked_mul(unit_nanos).map(|nanos| nanos / NANOS_PER_SECOND);
    let longest = Duration::from_secs(DAYS_MAX * 86_400);
    match nanos {
        Some(nanos) if nanos <= longest.as_nanos() => {
            Ok(u64::try_from(nanos).map_or(longest, Duration::from_nanos))
        }
        _ => Err(fail(Problem::TooLong)),
    }
}

/// Reads how long something may take: no time at all is not meant.
///
/// # Errors
/// [`DurationError`], whose text says what to write.
pub fn parse_time_limit(text: &str) -> Result<Duration, DurationError> {
    match parse_duration(text)? {
        Duration::ZERO => Err(DurationError { text: text.to_owned(), problem: Problem::NoTime }),
        limit => Ok(limit),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

fn is_of_a_number(character: char) -> bool {
    character.is_ascii_digit() || character == '.'
}

/// The value of a decimal number in billionths. `None` if it is none; `Some(None)` if it is too large. Whole numbers
/// all the way: 0.1 is exactly what it says.
fn billionths(number: &str) -> Option<Option<u128>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.len() + fraction.len();
    if digits == 0 || fraction.contains('.') {
        return None;
    }
    let mut value: Option<u128> = Some(0);
    let mut scale = NANOS_PER_SECOND;
    for digit in whole.bytes() {
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(u128::from(digit - b'0')));
    }
    value = value.and_then(|value| value.checked_mul(NANOS_PER_SECOND));
    for digit in fraction.bytes().take(usize::try_from(FRACTION_DIGITS).unwrap_or(usize::MAX)) {
        scale /= 10;
        value = value.and_then(|value| value.checked_add(u128::from(digit - b'0') * scale));
    }
    Some(value)
}

/// Why a text is no duration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DurationError {
    text: String,
    problem: Problem,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Problem {
    NoNumber,
    UnknownUnit(String),
    Negative,
    NoTime,
    TooLong,
}

impl fmt::Display for DurationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match &self.problem {
            Problem::NoNumber => write!(
                out,
                "'{text}' is no duration: give seconds, like 0.7, or a number with a unit, like 700ms or 2m"
            ),
            Problem::UnknownUnit(unit) => {
                write!(out, "'{text}' has the unknown unit '{unit}': there are ms, s, m, h and d")
            }
            Problem::Negative => write!(out, "'{text}' is negative: the shortest duration is 0"),
            Problem::NoTime => write!(out, "'{text}' is no time at all: give more than 0"),
            Problem::TooLong => write!(out, "'{text}' is too long: the longest duration is {DAYS_MAX}d"),
        }
    }
}

impl Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_and_units_say_otherwise() {
        let cases = [
            ("0", Duration::ZERO),
            ("-0", Duration::ZERO),
            ("0.7", Duration::from_millis(700)),
            (".7", Duration::from_millis(700)),
            ("7.", Duration::from_secs(7)),
            ("0.1", Duration::from_millis(100)),
            ("700ms", Duration::from_millis(700)),
            ("0.5ms", Duration::from_micros(500)),
            ("2s", Duration::from_secs(2)),
            ("1.5m", Duration::from_secs(90)),
            ("1h", Duration::from_secs(3_600)),
            ("3d", Duration::from_secs(3 * 86_400)),
            ("0.000000001", Duration::from_nanos(1)),
            ("0.0000000019", Duration::from_nanos(1)),
            ("36500d", Duration::from_secs(36_500 * 86_400)),
        ];
        for (text, duration) in cases {
            assert_eq!(parse_duration(text), Ok(duration), "{text}");
        }
    }

    #[test]
    fn a_limit_is_more_than_nothing() {
        assert_eq!(parse_time_limit("1ms"), Ok(Duration::from_millis(1)));
        assert!(parse_time_limit("0").is_err() && parse_time_limit("0.0000000001").is_err());
    }

    #[test]
    fn everything_else_is_told_what_is_wrong() {
        let cases = [
            ("", "is no duration"),
            (".", "is no duration"),
            ("1.2.3", "is no duration"),
            ("soon", "is no duration"),
            ("nan", "is no duration"),
            ("inf", "is no duration"),
            ("+1", "is no duration"),
            (" 1", "is no duration"),
            ("s", "is no duration"),
            ("--1", "is no duration"),
            ("1e3", "unknown unit 'e3'"),
            ("1 s", "unknown unit ' s'"),
            ("5w", "unknown unit 'w'"),
            ("1S", "unknown unit 'S'"),
            ("-1", "is negative"),
            ("-0.5ms", "is negative"),
            ("36501d", "is too long"),
            ("99999999999999999999999999999999999999999999", "is too long"),
            ("999999999999999999999999999999d", "is too long"),
        ];
        for (text, words) in cases {
            let error = parse_duration(text).expect_err(text).to_string();
            assert!(error.contains(words) && error.starts_with(&format!("'{text}'")), "{error}");
        }
    }
}
