//! The loop without a kernel: what it asks of a driver, how often, and in which order.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::scripted::{Diary, Scripted};
use crate::fake::{Fake, Incoming, listening, turns};
use sestina_deferred::{Failure, deferred, succeed};
use sestina_reactor::{
    Address, ConnHandle, ConnectError, Drain, Endpoint, Factory, Key, ListenError, Phase, Protocol, Reactor,
    Time, Work,
};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_connection_written_and_closed_at_once_is_never_watched_if_its_peer_leaves_in_time() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.write(b"poem");
            conn.lose_connection();
        })
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!(fake.sent(client), b"poem");
    assert_eq!(fake.calls(), ["send_last", "finish"]);
    fake.comes(client, Incoming::End);
    turns(&reactor, 3);
    assert_eq!(diary.take(), ["made"], "the end is only told when the socket is looked at");
    reactor.turn(None).expect("the fake waits");
    assert_eq!((reactor.now(), fake.calls()), (Time::ZERO + 20 * MS, vec!["recv".into(), "close".into()]));
    assert_eq!(diary.take(), ["made", "lost Closed"][1..]);
    assert_eq!((reactor.connections(), reactor.next_timeout()), (0, None));
}

#[test]
fn a_peer_that_stays_after_our_end_is_watched_drained_and_left_alone_after_its_silence() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.lose_connection()));
    let client = fake.client(100);
    turns(&reactor, 1);
    reactor.turn(None).expect("the fake waits");
    assert_eq!(fake.calls(), ["finish", "recv", "watch"]);
    reactor.turn(Some(MS)).expect("the fake waits");
    fake.comes(client, Incoming::Bytes(vec![b'x'; 1000]));
    turns(&reactor, 2);
    while reactor.connections() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(diary.take(), ["made", "lost Closed"], "discarded input is not delivered");
    assert!(reactor.now() >= Time::ZERO + Duration::from_secs(2), "silence counts from the last byte");
}

#[test]
fn a_peer_that_sends_a_byte_now_and_then_after_our_end_is_left_alone_in_the_end() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.lose_connection()));
    let client = fake.client(100);
    turns(&reactor, 1);
    while reactor.connections() > 0 {
        fake.comes(client, Incoming::Bytes(b".".to_vec()));
        reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
        reactor.turn(Some(500 * MS)).expect("the fake waits");
    }
    assert_eq!(diary.take(), ["made", "lost Closed"]);
    assert_eq!((reactor.now(), reactor.timers()), (Time::ZERO + Duration::from_secs(30), 0));
}

#[test]
fn silence_counts_from_the_last_byte_and_not_longer() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| {
        Scripted::new(&Diary::default()).made(|_, conn| conn.lose_connection())
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    reactor.turn(None).expect("the fake waits");
    reactor.turn(Some(100 * MS)).expect("the fake waits");
    fake.comes(client, Incoming::Bytes(b".".to_vec()));
    turns(&reactor, 2);
    let last = reactor.now();
    while reactor.connections() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(reactor.now() - last, Duration::from_secs(2));
}

#[test]
fn a_starved_port_has_one_retry_however_many_events_come_and_takes_it_along() {
    let fake = Fake::default();
    let reactor = fake.reactor();
    let port =
        reactor.listen(&Endpoint::loopback(7), |_: &Address| Scripted::new(&Diary::default())).expect("free");
    for _ in 0..5 {
        fake.accept_fails(io::ErrorKind::OutOfMemory);
        turns(&reactor, 1);
    }
    assert_eq!(reactor.timers(), 1);
    drop(port.stop_listening());
    turns(&reactor, 1);
    assert_eq!(reactor.timers(), 0);
}

#[test]
fn drain_if_unread_closes_at_once_but_drains_a_peer_that_has_spoken() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| {
        Scripted::new(&Diary::default()).made(|_, conn| {
            conn.set_drain(Drain::IfUnread);
            conn.lose_connection();
        })
    });
    fake.client(100);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["recv", "close"], "no FIN of its own: the close sends it");
    let talker = fake.client(100);
    fake.comes(talker, Incoming::Bytes(b"hello?".to_vec()));
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["recv", "finish"], "as politely as any");
    reactor.turn(None).expect("the fake waits");
    assert_eq!((fake.calls(), reactor.connections()), (vec!["recv".to_owned(), "watch".to_owned()], 1));
}

