//! Which files there are, in the order in which they were written, and which must go for another.

use std::collections::BTreeMap;

/// How much may be on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpoolLimits {
    /// All files together, in bytes.
    pub bytes_max: u64,
    /// How many files.
    pub files_max: usize,
}

/// Default of [`SpoolLimits::bytes_max`]: a gibibyte.
pub const SPOOL_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Default of [`SpoolLimits::files_max`]: as many as keys are remembered.
pub const SPOOL_FILES_MAX: usize = crate::cache::KEYS_MAX;

impl Default for SpoolLimits {
    fn default() -> Self {
        Self { bytes_max: SPOOL_BYTES_MAX, files_max: SPOOL_FILES_MAX }
    }
}

/// The files of a directory, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_age: BTreeMap<u64, String>,
    files: BTreeMap<String, Entry>,
    bytes: u64,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    bytes: u64,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The names, the oldest first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_age.values()
    }

    /// A file is there, and it is the newest.
    pub(crate) fn insert(&mut self, name: &str, bytes: u64) {
        self.remove(name);
        let number = self.next;
        self.next += 1;
        self.by_age.insert(number, name.to_owned());
        self.files.insert(name.to_owned(), Entry { number, bytes });
        self.bytes += bytes;
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(entry) = self.files.remove(name) {
            self.by_age.remove(&entry.number);
            self.bytes -= entry.bytes;
        }
    }

    /// Which files must be removed so that one of this name and size may be written, the oldest first; `None` if it can
    /// never be. The file before it of the same name counts as gone.
    pub(crate) fn victims(&self, name: &str, bytes: u64, limits: SpoolLimits) -> Option<Vec<String>> {
        if bytes > limits.bytes_max || limits.files_max == 0 {
            return None;
        }
        let before = self.files.get(name).map(|entry| entry.bytes);
        let mut left = (self.bytes - before.unwrap_or(0), self.len() - usize::from(before.is_some()));
        let mut victims = Vec::new();
        for victim in self.names().filter(|victim| *victim != name) {
            if left.0 + bytes <= limits.bytes_max && left.1 < limits.files_max {
                break;
            }
            left = (left.0 - self.files.get(victim).map_or(0, |entry| entry.bytes), left.1 - 1);
            victims.push(victim.clone());
        }
        Some(victims)
    }

    /// Which files must be removed so that the rest is within the limits, the oldest first.
    pub(crate) fn excess(&self, limits: SpoolLimits) -> Vec<String> {
        let (mut bytes, mut files) = (self.bytes, self.len());
        let mut excess = Vec::new();
        for name in self.names() {
            if bytes <= limits.bytes_max && files <= limits.files_max {
                break;
            }
            (bytes, files) = (bytes - self.files.get(name).map_or(0, |entry| entry.bytes), files - 1);
            excess.push(name.clone());
        }
        excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut index = Index::default();
        for (name, bytes) in [("a", 10), ("b", 20), ("c", 30)] {
            index.insert(name, bytes);
        }
        index
    }

    const fn limits(bytes_max: u64, files_max: usize) -> SpoolLimits {
        SpoolLimits { bytes_max, files_max }
    }

    #[test]
    fn the_oldest_files_go_first_and_no_more_than_must() {
        let index = index();
        let victims = |bytes, limits| index.victims("d", bytes, limits);
        assert_eq!(victims(40, limits(100, 10)), Some(vec![]));
        assert_eq!(victims(41, limits(100, 10)), Some(vec!["a".to_owned()]));
        assert_eq!(victims(60, limits(100, 10)), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(victims(1, limits(100, 3)), Some(vec!["a".to_owned()]));
        assert_eq!(victims(101, limits(100, 10)), None, "it can never be");
        assert_eq!(victims(100, limits(100, 10)).map(|victims| victims.len()), Some(3));
    }

    #[test]
    fn what_is_beyond_smaller_limits_is_the_oldest() {
        let index = index();
        assert_eq!(index.excess(limits(60, 3)), Vec::<String>::new());
        assert_eq!(index.excess(limits(59, 3)), ["a"]);
        assert_eq!(index.excess(limits(60, 1)), ["a", "b"]);
        assert_eq!(index.excess(limits(0, 0)).len(), 3);
    }

    #[test]
    fn a_file_that_is_replaced_is_no_victim_and_becomes_the_newest() {
        let mut index = index();
        assert_eq!(index.victims("a", 50, limits(100, 3)), Some(vec![]));
        index.insert("a", 50);
        assert_eq!((index.bytes(), index.len()), (100, 3));
        assert_eq!(index.names().collect::<Vec<_>>(), ["b", "c", "a"]);
        index.remove("c");
        index.remove("never was");
        assert_eq!((index.bytes(), index.len()), (70, 2));
    }
}
