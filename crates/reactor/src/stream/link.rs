//! What a [`Stream`] and the protocol of its connection share, and that protocol.
//!
//! Walk: the protocol's upcalls fill the inbox and empty the outbox; then whoever waited is told, with nothing
//! borrowed, and may ask for the next thing right there.
//! Invariant: whoever waits is told at the end of the connection at the latest.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use sestina_deferred::{CancelHandle, Deferred, Failure, Resolver, deferred, fail, succeed};

use super::Stream;
use super::error::StreamError;
use super::inbox::{Inbox, Tap, Want};
use super::outbox::{Outbox, Until};
use crate::conn::{Conn, ConnHandle};
use crate::errors::Lost;
use crate::pipe::PipeEnd;
use crate::protocol::Protocol;
use crate::state::{HIGH_MARK_BYTES, LOW_MARK_BYTES};

/// Both sides of a stream.
pub(super) struct Link {
    pub(super) conn: ConnHandle,
    inbox: RefCell<Inbox>,
    outbox: RefCell<Outbox>,
    lost: RefCell<Option<Lost>>,
    /// These want to know the end.
    watchers: RefCell<Vec<Resolver<Lost>>>,
    /// The task that serves this connection, as long as a hang-up would be news for it.
    task: RefCell<Option<CancelHandle>>,
    /// Whether the stream is still in somebody's hands.
    is_held: Cell<bool>,
    /// Whether the task was promised that the peer's end is no hang-up.
    pub(super) half_closes: Cell<bool>,
    /// From `pipe` on, everything goes there.
    pipe: Cell<Option<PipeEnd>>,
}

impl Link {
    pub(super) fn new(conn: ConnHandle) -> Rc<Self> {
        Rc::new(Self {
            conn,
            inbox: RefCell::default(),
            outbox: RefCell::default(),
            lost: RefCell::default(),
            watchers: RefCell::default(),
            task: RefCell::default(),
            is_held: Cell::new(true),
            half_closes: Cell::default(),
            pipe: Cell::default(),
        })
    }

    #[track_caller]
    pub(super) fn read(self: &Rc<Self>, mut want: Want) -> Deferred<Vec<u8>> {
        let now = self.inbox.borrow_mut().try_now(&mut want);
        let answer = match now {
            Some(Ok(bytes)) => succeed(bytes),
            Some(Err(failure)) => fail(failure),
            None => {
                let (resolver, answer) = deferred();
                let number = self.inbox.borrow().next_number();
                resolver.on_cancel(forgets(self, move |link| link.forget_read(number)));
                self.inbox.borrow_mut().wait(want, resolver);
                answer
            }
        };
        self.turn_tap();
        answer
    }

    /// Takes what is there, for whoever brings the place for it. `None`: nothing is there yet.
    #[cfg(feature = "futures-io")]
    pub(super) fn read_into(&self, into: &mut [u8]) -> usize {
        let count = self.inbox.borrow_mut().buffer.copy_to(into);
        self.turn_tap();
        count
    }

    /// How much was received and not read.
    pub(super) fn unread(&self) -> usize {
        self.inbox.borrow().buffer.len()
    }

    /// Whether anything can still be written.
    pub(super) fn check_writable(&self) -> Result<(), Failure> {
        if let Some(why) = &*self.lost.borrow() {
            return Err(why.clone().into());
        }
        if self.outbox.borrow().is_shut { Err(StreamError::ShutDown.into()) } else { Ok(()) }
    }

    #[cfg(feature = "futures-io")]
    pub(super) fn is_shut(&self) -> bool {
        self.outbox.borrow().is_shut
    }

    #[cfg(feature = "futures-io")]
    pub(super) fn is_ended(&self) -> bool {
        self.inbox.borrow().is_ended()
    }

    pub(super) fn shut(&self) {
        self.outbox.borrow_mut().is_shut = true;
        self.conn.lose_write_connection();
    }

    /// Fires when the queue is as short as that.
    #[track_caller]
    pub(super) fn written(self: &Rc<Self>, until: Until) -> Deferred<()> {
        let mark = if until == Until::Room { HIGH_MARK_BYTES } else { 0 };
        if self.conn.queued() <= mark {
            return succeed(());
        }
        let (resolver, answer) = deferred();
        let number = self.outbox.borrow().next_number();
        resolver.on_cancel(forgets(self, move |link| drop(link.outbox.borrow_mut().forget(number))));
        self.outbox.borrow_mut().wait(until, resolver);
        if until == Until::Empty {
            // The connection tells when its queue has fallen to the low mark; so that is 0 for now.
            self.conn.set_marks(0, 0);
        }
        answer
    }

    #[track_caller]
    pub(super) fn when_lost(&self) -> Deferred<Lost> {
        if let Some(why) = &*self.lost.borrow() {
            return succeed(why.clone());
        }
        let (resolver, answer) = deferred();
        self.watchers.borrow_mut().push(resolver);
        answer
    }

    pub(super) fn check_lost(&self) -> Option<Lost> {
        self.lost.borrow().clone()
    }

    pub(super) fn set_task(&self, task: CancelHandle) {
        *self.task.borrow_mut() = Some(task);
    }

    /// The stream is gone: nobody needs to hear of a hang-up.
    pub(super) fn let_go(&self) {
        self.is_held.set(false);
        if !self.is_piped() {
            self.conn.lose_connection();
        }
    }

