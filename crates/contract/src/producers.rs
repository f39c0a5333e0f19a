//! Producers: asked when there is room, paused when there is none, stopped when nobody takes anything any more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Conn, Producer, ProducerRegistered, Production};

use crate::stage::Kept;
use crate::streams::pattern;
use crate::{Diary, Probe, Stage};

const PIECE: usize = 10_000;

/// Notes what it hears, and does what a case says when it may write.
struct Writer<F> {
    diary: Diary,
    write: F,
}

impl<F: FnMut(&mut Conn<'_>) + 'static> Producer for Writer<F> {
    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        self.diary.note("asked");
        (self.write)(conn);
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.diary.note("paused");
    }

    fn stop_producing(&mut self) {
        self.diary.note("stopped");
    }
}

/// Pull: one piece each time it is asked, so that never more than one is queued.
pub fn a_pull_producer_is_asked_when_all_has_gone(stage: &mut Stage) {
    const PIECES: usize = 300;
    let (diary, got, most) = (Diary::default(), Rc::default(), Rc::new(Cell::new(0)));
    let (log, peak) = (diary.clone(), Rc::clone(&most));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (log, peak, all) = (log.clone(), Rc::clone(&peak), pattern(PIECE * PIECES));
        probe.named("server").made(move |_, conn| {
            let (all, peak, mut at) = (all.clone(), Rc::clone(&peak), 0);
            let write = move |conn: &mut Conn<'_>| {
                conn.write(&all[at..at + PIECE]);
                peak.set(peak.get().max(conn.queued()));
                at += PIECE;
                if at == all.len() {
                    conn.lose_connection();
                }
            };
            conn.register_producer(Production::Pull, Writer { diary: log.clone(), write })
                .expect("the first");
            log.note("registered");
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    assert!(*got.borrow() == pattern(PIECE * PIECES), "{} bytes came, or some are wrong", got.borrow().len());
    assert_eq!((diary.count("asked"), diary.count("stopped"), diary.has("paused")), (PIECES, 1, false));
    assert!(most.get() < 2 * PIECE, "{} bytes were queued at once", most.get());
    let lines = diary.take();
    let place = |line: &str| lines.iter().position(|it| it == line).expect("it was noted");
    assert!(place("registered") < place("asked"), "no verb calls user code");
    assert!(place("stopped") < place("server lost Closed"), "connection_lost comes last");
}

/// Push: it is paused above the high mark, and asked to go on at the low one.
pub fn a_push_producer_is_paused_and_resumed(stage: &mut Stage) {
    const TOTAL: usize = 20_000_000;
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let log = diary.clone();
    let (_port, at) = stage.serve(&diary, move |probe| {
        let log = log.clone();
        probe.named("server").made(move |_, conn| {
            conn.write(&pattern(TOTAL)); // more than any kernel takes at once
            let write = |conn: &mut Conn<'_>| {
                conn.write(b"the end");
                conn.lose_connection();
            };
            conn.register_producer(Production::Push, Writer { diary: log.clone(), write })
                .expect("the first");
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got).paused(&kept));
    stage.until_noted(&diary, "paused");
    stage.pass(Duration::from_millis(20));
    kept.borrow().as_ref().expect("kept").resume_reading();
    stage.until_noted(&diary, "client lost Done");
    assert_eq!(got.borrow().len(), TOTAL + b"the end".len());
    stage.until_alone();
    let lines = diary.take();
    let heard: Vec<_> =
        lines.iter().filter(|line| matches!(line.as_str(), "paused" | "asked" | "stopped")).collect();
    assert_eq!(heard, ["paused", "asked", "stopped"]);
}

/// A second one is refused; one that has unregistered itself hears nothing more; after the end it is stopped at once.
pub fn a_connection_has_one_producer_and_stops_it(stage: &mut Stage) {
    let (diary, kept) = (Diary::default(), Kept::default());
    let quiet = |diary: &Diary| Writer { diary: diary.clone(), write: |_: &mut Conn<'_>| {} };
    let (log, keep) = (diary.clone(), Rc::clone(&kept));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (log, keep) = (log.clone(), Rc::clone(&keep));
        probe.named("server").made(move |_, conn| {
            *keep.borrow_mut() = Some(conn.handle());
            let once = Writer { diary: log.clone(), write: |conn: &mut Conn<'_>| conn.unregister_producer() };
            assert!(conn.register_producer(Production::Pull, once).is_ok());
            assert_eq!(conn.register_producer(Production::Push, quiet(&log)), Err(ProducerRegistered));
        })
    });
    let client = stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "asked");
    let conn = kept.borrow().clone().expect("kept");
    conn.write(b"goes without the producer");
    stage.until_noted(&diary, "client data 25");
    assert_eq!((diary.count("asked"), diary.count("stopped")), (1, 0));
    conn.register_producer(Production::Push, quiet(&diary)).expect("there is none any more");
    client.abort();
    stage.until_noted(&diary, "server lost");
    assert_eq!(diary.count("stopped"), 1);
    conn.register_producer(Production::Pull, quiet(&diary)).expect("nobody has one");
    assert_eq!(diary.count("stopped"), 1, "no verb calls user code");
    stage.until("the second stop", || diary.count("stopped") == 2);
    stage.until_alone();
}

/// `lose_connection` takes effect in the order of the calls: the producer is stopped, what it has written is sent.
pub fn a_close_stops_the_producer_and_sends_what_it_wrote(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::new(RefCell::new(Vec::new())));
    let log = diary.clone();
    let (_port, at) = stage.serve(&diary, move |probe| {
        let log = log.clone();
        let made = move |_: &mut Probe, conn: &mut Conn<'_>| {
            let write = |conn: &mut Conn<'_>| conn.write(b"one line\n");
            conn.register_producer(Production::Pull, Writer { diary: log.clone(), write })
                .expect("the first");
            conn.set_timer(Duration::from_micros(500)); // it is asked again and again until then
        };
        probe.named("server").made(made).timer(|_, conn| {
            conn.write(b"the end\n");
            conn.lose_connection();
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    assert_eq!(diary.count("stopped"), 1);
    let got = got.borrow();
    assert!(got.starts_with(b"one line\n") && got.ends_with(b"the end\n"));
}

/// A panic of a producer ends its connection, and it is stopped.
pub fn a_panicking_producer_ends_its_connection_only(stage: &mut Stage) {
    stage.expect_panics(1);
    let diary = Diary::default();
    let log = diary.clone();
    let (_port, at) = stage.serve(&diary, move |probe| {
        let log = log.clone();
        probe.named("server").made(move |_, conn| {
            let write = |_: &mut Conn<'_>| panic!("on purpose");
            conn.register_producer(Production::Pull, Writer { diary: log.clone(), write })
                .expect("the first");
        })
    });
    stage.connect_in_vain(&at, &diary, "client", Probe::new(&diary));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert!(diary.has("client lost Reset") || diary.has("client lost before"), "{diary:?}");
    assert!(diary.has("server lost Aborted") && diary.count("stopped") == 1, "{diary:?}");
}
