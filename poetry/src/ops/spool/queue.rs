//! What must still be done on the disk: the newest change of each key, in the order in which keys began to wait.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::disk_copy::Label;
use crate::cache::Body;

/// How many bytes of bodies may wait to be written. They may be held by nobody else any more, so they are bounded apart
/// from the cache's memory. A body beyond this is not copied.
pub const SPOOL_QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is to be done for a key.
#[derive(Debug)]
pub(crate) enum Change {
    Write(Label, Body),
    Remove,
}

impl Change {
    fn bytes(&self) -> u64 {
        match self {
            Self::Write(_, body) => u64::try_from(body.len()).unwrap_or(u64::MAX),
            Self::Remove => 0,
        }
    }
}

/// The changes that wait. Invariant: `bytes` is the sum over them; each key of `order` has a change, and none twice.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    changes: BTreeMap<Rc<str>, Change>,
    order: VecDeque<Rc<str>>,
    bytes: u64,
}

impl Queue {
    /// Takes a change in, in the place of an older one of this key. A body for which there is no room becomes the removal
    /// of the copy before it, which is old news in any case. Says whether there was room.
    pub(crate) fn push(&mut self, key: &Rc<str>, change: Change, bytes_max: u64) -> bool {
        match self.changes.remove(key) {
            Some(before) => self.bytes -= before.bytes(),
            None => self.order.push_back(Rc::clone(key)),
        }
        let room = self.bytes.saturating_add(change.bytes()) <= bytes_max;
        let change = if room { change } else { Change::Remove };
        self.bytes += change.bytes();
        self.changes.insert(Rc::clone(key), change);
        room
    }

    pub(crate) fn pop(&mut self) -> Option<(Rc<str>, Change)> {
        let key = self.order.pop_front()?;
        let change = self.changes.remove(&key)?;
        self.bytes -= change.bytes();
        Some((key, change))
    }

    /// Has what was popped wait again, unless there is newer news.
    pub(crate) fn push_back(&mut self, key: Rc<str>, change: Change) {
        if !self.changes.contains_key(&key) {
            self.bytes += change.bytes();
            self.order.push_front(Rc::clone(&key));
            self.changes.insert(key, change);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn write(bytes: usize) -> Change {
        let label = Label { key: String::new(), fetched_at: UNIX_EPOCH, ttl: None, confirmations: 1 };
        Change::Write(label, Body::from_bytes(&vec![7; bytes]))
    }

    fn popped(queue: &mut Queue) -> Vec<(String, u64)> {
        std::iter::from_fn(|| queue.pop()).map(|(key, change)| (key.to_string(), change.bytes())).collect()
    }

    #[test]
    fn the_newest_change_of_a_key_counts_and_keys_keep_their_turn() {
        let (a, b): (Rc<str>, Rc<str>) = ("a".into(), "b".into());
        let mut queue = Queue::default();
        queue.push(&b, write(1), 100);
        queue.push(&a, write(2), 100);
        queue.push(&b, write(3), 100);
        assert_eq!(queue.bytes, 5);
        assert_eq!(popped(&mut queue), [("b".to_owned(), 3), ("a".to_owned(), 2)]);
        assert!(queue.is_empty() && queue.bytes == 0);
    }

    #[test]
    fn a_body_without_room_becomes_the_removal_of_its_copy() {
        let (a, b): (Rc<str>, Rc<str>) = ("a".into(), "b".into());
        let mut queue = Queue::default();
        assert!(queue.push(&a, write(60), 100));
        assert!(!queue.push(&b, write(41), 100));
        assert!(queue.push(&a, write(100), 100), "what it replaces counts no more");
        assert_eq!(popped(&mut queue), [("a".to_owned(), 100), ("b".to_owned(), 0)]);
    }

    #[test]
    fn what_could_not_be_done_waits_in_front_unless_there_is_newer_news() {
        let (a, b): (Rc<str>, Rc<str>) = ("a".into(), "b".into());
        let mut queue = Queue::default();
        queue.push(&a, write(1), 100);
        queue.push(&b, write(2), 100);
        let (key, change) = queue.pop().expect("it waits");
        queue.push_back(key, change);
        let (key, change) = queue.pop().expect("it waits");
        queue.push(&a, Change::Remove, 100);
        queue.push_back(key, change);
        assert_eq!(popped(&mut queue), [("b".to_owned(), 2), ("a".to_owned(), 0)]);
    }
}