#[test]
fn a_peer_that_sends_for_ever_after_our_end_is_cut() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.lose_connection()));
    let client = fake.client(100);
    turns(&reactor, 1);
    reactor.turn(None).expect("the fake waits");
    for _ in 0..300 {
        fake.comes(client, Incoming::Bytes(vec![0; 64 * 1024]));
        turns(&reactor, 2);
    }
    assert_eq!((diary.take(), reactor.connections()), (vec!["made".into(), "lost Aborted".into()], 0));
}

#[test]
fn a_closing_peer_that_takes_nothing_is_cut_after_the_stall_limit() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.write(b"a poem nobody takes");
            conn.lose_connection();
        })
    });
    fake.client(3);
    while reactor.connections() > 0 || reactor.statistics().accepted == 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(diary.take(), ["made", "lost TimedOut"]);
    assert_eq!(reactor.now(), Time::ZERO + Duration::from_secs(300));
}

#[test]
fn writes_closes_and_handles_keep_the_order_of_the_calls() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| {
        Scripted::new(&Diary::default()).made(|_, conn| {
            let handle = conn.handle();
            handle.write(b"a");
            conn.write(b"b");
            handle.write_shared(Rc::from(&b"c"[..]));
            conn.write_shared_range(Rc::from(&b"xdx"[..]), 1..2);
            handle.lose_connection();
            conn.write(b"after the close");
        })
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!((fake.sent(client), reactor.statistics().writes_without_effect), (b"abcd".to_vec(), 1));
    assert_eq!(fake.calls()[..2], ["send_last", "finish"], "one writev for all of them");
}

/// Keeps each connection's handle, and has the first one answer, its own answer first or the other's.
fn answers_both(own_first: bool) -> (Fake, Reactor, Vec<Key>) {
    let (fake, handles) = (Fake::default(), Rc::new(RefCell::new(Vec::<ConnHandle>::new())));
    let kept = Rc::clone(&handles);
    let reactor = listening(&fake, move |_: &Address| {
        let (keep, others) = (Rc::clone(&kept), Rc::clone(&kept));
        Scripted::new(&Diary::default()).made(move |_, conn| keep.borrow_mut().push(conn.handle())).data(
            move |_, conn| {
                let other = others.borrow()[1].clone();
                let own = conn.handle();
                let both = if own_first { [own, other] } else { [other, own] };
                both.iter().for_each(|handle| handle.write(b"answer"));
            },
        )
    });
    let clients = vec![fake.client(100), fake.client(100)];
    turns(&reactor, 2);
    fake.comes(clients[0], Incoming::Bytes(b"question".to_vec()));
    turns(&reactor, 1);
    drop(handles);
    (fake, reactor, clients)
}

#[test]
fn what_an_upcall_writes_to_several_connections_is_sent_in_the_order_of_its_calls() {
    let (fake, _reactor, clients) = answers_both(true);
    assert_eq!(fake.senders(), [clients[0], clients[1]]);
    let (fake, _reactor, clients) = answers_both(false);
    assert_eq!(fake.senders(), [clients[1], clients[0]]);
}

#[test]
fn what_a_factory_writes_to_another_connection_is_sent_before_its_new_one_writes() {
    let (fake, first) = (Fake::default(), Rc::new(RefCell::new(None::<ConnHandle>)));
    let reactor = listening(&fake, move |_: &Address| {
        first.borrow().iter().for_each(|first| first.write(b"somebody comes"));
        let keep = Rc::clone(&first);
        Scripted::new(&Diary::default()).made(move |_, conn| {
            keep.borrow_mut().get_or_insert_with(|| conn.handle());
            conn.write(b"welcome");
        })
    });
    let clients = [fake.client(100), fake.client(100)];
    turns(&reactor, 1);
    assert_eq!(fake.senders(), [clients[0], clients[0], clients[1]]);
}

