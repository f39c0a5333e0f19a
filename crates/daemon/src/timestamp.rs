//! The calendar in the log's lines.

use std::fmt;
use std::time::{Duration, SystemTime};

const SECONDS_PER_DAY: u64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_CYCLE: u64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment, written like `2026-11-22T17:21:27+0000`: UTC, so that logs of several machines can be read together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamp(Duration);

impl Timestamp {
    /// Now, by the system's calendar.
    pub(crate) fn now() -> Self {
        Self(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// As RFC 3339 has it, with microseconds: `2026-11-22T17:21:27.000412Z`.
    pub(crate) fn precise(self) -> String {
        let Calendar { year, month, day, hour, minute, second } = self.calendar();
        let micros = self.0.subsec_micros();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }

    /// As RFC 3164 has it: `Nov 22 17:21:27`.
    pub(crate) fn short(self) -> String {
        let Calendar { month, day, hour, minute, second, .. } = self.calendar();
        let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&MONTHS[0]);
        format!("{name} {day:>2} {hour:02}:{minute:02}:{second:02}")
    }

    fn calendar(self) -> Calendar {
        let seconds = self.0.as_secs();
        let (year, month, day) = date(seconds / SECONDS_PER_DAY);
        let time = seconds % SECONDS_PER_DAY;
        Calendar { year, month, day, hour: time / 3_600, minute: time / 60 % 60, second: time % 60 }
    }
}

struct Calendar {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calendar { year, month, day, hour, minute, second } = self.calendar();
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+0000")
    }
}

/// The date of a day, counted from 1 January 1970. Years are counted from 1 March, so that the leap day is the last.
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + DAYS_BEFORE_1970;
    let (cycle, day) = (day / DAYS_PER_CYCLE, day % DAYS_PER_CYCLE);
    let leap_days = day / 1_460 - day / 36_524 + day / 146_096;
    let year = (day - leap_days) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March have 31, 30, 31, 30, 31 days, and again: 153 in five.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * cycle + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_rightly() {
        let cases = [
            (0, "1970-01-01T00:00:00+0000"),
            (951_782_399, "2000-02-28T23:59:59+0000"),
            (951_782_400, "2000-02-29T00:00:00+0000"),
            (951_868_800, "2000-03-01T00:00:00+0000"),
            (1_795_368_087, "2026-11-22T17:21:27+0000"),
            (4_107_542_400, "2100-03-01T00:00:00+0000"),
            (253_402_300_799, "9999-12-31T23:59:59+0000"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Timestamp(Duration::from_secs(seconds)).to_string(), text);
        }
    }

    #[test]
    fn other_readers_have_other_shapes() {
        let moment = Timestamp(Duration::new(1_795_368_087, 412_999));
        assert_eq!(moment.precise(), "2026-11-22T17:21:27.000412Z");
        assert_eq!(moment.short(), "Nov 22 17:21:27");
        assert_eq!(Timestamp(Duration::from_secs(951_868_800)).short(), "Mar  1 00:00:00");
    }

    #[test]
    fn days_follow_one_another() {
        let lengths = |year: u64| {
            let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut expected = (1970, 1, 1);
        for day in 0..2 * DAYS_PER_CYCLE {
            assert_eq!(date(day), expected);
            let (year, month, of_month) = expected;
            let length = lengths(year)[usize::try_from(month - 1).unwrap()];
            expected = match (month, of_month) {
                (12, 31) => (year + 1, 1, 1),
                _ if of_month == length => (year, month + 1, 1),
                _ => (year, month, of_month + 1),
            };
        }
    }
}
