//! Answers of deferreds on their way to a protocol.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Resolver, deferred, succeed};

use crate::{Diary, Probe, Stage};

/// Now, in a moment, and from a timer: never inside another upcall, always on the protocol.
pub fn answers_come_as_upcalls(stage: &mut Stage) {
    let diary = Diary::default();
    let running = Rc::new(Cell::new(false));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let running = Rc::clone(&running);
        probe.named("server").made(move |me, conn| {
            running.set(true);
            let busy = Rc::clone(&running);
            conn.then(me, succeed("at once"), move |me: &mut Probe, _, answer| {
                assert!(!busy.get(), "law 1: no upcall inside another");
                me.note(&format!("answer {}", answer.expect("it is there")));
            });
            let later = conn.reactor().defer_later(Duration::from_millis(3), || Ok("later"));
            conn.then(me, later, |me: &mut Probe, conn, answer| {
                me.note(&format!("answer {}", answer.expect("it came")));
                conn.lose_connection();
            });
            running.set(false);
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    let lines = diary.take();
    let server: Vec<_> = lines.iter().filter(|line| line.starts_with("server")).collect();
    assert_eq!(server, ["server made", "server answer at once", "server answer later", "server lost Closed"]);
}

/// Part 19: the client hangs up, the work for it is cancelled, its closure is dropped.
// spec: P19-02
pub fn a_hang_up_cancels_the_answer(stage: &mut Stage) {
    let diary = Diary::default();
    let resolvers: Rc<RefCell<Vec<Resolver<()>>>> = Rc::default();
    let (log, keep) = (diary.clone(), Rc::clone(&resolvers));
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (log, keep) = (log.clone(), Rc::clone(&keep));
        probe.named("server").made(move |me, conn| {
            let (resolver, answer) = deferred::<()>();
            let told = log.clone();
            resolver.on_cancel(move || told.note("cancelled"));
            keep.borrow_mut().push(resolver);
            let dropped = Dropped(log.clone());
            conn.then(me, answer, move |me: &mut Probe, _, _| {
                let _dropped = &dropped;
                me.note("never");
            });
        })
    });
    let client = stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "server made");
    client.disconnect();
    stage.until_noted(&diary, "cancelled");
    stage.until_alone();
    let resolver = resolvers.borrow_mut().pop().expect("it was kept");
    assert!(resolver.is_cancelled());
    resolver.callback(());
    assert!(diary.has("dropped") && !diary.has("server never"), "{diary:?}");
}

struct Dropped(Diary);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

/// In the order in which they fired, not in which they were asked for.
pub fn many_answers_keep_their_order(stage: &mut Stage) {
    let (diary, resolvers) = (Diary::default(), Rc::new(RefCell::new(Vec::new())));
    let keep = Rc::clone(&resolvers);
    let (_port, at) = stage.serve(&diary, move |probe| {
        let keep = Rc::clone(&keep);
        probe.named("server").made(move |me, conn| {
            for number in 0..10 {
                let (resolver, answer) = deferred::<()>();
                keep.borrow_mut().push(resolver);
                conn.then(me, answer, move |me: &mut Probe, _, _| me.note(&format!("answer {number}")));
            }
        })
    });
    let client = stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "server made");
    let all: Vec<Resolver<()>> = resolvers.borrow_mut().drain(..).rev().collect();
    for resolver in all {
        resolver.callback(());
    }
    stage.until_noted(&diary, "server answer 0");
    let lines = diary.take();
    let order: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("server answer ")).collect();
    assert_eq!(order, ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]);
    client.disconnect();
    stage.until_alone();
}
