//! The end of a connection, where something comes in between: a poller that refuses, limits that change, layers that still
//! need the peer.

use std::time::Duration;

use crate::fake::scripted::{Diary, Scripted};
use crate::fake::{Fake, Incoming, listening, turns, turns_until_all_are_lost};
use sestina_reactor::{Address, CloseLimits, Conn, Drain, Layer, LayerIo, Protocol, Time};

const SECOND: Duration = Duration::from_secs(1);

/// Makes poets who say their poem and close, with something of the test's before that.
fn poet(diary: &Diary, hook: fn(&mut Conn<'_>)) -> impl Fn(&Address) -> Scripted + use<> {
    let diary = diary.clone();
    move |_: &Address| {
        Scripted::new(&diary).made(move |_, conn| {
            hook(conn);
            conn.write(b"poem");
            conn.lose_connection();
        })
    }
}

#[test]
fn a_connection_that_the_poller_refuses_while_it_drains_is_over() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |_| ()));
    fake.client(100);
    turns(&reactor, 1);
    fake.watches_fail();
    reactor.turn(None).expect("the fake waits");
    assert_eq!((reactor.connections(), fake.sockets()), (0, 1), "at {:?}", reactor.now());
    assert_eq!(diary.take().len(), 2, "made and lost");
    assert_eq!(reactor.statistics().watched, 0, "nobody is watched who was refused");
}

#[test]
fn the_idle_timeout_does_not_reset_a_connection_that_has_sent_everything_and_waits_for_its_peer() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.set_idle_timeout(Some(SECOND))));
    fake.client(100);
    turns(&reactor, 1);
    turns_until_all_are_lost(&reactor);
    assert_eq!(
        (diary.take(), fake.calls().pop()),
        (vec!["made".into(), "lost Closed".into()], Some("close".into()))
    );
    assert_eq!(reactor.timers(), 0);
}

#[test]
fn shorter_limits_count_from_now_on_also_for_those_that_close_already() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |_| ()));
    fake.client(3);
    turns(&reactor, 2);
    let mut limits = CloseLimits::default();
    limits.stall_max = 20 * SECOND;
    reactor.set_close_limits(limits);
    fake.client(3);
    turns(&reactor, 2);
    turns_until_all_are_lost(&reactor);
    assert_eq!(diary.take(), ["made", "made", "lost TimedOut", "lost TimedOut"]);
    assert_eq!(reactor.now(), Time::ZERO + 20 * SECOND);
}

#[test]
fn drain_if_unread_is_polite_to_a_peer_that_spoke_while_the_last_bytes_waited() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.set_drain(Drain::IfUnread)));
    let client = fake.client(3);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"and another thing".to_vec()));
    turns(&reactor, 2);
    fake.calls();
    fake.takes(client, 100);
    turns(&reactor, 1);
    assert_eq!((fake.sent(client), reactor.connections()), (b"poem".to_vec(), 1));
    assert!(
        fake.calls().contains(&"finish".to_owned()),
        "who talks may go on to, and a close would reset that"
    );
}

/// A handshake: nothing goes out before something has come in, and after a byte `~` it wants nothing for a second.
#[derive(Default)]
struct Handshake {
    is_done: bool,
    waiting: Vec<u8>,
    ended: bool,
}

impl Handshake {
    fn pass(&mut self, io: &mut LayerIo) {
        if self.is_done {
            io.pass_down(&std::mem::take(&mut self.waiting));
            if self.ended {
                io.end_down();
            }
        }
    }
}

impl Layer for Handshake {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.is_done |= bytes.contains(&b'!');
        if bytes.contains(&b'~') {
            io.pause_incoming(true);
            io.wake_after(SECOND);
        }
        io.pass_up(bytes);
        self.pass(io);
    }

    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.waiting.extend_from_slice(bytes);
        self.pass(io);
    }

    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        self.ended = true;
        self.pass(io);
    }

    fn timer(&mut self, io: &mut LayerIo) {
        io.pause_incoming(false);
    }

    fn held(&self) -> usize {
        self.waiting.len()
    }
}

#[test]
fn layers_get_what_they_need_to_let_go_of_the_last_bytes_and_the_protocol_hears_none_of_it() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.add_layer(Handshake::default())));
    let client = fake.client(100);
    turns(&reactor, 2);
    assert_eq!(fake.sent(client), b"");
    fake.comes(client, Incoming::Bytes(b"!".to_vec()));
    turns(&reactor, 2);
    assert_eq!(fake.sent(client), b"poem");
    assert!(fake.calls().contains(&"finish".to_owned()), "and our end");
    turns_until_all_are_lost(&reactor);
    assert_eq!(diary.take(), ["made", "lost Closed"]);
}

