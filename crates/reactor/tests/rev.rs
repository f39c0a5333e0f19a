//! Review: each of these shows a claim.
mod fake;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use fake::scripted::{Diary, Scripted};
use fake::{Fake, Incoming};
use sestina_deferred::Deferred;
use sestina_reactor::{
    Address, CloseLimits, Conn, Endpoint, Factory, Layer, LayerIo, Lost, Port, Protocol, Reactor, Time,
};

fn listening(fake: &Fake, factory: impl Factory) -> Reactor {
    let reactor = fake.reactor();
    reactor.listen(&Endpoint::loopback(7), factory).expect("listens");
    fake.calls();
    reactor
}

fn turns(reactor: &Reactor, count: u32) {
    for _ in 0..count {
        reactor.turn(Some(Duration::ZERO)).expect("waits");
    }
}

const S: Duration = Duration::from_secs(1);

#[test]
fn a_become() {
    let fake = Fake::default();
    fake.sends_at_most(1);
    let (first, second) = (Diary::default(), Diary::default());
    let (one, two) = (first.clone(), second.clone());
    let reactor = listening(&fake, move |_: &Address| {
        let two = two.clone();
        Scripted::new(&one).data(move |_, conn| {
            conn.write(&[b'x'; 40]);
            conn.become_protocol(Scripted::new(&two), b"");
        })
    });
    let client = fake.client(10_000);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"a".to_vec()));
    fake.comes(client, Incoming::Bytes(b"b".to_vec()));
    turns(&reactor, 5);
    assert_eq!((first.take(), second.take()), (vec!["made".into(), "data a".into()], vec!["made".into(), "data b".into()]));
}

#[test]
fn b_watch_fails_in_the_sweep() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.lose_connection()));
    fake.client(100);
    turns(&reactor, 1);
    fake.watches_fail();
    for _ in 0..100 {
        reactor.turn(Some(S)).expect("waits");
    }
    assert_eq!((reactor.connections(), fake.sockets()), (0, 1), "{:?} at {:?}", diary.take(), reactor.now());
}

struct Asks(Rc<RefCell<Option<Port>>>, Rc<RefCell<Option<Deferred<()>>>>);
impl Protocol for Asks {
    fn connection_lost(&mut self, _: &mut Conn<'_>, _: Lost) {
        let idle = self.0.borrow().as_ref().map(Port::idle);
        self.1.borrow_mut().get_or_insert_with(|| idle.expect("a port"));
    }
}

#[test]
fn c_idle_asked_for_in_connection_lost() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let (port, idle) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
    let (p, i) = (Rc::clone(&port), Rc::clone(&idle));
    let made = reactor.listen(&Endpoint::loopback(7), move |_: &Address| Asks(p.clone(), i.clone())).expect("listens");
    *port.borrow_mut() = Some(made);
    let first = fake.client(100);
    fake.client(100);
    turns(&reactor, 3);
    assert_eq!(reactor.connections(), 2);
    fake.comes(first, Incoming::Reset);
    turns(&reactor, 3);
    assert_eq!(reactor.connections(), 1);
    assert!(!idle.borrow().as_ref().expect("asked").is_fired(), "idle with one connection left");
}

#[test]
fn d_idle_timeout_while_draining() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.set_idle_timeout(Some(S));
            conn.write(b"poem");
            conn.lose_connection();
        })
    });
    fake.client(100);
    turns(&reactor, 1);
    while reactor.connections() > 0 {
        reactor.turn(None).expect("waits");
    }
    assert_eq!((diary.take(), fake.calls().pop()), (vec!["made".into(), "lost Closed".into()], Some("close".to_owned())));
}

#[test]
fn e_shorter_limits_count_from_now_on() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.write(b"a poem nobody takes");
            conn.lose_connection();
        })
    });
    fake.client(3);
    turns(&reactor, 2);
    let mut limits = CloseLimits::default();
    limits.stall_max = 20 * S;
    reactor.set_close_limits(limits);
    fake.client(3);
    turns(&reactor, 2);
    while reactor.connections() > 1 {
        reactor.turn(None).expect("waits");
    }
    assert_eq!(reactor.now(), Time::ZERO + 20 * S);
}

/// A handshake: nothing goes out before something has come in.
#[derive(Default)]
struct Handshake {
    shaken: bool,
    waiting: Vec<u8>,
    ended: bool,
}
impl Layer for Handshake {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        self.shaken = true;
        io.pass_down(&std::mem::take(&mut self.waiting));
        io.pass_up(&bytes[1..]);
        if self.ended {
            io.end_down();
        }
    }
    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        if self.shaken { io.pass_down(bytes) } else { self.waiting.extend_from_slice(bytes) }
    }
    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        if self.shaken { io.end_down() } else { self.ended = true }
    }
    fn held(&self) -> usize {
        self.waiting.len()
    }
}

#[test]
fn f_a_handshake_after_lose_connection() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.add_layer(Handshake::default());
            conn.write(b"poem");
            conn.lose_connection();
        })
    });
    let client = fake.client(100);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"!".to_vec()));
    turns(&reactor, 5);
    assert_eq!(fake.sent(client), b"poem");
}

#[test]
fn g_sends_in_one_turn() {
    let (fake, diary) = (Fake::default(), Diary::default());
    fake.sends_at_most(1);
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log).data(|_, conn| conn.write(&[b'x'; 40])));
    let client = fake.client(10_000);
    turns(&reactor, 2);
    fake.calls();
    for _ in 0..16 {
        fake.comes(client, Incoming::Bytes(b"a".to_vec()));
    }
    turns(&reactor, 1);
    let sends = fake.calls().iter().filter(|call| *call == "send").count();
    assert!(sends <= 16, "{sends} sends in one turn");
}

struct Loops(u32);
impl Protocol for Loops {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        again(self, conn);
    }
}
fn again(me: &mut Loops, conn: &mut Conn<'_>) {
    me.0 += 1;
    if me.0 < 100_000 {
        conn.then(me, sestina_deferred::succeed(()), |me: &mut Loops, conn, _| again(me, conn));
    }
}

#[test]
fn h_answers_in_one_turn() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| Loops(0));
    fake.client(100);
    turns(&reactor, 1);
    let upcalls = reactor.statistics().upcalls;
    assert!(upcalls < 1000, "{upcalls} upcalls of one connection in one turn");
}

struct Lives(Rc<RefCell<Vec<Deferred<Lost>>>>);
impl Protocol for Lives {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.0.borrow_mut().push(conn.handle().lost());
    }
}

#[test]
fn i_abandon_and_those_who_watch() {
    let fake = Fake::default();
    let told = Rc::new(RefCell::new(Vec::new()));
    let into = Rc::clone(&told);
    let reactor = listening(&fake, move |_: &Address| Lives(into.clone()));
    fake.client(100);
    turns(&reactor, 2);
    reactor.abandon();
    assert!(told.borrow()[0].is_fired(), "nobody will ever fire it");
}

#[test]
fn j_become_then_lose() {
    let fake = Fake::default();
    let (first, second) = (Diary::default(), Diary::default());
    let (one, two) = (first.clone(), second.clone());
    let reactor = listening(&fake, move |_: &Address| {
        let two = two.clone();
        Scripted::new(&one).made(move |_, conn| {
            conn.become_protocol(Scripted::new(&two), b"");
            conn.lose_connection();
        })
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    fake.comes(client, Incoming::End);
    while reactor.connections() > 0 {
        reactor.turn(None).expect("waits");
    }
    assert_eq!((first.take(), second.take().len()), (vec!["made".into()], 2));
}
