//! What an upcall asked for is done here, after it: send, finish, watch, tell, lose.

use crate::driver::Token;
use crate::inner::{Kind, Reactor};
use crate::state::{Phase, Step};

/// After this many sends to one connection the others have their turn.
const SENDS_PER_FLUSH_MAX: u32 = 16;
/// After this many answers ([`Conn::then`](crate::Conn::then)) to one connection the others have their turn: an answer may ask for the
/// next one.
const ANSWERS_PER_FLUSH_MAX: u32 = 64;

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

    pub(crate) fn flush(&self, token: Token) {
        let mut share = Share { sends: SENDS_PER_FLUSH_MAX, answers: ANSWERS_PER_FLUSH_MAX };
        while let Some(Stop { step, may_be_told }) = self.wire_steps(token, &mut share) {
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
                Step::Lose(why) => return self.lose(token, why),
                Step::Send => return self.rest(token),
                Step::Drain { watched } => {
                    self.begin_draining(token, watched);
                    if !may_be_told {
                        return;
                    }
                }
                Step::Idle { closing } => {
                    if may_be_told && (self.tell_producer(token) || self.tell_answer(token, &mut share)) {
                        continue;
                    }
                    if closing {
                        self.limit_stall(token);
                    }
                    return;
                }
                Step::Finish | Step::Look | Step::Watch => unreachable!("the wire's steps are taken by then"),
            }
        }
    }

    /// Takes the steps that need nobody but the socket, with one look at the connection for all of them, and gives the first
    /// that needs more.
    fn wire_steps(&self, token: Token, share: &mut Share) -> Option<Stop> {
        self.with_wire(token, |wire, connection| {
            if connection.listed.rests {
                *share = Share::default();
            }
            loop {
                match connection.state.step() {
                    Step::Send if share.sends > 0 => {
                        share.sends -= 1;
                        wire.send(connection);
                    }
                    Step::Finish => wire.finish(connection),
                    Step::Look => wire.look(connection),
                    Step::Watch => wire.watch(connection, token),
                    Step::Drain { .. } if !wire.begin_to_drain(connection) => {}
                    step => return Stop { step, may_be_told: connection.may_be_told() },
                }
            }
        })
    }

    /// Brings one answer to the protocol, if one waits and it has not had its share.
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

/// What one connection may still have before the others have their turn; nothing while it rests.
#[derive(Default)]
struct Share {
    sends: u32,
    answers: u32,
}

/// Where a connection stops that is being flushed.
struct Stop {
    step: Step,
    /// Whether somebody may wait to hear that it has come so far: a producer, an answer.
    may_be_told: bool,
}