#[test]
fn an_abort_sends_nothing_and_resets_and_later_verbs_have_no_effect() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let (log, kept) = (diary.clone(), Rc::new(RefCell::new(None::<ConnHandle>)));
    let keep = Rc::clone(&kept);
    let reactor = listening(&fake, move |_: &Address| {
        let keep = Rc::clone(&keep);
        Scripted::new(&log).made(move |_, conn| {
            *keep.borrow_mut() = Some(conn.handle());
            conn.write(b"unsent");
            conn.abort();
            conn.lose_connection();
        })
    });
    fake.client(100);
    turns(&reactor, 1);
    assert_eq!(
        (fake.calls(), diary.take()),
        (vec!["reset".to_owned()], vec!["made".into(), "lost Aborted".into()])
    );
    let handle = kept.borrow_mut().take().expect("kept");
    handle.write(b"x");
    handle.abort();
    assert!(!handle.is_connected() && handle.queued() == 0 && handle.peer().is_none());
    assert_eq!(reactor.statistics().writes_without_effect, 2, "one in connection_lost, one by the handle");
}

#[test]
fn marks_pause_and_resume_the_producer_and_a_write_outside_any_upcall_is_sent_by_the_next_turn() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let (log, kept) = (diary.clone(), Rc::new(RefCell::new(None::<ConnHandle>)));
    let keep = Rc::clone(&kept);
    let reactor = listening(&fake, move |_: &Address| {
        let keep = Rc::clone(&keep);
        Scripted::new(&log).made(move |_, conn| {
            *keep.borrow_mut() = Some(conn.handle());
            conn.set_marks(2, 4);
            conn.write(b"123456");
        })
    });
    let client = fake.client(1);
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["made", "pause"]);
    fake.takes(client, 2);
    turns(&reactor, 2);
    assert_eq!(diary.take(), [""; 0], "three bytes are left, the low mark is two");
    fake.takes(client, 100);
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["resume"]);
    let handle = kept.borrow_mut().take().expect("kept");
    handle.write(b"789");
    assert_eq!(fake.sent(client), b"123456");
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO));
    turns(&reactor, 1);
    assert_eq!(fake.sent(client), b"123456789");
}

#[test]
fn data_then_end_are_told_in_order_and_the_answer_is_still_sent() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor =
        listening(&fake, move |_: &Address| Scripted::new(&log).data(|_, conn| conn.write(b"pong")));
    let client = fake.client(100);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"ping".to_vec()));
    fake.comes(client, Incoming::End);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["made", "data ping", "read closed", "lost Done"]);
    assert_eq!(fake.calls(), ["watch", "recv", "send", "recv", "close"]);
}

#[test]
fn a_reset_is_never_a_clean_end() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log).made(|_, conn| conn.write(b"x")));
    let client = fake.client(1);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"half".to_vec()));
    fake.comes(client, Incoming::Reset);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["made", "data half", "lost Reset"]);
}

#[test]
fn paused_reading_delivers_nothing_until_it_is_resumed() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let (log, kept) = (diary.clone(), Rc::new(RefCell::new(None::<ConnHandle>)));
    let keep = Rc::clone(&kept);
    let reactor = listening(&fake, move |_: &Address| {
        let keep = Rc::clone(&keep);
        Scripted::new(&log).data(move |_, conn| {
            conn.pause_reading();
            *keep.borrow_mut() = Some(conn.handle());
        })
    });
    let client = fake.client(1);
    for piece in ["one", "two"] {
        fake.comes(client, Incoming::Bytes(piece.into()));
    }
    turns(&reactor, 5);
    assert_eq!(diary.take(), ["made", "data one"]);
    kept.borrow_mut().take().expect("kept").resume_reading();
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["data two"], "no event comes for what was there already");
}

