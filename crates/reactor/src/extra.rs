//! What few connections have, and all others do not pay for: layers, a protocol's successor, an idle limit,
//! a producer.

use std::collections::VecDeque;
use std::time::Duration;

use crate::layer::{Chain, Layer};
use crate::producer::Registered;
use crate::protocol::Protocol;
use crate::queue::WriteQueue;
use crate::state::Marks;
use crate::timers::TimerId;

/// How many bytes go through the layers at once.
const TRANSFORM_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct Extra {
    /// Taken out while it runs.
    pub(crate) chain: Option<Chain>,
    /// Whether there are layers, or will be: then writes are queued here, above them.
    pub(crate) layered: bool,
    pub(crate) above: WriteQueue,
    /// Layers to come, each when this many bytes of `above` have gone through the ones before.
    pub(crate) new_layers: VecDeque<(usize, Box<dyn Layer>)>,
    /// Bytes that layers hold back.
    pub(crate) held: usize,
    /// A layer wants nothing from the socket now.
    pub(crate) paused: bool,
    pub(crate) end: End,
    /// For the protocol: what layers have passed up, or a predecessor has left unread.
    pub(crate) inbox: Vec<u8>,
    pub(crate) inbox_ended: bool,
    pub(crate) successor: Option<Successor>,
    pub(crate) layer_timer: Option<TimerId>,
    pub(crate) closing_timer: Option<TimerId>,
    pub(crate) idle: Option<(Duration, TimerId)>,
    pub(crate) producer: Option<Box<Registered>>,
    /// What `set_marks` and `set_queue_limit` have changed.
    pub(crate) marks: Option<Marks>,
}

/// How far our end has come through the layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum End {
    #[default]
    Open,
    /// The layers know.
    Told,
    /// It has come out below: the socket may be finished.
    Passed,
}

/// The protocol that a connection becomes.
pub(crate) struct Successor {
    pub(crate) protocol: Box<dyn Protocol>,
    pub(crate) unread: Vec<u8>,
}

impl Extra {
    pub(crate) fn add_layer(&mut self, layer: Box<dyn Layer>) {
        self.layered = true;
        self.new_layers.push_back((self.above.len(), layer));
    }

    /// The next layer whose place has come.
    pub(crate) fn pop_new_layer(&mut self) -> Option<Box<dyn Layer>> {
        if self.new_layers.front()?.0 > 0 {
            return None;
        }
        self.new_layers.pop_front().map(|(_, layer)| layer)
    }

    pub(crate) fn has_new_layer(&self) -> bool {
        self.new_layers.front().is_some_and(|(after, _)| *after == 0)
    }

    /// How many bytes may go through the present layers now.
    pub(crate) fn transformable(&self) -> usize {
        let until_new_layer = self.new_layers.front().map_or(usize::MAX, |(after, _)| *after);
        self.above.len().min(until_new_layer).min(TRANSFORM_BYTES_MAX)
    }

    pub(crate) fn transformed(&mut self, count: usize) {
        for (after, _) in &mut self.new_layers {
            *after = after.saturating_sub(count);
        }
    }

    pub(crate) fn has_inbox(&self) -> bool {
        !self.inbox.is_empty() || self.inbox_ended
    }
}
