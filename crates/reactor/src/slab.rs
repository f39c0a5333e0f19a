//! A vector whose places are reused, with generations so that an old key never finds a new tenant.
//!
//! The reactor keeps its connections in one, each driver its sockets, the timer queue its jobs.
//! Invariant: a place's generation changes each time it is emptied.

/// Where something is in a [`Slab`], and which tenant of that place is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// Both halves in one number, for pollers that carry a number with each event.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The key that [`Key::to_u64`] turned into `number`.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the halves of a u64 are taken apart on purpose")]
    pub fn from_u64(number: u64) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
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
    places: Vec<Place<T>>,
    free: Option<u32>,
    len: usize,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    tenant: Tenant<T>,
}

#[derive(Debug)]
enum Tenant<T> {
    Here(T),
    Free { next: Option<u32> },
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: None, len: 0 }
    }
}

#[expect(clippy::as_conversions, reason = "a place's number always fits: insert checks it")]
impl<T> Slab<T> {
    /// Puts `value` into a free place and says where.
    ///
    /// # Panics
    /// With more than 4,294,967,295 tenants.
    pub fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        let Some(index) = self.free else {
            let index = u32::try_from(self.places.len()).expect("fewer than 2^32 places are in use");
            self.places.push(Place { generation: 0, tenant: Tenant::Here(value) });
            return Key { index, generation: 0 };
        };
        let place = &mut self.places[index as usize];
        if let Tenant::Free { next } = place.tenant {
            self.free = next;
        }
        place.tenant = Tenant::Here(value);
        Key { index, generation: place.generation }
    }

    /// Takes the tenant out, if the key still names one.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation || matches!(place.tenant, Tenant::Free { .. }) {
            return None;
        }
        place.generation = place.generation.wrapping_add(1);
        self.len -= 1;
        let free = Tenant::Free { next: self.free.replace(key.index) };
        match std::mem::replace(&mut place.tenant, free) {
            Tenant::Here(value) => Some(value),
            Tenant::Free { .. } => None,
        }
    }

    /// The tenant, if the key still names one.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        match self.places.get(key.index as usize)? {
            Place { generation, tenant: Tenant::Here(value) } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The tenant, if the key still names one.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.places.get_mut(key.index as usize)? {
            Place { generation, tenant: Tenant::Here(value) } if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The keys of all tenants, in the order of their places.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let tenants =
            self.places.iter().zip(0..).filter(|(place, _)| matches!(place.tenant, Tenant::Here(_)));
        tenants.map(|(place, index)| Key { index, generation: place.generation }).collect()
    }

    /// All tenants, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| match &place.tenant {
            Tenant::Here(value) => Some(value),
            Tenant::Free { .. } => None,
        })
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