#[test]
fn an_answer_comes_as_an_upcall_of_its_own_even_if_it_is_there_already() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let (resolver, later) = deferred::<u32>();
    let mut later = Some(later);
    let reactor = listening(&fake, move |_: &Address| {
        let later = later.take().expect("one client");
        let mut later = Some(later);
        Scripted::new(&log).made(move |me, conn| {
            let answer = later.take().expect("called once");
            conn.then(me, answer, |me: &mut Scripted, conn, answer: Result<u32, Failure>| {
                me.diary.add(format!("answer {answer:?}, before that {}", me.answer));
                conn.lose_connection();
            });
            conn.then(me, succeed(7), |me: &mut Scripted, _, answer| {
                me.answer = answer.expect("it is there");
                me.diary.add("answer 7");
            });
            me.diary.add("made ends");
        })
    });
    fake.client(100);
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["made", "made ends", "answer 7"]);
    resolver.callback(9);
    assert_eq!(diary.take(), [""; 0], "only the loop makes upcalls");
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["answer Ok(9), before that 7"]);
}

#[test]
fn a_lost_connection_cancels_what_it_waits_for_because_of_its_loss() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let (log, inside) = (diary.clone(), diary.clone());
    let reactor = listening(&fake, move |_: &Address| {
        let inside = inside.clone();
        Scripted::new(&log).made(move |me, conn| {
            let (resolver, answer) = deferred::<()>();
            let told = inside.clone();
            resolver.on_cancel(move || told.add("cancelled"));
            let held = inside.clone();
            let answer = answer.inspect(move |result| {
                let _ = &resolver;
                let failure = result.as_ref().expect_err("cancelled");
                let cancelled = failure.check::<sestina_deferred::Cancelled>().expect("cancelled");
                held.add(format!("because {}", std::error::Error::source(cancelled).expect("a reason")));
            });
            conn.then(me, answer, |me: &mut Scripted, _, _| me.diary.add("never"));
        })
    });
    let client = fake.client(100);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Reset);
    turns(&reactor, 1);
    let expected = ["made", "lost Reset", "cancelled", "because the peer reset the connection"];
    assert_eq!(diary.take(), expected);
}

#[test]
fn a_panic_in_a_protocol_ends_that_connection_and_nothing_else() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log).data(|_, _| panic!("on purpose")));
    let (harmed, unharmed) = (fake.client(100), fake.client(100));
    turns(&reactor, 2);
    fake.comes(harmed, Incoming::Bytes(b"!".to_vec()));
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["made", "made", "data !", "lost Aborted"]);
    assert_eq!((reactor.connections(), reactor.statistics().panics), (1, 1));
    fake.comes(unharmed, Incoming::End);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["read closed", "lost Done"]);
}

#[test]
fn panics_of_factories_timers_and_calls_from_threads_are_caught() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| -> Scripted { panic!("no protocol") });
    fake.client(100);
    reactor.call_later(MS, || panic!("a timer"));
    reactor.remote().call_from_thread(|_| panic!("a call")).expect("the reactor is there");
    let inner = reactor.clone();
    reactor.call_later(2 * MS, move || drop(inner.turn(None))); // a turn inside the loop
    while reactor.timers() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!((reactor.statistics().panics, reactor.connections(), fake.sockets()), (4, 0, 1));
}

#[test]
fn timers_come_in_order_never_early_and_can_be_moved_and_cancelled() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    let call = |after: Duration, name: &'static str| {
        let diary = diary.clone();
        reactor.call_later(after, move || diary.add(name))
    };
    call(2 * MS, "b");
    let moved = call(MS, "c");
    call(2 * MS, "d");
    let cancelled = call(MS, "never");
    let delayed = call(MS, "e");
    assert!(moved.reset(2 * MS) && delayed.delay(2 * MS) && cancelled.cancel() && !cancelled.cancel());
    assert_eq!((moved.deadline(), cancelled.is_active()), (Some(Time::ZERO + 2 * MS), false));
    call(Duration::ZERO, "a");
    let mut at = Vec::new();
    while reactor.timers() > 0 {
        reactor.turn(None).expect("the fake waits");
        at.push((reactor.now().as_nanos() / 1_000_000, diary.take()));
    }
    at.retain(|(_, happened)| !happened.is_empty());
    let expected = [(0, vec!["a"]), (2, vec!["b", "d", "c"]), (3, vec!["e"])];
    assert_eq!(
        at,
        expected.map(|(time, names)| (time, names.into_iter().map(String::from).collect::<Vec<_>>()))
    );
    assert!(!moved.is_active() && !moved.cancel());
}

