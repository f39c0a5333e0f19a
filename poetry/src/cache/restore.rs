//! Bodies into the cache that somebody kept a copy of: on a disk, so that a restart starts warm.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sestina_reactor::Time;

use super::Cache;
use super::entry::{Before, State, Stored};
use super::log::{Log, PACKED_BLOCK_BYTES, count};
use super::reader::Body;
use super::store::{LOG_OVERHEAD_BYTES, Owner};

/// A copy of a body that was stored: what [`StoredBody`](super::StoredBody) said of it, and older by now.
#[derive(Clone, Debug)]
pub struct KeptBody {
    /// All of it.
    pub body: Body,
    /// How long ago its upstream sent it.
    pub age: Duration,
    /// How old it may become and be fresh; `None` is for ever. A shorter [`Settings::ttl`](super::Settings::ttl) counts.
    pub ttl: Option<Duration>,
    /// How many flights in a row brought these bytes.
    pub confirmations: u32,
}

/// Why a body was not restored. Each is harmless: the next client has it fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NotRestored {
    /// The proxy has no upstream of this name.
    UnknownKey,
    /// The key has a body or a flight already.
    InUse,
    /// It is past all its times, or nothing is kept at all.
    TooOld,
    /// It is longer than a body may be, or there is no memory left for it, or it is empty.
    NoRoom,
    /// As many keys are in use as are remembered, or the cache is closing.
    Refused,
}

impl fmt::Display for NotRestored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::UnknownKey => "there is no upstream of this name",
            Self::InUse => "the key is in use already",
            Self::TooOld => "it is past its time",
            Self::NoRoom => "there is no room for it in memory",
            Self::Refused => "no more keys are taken",
        })
    }
}

impl Error for NotRestored {}

impl Cache {
    /// Takes a body in that somebody kept a copy of: as if its flight had ended `age` ago. Other bodies are not given up
    /// for it.
    ///
    /// # Errors
    /// If it is of no use; nothing is changed then.
    pub fn restore(&mut self, now: Time, key: &str, copy: &KeptBody) -> Result<(), NotRestored> {
        self.tick(now);
        let ttl = [copy.ttl, self.settings.ttl].into_iter().flatten().min();
        let longest = self.settings.stale_while_revalidate.max(self.settings.stale_if_error);
        let over = ttl.is_some_and(|ttl| copy.age >= ttl.saturating_add(longest));
        if over || self.settings.ttl == Some(Duration::ZERO) {
            return Err(NotRestored::TooOld);
        }
        let length = count(copy.body.len());
        let no_room = length > self.body_bytes_max() || length + LOG_OVERHEAD_BYTES > self.free_bytes();
        if no_room || (length == 0 && !self.settings.checks.allow_empty) {
            return Err(NotRestored::NoRoom);
        }
        let known = self.keys.get(key).map(|key| &self.entries[*key]);
        if known.is_some_and(|entry| entry.stored.is_some() || !matches!(entry.state, State::Empty)) {
            return Err(NotRestored::InUse);
        }
        let full = known.is_none() && self.keys.len() >= self.settings.keys_max;
        if full || self.draining.is_some() {
            return Err(NotRestored::Refused);
        }
        let key = self.key(key).map_err(|_| NotRestored::Refused)?;
        self.put_back(now, key, copy, ttl);
        Ok(())
    }

    fn put_back(&mut self, now: Time, key: usize, copy: &KeptBody, ttl: Option<Duration>) {
        let log = self.store.open();
        self.store.change(log, |log| {
            copy.body.blocks().iter().for_each(|block| log.append(block));
            log.seal();
        });
        if self.free_bytes() >= count(PACKED_BLOCK_BYTES) {
            self.store.change(log, Log::pack);
        }
        self.store.give(log, Owner::Entry);
        self.eviction.stored(key);
        let past_time = ttl.map_or(Duration::ZERO, |ttl| copy.age.saturating_sub(ttl));
        let left = ttl.map(|ttl| ttl.saturating_sub(copy.age));
        self.raise_generation(key);
        let entry = &mut self.entries[key];
        entry.stored = Some(Stored {
            log,
            stored_at: now,
            fresh_until: left.map(|left| now + left),
            confirmations: copy.confirmations,
            before: Before { age: copy.age, past_time },
        });
        entry.learned_len = self.store.log(log).map(Log::len);
        let past = left == Some(Duration::ZERO);
        self.enter(key, if past { State::Stale { retry_at: None } } else { State::Fresh });
    }
}
