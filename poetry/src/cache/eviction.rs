//! Which stored body goes first when memory is short.

use std::collections::BTreeMap;

/// The order in which stored bodies are given up.
///
/// The cache says what happens to each key; the policy names the next victim. A policy knows no sizes: the cache asks
/// for victims until enough is free.
pub trait Eviction {
    /// A body of this key was stored.
    fn stored(&mut self, key: usize);
    /// The body of this key was given to somebody.
    fn used(&mut self, key: usize);
    /// The body of this key is gone, for whatever reason.
    fn removed(&mut self, key: usize);
    /// The key whose body should go first. Stays until `removed`.
    fn victim(&self) -> Option<usize>;
}

/// The body that was not asked for longest goes first.
///
/// ```
/// use sestina_poetry::cache::{Eviction, LeastRecentlyUsed};
///
/// let mut policy = LeastRecentlyUsed::default();
/// policy.stored(1);
/// policy.stored(2);
/// policy.used(1);
/// assert_eq!(policy.victim(), Some(2));
/// ```
#[derive(Debug, Default)]
pub struct LeastRecentlyUsed {
    clock: u64,
    by_use: BTreeMap<u64, usize>,
    last_use: BTreeMap<usize, u64>,
}

impl Eviction for LeastRecentlyUsed {
    fn stored(&mut self, key: usize) {
        self.clock += 1;
        if let Some(before) = self.last_use.insert(key, self.clock) {
            self.by_use.remove(&before);
        }
        self.by_use.insert(self.clock, key);
    }

    fn used(&mut self, key: usize) {
        let last = self.last_use.get(&key).copied();
        if last.is_some_and(|last| last != self.clock) {
            self.stored(key); // and nothing changes if it was the last that was used
        }
    }

    fn removed(&mut self, key: usize) {
        if let Some(before) = self.last_use.remove(&key) {
            self.by_use.remove(&before);
        }
    }

    fn victim(&self) -> Option<usize> {
        self.by_use.first_key_value().map(|(_, key)| *key)
    }
}