#[test]
fn a_connections_own_timer_is_one_and_goes_with_it() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| {
        Scripted::new(&log).made(|_, conn| {
            conn.set_timer(MS);
            conn.set_timer(3 * MS);
        })
    });
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!(reactor.timers(), 1);
    while reactor.timers() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(diary.take(), ["made", "timer at 3ms"]);
    fake.comes(client, Incoming::End);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["read closed", "lost Done"]);
}

#[test]
fn descriptors_that_run_out_pause_the_port_and_it_tries_again() {
    let fake = Fake::default();
    let reactor = listening(&fake, |_: &Address| Scripted::new(&Diary::default()));
    fake.accept_fails(io::ErrorKind::ConnectionAborted);
    fake.accept_fails(io::ErrorKind::OutOfMemory);
    fake.client(1);
    turns(&reactor, 5);
    assert_eq!(reactor.connections(), 0, "the port waits");
    reactor.turn(None).expect("the fake waits");
    turns(&reactor, 1);
    assert_eq!((reactor.connections(), reactor.now()), (1, Time::ZERO + 100 * MS));
}

#[test]
fn listening_says_what_is_wrong_and_a_stopped_port_is_told() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    let taken = reactor.listen(&Endpoint::loopback(1), |_: &Address| Scripted::new(&Diary::default()));
    assert!(matches!(taken, Err(ListenError::AddressTaken(_))));
    let name =
        reactor.listen(&Endpoint::tcp("example.org", 2), |_: &Address| Scripted::new(&Diary::default()));
    assert!(matches!(name, Err(ListenError::BadInterface(_))));
    let port = reactor.listen(&Endpoint::loopback(2), |_: &Address| Scripted::new(&Diary::default()));
    let port = port.expect("free");
    let told = diary.clone();
    drop(port.stop_listening().map(move |()| told.add("stopped")));
    assert_eq!((diary.take().len(), reactor.ports()), (0, 1));
    turns(&reactor, 1);
    assert_eq!((diary.take().len(), reactor.ports(), fake.sockets()), (1, 0, 0));
    let told = diary.clone();
    drop(port.stop_listening().map(move |()| told.add("stopped again")));
    assert_eq!(diary.take(), ["stopped again"]);
}

/// A client's factory that keeps a diary.
struct Client(Diary);

impl Factory for Client {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        self.0.add(format!("build for {peer}"));
        Some(Box::new(Scripted::new(&self.0)))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        self.0.add(error.to_string());
    }
}

#[test]
fn connecting_tries_the_addresses_of_both_families_in_turn_and_the_first_that_answers_wins() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    fake.names_mean(&["::1", "::2", "192.0.2.1"]);
    let connector = reactor.connect(&Endpoint::tcp("example.org", 80), Client(diary.clone()));
    assert!(connector.is_connecting());
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["resolve", "connect [::1]:80", "watch"]);
    let silent = fake.newest();
    while fake.sockets() < 2 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(reactor.now(), Time::ZERO + 250 * MS);
    fake.comes(fake.newest(), Incoming::Reset);
    turns(&reactor, 1);
    assert_eq!(fake.calls(), ["connect 192.0.2.1:80", "watch", "close", "connect [::2]:80", "watch"]);
    fake.takes(silent, 100);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["build for [::1]:80", "made"]);
    assert_eq!((fake.sockets(), reactor.timers(), connector.is_connecting()), (1, 0, false));
    connector.disconnect();
    turns(&reactor, 1);
    fake.comes(silent, Incoming::End);
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["lost Closed"]);
}

#[test]
fn when_every_address_fails_the_first_failure_is_told_once_and_later() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    reactor.connect(&Endpoint::tcp("localhost", 80), Client(diary.clone()));
    fake.comes(fake.newest(), Incoming::Reset);
    assert_eq!(diary.take(), [""; 0]);
    turns(&reactor, 1);
    fake.comes(fake.newest(), Incoming::Reset);
    turns(&reactor, 2);
    assert_eq!(diary.take(), ["127.0.0.1:80 refused the connection: nobody listens there"]);
    assert_eq!((fake.sockets(), reactor.timers(), reactor.next_timeout()), (0, 0, None));
}

