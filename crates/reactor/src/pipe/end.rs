//! One end of a pipe: a protocol that passes on what comes.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::middle::{Middle, Side};
use crate::conn::{Conn, ConnHandle};
use crate::errors::Lost;
use crate::protocol::Protocol;

/// One end of a [`pipe`](super::pipe()): the protocol of one of the two connections, or a part of that protocol, which
/// passes all upcalls on from the moment when the pipe begins, beginning with `connection_made`.
///
/// An end that is dropped before its connection was lost, or before it had one, ends the pipe: the other connection is
/// aborted.
pub struct PipeEnd {
    middle: Rc<RefCell<Middle>>,
    side: Side,
}

impl PipeEnd {
    pub(super) fn new(middle: &Rc<RefCell<Middle>>, side: Side) -> Self {
        Self { middle: Rc::clone(middle), side }
    }

    /// There is a connection.
    pub(crate) fn begin(&mut self, conn: ConnHandle) {
        self.middle.borrow_mut().begin(self.side, conn);
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.middle.borrow_mut().take(self.side, bytes);
    }

    /// The peer has finished.
    pub(crate) fn finish(&mut self) {
        self.middle.borrow_mut().finish(self.side);
    }

    /// What this connection has to send is above the mark.
    pub(crate) fn hold(&mut self) {
        self.middle.borrow_mut().set_full(self.side, true);
    }

    /// And now it is not any more.
    pub(crate) fn release(&mut self) {
        self.middle.borrow_mut().set_full(self.side, false);
    }

    /// Time has passed: the rate limit lets something go.
    pub(crate) fn tick(&mut self) {
        self.middle.borrow_mut().carry(self.side);
    }

    pub(crate) fn lost(&mut self, why: &Lost) {
        let over = self.middle.borrow_mut().lose(self.side, why);
        if let Some((done, piped)) = over {
            done.resolve(piped); // user code: with nothing borrowed
        }
    }
}

impl Protocol for PipeEnd {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.begin(conn.handle());
    }

    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.take(data);
    }

    fn read_closed(&mut self, _: &mut Conn<'_>) {
        self.finish();
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.hold();
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.release();
    }

    fn timer(&mut self, _: &mut Conn<'_>) {
        self.tick();
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.lost(&why);
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.lost(&Lost::Aborted); // without effect when it is lost already
    }
}

impl fmt::Debug for PipeEnd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PipeEnd({:?})", self.side)
    }
}
