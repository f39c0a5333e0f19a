//! What was counted before: a file with the compiler in its first line, and a path and its count in each other one.

use std::fmt;
use std::fs;
use std::path::PathBuf;

/// How much more than recorded is still the same, in percent.
pub(crate) const TOLERANCE_PERCENT: u64 = 3;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    /// Compiler and architecture.
    pub(crate) made_by: String,
    pub(crate) counts: Vec<(String, u64)>,
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.made_by)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(out, "{name} {count}"))
    }
}

impl Record {
    fn path() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("guard.txt")
    }

    pub(crate) fn read() -> Result<Self, String> {
        let text = fs::read_to_string(Self::path());
        Self::parse(&text.map_err(|error| format!("bench/guard.txt: {error}; --record makes it"))?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let made_by = lines.next().ok_or("bench/guard.txt is empty")?.to_owned();
        let count = |line: &str| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let counts = lines.map(|line| count(line).ok_or_else(|| format!("bench/guard.txt: '{line}'")));
        Ok(Self { made_by, counts: counts.collect::<Result<_, _>>()? })
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        fs::write(Self::path(), self.to_string()).map_err(|error| format!("bench/guard.txt: {error}"))
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(other, _)| other == name).map(|(_, count)| *count)
    }
}

pub(crate) struct Verdict {
    pub(crate) is_worse: bool,
    pub(crate) words: &'static str,
}

pub(crate) fn verdict(before: Option<u64>, now: u64) -> Verdict {
    let verdict = |is_worse, words| Verdict { is_worse, words };
    match before {
        None => verdict(true, "not recorded"),
        Some(before) if now * 100 > before * (100 + TOLERANCE_PERCENT) => verdict(true, "MORE"),
        Some(before) if now * 100 < before * (100 - TOLERANCE_PERCENT) => {
            verdict(false, "less: worth recording")
        }
        Some(_) => verdict(false, "as before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_percent_are_the_same_and_more_is_worse() {
        let worse = |now| verdict(Some(1000), now).is_worse;
        assert!(!worse(1030) && worse(1031) && !worse(500) && verdict(None, 1).is_worse);
        assert_eq!(verdict(Some(1000), 969).words, "less: worth recording");
    }

    #[test]
    fn a_record_survives_its_file() {
        let record = Record { made_by: "rustc 1".to_owned(), counts: vec![("a".to_owned(), 7)] };
        assert_eq!(Record::parse(&record.to_string()), Ok(record));
        assert!(Record::parse("rustc 1\nnonsense\n").is_err());
    }
}
