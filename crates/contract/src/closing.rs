//! How connections end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::ConnHandle;

use crate::stage::Kept;
use crate::streams::pattern;
use crate::{Diary, Probe, Stage};

/// More than the kernel buffers, then the end.
pub fn lose_connection_sends_everything_first(stage: &mut Stage) {
    const LENGTH: usize = 5_000_000;
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write(&pattern(LENGTH));
            conn.lose_connection();
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert!(*got.borrow() == pattern(LENGTH), "{} bytes came", got.borrow().len());
    assert!(diary.has("client lost Done") && diary.has("server lost Closed"), "{diary:?}");
}

/// The reason for the polite close: a peer that sends megabytes while we close still gets the last byte.
pub fn the_poem_arrives_although_the_client_talks(stage: &mut Stage) {
    const POEM: usize = 3000;
    const TALK: usize = 4_000_000;
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write(&pattern(POEM));
            conn.lose_connection();
        })
    });
    for _ in 0..20 {
        let client = Probe::new(&diary).named("client").quiet().into(&got);
        stage.connect(&at, client.made(|_, conn| conn.write(&pattern(TALK))));
    }
    stage.until("20 ends", || diary.count("client lost") == 20);
    stage.until_alone();
    assert_eq!((diary.count("client lost Done"), diary.count("server lost Closed")), (20, 20), "{diary:?}");
    assert_eq!(got.borrow().len(), 20 * POEM);
}

/// What was queued is not sent, and the peer learns that this is no end.
pub fn an_abort_is_a_reset_for_the_peer(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").data(|_, conn, _| {
            conn.write(b"never sent");
            conn.abort();
            conn.write(b"nor this");
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").made(|_, conn| conn.write(b"?")));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert!(diary.has("client lost Reset") && diary.has("server lost Aborted"), "{diary:?}");
    assert!(!diary.has("client data"), "{diary:?}");
}

/// Bytes, then a reset: the bytes may be told, the end must not look clean.
pub fn a_reset_is_not_a_clean_end(stage: &mut Stage) {
    let (diary, kept) = (Diary::default(), Kept::default());
    let keep = Rc::clone(&kept);
    let (_port, at) = stage.serve(&diary, move |probe| {
        let keep = Rc::clone(&keep);
        probe.named("server").made(move |_, conn| {
            conn.write(b"half a poem");
            *keep.borrow_mut() = Some(conn.handle());
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client data");
    take(&kept).abort();
    stage.until_noted(&diary, "client lost");
    assert!(diary.has("client lost Reset") && !diary.has("client read closed"), "{diary:?}");
    stage.until_alone();
}

/// By default the peer's end means that it is gone.
pub fn the_peers_end_is_told_and_ends_both(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::<RefCell<Vec<u8>>>::default());
    let into = Rc::clone(&got);
    let (_port, at) = stage.serve(&diary, move |probe| probe.named("server").quiet().into(&into));
    stage.connect(
        &at,
        Probe::new(&diary).named("client").made(|_, conn| {
            conn.write(b"that is all");
            conn.lose_connection();
        }),
    );
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    let lines = diary.take();
    let server: Vec<_> = lines.iter().filter(|line| line.starts_with("server")).collect();
    assert_eq!(server, ["server made", "server read closed", "server lost Done"]);
    assert_eq!(*got.borrow(), b"that is all");
    assert!(lines.contains(&"client lost Closed".to_owned()), "{lines:?}");
}

/// Half-close both ways: a question that ends, an answer after it, a clean end for both.
pub fn a_half_closed_peer_may_still_be_served(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe
            .named("server")
            .quiet()
            .read_closed(|_, conn| {
                conn.write(&pattern(100_000));
                conn.set_timer(Duration::from_millis(5));
            })
            .timer(|_, conn| {
                conn.write(b"the end");
                conn.lose_connection();
            })
    });
    stage.connect(
        &at,
        Probe::new(&diary).named("client").quiet().into(&got).made(|_, conn| {
            conn.write(b"question");
            conn.lose_write_connection();
            conn.write(b"too late");
        }),
    );
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert_eq!(got.borrow().len(), 100_007);
    assert!(diary.has("client lost Done") && diary.has("server lost Done"), "{diary:?}");
}

/// Neither side waits for the other for ever, and both ends are clean.
pub fn both_may_close_at_once(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) =
        stage.serve(&diary, |probe| probe.named("server").made(|_, conn| conn.lose_connection()));
    stage.connect(&at, Probe::new(&diary).named("client").made(|_, conn| conn.lose_connection()));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert_eq!((diary.count("client lost"), diary.count("server lost")), (1, 1), "{diary:?}");
    assert!(!diary.has("client lost Reset") && !diary.has("server lost Reset"), "{diary:?}");
}

/// By the connection and by a handle, after `lose_connection` and after the end.
pub fn writes_after_the_end_have_no_effect(stage: &mut Stage) {
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let keep = Rc::clone(&kept);
    let (_port, at) = stage.serve(&diary, move |probe| {
        let keep = Rc::clone(&keep);
        probe.named("server").made(move |_, conn| {
            conn.write(b"poem");
            conn.lose_connection();
            conn.write(b"lost");
            *keep.borrow_mut() = Some(conn.handle());
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").into(&got));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    let handle = take(&kept);
    handle.write(b"lost");
    handle.lose_connection();
    handle.abort();
    assert!(!handle.is_connected());
    assert_eq!((&got.borrow()[..], stage.reactor().statistics().writes_without_effect), (&b"poem"[..], 2));
}

/// The listening socket goes, what was accepted stays, and nobody gets in any more.
pub fn a_stopped_port_accepts_no_more_and_keeps_its_connections(stage: &mut Stage) {
    let (diary, kept, got) = (Diary::default(), Kept::default(), Rc::<RefCell<Vec<u8>>>::default());
    let keep = Rc::clone(&kept);
    let (port, at) = stage.serve(&diary, move |probe| probe.named("server").keep(&keep));
    stage.connect(&at, Probe::new(&diary).named("client").into(&got));
    stage.until_noted(&diary, "server made");
    let told = diary.clone();
    drop(port.stop_listening().map(move |()| told.note("stopped")));
    stage.until_noted(&diary, "stopped");
    assert_eq!(stage.reactor().ports(), 0);
    take(&kept).write(b"still here");
    stage.until("the bytes", || *got.borrow() == b"still here");
    let late = diary.clone();
    stage
        .reactor()
        .connect(&at, crate::connecting::Expect::new(move |error| late.note(format!("late: {error:?}"))));
    stage.until_noted(&diary, "late: Refused");
    take(&kept).lose_connection();
    stage.until_alone();
}

fn take(kept: &RefCell<Option<ConnHandle>>) -> ConnHandle {
    kept.borrow().clone().expect("a handle was kept")
}
