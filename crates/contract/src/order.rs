//! Laws 1 and 3: verbs take effect in the order of the calls, whoever makes them, and never inside an upcall.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::stage::Kept;
use crate::{Diary, Probe, Stage};

/// By the connection, by a handle, shared or copied, in and outside of an upcall: one queue.
pub fn writes_keep_the_order_of_the_calls(stage: &mut Stage) {
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let keep = Rc::clone(&kept);
    let (_port, at) = stage.serve(&diary, move |probe| {
        let keep = Rc::clone(&keep);
        probe.named("server").made(move |_, conn| {
            let handle = conn.handle();
            conn.write(b"one, ");
            handle.write(b"two, ");
            conn.write_shared(Rc::from(&b"three, "[..]));
            handle.write_shared(Rc::from(&b"four, "[..]));
            conn.write_shared_range(Rc::from(&b"(five, )"[..]), 1..7);
            *keep.borrow_mut() = Some(handle);
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "server made");
    let handle = kept.borrow().clone().expect("kept");
    for word in ["six, ", "seven, ", "eight"] {
        handle.write(word.as_bytes());
    }
    handle.lose_connection();
    handle.write(b", too late");
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    let got = String::from_utf8_lossy(&got.borrow()).into_owned();
    assert_eq!(got, "one, two, three, four, five, six, seven, eight");
}

/// A verb on another connection, in an upcall, is carried out when that upcall is over.
pub fn no_upcall_comes_inside_another(stage: &mut Stage) {
    let (diary, inside) = (Diary::default(), Rc::new(Cell::new(false)));
    let handles: Rc<RefCell<Vec<sestina_reactor::ConnHandle>>> = Rc::default();
    let (keep, busy) = (Rc::clone(&handles), Rc::clone(&inside));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (keep, busy, others) = (Rc::clone(&keep), Rc::clone(&busy), Rc::clone(&keep));
        let probe = probe.named("server").made(move |_, conn| keep.borrow_mut().push(conn.handle()));
        probe.data(move |_, conn, _| {
            assert!(!busy.replace(true), "law 1: an upcall inside another");
            for other in others.borrow().iter() {
                other.write(b"to all");
                other.lose_connection();
            }
            conn.abort();
            busy.set(false);
        })
    });
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let busy = Rc::clone(&inside);
            stage.connect(
                &at,
                Probe::new(&diary).named("client").read_closed(move |_, conn| {
                    assert!(!busy.get(), "law 1: an upcall inside another");
                    conn.lose_connection();
                }),
            )
        })
        .collect();
    stage.until("three connections", || diary.count("server made") == 3 && diary.count("client made") == 3);
    let first = stage.answer(clients[0].connected()).expect("it is connected");
    first.write(b"go");
    stage.until_alone();
    assert_eq!((diary.count("server lost Aborted"), diary.count("server lost")), (1, 3), "{diary:?}");
    assert_eq!((diary.count("client lost Reset"), diary.count("client lost Done")), (1, 2), "{diary:?}");
}

/// Dropping a closure is user code: it may call every verb.
pub fn a_dropped_closure_may_call_everything(stage: &mut Stage) {
    struct Last(sestina_reactor::Reactor, Kept, Diary);
    impl Drop for Last {
        fn drop(&mut self) {
            let log = self.2.clone();
            self.0.call_later(Duration::from_millis(1), move || log.note("a timer of the last will"));
            if let Some(conn) = &*self.1.borrow() {
                conn.write(b"farewell");
                conn.lose_connection();
            }
        }
    }
    let (diary, kept, got) = (Diary::default(), Kept::default(), Rc::default());
    let keep = Rc::clone(&kept);
    let (_port, at) = stage.serve(&diary, move |probe| probe.named("server").keep(&keep));
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "server made");
    let last = Last(stage.reactor().clone(), kept, diary.clone());
    let call = stage.reactor().call_later(Duration::from_secs(3600), move || drop(last));
    assert!(call.cancel());
    stage.until_noted(&diary, "a timer of the last will");
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    assert_eq!(*got.borrow(), b"farewell");
}

/// A connection may be ended in each of its upcalls, and its last one comes once.
pub fn a_connection_may_be_ended_in_every_upcall(stage: &mut Stage) {
    let diary = Diary::default();
    let ways = Rc::new(Cell::new(0_usize));
    let way = Rc::clone(&ways);
    let (_port, at) = stage.serve(&diary, move |probe| {
        let number = way.replace(way.get() + 1);
        let end = move |conn: &mut sestina_reactor::Conn<'_>| {
            if number.is_multiple_of(2) { conn.abort() } else { conn.lose_connection() }
        };
        let probe = probe.named("server");
        match number / 2 {
            0 => probe.made(move |_, conn| end(conn)),
            1 => probe.data(move |_, conn, _| end(conn)),
            2 => probe.read_closed(move |_, conn| end(conn)),
            _ => probe.made(|_, conn| conn.set_timer(Duration::ZERO)).timer(move |_, conn| end(conn)),
        }
    });
    for _ in 0..8 {
        let client = Probe::new(&diary).made(|_, conn| {
            conn.write(b"hello");
            conn.lose_write_connection();
        });
        stage.connect_in_vain(&at, &diary, "client", client);
    }
    stage.until("eight ends", || diary.count("client lost") == 8 && diary.count("server lost") == 8);
    stage.until_alone();
    assert_eq!((diary.count("server made"), diary.count("server lost Aborted")), (8, 4), "{diary:?}");
}

/// What is sent is received, to the byte, and the counters agree.
pub fn the_counters_add_up(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write(&[b'x'; 70_000]);
            conn.lose_connection();
        })
    });
    for _ in 0..3 {
        stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    }
    stage.until("three ends", || diary.count("client lost Done") == 3);
    stage.until_alone();
    let statistics = stage.reactor().statistics();
    assert_eq!(got.borrow().len(), 210_000);
    assert_eq!((statistics.accepted, statistics.connected), (3, 3));
    assert_eq!(statistics.bytes_sent, statistics.bytes_received, "of both sides together");
    assert!(statistics.bytes_sent >= 210_000 && statistics.turns > 0 && statistics.upcalls >= 12);
}
