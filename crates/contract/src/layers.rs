//! Byte layers, successors and idle limits.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, Counting, Layer, LayerIo, RateLimit};

use crate::streams::pattern;
use crate::{Diary, Probe, Stage};

/// How many bytes [`Scramble`] holds back in each direction, at most.
const HELD_MAX: usize = 3;
/// How long it holds them back.
const HELD_FOR: Duration = Duration::from_millis(1);

/// Transforms every byte, and holds the last few of each piece back for a moment.
#[derive(Debug, Default)]
pub struct Scramble {
    up: Vec<u8>,
    down: Vec<u8>,
}

fn hold(held: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    held.extend(bytes.iter().map(|byte| byte ^ 0x5a));
    let kept = held.split_off(held.len().saturating_sub(HELD_MAX));
    std::mem::replace(held, kept)
}

impl Layer for Scramble {
    fn incoming(&mut self, bytes: &[u8], io: &mut LayerIo) {
        io.pass_up(&hold(&mut self.up, bytes));
        io.wake_after(HELD_FOR);
    }

    fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
        io.pass_down(&hold(&mut self.down, bytes));
        io.wake_after(HELD_FOR);
    }

    fn incoming_ended(&mut self, io: &mut LayerIo) {
        io.pass_up(&std::mem::take(&mut self.up));
        io.end_up();
    }

    fn outgoing_ended(&mut self, io: &mut LayerIo) {
        io.pass_down(&std::mem::take(&mut self.down));
        io.end_down();
    }

    fn timer(&mut self, io: &mut LayerIo) {
        io.pass_up(&std::mem::take(&mut self.up));
        io.pass_down(&std::mem::take(&mut self.down));
    }

    fn held(&self) -> usize {
        self.down.len()
    }
}

/// STARTTLS in short: a line in clear, then both sides scramble.
pub fn what_was_written_before_a_layer_does_not_go_through_it(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").data(|_, conn, _| {
            conn.write(b"go ahead\n");
            conn.add_layer(Scramble::default());
            conn.write(b"secret");
            conn.lose_connection();
        })
    });
    let client = Probe::new(&diary).named("client").into(&got).made(|_, conn| conn.write(b"start"));
    let mut begun = false;
    let heard = Rc::clone(&got);
    let client = client.data(move |_, conn, _| {
        if !begun && heard.borrow().len() >= 9 {
            begun = true;
            // Both may have come in one piece: what is behind the line is still scrambled then.
            let mut heard = heard.borrow_mut();
            let rest = heard.split_off(9);
            conn.add_layer(Scramble::default());
            heard.extend(rest.iter().map(|byte| byte ^ 0x5a));
        }
    });
    stage.connect(&at, client);
    stage.until_noted(&diary, "client lost Done");
    assert_eq!(String::from_utf8_lossy(&got.borrow()), "go ahead\nsecret");
    stage.until_alone();
}

/// The last one added is next to the protocol: it counts what the protocol writes, the first one what the wire gets.
pub fn layers_stand_in_order(stage: &mut Stage) {
    #[derive(Debug)]
    struct Doubling;
    impl Layer for Doubling {
        fn outgoing(&mut self, bytes: &[u8], io: &mut LayerIo) {
            io.pass_down(&bytes.repeat(2));
        }
    }
    let (diary, got) = (Diary::default(), Rc::default());
    let (below, above) = (Counting::default(), Counting::default());
    let counts = (below.clone(), above.clone());
    let (_port, at) = stage.serve(&diary, move |probe| {
        let (below, above) = counts.clone();
        probe.named("server").made(move |_, conn| {
            conn.add_layer(below.clone());
            conn.add_layer(Doubling);
            conn.add_layer(above.clone());
            conn.write(b"ab");
            conn.lose_connection();
        })
    });
    stage.connect(&at, Probe::new(&diary).named("client").into(&got).made(|_, conn| conn.write(b"xyz")));
    stage.until_noted(&diary, "client lost Done");
    stage.until_alone();
    assert_eq!((above.sent(), below.sent(), &got.borrow()[..]), (2, 4, &b"abab"[..]));
}

fn limited(conn: &mut Conn<'_>) {
    conn.add_layer(RateLimit::new(100_000).with_burst(1000));
}

/// 20,000 bytes at 100,000 a second take a fifth of a second, less the burst.
pub fn a_rate_limit_slows_the_writer_down(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            limited(conn);
            conn.write(&pattern(20_000));
            conn.lose_connection();
        })
    });
    let begun = stage.reactor().now();
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got));
    stage.until_noted(&diary, "client lost Done");
    assert!(*got.borrow() == pattern(20_000));
    assert!(stage.reactor().now() - begun >= Duration::from_millis(180));
    stage.until_alone();
}