#[test]
fn unknown_names_timeouts_and_stopped_attempts_have_names_of_their_own() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    reactor.connect(&Endpoint::tcp("nowhere.example", 80), Client(diary.clone()));
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["the host name 'nowhere.example' has no address"]);
    reactor.connect(&Endpoint::loopback(80).with_timeout(5 * MS), Client(diary.clone()));
    while reactor.timers() > 0 {
        reactor.turn(None).expect("the fake waits");
    }
    assert_eq!(diary.take(), ["127.0.0.1:80 did not answer within 5ms"]);
    let connector = reactor.connect(&Endpoint::loopback(80), Client(diary.clone()));
    connector.stop_connecting();
    assert_eq!(diary.take(), [""; 0], "no verb calls user code");
    turns(&reactor, 1);
    assert_eq!(diary.take(), ["the attempt to connect was cancelled"]);
    assert_eq!((fake.sockets(), reactor.timers()), (0, 0));
}

#[test]
fn clear_ends_everything_and_tells_everybody() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log));
    fake.client(100);
    turns(&reactor, 2);
    reactor.connect(&Endpoint::loopback(80), Client(diary.clone()));
    reactor.call_later(MS, || panic!("never"));
    let waits = reactor.clone();
    let task = reactor.spawn(async move { waits.sleep(MS).await });
    reactor.stop();
    reactor.run().expect("the fake waits");
    let mut told = diary.take();
    told.sort();
    assert_eq!(told, ["lost Aborted", "made", "the attempt to connect was cancelled"]);
    assert_eq!((fake.sockets(), reactor.connections(), reactor.ports(), reactor.timers()), (0, 0, 0, 0));
    assert_eq!(reactor.statistics().panics, 0);
    drop(task.add_errback(|_| Ok(())));
}

#[test]
fn a_crash_drops_everything_and_tells_nobody() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let log = diary.clone();
    let reactor = listening(&fake, move |_: &Address| Scripted::new(&log));
    fake.client(100);
    turns(&reactor, 2);
    reactor.connect(&Endpoint::loopback(80), Client(diary.clone()));
    reactor.call_later(MS, || panic!("never"));
    let waits = reactor.clone();
    let task = reactor.spawn(async move { waits.sleep(MS).await });
    drop(reactor.cooperate(|| Work::More));
    let log = diary.clone();
    reactor.add_trigger(Phase::Before, move || log.add("never"));
    reactor.stop();
    assert!(reactor.is_stopping());
    reactor.abandon();
    assert_eq!(diary.take(), ["made"]);
    assert!(reactor.next_timeout().is_none(), "a crashed host has nothing to do");
    assert_eq!((reactor.connections(), reactor.ports(), reactor.timers(), reactor.tasks()), (0, 0, 0, 0));
    assert!(!reactor.is_stopping() && reactor.next_timeout().is_none());
    assert_eq!(reactor.statistics().panics, 0);
    drop(task.add_errback(|_| Ok(())));
}

#[test]
fn run_until_gives_the_answer_or_says_that_it_was_stopped() {
    let reactor = Fake::default().reactor();
    let answer = reactor.run_until(reactor.defer_later(MS, || Ok(7)));
    assert_eq!(answer.expect("it came"), 7);
    let stop = reactor.clone();
    reactor.call_later(MS, move || stop.stop());
    let (_resolver, never) = deferred::<()>();
    let failure = reactor.run_until(never).expect_err("stopped first");
    assert!(failure.is::<sestina_deferred::Cancelled>(), "{failure}");
}

#[test]
fn tasks_run_to_their_first_wait_at_once_and_go_on_when_it_is_over() {
    let (fake, diary) = (Fake::default(), Diary::default());
    let reactor = fake.reactor();
    let (inner, log) = (reactor.clone(), diary.clone());
    let task = reactor.spawn(async move {
        log.add("begins");
        inner.sleep(MS).await?;
        log.add(format!("goes on at {:?}", inner.now()));
        Ok(())
    });
    assert_eq!(diary.take(), ["begins"]);
    reactor.run_until(task).expect("it ends");
    assert_eq!(diary.take(), ["goes on at 1ms"]);
    assert_eq!(reactor.timers(), 0);
}
