//! A vector whose places are reused, with generations so that an old key never finds a new tenant.
//!
//! The reactor keeps its connections in one, each driver its sockets, the timer queue its jobs.
//! It grows by a chunk at a time, and nothing moves but what is in the first chunk while that grows: a vector would double,
//! and copy a hundred thousand connections in the middle of a turn to make room for one.
//! Invariant: a place's generation changes each time it is emptied. Invariant: all chunks but the last are full.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// How many places a chunk has.
const CHUNK: usize = 1024;

/// Where something is in a [`Slab`], and which tenant of that place is meant.
///
/// One word, and not two halves: a key that was stored by halves and is read whole keeps the processor waiting, and keys are passed on
/// all the time. The place's number is the upper half; the generation is the lower one, and never zero, so that a key that may
/// be absent is no larger than a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(NonZeroU64);

/// Of the first tenant of each place.
const FIRST: NonZeroU32 = NonZeroU32::MIN;

#[expect(clippy::as_conversions, reason = "the halves of a u64 are taken apart on purpose")]
impl Key {
    #[inline]
    fn new(index: u32, generation: NonZeroU32) -> Self {
        Self(NonZeroU64::from(generation) | u64::from(index) << 32)
    }

    /// Its place, for lists beside a slab.
    #[inline]
    pub(crate) fn index(self) -> usize {
        (self.0.get() >> 32) as usize
    }

    #[inline]
    fn generation(self) -> u32 {
        self.0.get() as u32
    }

    /// Both halves in one number, for pollers that carry a number with each event. The first tenants' are their places'.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation() - 1) << 32 | self.0.get() >> 32
    }

    /// The key that [`Key::to_u64`] turned into `number`.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self::new(number as u32, NonZeroU32::new(((number >> 32) as u32).wrapping_add(1)).unwrap_or(FIRST))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, generation) = (self.index(), self.generation());
        out.debug_struct("Key").field("index", &index).field("generation", &generation).finish()
    }
}

/// A vector whose places are reused; see the module.
///
/// ```
/// use sestina_reactor::Slab;
///
/// let mut slab = Slab::default();
/// let first = slab.insert("first");
/// assert_eq!(slab.remove(first), Some("first"));
/// let second = slab.insert("second"); // lives where "first" lived
/// assert_eq!((slab.get(first), slab.get(second)), (None, Some(&"second")));
/// ```
#[derive(Debug)]
pub struct Slab<T> {
    chunks: Vec<Vec<Place<T>>>,
    free: Option<u32>,
    len: usize,
}

#[derive(Debug)]
struct Place<T> {
    generation: NonZeroU32,
    tenant: Tenant<T>,
}

#[derive(Debug)]
enum Tenant<T> {
    Here(T),
    Free { next: Option<u32> },
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: None, len: 0 }
    }
}

#[expect(clippy::as_conversions, reason = "a place's number always fits: insert checks it")]
impl<T> Slab<T> {
    /// Puts `value` into a free place and says where.
    ///
    /// # Panics
    /// With more than 4,294,967,296 tenants.
    #[inline]
    pub fn insert(&mut self, value: T) -> Key {
        self.insert_with(|| value)
    }

    /// As `insert`, and the value is made where it will be.
    #[inline(always)]
    pub(crate) fn insert_with(&mut self, make: impl FnOnce() -> T) -> Key {
        self.len += 1;
        let Some(index) = self.free else {
            let index = self.add_place(Place { generation: FIRST, tenant: Tenant::Here(make()) });
            return Key::new(index, FIRST);
        };
        let place = &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK];
        if let Tenant::Free { next } = place.tenant {
            self.free = next;
            place.tenant = Tenant::Here(make());
        }
        Key::new(index, place.generation)
    }

    /// Takes the tenant out, if the key still names one.
    #[inline(always)]
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let (next, index) = (self.free, u32::try_from(key.index()).ok()?);
        let place = self.place_mut(key)?;
        if place.generation.get() != key.generation() || matches!(place.tenant, Tenant::Free { .. }) {
            return None;
        }
        place.generation = place.generation.checked_add(1).unwrap_or(FIRST);
        let before = std::mem::replace(&mut place.tenant, Tenant::Free { next });
        self.free = Some(index);
        self.len -= 1;
        match before {
            Tenant::Here(value) => Some(value),
            Tenant::Free { .. } => None,
        }
    }

    /// The tenant, if the key still names one.
    #[inline]
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        match self.place(key)? {
            Place { generation, tenant: Tenant::Here(value) } if generation.get() == key.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The tenant, if the key still names one.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.place_mut(key)? {
            Place { generation, tenant: Tenant::Here(value) } if generation.get() == key.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The keys of all tenants, in the order of their places.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let tenants = self
            .chunks
            .iter()
            .flatten()
            .zip(0..)
            .filter(|(place, _)| matches!(place.tenant, Tenant::Here(_)));
        tenants.map(|(place, index)| Key::new(index, place.generation)).collect()
    }

    /// All tenants, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten().filter_map(|place| match &place.tenant {
            Tenant::Here(value) => Some(value),
            Tenant::Free { .. } => None,
        })
    }

    #[inline]
    fn place(&self, key: Key) -> Option<&Place<T>> {
        self.chunks.get(key.index() / CHUNK)?.get(key.index() % CHUNK)
    }

    #[inline]
    fn place_mut(&mut self, key: Key) -> Option<&mut Place<T>> {
        self.chunks.get_mut(key.index() / CHUNK)?.get_mut(key.index() % CHUNK)
    }

    #[cold]
    fn add_place(&mut self, place: Place<T>) -> u32 {
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            // Most slabs stay small: the first chunk grows as a vector does.
            let whole = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(whole));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("there is one now");
        chunk.push(place);
        u32::try_from(before + chunk.len() - 1).expect("fewer than 2^32 places are in use")
    }

    /// How many tenants there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_number_are_one_and_an_absent_key_is_no_larger() {
        for number in [0, 1, 7 << 32 | 3, u64::from(u32::MAX) - 1] {
            assert_eq!(Key::from_u64(number).to_u64(), number);
        }
        let mut slab = Slab::default();
        let first = slab.insert(());
        assert_eq!(Key::from_u64(first.to_u64()), first);
        assert_eq!(size_of::<Option<Key>>(), size_of::<Key>());
    }

    #[test]
    fn tenants_of_many_chunks_are_found_and_their_places_are_used_again() {
        let mut slab = Slab::default();
        let keys: Vec<Key> = (0..3 * CHUNK + 1).map(|value| slab.insert(value)).collect();
        assert!(keys.iter().zip(0..).all(|(key, value)| slab.get(*key) == Some(&value)));
        let gone: Vec<Key> = keys.iter().copied().step_by(2).collect();
        assert!(gone.iter().zip((0..).step_by(2)).all(|(key, value)| slab.remove(*key) == Some(value)));
        assert_eq!(slab.len(), keys.len() - gone.len());
        let again: Vec<Key> = (0..gone.len()).map(|_| slab.insert(7)).collect();
        assert!(
            again.iter().all(|key| slab.get(*key) == Some(&7))
                && gone.iter().all(|key| slab.get(*key).is_none())
        );
        assert_eq!((slab.keys().len(), slab.iter().count(), slab.chunks.len()), (keys.len(), keys.len(), 4));
    }
}
