//! The same connection as an async value: nothing is lost by a cancel, memory is bounded, a hang-up is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Cancelled, Deferred, Failure, deferred};
use sestina_reactor::{ConnectError, Endpoint, HIGH_MARK_BYTES, Lost, Stream, StreamError};

use crate::stage::Kept;
use crate::streams::pattern;
use crate::{Diary, Probe, Stage};

/// How much the reactor reads at once: the most that is received above a mark.
const ONE_READ: usize = 64 * 1024;

impl Stage {
    fn connected(&self, to: &Endpoint) -> Stream {
        self.answer(self.reactor().connect_stream(to)).expect("it connects")
    }
}

/// A server that says this and leaves its handle.
fn says(probe: Probe, kept: &Kept, words: &'static [u8]) -> Probe {
    let kept = Rc::clone(kept);
    probe.named("server").made(move |_, conn| {
        conn.write(words);
        *kept.borrow_mut() = Some(conn.handle());
    })
}

/// Sends one piece after the other, each in a turn of its own, and then finishes.
fn in_pieces(diary: &Diary, pieces: &'static [&'static [u8]]) -> Probe {
    let mut left = pieces.iter();
    Probe::new(diary).named("client").made(|_, conn| conn.set_timer(Duration::ZERO)).timer(move |_, conn| {
        match left.next() {
            Some(piece) => {
                conn.write(piece);
                conn.set_timer(Duration::from_millis(1));
            }
            None => conn.lose_connection(),
        }
    })
}

/// Lines, counted bytes and the rest, whatever the cuts.
pub fn reads_do_not_see_the_cuts(stage: &mut Stage) {
    // spec: P20-04
    let (diary, got) = (Diary::default(), Rc::new(RefCell::new(Vec::new())));
    let seen = Rc::clone(&got);
    let (_port, at) = stage.serve_streams(move |stream| {
        let seen = Rc::clone(&seen);
        async move {
            let note = |bytes: Vec<u8>| seen.borrow_mut().push(String::from_utf8(bytes).expect("text"));
            note(stream.read_until(b'\n', 100).await?);
            note(stream.read_until(b'\n', 100).await?);
            note(stream.read_exact(5).await?);
            note(stream.read_to_end(100).await?);
            note(stream.read().await?);
            note(stream.read_until(b'\n', 100).await?);
            Ok(())
        }
    });
    stage.connect(&at, in_pieces(&diary, &[b"o", b"ne\ntw", b"o\nthr", b"ee and the", b" rest", b"!"]));
    stage.until_noted(&diary, "client lost");
    stage.until_alone();
    assert_eq!(*got.borrow(), ["one\n", "two\n", "three", " and the rest!", "", ""]);
    assert!(diary.has("client lost Closed"), "{diary:?}");
}

/// Cancelled, dropped and timed-out reads leave what came where it was.
pub fn a_cancelled_read_takes_nothing(stage: &mut Stage) {
    let (diary, kept) = (Diary::default(), Kept::default());
    let keep = Rc::clone(&kept);
    let (_port, at) = stage.serve(&diary, move |probe| says(probe, &keep, b"half"));
    let stream = stage.connected(&at);
    let (first, second) = (stream.read_exact(8), stream.read_exact(6));
    stage.until("four bytes", || stream.unread() == 4);
    first.cancel();
    assert!(
        first
            .try_result()
            .expect("a cancel is answered at once")
            .expect_err("it is cancelled")
            .is::<Cancelled>()
    );
    drop(second); // nobody has attached anything: whoever is next gets the bytes
    let line = stream.read_until(b'e', 100).add_timeout(Duration::from_millis(5), stage.reactor());
    assert!(stage.answer(line).is_err());
    kept.borrow().as_ref().expect("kept").write(b" a line");
    let line = stage.answer(stream.read_until(b'e', 100)).expect("it comes");
    assert_eq!(String::from_utf8_lossy(&line), "half a line");
    drop(stream);
    stage.until_alone();
}

