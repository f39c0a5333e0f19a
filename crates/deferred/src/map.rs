//! Many deferreds as one, by key.
//!
//! Tests: `tests/suite/maps.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::first_error::FirstError;
use crate::list::DeferredList;
use crate::outcome::{Outcome, Res};

/// Waits for many deferreds at once, and gives their answers by key.
///
/// ```
/// use sestina_deferred::{DeferredMap, succeed};
///
/// let mut poems = DeferredMap::new();
/// poems.insert("science", succeed("Science! true daughter"));
/// poems.insert("ecstasy", succeed("Where, like a pillow"));
/// let poems = poems.gather().try_result().unwrap().unwrap();
/// assert_eq!(poems["ecstasy"], "Where, like a pillow");
/// ```
///
/// # Cancelling
/// Cancelling it cancels all members, as for a [`DeferredList`].
pub struct DeferredMap<K, T: 'static> {
    members: BTreeMap<K, Deferred<T>>,
    at: &'static Location<'static>,
}

impl<K: Ord, T> DeferredMap<K, T> {
    /// A map without members.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self { members: BTreeMap::new(), at: Location::caller() }
    }

    /// Adds a member. Returns the one that had the key before.
    pub fn insert(&mut self, key: K, member: Deferred<T>) -> Option<Deferred<T>> {
        self.members.insert(key, member)
    }
}

impl<K: Ord + 'static, T> DeferredMap<K, T> {
    /// Fires when all members have answered, with their answers. Never fails; an empty map fires at once.
    #[must_use = "the errors of the members are lost with it"]
    pub fn settle(self) -> Deferred<BTreeMap<K, Res<T>>> {
        let (keys, members): (Vec<K>, Vec<_>) = self.members.into_iter().unzip();
        let list = DeferredList::new(members).made_at(self.at).settle();
        list.then(self.at, |answer| match answer {
            Ok(answers) => Outcome::Now(Ok(keys.into_iter().zip(answers).collect())),
            Err(failure) => Outcome::Now(Err(failure)),
        })
    }

    /// Fires when all members have their values.
    ///
    /// # Errors
    /// [`FirstError`] with the key, as soon as one member fails. The others go on.
    #[must_use = "the errors of the members are lost with it"]
    pub fn gather(self) -> Deferred<BTreeMap<K, T>>
    where
        K: fmt::Debug + Send + Sync,
    {
        let (keys, members): (Vec<K>, Vec<_>) = self.members.into_iter().unzip();
        let list = DeferredList::new(members).made_at(self.at).values();
        list.then(self.at, |answer| match answer {
            Ok(values) => Outcome::Now(Ok(keys.into_iter().zip(values).collect())),
            Err(failure) => Outcome::Now(Err(name(failure, keys))),
        })
    }
}

/// Says the key instead of the index.
fn name<K>(failure: Failure, keys: Vec<K>) -> Failure
where
    K: fmt::Debug + Send + Sync + 'static,
{
    match failure.check::<FirstError>().map(|first| (first.index(), first.failure().clone())) {
        Some((index, cause)) => match keys.into_iter().nth(index) {
            Some(key) => Failure::located(FirstError::new(key, cause), failure.location()),
            None => failure,
        },
        None => failure, // the map was cancelled
    }
}

impl<K: Ord, T> Default for DeferredMap<K, T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, T> FromIterator<(K, Deferred<T>)> for DeferredMap<K, T> {
    /// If a key comes twice, the last one stays and the other is dropped.
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = (K, Deferred<T>)>>(members: I) -> Self {
        Self { members: members.into_iter().collect(), at: Location::caller() }
    }
}

impl<K: Ord, T> Extend<(K, Deferred<T>)> for DeferredMap<K, T> {
    fn extend<I: IntoIterator<Item = (K, Deferred<T>)>>(&mut self, members: I) {
        self.members.extend(members);
    }
}

impl<K: fmt::Debug, T> fmt::Debug for DeferredMap<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.members).finish()
    }
}
