//! Nobody has the loop for long, however much there is to do.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::fake::scripted::{Diary, Scripted};
use crate::fake::{Fake, Incoming, listening, turns, turns_until_all_are_lost};
use sestina_deferred::succeed;
use sestina_reactor::{Address, Conn, DatagramConn, DatagramProtocol, Endpoint, Protocol};

#[test]
fn ten_thousand_timers_that_are_due_at_once_do_not_hold_up_a_connection_that_speaks() {
    const TIMERS: u32 = 10_000;
    let (fake, diary, fired) = (Fake::default(), Diary::default(), Rc::new(Cell::new(0)));
    let log = diary.clone();
    let reactor = fake.reactor();
    let factory = move |_: &Address| Scripted::new(&log).data(|_, conn| conn.write(b"answer"));
    reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens anywhere");
    let client = fake.client(100);
    let turn = || reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
    turn();
    for number in 0..TIMERS {
        let fired = Rc::clone(&fired);
        reactor.call_later(Duration::from_millis(1), move || {
            assert_eq!(fired.replace(number + 1), number, "in order, none left out");
        });
    }
    fake.passes(Duration::from_millis(1));
    fake.comes(client, Incoming::Bytes(b"question".to_vec()));
    turn();
    assert_eq!(fake.sent(client), b"answer");
    assert!((1..TIMERS).contains(&fired.get()), "{} timers before it", fired.get());
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO));
    while reactor.timers() > 0 {
        turn();
    }
    assert_eq!((fired.get(), reactor.statistics().panics), (TIMERS, 0));
}

#[test]
fn a_driver_that_panics_costs_nobody_their_turn_who_was_ready_too() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log));
    let clients = [fake.client(100), fake.client(100)];
    turns(&reactor, 2);
    clients.iter().for_each(|client| fake.comes(*client, Incoming::Bytes(b"question".to_vec())));
    fake.recv_panics();
    let turn = AssertUnwindSafe(|| reactor.turn(Some(Duration::ZERO)));
    assert!(catch_unwind(turn).is_err());
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO), "one is still ready");
    diary.take();
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["data question"]);
}

/// How often this was called since the last time that anybody asked for the calls.
fn calls(fake: &Fake, name: &str) -> usize {
    fake.calls().iter().filter(|call| *call == name).count()
}

#[test]
fn what_a_connection_reads_leads_to_no_more_than_its_share_of_sends_and_the_rest_follows() {
    let (fake, diary) = (Fake::default(), Diary::default());
    fake.sends_at_most(1);
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).data(|_, conn| conn.write(&[b'x'; 40])));
    let client = fake.client(10_000);
    turns(&reactor, 2);
    fake.calls();
    for _ in 0..16 {
        fake.comes(client, Incoming::Bytes(b"a".to_vec()));
    }
    turns(&reactor, 1);
    assert_eq!(calls(&fake, "send"), 16);
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO), "nobody else wakes it");
    turns(&reactor, 1);
    assert_eq!(calls(&fake, "send"), 16);
    turns(&reactor, 100);
    assert_eq!((fake.sent(client).len(), diary.take().len()), (640, 17));
    assert_eq!(reactor.next_timeout(), None, "all is sent");
}

/// Writes whenever it is told to go on: its peer takes everything at once.
struct Endless;

impl Protocol for Endless {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.set_marks(1, 2);
        conn.write(b"on and on");
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"on and on");
    }
}

#[test]
fn a_producer_without_an_end_whose_peer_takes_everything_leaves_the_others_their_turn() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| Endless);
    let client = fake.client(usize::MAX);
    turns(&reactor, 1);
    let first = fake.sent(client).len();
    turns(&reactor, 1);
    let second = fake.sent(client).len();
    assert!(0 < first && first < second && second < 1000, "{first} and {second} bytes");
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO), "nobody else wakes it");
}

/// Asks for the next answer whenever one comes.
struct Asks {
    answers: u32,
    wants: u32,
}

impl Protocol for Asks {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.then(self, succeed(()), Self::answered);
    }
}

impl Asks {
    fn answered(&mut self, conn: &mut Conn<'_>, _: Result<(), sestina_deferred::Failure>) {
        self.answers += 1;
        if self.answers < self.wants {
            conn.then(self, succeed(()), Self::answered);
        } else {
            conn.write(b"all");
        }
    }
}

#[test]
fn answers_that_ask_for_the_next_one_leave_the_others_their_turn_and_all_come() {
    const ANSWERS: u32 = 10_000;
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| Asks { answers: 0, wants: ANSWERS });
    let client = fake.client(100);
    turns(&reactor, 1);
    let upcalls = reactor.statistics().upcalls;
    assert!((10..1000).contains(&upcalls), "{upcalls} upcalls of one connection in one turn");
    for _ in 0..ANSWERS {
        if reactor.next_timeout() != Some(Duration::ZERO) {
            break;
        }
        turns(&reactor, 1);
    }
    assert_eq!((fake.sent(client), reactor.statistics().upcalls), (b"all".to_vec(), u64::from(ANSWERS) + 1));
}

#[test]
fn a_thousand_connections_that_are_to_be_looked_at_at_once_do_not_hold_up_the_loop() {
    const CLIENTS: usize = 1000;
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.lose_connection()));
    for _ in 0..CLIENTS {
        fake.client(100);
    }
    while reactor.connections() < CLIENTS {
        turns(&reactor, 1);
    }
    fake.calls();
    reactor.turn(None).expect("the fake waits");
    let looks = calls(&fake, "watch");
    assert!(0 < looks && looks < CLIENTS, "{looks} looks in one turn");
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO));
    turns(&reactor, 3);
    assert_eq!(looks + calls(&fake, "watch"), CLIENTS);
    turns_until_all_are_lost(&reactor);
    assert_eq!(diary.take().len(), 2 * CLIENTS, "each is made and lost");
}

/// Never gives up.
struct Stubborn {
    failures: Rc<Cell<u32>>,
    wants: u32,
}

impl DatagramProtocol for Stubborn {
    fn started(&mut self, socket: &mut DatagramConn<'_>) {
        socket.send(b"anybody there?");
    }

    fn failed(&mut self, socket: &mut DatagramConn<'_>, _: &io::Error) {
        self.failures.set(self.failures.get() + 1);
        if self.failures.get() < self.wants {
            socket.send(b"anybody there?");
        }
    }
}

#[test]
fn datagrams_to_nobody_that_are_sent_again_and_again_leave_the_others_their_turn() {
    const FAILURES: u32 = 1000;
    let (fake, failures) = (Fake::default(), Rc::new(Cell::new(0)));
    let reactor = fake.reactor();
    let protocol = Stubborn { failures: Rc::clone(&failures), wants: FAILURES };
    let port =
        reactor.listen_datagrams(&"udp:7".parse().expect("an endpoint"), protocol).expect("a fake socket");
    turns(&reactor, 1);
    assert!((1..100).contains(&failures.get()), "{} in one turn", failures.get());
    for _ in 0..FAILURES {
        turns(&reactor, 1);
    }
    assert_eq!((failures.get(), reactor.next_timeout()), (FAILURES, None));
    drop(port.stop_listening());
    turns(&reactor, 1);
    assert_eq!(fake.sockets(), 0);
}
