//! What an upcall asked for is done here, after it: send, finish, watch, tell, lose.

use std::io;

use crate::driver::Token;
use crate::errors::Lost;
use crate::inner::{Kind, Reactor};
use crate::state::{Phase, Step};

/// After this many sends to one connection the others have their turn.
const SENDS_PER_FLUSH_MAX: u32 = 16;

impl Reactor {
    /// Flushes whatever is dirty until nothing is, and says whether anything was. Only the loop calls it.
    pub(crate) fn settle(&self) -> bool {
        let mut worked = false;
        while let Some((token, kind)) = self.take_dirty() {
            worked = true;
            match kind {
                Some(Kind::Connection) => self.flush(token),
                Some(Kind::Port) => self.flush_port(token),
                Some(Kind::Attempt) => self.flush_attempt(token),
                Some(Kind::Datagrams) => self.flush_datagrams(token),
                Some(Kind::Process) => self.flush_process(token),
                None => {}
            }
        }
        worked
    }

    fn flush(&self, token: Token) {
        let mut sends = 0;
        while let Some(step) = self.with_connection(token, |connection| connection.state.step()) {
            match step {
                Step::Send if sends == SENDS_PER_FLUSH_MAX => return self.mark_ready(token),
                Step::Send => {
                    sends += 1;
                    self.send(token);
                }
                Step::Finish => self.finish(token),
                Step::Drain => self.begin_draining(token),
                Step::Watch => self.watch(token),
                Step::TellPause => {
                    self.upcall(token, |protocol, conn| protocol.pause_producing(conn));
                    self.tell_push_producer(token, true);
                }
                Step::TellResume => {
                    self.upcall(token, |protocol, conn| protocol.resume_producing(conn));
                    self.tell_push_producer(token, false);
                }
                Step::InstallLayer => self.install_layer(token),
                Step::Transform => self.transform(token),
                Step::EndLayers => self.end_layers(token),
                Step::Become => self.become_successor(token),
                Step::Lose(why) => return self.lose(token, why),
                Step::Idle => {
                    let waits = self.with_connection(token, |connection| {
                        let state = &connection.state;
                        (
                            state.extra.is_some() || connection.answers.is_some(),
                            matches!(state.phase(), Phase::Closing { .. }),
                        )
                    });
                    let (may_be_told, closing) = waits.unwrap_or_default();
                    if may_be_told && (self.tell_producer(token) || self.tell_answer(token)) {
                        continue;
                    }
                    if closing {
                        self.limit_stall(token);
                    }
                    return;
                }
            }
        }
    }

    /// Brings one answer to the protocol, if one waits.
    fn tell_answer(&self, token: Token) -> bool {
        let ready = self.with_connection(token, |connection| connection.answers.as_mut()?.pop_ready());
        let Some(ready) = ready.flatten() else { return false };
        self.upcall(token, |protocol, conn| ready(protocol, conn));
        true
    }

    fn send(&self, token: Token) {
        let now = self.now();
        let mut pool = self.inner().pool.borrow_mut();
        let mut driver = self.inner().driver.borrow_mut();
        let sent = self.with_connection(token, |connection| {
            let state = &mut connection.state;
            match driver.send(connection.sock, &state.queue) {
                Ok(count) => {
                    connection.progress = now;
                    state.sent(count, &mut pool);
                    return count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => state.blocked(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => state.over(Lost::from_io(error), &mut pool),
            }
            0
        });
        drop((driver, pool));
        let sent = u64::try_from(sent.unwrap_or(0)).unwrap_or(u64::MAX);
        self.count(|statistics| statistics.bytes_sent += sent);
    }

    fn finish(&self, token: Token) {
        let mut pool = self.inner().pool.borrow_mut();
        let mut driver = self.inner().driver.borrow_mut();
        self.with_connection(token, |connection| {
            let state = &mut connection.state;
            match driver.finish(connection.sock) {
                Ok(()) => state.finished(),
                // The peer's reset can come between the last send and the FIN.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    state.over(Lost::Reset, &mut pool)
                }
                Err(error) => state.over(Lost::from_io(error), &mut pool),
            }
        });
    }

    /// Registers the socket with the poller: once, and only when it has to wait for something.
    pub(crate) fn watch(&self, token: Token) {
        let mut pool = self.inner().pool.borrow_mut();
        let mut driver = self.inner().driver.borrow_mut();
        self.with_connection(token, |connection| {
            connection.state.watched();
            if let Err(error) = driver.watch(connection.sock, token) {
                connection.state.over(Lost::from_io(error), &mut pool);
            }
        });
        drop((driver, pool));
        self.count(|statistics| statistics.watched += 1);
    }

    pub(crate) fn is_draining(&self, token: Token) -> bool {
        self.with_connection(token, |connection| matches!(connection.state.phase(), Phase::Draining { .. }))
            .unwrap_or(false)
    }
}
