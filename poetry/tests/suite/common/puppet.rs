//! A poet that does what the test says: its connections lie open, and how they ended is noted.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_reactor::{Address, Conn, ConnHandle, Factory, Lost, Protocol};

/// Clones are the same puppet.
#[derive(Clone, Default)]
pub(crate) struct Puppet {
    connections: Rc<RefCell<Vec<ConnHandle>>>,
    ends: Rc<RefCell<Vec<Lost>>>,
    received: Rc<RefCell<Vec<u8>>>,
}

impl Puppet {
    /// How many connections there were.
    pub(crate) fn count(&self) -> usize {
        self.connections.borrow().len()
    }

    /// The connection that came last.
    #[track_caller]
    pub(crate) fn last(&self) -> ConnHandle {
        self.connections.borrow().last().expect("somebody has connected").clone()
    }

    /// All connections, in the order in which they came.
    pub(crate) fn connections(&self) -> Vec<ConnHandle> {
        self.connections.borrow().clone()
    }

    /// What all connections have said.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.received.borrow().clone()
    }

    pub(crate) fn ends(&self) -> Vec<Lost> {
        self.ends.borrow().clone()
    }
}

impl Factory for Puppet {
    fn build(&mut self, _peer: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Strings { puppet: self.clone() }))
    }
}

struct Strings {
    puppet: Puppet,
}

impl Protocol for Strings {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.puppet.connections.borrow_mut().push(conn.handle());
    }

    fn data_received(&mut self, _conn: &mut Conn<'_>, data: &[u8]) {
        self.puppet.received.borrow_mut().extend_from_slice(data);
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        self.puppet.ends.borrow_mut().push(why);
    }
}
