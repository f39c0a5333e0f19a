//! Back-pressure: who is fast waits for who is slow, and nobody else does.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::stage::Kept;
use crate::streams::{pattern, serve_body};
use crate::{Diary, Probe, Stage};

/// The writer writes as long as it may; the reader sleeps for a while. What is queued stays within one write of the mark.
pub fn a_reader_that_pauses_stops_the_writer(stage: &mut Stage) {
    const PIECE: usize = 10_000;
    const TOTAL: usize = 24_000_000;
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let (written, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (count, peak) = (Rc::clone(&written), Rc::clone(&most));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (count, peak) = (Rc::clone(&count), Rc::clone(&peak));
        let produce = Rc::new(move |_: &mut Probe, conn: &mut sestina_reactor::Conn<'_>| {
            while conn.queued() <= 100_000 && count.get() < TOTAL {
                conn.write(&[b'x'; PIECE]);
                count.set(count.get() + PIECE);
                peak.set(peak.get().max(conn.queued()));
            }
            if count.get() == TOTAL {
                conn.lose_connection();
            }
        });
        let again = Rc::clone(&produce);
        let made = move |probe: &mut Probe, conn: &mut sestina_reactor::Conn<'_>| {
            conn.set_marks(50_000, 100_000);
            produce(probe, conn);
        };
        probe.named("server").made(made).resume(move |probe, conn| again(probe, conn))
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got).paused(&kept));
    stage.until_noted(&diary, "client made");
    stage.until_still("the writer to be stopped", || written.get() > 0, || written.get());
    assert!(written.get() < TOTAL && got.borrow().is_empty(), "{} bytes were written", written.get());
    kept.borrow().as_ref().expect("kept").resume_reading();
    stage.until_noted(&diary, "client lost Done");
    assert_eq!(got.borrow().len(), TOTAL);
    assert!(most.get() <= 100_000 + PIECE, "{} bytes were queued at once", most.get());
    stage.until_alone();
}

/// One client never reads; another one is served meanwhile.
pub fn a_slow_reader_does_not_slow_others(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let body: Rc<[u8]> = pattern(10_000_000).into();
    let (_port, at) = serve_body(stage, &diary, &body);
    let never = stage.connect(&at, Probe::new(&diary).named("never").made(|_, conn| conn.pause_reading()));
    stage.until_noted(&diary, "never made");
    stage.connect(&at, Probe::new(&diary).named("fast").quiet().into(&got));
    stage.until_noted(&diary, "fast lost Done");
    assert!(*got.borrow() == *body && !diary.has("never lost"));
    never.abort();
    stage.until_alone();
    assert!(diary.has("server lost Reset"), "{diary:?}");
}

/// Nothing comes while reading is paused, and nothing is lost by it.
pub fn paused_reading_keeps_what_came(stage: &mut Stage) {
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let (keep, into) = (Rc::clone(&kept), Rc::clone(&got));
    let (_port, at) = stage.serve(&diary, move |probe| probe.named("server").into(&into).paused(&keep));
    stage.connect(
        &at,
        Probe::new(&diary).named("client").made(|_, conn| {
            conn.write(b"patience");
            conn.lose_connection();
        }),
    );
    stage.until_noted(&diary, "server made");
    stage.pass(Duration::from_millis(30));
    assert!(!diary.has("server data") && !diary.has("server read closed"), "{diary:?}");
    kept.borrow().as_ref().expect("kept").resume_reading();
    stage.until_noted(&diary, "server lost Done");
    assert_eq!(*got.borrow(), b"patience");
    stage.until_alone();
}

/// Law 4: no queue grows without a bound.
pub fn a_producer_that_never_pauses_is_cut(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe
            .named("server")
            .made(|_, conn| {
                conn.set_queue_limit(1_000_000);
                conn.set_timer(Duration::ZERO);
            })
            .timer(|_, conn| {
                conn.write(&pattern(500_000));
                conn.set_timer(Duration::ZERO);
            })
    });
    stage.connect(&at, Probe::new(&diary).named("client").made(|_, conn| conn.pause_reading()));
    stage.until_noted(&diary, "server lost Aborted");
    stage.reactor().clear();
}
