//! Who knows the rhymes. It takes a while to look one up, so the answer is a deferred.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sestina::{Deferred, Reactor, fail};

/// How long looking up takes.
const LOOKING_UP: Duration = Duration::from_millis(300);
/// So many letters at the end must be the same.
const ENDING: usize = 3;

const WORDS: &[&str] =
    &["art", "heart", "dart", "sky", "fly", "jewelled sky", "dream", "stream", "tree", "free"];

/// Some words, on a shelf that may be closed.
pub struct Dictionary {
    reactor: Reactor,
    is_worn_out: Cell<bool>,
}

/// Where the open dictionary lies, if there is one: clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Rc<RefCell<Option<Rc<Dictionary>>>>);

/// There is no dictionary at the moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed;

impl Dictionary {
    /// Opens it.
    #[must_use]
    pub fn open(reactor: &Reactor) -> Self {
        Self { reactor: reactor.clone(), is_worn_out: Cell::new(false) }
    }

    /// All words that end like this one.
    ///
    /// # Cancelling
    /// Stops looking.
    pub fn rhymes(&self, word: &str) -> Deferred<Vec<&'static str>> {
        let word = word.to_lowercase();
        let ending = word.char_indices().rev().nth(ENDING - 1).map_or(0, |(at, _)| at);
        let ending = word[ending..].to_owned();
        self.reactor.defer_later(LOOKING_UP, move || {
            let rhymes = WORDS.iter().filter(|other| **other != word && other.ends_with(&ending));
            Ok(rhymes.copied().collect())
        })
    }

    /// Whether it has fallen apart.
    #[must_use]
    pub fn is_worn_out(&self) -> bool {
        self.is_worn_out.get()
    }
}

impl Shelf {
    /// Puts an open dictionary there.
    pub fn put(&self, dictionary: Rc<Dictionary>) {
        self.0.borrow_mut().replace(dictionary);
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.0.borrow_mut().take();
    }

    /// From now on the dictionary falls apart: for those who want to see what happens then.
    pub fn wear_out(&self) {
        if let Some(dictionary) = &*self.0.borrow() {
            dictionary.is_worn_out.set(true);
        }
    }

    /// What the dictionary says, if there is one.
    ///
    /// # Errors
    /// [`Closed`], if there is none.
    pub fn rhymes(&self, word: &str) -> Deferred<Vec<&'static str>> {
        match &*self.0.borrow() {
            Some(dictionary) => dictionary.rhymes(word),
            None => fail(Closed),
        }
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Dictionary").field("is_worn_out", &self.is_worn_out).finish_non_exhaustive()
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the dictionary is closed")
    }
}

impl std::error::Error for Closed {}
