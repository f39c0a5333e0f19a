//! The tasks of one executor, by key.
//!
//! Walk: a task gets its key before it starts, is listed when it is first pending, and is struck off when it
//! is done.
//! Invariant: a key is never used for a second task; a task's place in the table is, with a new generation.
//! Invariant: nothing is dropped in here. What comes out is returned, because dropping a task is user code.
//! Tests: `tests/suite/executor.rs`.

use std::rc::{Rc, Weak};

use crate::task::Resume;

/// A task's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    place: usize,
    generation: u64,
}

/// The table.
#[derive(Default)]
pub(crate) struct Registry {
    places: Vec<Place>,
    free: Vec<usize>,
    listed: usize,
}

#[derive(Default)]
struct Place {
    generation: u64,
    task: Option<Weak<dyn Resume>>,
    /// The same, while only a foreign waker knows the task: then nobody else keeps it alive.
    parked: Option<Rc<dyn Resume>>,
}

impl Registry {
    /// Number of tasks that are pending.
    pub(crate) fn len(&self) -> usize {
        self.listed
    }

    /// A key for a task that is about to start.
    pub(crate) fn reserve(&mut self) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        Key { place, generation: self.places[place].generation }
    }

    /// Lists a task as pending.
    pub(crate) fn list(&mut self, key: Key, task: Weak<dyn Resume>) {
        if let Some(place) = self.place(key)
            && place.task.replace(task).is_none()
        {
            self.listed += 1;
        }
    }

    /// Keeps a task alive, or no longer. Returns what was kept before.
    pub(crate) fn park(&mut self, key: Key, task: Option<Rc<dyn Resume>>) -> Option<Rc<dyn Resume>> {
        match self.place(key) {
            Some(place) => std::mem::replace(&mut place.parked, task),
            None => task,
        }
    }

    pub(crate) fn get(&mut self, key: Key) -> Option<Rc<dyn Resume>> {
        self.place(key)?.task.as_ref()?.upgrade()
    }

    /// Forgets a task. Returns what was kept of it.
    pub(crate) fn strike(&mut self, key: Key) -> Option<Rc<dyn Resume>> {
        let place = self.place(key)?;
        place.generation += 1;
        let was_listed = place.task.take().is_some();
        let parked = place.parked.take();
        self.free.push(key.place);
        self.listed -= usize::from(was_listed);
        parked
    }

    /// All that are pending.
    pub(crate) fn all(&self) -> Vec<Rc<dyn Resume>> {
        self.places.iter().filter_map(|place| place.task.as_ref()?.upgrade()).collect()
    }

    fn place(&mut self, key: Key) -> Option<&mut Place> {
        self.places.get_mut(key.place).filter(|place| place.generation == key.generation)
    }
}