/// A line without an end is refused at the limit, and an end in the middle is no line.
pub fn limits_and_ends_are_told_and_take_nothing(stage: &mut Stage) {
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write(b"0123456789");
            conn.lose_connection();
        })
    });
    let stream = stage.connected(&at);
    let error = |answer: Deferred<Vec<u8>>| {
        stage.answer(answer).expect_err("it fails").check::<StreamError>().copied()
    };
    assert_eq!(error(stream.read_until(b'\n', 10)), Some(StreamError::TooLong { max: 10 }));
    assert_eq!(error(stream.read_to_end(9)), Some(StreamError::TooLong { max: 9 }));
    assert_eq!(error(stream.read_until(b'\n', 11)), Some(StreamError::UnexpectedEnd { got: 10 }));
    assert_eq!(error(stream.read_exact(11)), Some(StreamError::UnexpectedEnd { got: 10 }));
    assert_eq!(stage.answer(stream.read_until(b'9', 10)).expect("it is there"), b"0123456789");
    assert_eq!(stage.answer(stream.read_to_end(0)).expect("the end"), b"");
    drop(stream);
    stage.until_alone();
    assert!(diary.has("server lost Closed"), "{diary:?}");
}

/// Back-pressure for who writes: little is queued for a reader that sleeps, and all of it arrives.
pub fn write_all_waits_for_a_slow_reader(stage: &mut Stage) {
    const PIECE: usize = 100_000;
    const PIECES: usize = 200;
    let (diary, got, kept) = (Diary::default(), Rc::default(), Kept::default());
    let written = Rc::new(Cell::new(0));
    let count = Rc::clone(&written);
    let (_port, at) = stage.serve_streams(move |stream| {
        let count = Rc::clone(&count);
        async move {
            for piece in pattern(PIECE * PIECES).chunks(PIECE) {
                stream.write_all(piece).await?;
                count.set(count.get() + 1);
            }
            Ok(())
        }
    });
    stage.connect(&at, Probe::new(&diary).named("client").quiet().into(&got).paused(&kept));
    stage.until_noted(&diary, "client made");
    stage.pass(Duration::from_millis(50));
    assert!(written.get() < PIECES, "{} pieces were written", written.get());
    kept.borrow().as_ref().expect("kept").resume_reading();
    stage.until_noted(&diary, "client lost Done");
    assert!(*got.borrow() == pattern(PIECE * PIECES), "{} bytes came, or some are wrong", got.borrow().len());
    stage.until_alone();
}

/// Back-pressure for the peer: a stream that nobody reads holds little, and what it asks for may be more than that.
pub fn an_unread_stream_holds_little(stage: &mut Stage) {
    const TOTAL: usize = 10_000_000;
    let diary = Diary::default();
    let (_port, at) = stage.serve(&diary, |probe| {
        probe.named("server").made(|_, conn| {
            conn.write_shared(pattern(TOTAL).into());
            conn.lose_connection();
        })
    });
    let stream = stage.connected(&at);
    stage.until("bytes to come", || stream.unread() >= HIGH_MARK_BYTES);
    stage.pass(Duration::from_millis(30));
    assert!(stream.unread() <= HIGH_MARK_BYTES + ONE_READ, "{} bytes are held", stream.unread());
    let mut all =
        stage.answer(stream.read_exact(1_000_000)).expect("more than the mark, since it was asked for");
    while all.len() < TOTAL {
        let more = stage.answer(stream.read()).expect("it comes");
        assert!(!more.is_empty() && more.len() <= HIGH_MARK_BYTES + ONE_READ, "{} bytes at once", more.len());
        all.extend(more);
    }
    assert!(all == pattern(TOTAL));
    drop(stream);
    stage.until_alone();
}

/// A question, its end, an answer: both sides finish for themselves.
pub fn half_closed_streams_still_answer(stage: &mut Stage) {
    let (_port, at) = stage.serve_streams(|stream| async move {
        let question = stream.read_to_end(1000).await?;
        stream.write_all(question.iter().rev().copied().collect::<Vec<u8>>()).await
    });
    let stream = stage.connected(&at);
    drop(stream.write_all("stressed"));
    stage.answer(stream.shutdown()).expect("it is handed over");
    let refused = stage.answer(stream.write_all("too late")).expect_err("it is shut");
    assert_eq!(refused.check(), Some(&StreamError::ShutDown));
    assert_eq!(stage.answer(stream.read_to_end(1000)).expect("the answer"), b"desserts");
    let lost = stage.answer(stream.close()).expect("it ends");
    assert!(lost.is_clean(), "{lost:?}");
    stage.until_alone();
}

