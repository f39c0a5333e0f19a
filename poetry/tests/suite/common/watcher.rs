//! A client whose bytes can be looked at while they come.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_reactor::{Address, Conn, ConnHandle, Endpoint, Lost, Protocol, Reactor};

/// What is known of the client. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Watcher(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    conn: Option<ConnHandle>,
    end: Option<Lost>,
}

impl Watcher {
    pub(crate) fn connect(reactor: &Reactor, to: &Endpoint) -> Self {
        let watcher = Self::default();
        let mut listening = Some(Listening(watcher.clone()));
        reactor.connect(to, move |_: &Address| listening.take().expect("it connects once"));
        watcher
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.borrow().conn.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().bytes.len()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.borrow().end.is_some()
    }

    /// It got exactly this, and then a clean end.
    #[track_caller]
    pub(crate) fn is_whole(&self, poem: &[u8]) {
        let state = self.0.borrow();
        assert!(matches!(state.end, Some(Lost::Done)), "it ended otherwise: {:?}", state.end);
        assert!(state.bytes == poem, "{} bytes came of {}", state.bytes.len(), poem.len());
    }

    /// It got a beginning of this, and then a reset.
    #[track_caller]
    pub(crate) fn was_cut(&self, poem: &[u8]) {
        let state = self.0.borrow();
        assert!(matches!(state.end, Some(Lost::Reset)), "an error is no clean end: {:?}", state.end);
        assert!(poem.starts_with(&state.bytes));
    }

    /// The connection, for verbs.
    #[track_caller]
    pub(crate) fn conn(&self) -> ConnHandle {
        self.0.borrow().conn.clone().expect("it is connected")
    }
}

struct Listening(Watcher);

impl Protocol for Listening {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.0.0.borrow_mut().conn = Some(conn.handle());
    }

    fn data_received(&mut self, _conn: &mut Conn<'_>, data: &[u8]) {
        self.0.0.borrow_mut().bytes.extend_from_slice(data);
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        self.0.0.borrow_mut().end = Some(why);
    }
}
