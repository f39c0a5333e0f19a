//! How likely something is, in whole numbers.

/// How often a fault strikes, as a fraction of whole numbers, so that every machine decides alike.
///
/// ```
/// use sestina_reactor_sim::Odds;
///
/// assert_eq!(Odds::one_in(4), Odds::percent(25));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Odds {
    pub(crate) hits: u32,
    pub(crate) of: u32,
}

impl Odds {
    /// Not once.
    pub const NEVER: Self = Self { hits: 0, of: 1 };
    /// Every time.
    pub const ALWAYS: Self = Self { hits: 1, of: 1 };

    /// One time out of `count`, on average; never if that is 0.
    #[must_use]
    pub const fn one_in(count: u32) -> Self {
        if count == 0 { Self::NEVER } else { Self { hits: 1, of: count } }
    }

    /// So many times out of a hundred, on average; more than 100 is every time.
    #[must_use]
    pub const fn percent(count: u32) -> Self {
        Self { hits: count, of: 100 }
    }

    pub(crate) fn is_never(self) -> bool {
        self.hits == 0
    }
}

/// As fractions.
impl PartialEq for Odds {
    fn eq(&self, other: &Self) -> bool {
        u64::from(self.hits) * u64::from(other.of) == u64::from(other.hits) * u64::from(self.of)
    }
}

impl Eq for Odds {}
