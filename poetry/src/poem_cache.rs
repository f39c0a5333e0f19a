//! One poem for many: fetched once, joined while it is fetched, cached afterwards.
//!
//! ```text
//!            first get_poem                     it came
//!   Empty ------------------> Fetching ------------------------> Cached
//!     ^                        |   ^ later get_poem: joins
//!     +-- it failed: all are told; the last waiter left: the fetch is cancelled
//! ```
//!
//! The fetch belongs to the cache and never to the one who asked first: everybody has a deferred of their own, and
//! who cancels it leaves alone. Knows no network: what fetches is a closure.
//!
//! Invariant: nothing is borrowed while the closure, a canceller or somebody's callback runs.
//! Invariant: the state changes first, and whoever waits is told after it: a callback that asks again meets the new
//! state, and nobody joins a fetch that is being cancelled.
//! Tests: `tests/cache_alone.rs`, `tests/proxy_sharing.rs`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{Deferred, Failure, Resolver, Shared, deferred, succeed};

use crate::poem::Poem;

/// A poem that is fetched when somebody wants it, once for all who want it.
///
/// A cheap clone: clones are the same cache.
///
/// ```
/// use sestina_deferred::deferred;
/// use sestina_poetry::{Poem, PoemCache};
/// use std::cell::RefCell;
///
/// let (resolver, fetch) = deferred();
/// let fetch = RefCell::new(Some(fetch));
/// let cache = PoemCache::new(move || fetch.borrow_mut().take().expect("it is fetched once"));
/// let (first, second) = (cache.get_poem(), cache.get_poem());
/// resolver.callback(Poem::from_bytes("a poem"));
/// for answer in [first, second, cache.get_poem()] {
///     assert!(matches!(answer.try_result(), Ok(Ok(poem)) if poem.as_bytes() == b"a poem"));
/// }
/// let counters = cache.counters();
/// assert_eq!((counters.fetches, counters.joined, counters.hits), (1, 1, 1));
/// ```
#[derive(Clone)]
pub struct PoemCache {
    inner: Rc<Inner>,
}

struct Inner {
    fetch: Box<dyn Fn() -> Deferred<Poem>>,
    table: RefCell<Table>,
}

/// What a [`PoemCache`] has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CacheCounters {
    /// Fetches that were started.
    pub fetches: u64,
    /// Times the cached poem was given out.
    pub hits: u64,
    /// Times somebody joined a fetch that was under way.
    pub joined: u64,
    /// Waiters that cancelled before the poem came.
    pub left: u64,
    /// Fetches that were cancelled because the last waiter had left.
    pub cancelled: u64,
    /// Fetches that failed.
    pub failed: u64,
}

#[derive(Default)]
struct Table {
    state: State,
    counters: CacheCounters,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Fetching(Flight),
    Cached(Poem),
}

/// A fetch under way.
struct Flight {
    /// Which fetch this is, counted from 1: a late answer of an old one is known by it.
    number: u64,
    poem: Shared<Poem>,
}

/// What somebody who asks gets.
enum Asked {
    Hit(Poem),
    Joined(u64, Deferred<Poem>),
    /// The first: the resolver wants a fetch.
    First(u64, Deferred<Poem>, Resolver<Poem>),
}

impl PoemCache {
    /// A cache without a poem; `fetch` brings it when it is wanted.
    pub fn new(fetch: impl Fn() -> Deferred<Poem> + 'static) -> Self {
        Self { inner: Rc::new(Inner { fetch: Box::new(fetch), table: RefCell::default() }) }
    }

    /// The poem. Fired already if it is cached.
    ///
    /// # Errors
    /// The failure of the fetch, for all who wait for it. Nothing is cached then: who asks next starts anew.
    ///
    /// # Cancelling
    /// Only this waiter leaves. When it was the last one, the fetch is cancelled. Dropping the deferred only
    /// detaches it: the fetch goes on, and what it brings is cached.
    pub fn get_poem(&self) -> Deferred<Poem> {
        let asked = self.inner.table.borrow_mut().ask();
        let (number, poem) = match asked {
            Asked::Hit(poem) => {
                tracing::info!("using the cached poem");
                return succeed(poem);
            }
            Asked::Joined(number, poem) => {
                tracing::info!("joining the fetch under way");
                (number, poem)
            }
            Asked::First(number, poem, resolver) => {
                self.start(number, resolver);
                (number, poem)
            }
        };
        let cache = self.clone();
        poem.on_cancel(move || cache.leave(number))
    }

    /// Forgets the poem, if there is one: who asks next has it fetched anew. A fetch that goes on is not touched.
    pub fn forget(&self) {
        let before = {
            let mut table = self.inner.table.borrow_mut();
            match table.state {
                State::Cached(_) => std::mem::take(&mut table.state),
                State::Empty | State::Fetching(_) => State::Empty,
            }
        };
        drop(before); // with nothing borrowed
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> CacheCounters {
        self.inner.table.borrow().counters
    }

    fn start(&self, number: u64, resolver: Resolver<Poem>) {
        let cache = self.clone();
        let fetch = (self.inner.fetch)();
        fetch.inspect(move |result| cache.land(number, result)).chain_to(resolver);
    }

    /// The fetch is over; those who wait are told after this.
    fn land(&self, number: u64, result: &Result<Poem, Failure>) {
        let landed = self.inner.table.borrow_mut().land(number, result);
        drop(landed); // with nothing borrowed
    }

    /// A waiter cancels; if it is the last one, the cancel goes on to the fetch after this.
    fn leave(&self, number: u64) {
        let abandoned = self.inner.table.borrow_mut().leave(number);
        drop(abandoned); // with nothing borrowed
    }
}

impl Table {
    fn ask(&mut self) -> Asked {
        match &self.state {
            State::Cached(poem) => {
                self.counters.hits += 1;
                Asked::Hit(poem.clone())
            }
            State::Fetching(flight) => {
                self.counters.joined += 1;
                Asked::Joined(flight.number, flight.poem.subscribe())
            }
            State::Empty => {
                self.counters.fetches += 1;
                let number = self.counters.fetches;
                let (resolver, poem) = deferred();
                let poem = poem.share();
                let first = poem.subscribe();
                self.state = State::Fetching(Flight { number, poem });
                Asked::First(number, first, resolver)
            }
        }
    }

    /// Ends the flight if it is still this one.
    fn end_flight(&mut self, number: u64, next: State) -> Option<State> {
        let is_this_one = matches!(&self.state, State::Fetching(flight) if flight.number == number);
        is_this_one.then(|| std::mem::replace(&mut self.state, next))
    }

    fn land(&mut self, number: u64, result: &Result<Poem, Failure>) -> Option<State> {
        let next = match result {
            Ok(poem) => State::Cached(poem.clone()),
            Err(_) => State::Empty,
        };
        let landed = self.end_flight(number, next)?;
        self.counters.failed += u64::from(result.is_err());
        Some(landed)
    }

    fn leave(&mut self, number: u64) -> Option<State> {
        self.counters.left += 1;
        match &self.state {
            State::Fetching(flight) if flight.number == number && flight.poem.waiting() <= 1 => {
                self.counters.cancelled += 1;
                self.end_flight(number, State::Empty)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for PoemCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PoemCache({:?})", self.counters())
    }
}
