//! Who gets what a reader is given: a place for each, found by the reader's own place.

use sestina_deferred::Resolver;
use sestina_reactor::{ConnHandle, Time};

use crate::cache::ReaderId;
use crate::poem::Poem;

/// Where the bytes of one reader go.
pub(crate) enum Sink {
    /// A client's connection, and since when it waits for its first byte.
    Client { conn: ConnHandle, since: Option<Time> },
    /// A caller of this process, who wants all of it.
    Caller(Resolver<Poem>),
}

/// The sinks of all readers.
#[derive(Default)]
pub(crate) struct Sinks {
    places: Vec<Option<(ReaderId, Sink)>>,
}

impl Sinks {
    pub(crate) fn insert(&mut self, reader: ReaderId, sink: Sink) {
        let place = reader.place();
        if place >= self.places.len() {
            self.places.resize_with(place + 1, || None);
        }
        self.places[place] = Some((reader, sink));
    }

    pub(crate) fn get(&self, reader: ReaderId) -> Option<&Sink> {
        let (owner, sink) = self.places.get(reader.place())?.as_ref()?;
        (*owner == reader).then_some(sink)
    }

    /// The time since which a client waits, if it was not given anything yet; once.
    pub(crate) fn take_since(&mut self, reader: ReaderId) -> Option<Time> {
        match self.places.get_mut(reader.place())? {
            Some((owner, Sink::Client { since, .. })) if *owner == reader => since.take(),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, reader: ReaderId) -> Option<Sink> {
        let place = self.places.get_mut(reader.place())?;
        if place.as_ref().is_some_and(|(owner, _)| *owner == reader) {
            return place.take().map(|(_, sink)| sink);
        }
        None
    }
}
