//! What the code under test told the log, as lines.
//!
//! One subscriber for the process, which keeps what the running thread says: subscribers for one thread only
//! disturb each other's cache of what is enabled.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// Nothing where nobody listens: tests that count allocations run in this process too.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct ByThread;

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").expect("a string takes everything");
        }
    }
}

impl Subscriber for ByThread {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if LINES.with_borrow(Option::is_none) {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let line = format!("{} {}", event.metadata().level(), message.0);
        LINES.with_borrow_mut(|lines| lines.as_mut().expect("somebody listens").push(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What `f` told the log.
pub(crate) fn logged(f: impl FnOnce()) -> Vec<String> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(ByThread).expect("nobody else sets it");
    });
    LINES.set(Some(Vec::new()));
    f();
    LINES.take().expect("nobody else took them")
}