/// Part 19 for tasks: the peer hangs up, the work for it is cancelled because of that, and may clean up.
pub fn a_hang_up_cancels_what_the_task_awaits(stage: &mut Stage) {
    let (diary, work) = (Diary::default(), Rc::new(RefCell::new(None)));
    let (log, kept, clock) = (diary.clone(), Rc::clone(&work), stage.reactor().clone());
    let (_port, at) = stage.serve_streams(move |stream| {
        let (log, kept, clock) = (log.clone(), Rc::clone(&kept), clock.clone());
        async move {
            let (resolver, answer) = deferred::<()>();
            *kept.borrow_mut() = Some(resolver);
            log.note("working");
            let failure = answer.await.expect_err("nobody answers");
            log.note(format!(
                "{failure} because {:?}",
                failure.check::<Cancelled>().and_then(Cancelled::reason)
            ));
            clock.sleep(Duration::from_millis(5)).await?;
            log.note("cleaned up");
            drop(stream);
            Err(failure)
        }
    });
    let client = stage.connected(&at);
    stage.until_noted(&diary, "working");
    drop(client);
    stage.until_noted(&diary, "cancelled because Some(Failure(Done");
    stage.until_noted(&diary, "cleaned up");
    stage.until_alone();
}

/// A peer that has only finished its direction may be promised its answer.
pub fn a_promised_half_close_is_no_hang_up(stage: &mut Stage) {
    let clock = stage.reactor().clone();
    let (_port, at) = stage.serve_streams(move |stream| {
        let clock = clock.clone();
        async move {
            stream.set_half_close(true);
            let question = stream.read_until(b'\n', 100).await?;
            clock.sleep(Duration::from_millis(20)).await?;
            stream.write_all(question).await
        }
    });
    let stream = stage.connected(&at);
    drop(stream.write_all("patience\n"));
    drop(stream.shutdown());
    assert_eq!(stage.answer(stream.read_to_end(100)).expect("it comes"), b"patience\n");
    drop(stream);
    stage.until_alone();
}

/// A reset is an error for who reads, after what came before it; and for a task that waits for something else.
pub fn a_reset_is_an_error_and_a_cancel(stage: &mut Stage) {
    let (diary, kept) = (Diary::default(), Kept::default());
    let (_port, at) = {
        let kept = Rc::clone(&kept);
        stage.serve(&diary, move |probe| says(probe, &kept, b"half a"))
    };
    let stream = stage.connected(&at);
    let waiting = stream.read_exact(100);
    let lost = stream.when_lost();
    stage.until("six bytes", || stream.unread() == 6);
    kept.borrow().as_ref().expect("kept").abort();
    assert!(matches!(stage.answer(waiting).expect_err("a reset is no end").check(), Some(Lost::Reset)));
    assert_eq!(stage.answer(stream.read()).expect("it came before"), b"half a");
    assert!(stage.answer(stream.read()).expect_err("a reset is no end").is::<Lost>());
    assert!(stage.answer(stream.write_all("hello?")).expect_err("nobody is there").is::<Lost>());
    assert!(matches!(stage.answer(lost), Ok(Lost::Reset)));
    stage.until_alone();
}

/// What a task has written before it failed is no answer.
pub fn a_task_that_fails_aborts_its_connection(stage: &mut Stage) {
    let diary = Diary::default();
    let clock = stage.reactor().clone();
    let (_port, at) = stage.serve_streams(move |stream| {
        let clock = clock.clone();
        async move {
            stream.write_all("the first half").await?;
            clock.sleep(Duration::from_millis(5)).await?;
            Err(Failure::msg("the second half is missing"))
        }
    });
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "client lost Reset");
    stage.until_alone();
}

/// Refused, cancelled, and cancelled too late.
pub fn connecting_a_stream_fails_or_is_cancelled(stage: &mut Stage) {
    let (port, at) = stage.serve_streams(|stream| async move { stream.read().await.map(drop) });
    let cancelled = stage.reactor().connect_stream(&at);
    cancelled.cancel();
    assert!(stage.answer(cancelled).expect_err("it was cancelled").is::<Cancelled>());
    stage.answer(port.stop_listening()).expect("it stops");
    let refused = stage.answer(stage.reactor().connect_stream(&at)).expect_err("nobody listens");
    assert!(matches!(refused.check(), Some(ConnectError::Refused(_))), "{refused:?}");
    stage.until_alone();
}
