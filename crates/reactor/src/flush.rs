//! What an upcall asked for is done here, after it: send, finish, watch, tell, lose.

use crate::driver::Token;
use crate::inner::{Connection, Kind, Reactor, Role};
use crate::protocol::Protocol;
use crate::state::{Phase, Step};
use crate::wire::Wire;

/// After this many sends to one connection the others have their turn.
const SENDS_PER_FLUSH_MAX: u32 = 16;
/// After this many answers ([`Conn::then`](crate::Conn::then)) to one connection the others have their turn: an answer may ask for the
/// next one.
const ANSWERS_PER_FLUSH_MAX: u32 = 64;

impl Reactor {
    /// Flushes whatever is dirty until nothing is, and says whether anything was. Only the loop calls it.
    #[inline]
    pub(crate) fn settle(&self) -> bool {
        let is_dirty = !self.inner().dirty.borrow().is_empty();
        if is_dirty {
            self.flush_dirty();
        }
        is_dirty
    }

    #[inline(never)]
    fn flush_dirty(&self) {
        while let Some((token, kind)) = self.take_dirty() {
            match kind {
                Some(Kind::Connection) => self.flush(token),
                Some(Kind::Port) => self.flush_port(token),
                Some(Kind::Attempt) => self.flush_attempt(token),
                Some(Kind::Datagrams) => self.flush_datagrams(token),
                Some(Kind::Process) => self.flush_process(token),
                None => {}
            }
        }
    }

    pub(crate) fn flush(&self, token: Token) {
        let mut share = Share::whole();
        let stop = self.with_wire(token, |wire, connection| wire.steps(connection, token, &mut share));
        if let Some(stop) = stop {
            self.flush_on(token, stop, share);
        }
    }

    /// Ends an upcall: puts the protocol back where it was, and flushes its connection, if that is the next to be flushed.
    /// Says whether the connection may go on to read; `None` if something has happened since that was looked at.
    pub(crate) fn put_back_and_flush(&self, token: Token, protocol: Box<dyn Protocol>) -> Option<bool> {
        let mut share = Share::whole();
        let is_next = self.take_if_next(token);
        let (stop, reads_on) = self.with_wire(token, |wire, connection| {
            connection.role = Role::Waiting(protocol);
            let stop = is_next.then(|| {
                connection.state.listed.leaves_dirty();
                wire.steps(connection, token, &mut share)
            });
            (stop, connection.reads_on())
        })?;
        match stop {
            None | Some(Stop { step: Step::Idle { closing: false }, may_be_told: false }) => Some(reads_on),
            Some(Stop { step: Step::Drain { watched }, may_be_told: false }) => {
                self.begin_draining(token, watched);
                None
            }
            Some(stop) => {
                self.flush_on(token, stop, share);
                None
            }
        }
    }

    /// Goes on from where the wire's steps have stopped.
    #[inline(never)]
    fn flush_on(&self, token: Token, stop: Stop, mut share: Share) {
        let mut next = Some(stop);
        while let Some(Stop { step, may_be_told }) = next {
            match step {
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
                Step::Lose => return self.lose(token),
                Step::Send => return self.rest(token),
                Step::Drain { watched } => {
                    self.begin_draining(token, watched);
                    if !may_be_told {
                        return;
                    }
                }
                Step::Idle { closing } => {
                    let has_told =
                        may_be_told && (self.tell_producer(token) || self.tell_answer(token, &mut share));
                    if !has_told && closing {
                        self.limit_stall(token);
                    }
                    if !has_told {
                        return;
                    }
                }
                Step::Finish | Step::Look | Step::Watch => unreachable!("the wire's steps are taken by then"),
            }
            next = self.with_wire(token, |wire, connection| wire.steps(connection, token, &mut share));
        }
    }

    /// Brings one answer to the protocol, if one waits and it has not had its share.
    #[inline(never)]
    fn tell_answer(&self, token: Token, share: &mut Share) -> bool {
        let mut has_had_all = false;
        let ready = self.with_connection(token, |connection| {
            let answers = connection.answers.as_mut()?;
            has_had_all = share.answers == 0 && answers.has_ready();
            if has_had_all { None } else { answers.pop_ready() }
        });
        if has_had_all {
            self.rest(token);
        }
        let Some(ready) = ready.flatten() else { return false };
        share.answers -= 1;
        self.upcall(token, |protocol, conn| ready(protocol, conn));
        true
    }

    /// Registers the socket with the poller, if nobody has yet: a socket that has to wait for something.
    pub(crate) fn watch(&self, token: Token) {
        self.with_wire(token, |wire, connection| {
            if !connection.state.is_watched() {
                wire.watch(connection, token);
            }
        });
    }

    pub(crate) fn is_draining(&self, token: Token) -> bool {
        self.with_connection(token, |connection| matches!(connection.state.phase(), Phase::Draining { .. }))
            .unwrap_or(false)
    }
}

impl Wire<'_> {
    /// Takes the steps that need nobody but the socket, and gives the first that needs more.
    fn steps(&mut self, connection: &mut Connection, token: Token, share: &mut Share) -> Stop {
        if connection.state.listed.rests() {
            *share = Share::default();
        }
        loop {
            match connection.state.step() {
                Step::Send if share.sends > 0 => {
                    share.sends -= 1;
                    self.send(connection);
                }
                Step::Finish => self.finish(connection),
                Step::Look => self.look(connection),
                Step::Watch => self.watch(connection, token),
                Step::Drain { .. } if !self.begin_to_drain(connection) => {}
                step => return Stop { step, may_be_told: connection.may_be_told() },
            }
        }
    }
}

/// What one connection may still have before the others have their turn; nothing while it rests.
#[derive(Default)]
struct Share {
    sends: u32,
    answers: u32,
}

impl Share {
    const fn whole() -> Self {
        Self { sends: SENDS_PER_FLUSH_MAX, answers: ANSWERS_PER_FLUSH_MAX }
    }
}

/// Where a connection stops that is being flushed.
#[derive(Clone, Copy)]
struct Stop {
    step: Step,
    /// Whether somebody may wait to hear that it has come so far: a producer, an answer.
    may_be_told: bool,
}