    /// Everything goes through this pipe from now on, and what was not read first.
    pub(super) fn start_pipe(&self, mut end: PipeEnd) {
        let (unread, is_paused, ended) = {
            let mut inbox = self.inbox.borrow_mut();
            (inbox.buffer.take_all(), inbox.is_paused(), inbox.is_ended())
        };
        if let Some(why) = &*self.lost.borrow() {
            return end.lost(why);
        }
        if is_paused {
            self.conn.resume_reading();
        }
        end.begin(self.conn.clone());
        end.take(&unread);
        if ended {
            end.finish();
        }
        self.pipe.set(Some(end));
    }

    fn is_piped(&self) -> bool {
        let pipe = self.pipe.take();
        let is_piped = pipe.is_some();
        self.pipe.set(pipe);
        is_piped
    }

    fn forget_read(&self, number: u64) {
        let resolver = self.inbox.borrow_mut().forget(number);
        drop(resolver);
        self.answer_reads(); // the next one may want less
    }

    /// Tells the reads that can be answered, then stops or starts the flow.
    fn answer_reads(&self) {
        loop {
            let ready = self.inbox.borrow_mut().pop();
            match ready {
                Some((resolver, Ok(bytes))) => {
                    if let Err(bytes) = resolver.try_callback(bytes) {
                        self.inbox.borrow_mut().buffer.put_back(bytes);
                    }
                }
                Some((resolver, Err(failure))) => resolver.errback(failure),
                None => break,
            }
        }
        self.turn_tap();
    }

    fn turn_tap(&self) {
        let change = self.inbox.borrow_mut().tap();
        match change {
            Some(Tap::Open) => self.conn.resume_reading(),
            Some(Tap::Close) => self.conn.pause_reading(),
            None => {}
        }
    }

    fn answer_writes(&self) {
        let is_empty = self.conn.queued() == 0;
        let ready = self.outbox.borrow_mut().take(is_empty);
        if is_empty {
            self.conn.set_marks(LOW_MARK_BYTES, HIGH_MARK_BYTES);
        }
        for resolver in ready {
            resolver.callback(());
        }
        if self.outbox.borrow().waits_for(Until::Empty) {
            self.conn.set_marks(0, 0); // asked for while the others were told
        }
    }

    /// Whether somebody waits for this stream, and so learns of its end without a cancel.
    fn is_awaited(&self) -> bool {
        self.inbox.borrow().is_awaited() || self.outbox.borrow().is_awaited()
    }

    /// Tells the task, once, that its peer is gone.
    fn hang_up(&self, why: Lost) {
        let task = self.task.take();
        if let (Some(task), true) = (task, self.is_held.get()) {
            task.cancel_because(why);
        }
    }

    fn finish(&self) {
        let awaited = self.is_awaited();
        self.inbox.borrow_mut().finish();
        self.answer_reads();
        if !awaited && !self.half_closes.get() {
            self.hang_up(Lost::Done);
        }
    }

    fn lose(&self, why: &Lost) {
        let awaited = self.is_awaited();
        *self.lost.borrow_mut() = Some(why.clone());
        self.inbox.borrow_mut().lose(why);
        self.answer_reads();
        let writers = self.outbox.borrow_mut().take(true);
        for resolver in writers {
            resolver.resolve(if why.is_clean() { Ok(()) } else { Err(why.clone().into()) });
        }
        let watchers = self.watchers.take();
        for resolver in watchers {
            resolver.callback(why.clone());
        }
        if !awaited {
            self.hang_up(why.clone());
        }
    }
}

/// A canceller that strikes a waiting one off, if the stream is still there. That it then answers `Cancelled` is the
/// engine's part.
fn forgets(link: &Rc<Link>, forget: impl FnOnce(&Link) + 'static) -> impl FnOnce() + 'static {
    let link: Weak<Link> = Rc::downgrade(link);
    move || {
        if let Some(link) = link.upgrade() {
            forget(&link);
        }
    }
}

/// The protocol of a connection that is used as a stream. `begin` gets the stream.
pub(super) struct StreamProtocol<B> {
    /// Whose stream it is, for the log.
    name: &'static str,
    begin: Option<B>,
    link: Option<Rc<Link>>,
}

impl<B: FnOnce(Stream, &Conn<'_>) + 'static> StreamProtocol<B> {
    pub(super) fn new(name: &'static str, begin: B) -> Self {
        Self { name, begin: Some(begin), link: None }
    }

    /// Calls the pipe, if there is one, or else what the stream does.
    fn call(&self, piped: impl FnOnce(&mut PipeEnd), plain: impl FnOnce(&Link)) {
        let Some(link) = &self.link else { return };
        match link.pipe.take() {
            Some(mut end) => {
                piped(&mut end);
                link.pipe.set(Some(end));
            }
            None => plain(link),
        }
    }
}

impl<B: FnOnce(Stream, &Conn<'_>) + 'static> Protocol for StreamProtocol<B> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        let link = Link::new(conn.handle());
        self.link = Some(Rc::clone(&link));
        if let Some(begin) = self.begin.take() {
            begin(Stream::new(link, conn.peer()), conn);
        }
    }

    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.call(
            |end| end.take(data),
            |link| {
                link.inbox.borrow_mut().buffer.push(data);
                link.answer_reads();
            },
        );
    }

    /// The connection stays: what came before the end may want an answer. Dropping the stream ends it.
    fn read_closed(&mut self, _: &mut Conn<'_>) {
        self.call(PipeEnd::finish, Link::finish);
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.call(PipeEnd::hold, |_| ());
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.call(PipeEnd::release, Link::answer_writes);
    }

    fn timer(&mut self, _: &mut Conn<'_>) {
        self.call(PipeEnd::tick, |_| ());
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.call(|end| end.lost(&why), |_| ());
        if let Some(link) = &self.link {
            link.lose(&why);
        }
    }
}