/// The reader's limit: nothing is lost, and the end comes last.
pub fn a_rate_limit_slows_the_peer_down(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let into = Rc::clone(&got);
    let (_port, at) = stage
        .serve(&diary, move |probe| probe.named("server").quiet().into(&into).made(|_, conn| limited(conn)));
    let begun = stage.reactor().now();
    stage.connect(
        &at,
        Probe::new(&diary).named("client").made(|_, conn| {
            conn.write(&pattern(20_000));
            conn.lose_connection();
        }),
    );
    stage.until_noted(&diary, "server lost Done");
    assert!(*got.borrow() == pattern(20_000), "{} bytes", got.borrow().len());
    assert!(stage.reactor().now() - begun >= Duration::from_millis(180));
    stage.until_alone();
}

/// Law 6.
pub fn a_panicking_layer_ends_its_connection(stage: &mut Stage) {
    struct Clumsy;
    impl Layer for Clumsy {
        fn incoming(&mut self, _: &[u8], _: &mut LayerIo) {
            panic!("on purpose, in a layer");
        }
    }
    stage.expect_panics(1);
    let diary = Diary::default();
    let (_port, at) =
        stage.serve(&diary, |probe| probe.named("server").made(|_, conn| conn.add_layer(Clumsy)));
    stage.connect(&at, Probe::new(&diary).named("client").made(|_, conn| conn.write(b"!")));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert!(diary.has("server lost Aborted") && !diary.has("server data"), "{diary:?}");
}

/// A protocol that reads a line and hands over; the rest is the successor's, before anything newer. Its own timer goes with
/// it.
pub fn a_successor_gets_the_unread_rest_first(stage: &mut Stage) {
    let (diary, got) = (Diary::default(), Rc::default());
    let (log, into) = (diary.clone(), Rc::clone(&got));
    let (_port, at) = stage.listen(move |_: &Address| {
        let (log, into) = (log.clone(), Rc::clone(&into));
        let (first, after) = (log.clone(), log);
        let mut line = Vec::new();
        Probe::new(&first).named("first").quiet().data(move |_, conn, data| {
            line.extend_from_slice(data); // the line may come in pieces
            let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return };
            conn.set_timer(Duration::from_millis(2));
            let successor = Probe::new(&after).named("second").quiet().into(&into);
            let successor = successor.timer(|probe, _| probe.note("a timer of somebody else"));
            conn.become_protocol(successor.data(|_, conn, data| conn.write(data)), &line[end + 1..]);
        })
    });
    let heard = Rc::default();
    let count = Rc::clone(&heard);
    let client = Probe::new(&diary).named("client").quiet().into(&heard);
    let client = client.made(|_, conn| {
        conn.write(b"hello\nthe rest, ");
        conn.set_timer(Duration::from_millis(5));
    });
    let client = client.timer(|_, conn| conn.write(b"and more"));
    stage.connect(
        &at,
        client.data(move |_, conn, _| {
            if count.borrow().len() == 18 {
                conn.lose_connection();
            }
        }),
    );
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert_eq!(
        (&got.borrow()[..], &heard.borrow()[..]),
        (&b"the rest, and more"[..], &b"the rest, and more"[..])
    );
    assert!(diary.has("second lost Done") && !diary.has("first lost"), "{diary:?}");
    assert!(!diary.has("second a timer"), "{diary:?}");
}

/// Silence in both directions.
pub fn an_idle_connection_is_ended(stage: &mut Stage) {
    let diary = Diary::default();
    let limit = Duration::from_millis(20);
    let (_port, at) = stage.serve(&diary, move |probe| {
        probe.named("server").made(move |_, conn| conn.set_idle_timeout(Some(limit)))
    });
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "server lost TimedOut");
    stage.until_alone();
    assert!(diary.has("client lost Reset"), "{diary:?}");
}

/// A byte now and then is enough.
pub fn a_busy_connection_is_not_idle(stage: &mut Stage) {
    let diary = Diary::default();
    let limit = Duration::from_millis(200);
    let (_port, at) = stage.serve(&diary, move |probe| {
        probe.named("server").made(move |_, conn| conn.set_idle_timeout(Some(limit)))
    });
    let mut left = 5;
    let client = Probe::new(&diary).named("client").made(|_, conn| conn.set_timer(Duration::from_millis(60)));
    stage.connect(
        &at,
        client.timer(move |_, conn| {
            conn.write(b".");
            left -= 1;
            if left == 0 { conn.lose_connection() } else { conn.set_timer(Duration::from_millis(60)) }
        }),
    );
    stage.until_noted(&diary, "server lost");
    stage.until_alone();
    assert!(diary.has("server lost Done"), "{diary:?}");
}