#[test]
fn a_layer_that_pauses_is_left_alone_while_the_connection_closes_too() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.add_layer(Handshake::default())));
    let client = fake.client(100);
    fake.comes(client, Incoming::Bytes(b"~".to_vec()));
    fake.comes(client, Incoming::Bytes(b"!".to_vec()));
    turns(&reactor, 3);
    assert_eq!((fake.sent(client), reactor.now()), (Vec::new(), Time::ZERO), "it wants nothing for a second");
    reactor.turn(None).expect("the fake waits");
    turns(&reactor, 1);
    assert_eq!((fake.sent(client), reactor.now()), (b"poem".to_vec(), Time::ZERO + SECOND));
}

#[test]
fn what_layers_take_while_a_connection_closes_is_bounded_as_what_is_discarded() {
    const MAX: u64 = 1000;
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.add_layer(Handshake::default())));
    let mut limits = CloseLimits::default();
    limits.discard_bytes_max = MAX;
    reactor.set_close_limits(limits);
    let client = fake.client(100);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(vec![b'.'; 1000]));
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["made"], "so much may come");
    fake.comes(client, Incoming::Bytes(b".".to_vec()));
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["lost Aborted"]);
}

/// Only its layer hears anything.
struct Layered;

impl Protocol for Layered {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.add_layer(Handshake::default());
    }
}

#[test]
fn what_comes_through_layers_before_the_close_does_not_count_for_it() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| Layered);
    let mut limits = CloseLimits::default();
    limits.discard_bytes_max = 1;
    reactor.set_close_limits(limits);
    let client = fake.client(100);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(vec![b'.'; 1000]));
    turns(&reactor, 2);
    assert_eq!(reactor.connections(), 1);
}

#[test]
fn the_driver_is_told_which_bytes_our_end_follows() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.set_drain(Drain::IfUnread)));
    fake.client(100);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["send_last", "recv", "close"]);
    let slow = fake.client(3);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["send_last", "send_last", "watch"], "the socket was full");
    fake.takes(slow, 100);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["send_last", "recv", "close"]);
}

#[test]
fn bytes_that_others_may_follow_are_not_the_last() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&diary).made(|_, conn| conn.write(b"greeting")).data(|_, conn| {
            conn.write(b"last words");
            conn.lose_write_connection();
        })
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["send", "watch"]);
    fake.comes(client, Incoming::Bytes(b"bye".to_vec()));
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["recv", "send_last", "finish"], "a half close has an end too");
    fake.comes(client, Incoming::End);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["recv", "close"]);
}

#[test]
fn what_a_layer_may_still_add_to_is_not_the_last() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, poet(&diary, |conn| conn.add_layer(Farewell)));
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["send", "watch"]);
    fake.comes(client, Incoming::Bytes(b"thanks".to_vec()));
    turns(&reactor, 1);
    assert_eq!(
        (fake.sent(client), fake.calls()[1..3].concat()),
        (b"poem.".to_vec(), "send_lastfinish".into())
    );
}

#[test]
fn what_waits_above_a_layer_that_has_ended_early_comes_before_our_end() {
    const LONG: usize = 100_000; // more than goes through layers at once
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&diary).made(|_, conn| conn.add_layer(Hasty)).data(|_, conn| {
            conn.set_marks(0, 0);
            conn.write(&[b'x'; LONG]);
            conn.lose_connection();
        })
    });
    let client = fake.client(2 * LONG);
    turns(&reactor, 1);
    fake.comes(client, Incoming::Bytes(b"question".to_vec()));
    fake.calls();
    turns(&reactor, 1);
    assert_eq!(
        (fake.sent(client).len(), fake.calls()[..4].join(" ")),
        (LONG, "recv send send_last finish".into())
    );
}

/// Says that no more will be written as soon as the peer speaks.
struct Hasty;

impl Layer for Hasty {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        io.pass_up(bytes);
        io.end_down();
    }
}

/// Says one thing more when the peer has spoken, and only then is done.
struct Farewell;

impl Layer for Farewell {
    fn outgoing_ended(&mut self, _: &mut LayerIo) {}

    fn incoming(&mut self, _: &[u8], io: &mut LayerIo) {
        io.pass_down(b".");
        io.end_down();
    }
}
