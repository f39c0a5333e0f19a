//! The one place where protocol methods are called, and where panics of user code are caught.
//!
//! The protocol's box is taken out of its connection for the call, so nothing is borrowed while it runs; verbs that it
//! calls find the connection's state where it always is. Where nothing else waits, one look at the connection puts the
//! box back and does what the call has asked for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::answers::Answers;
use crate::conn::Conn;
use crate::driver::{Close, Token};
use crate::errors::Lost;
use crate::extra::Extra;
use crate::inner::{Connection, Entry, Reactor, Role};
use crate::producer::Registered;
use crate::protocol::Protocol;

impl Reactor {
    /// Calls a method of the connection's protocol. Nothing happens if the connection is gone.
    ///
    /// # Panics
    /// If the protocol is being called already: then a law of the reactor is broken.
    pub(crate) fn upcall(&self, token: Token, f: impl FnOnce(&mut dyn Protocol, &mut Conn<'_>)) {
        let Some(mut protocol) = self.with_connection(token, Connection::take_protocol) else { return };
        let unharmed = self.call(token, &mut *protocol, f);
        self.with_connection(token, |connection| connection.role = Role::Waiting(protocol));
        if !unharmed {
            self.abort(token);
        }
    }

    /// As `upcall`, of a protocol that was taken out already, and what it has asked for is done. Says whether the connection
    /// reads on, if nothing has happened since that was looked at.
    pub(crate) fn upcall_and_settle(
        &self,
        token: Token,
        mut protocol: Box<dyn Protocol>,
        f: impl FnOnce(&mut dyn Protocol, &mut Conn<'_>),
    ) -> Option<bool> {
        if !self.call(token, &mut *protocol, f) {
            self.abort(token);
        }
        let reads_on = self.put_back_and_flush(token, protocol);
        let has_changed = self.settle();
        reads_on.filter(|_| !has_changed)
    }

    /// False if it has panicked.
    fn call(
        &self,
        token: Token,
        protocol: &mut dyn Protocol,
        f: impl FnOnce(&mut dyn Protocol, &mut Conn<'_>),
    ) -> bool {
        let unharmed = self.called("a protocol", || f(protocol, &mut Conn::new(self, token)));
        self.held(|| protocol.name());
        unharmed.is_some()
    }

    /// Ends a connection that is over: removes it, tells its protocol, cancels what the protocol waits for.
    #[inline(never)]
    pub(crate) fn lose(&self, token: Token) {
        let entry = self.inner().entries.borrow_mut().remove(token.0);
        let Some(Entry::Connection(connection)) = entry else { return };
        let Connection { sock, peer, role, port, timer, answers, mut state, .. } = connection;
        let why = state.reason().expect("only a connection that is over is lost");
        let told = self.take_watchers(token, port);
        state.queue.clear(&mut self.inner().pool.borrow_mut());
        self.cancel_timer(timer);
        if let Some(port) = port {
            self.release_from_port(port, &peer);
        }
        let mut extra = state.extra.take();
        let producer = extra.as_mut().and_then(|extra| self.end_extra(extra));
        let how = match why {
            Lost::Aborted | Lost::TimedOut => Close::Reset,
            Lost::Done | Lost::Closed | Lost::Reset | Lost::Os(_) => Close::Polite,
        };
        self.inner().driver.borrow_mut().close(sock, how);
        let Role::Waiting(mut protocol) = role else {
            panic!("law 1: no connection ends inside an upcall of its own");
        };
        if let Some(producer) = producer {
            self.stop_producer(*producer);
        }
        self.called("connection_lost", || {
            protocol.connection_lost(&mut Conn::lost(self, token, peer), why.clone());
        });
        self.held(|| protocol.name());
        if let Some(answers) = answers {
            self.cancel_answers(answers, &why);
        }
        self.guard("the drop of a protocol", move || drop(protocol));
        if let Some(extra) = extra {
            self.drop_extra(extra);
        }
        if let Some(told) = told {
            told.tell(&why);
        }
    }

    /// What few connections have waits for nothing more. Gives the producer, which is to be told.
    #[inline(never)]
    fn end_extra(&self, extra: &mut Extra) -> Option<Box<Registered>> {
        self.cancel_timer(extra.layer_timer);
        self.cancel_timer(extra.closing_timer);
        self.cancel_timer(extra.idle.map(|(_, timer)| timer));
        extra.producer.take()
    }

    #[inline(never)]
    fn cancel_answers(&self, answers: Box<Answers>, why: &Lost) {
        self.guard("a canceller", || answers.cancel(&why.clone().into()));
    }

    #[inline(never)]
    fn drop_extra(&self, extra: Box<Extra>) {
        self.guard("the drop of a layer", move || drop(extra));
    }

    /// Runs user code; a panic is logged and counted and gives `None`. It is measured under this name.
    pub(crate) fn guard<R>(&self, what: &'static str, f: impl FnOnce() -> R) -> Option<R> {
        self.count(|statistics| statistics.callbacks += 1);
        let done = self.caught(what, f);
        self.held(|| what);
        done
    }

    fn called<R>(&self, what: &str, f: impl FnOnce() -> R) -> Option<R> {
        self.count(|statistics| {
            statistics.upcalls += 1;
            statistics.callbacks += 1;
        });
        self.caught(what, f)
    }

    fn caught<R>(&self, what: &str, f: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => Some(value),
            Err(payload) => {
                self.note_panic(what, payload);
                None
            }
        }
    }

    #[cold]
    #[inline(never)]
    #[expect(clippy::needless_pass_by_value, reason = "whoever catches it forgets it")]
    fn note_panic(&self, what: &str, payload: Box<dyn Any + Send>) {
        self.count(|statistics| statistics.panics += 1);
        tracing::error!(panic = message(&*payload), "{what} panicked");
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
