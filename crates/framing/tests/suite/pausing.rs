//! Delivery that is paused between messages, and goes on later, never inside another upcall.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::stage::{Pair, check, text};
use sestina_contract::{Diary, Stage};
use sestina_deferred::{Resolver, deferred};
use sestina_framing::{
    Handler, LineConn, LineDecoder, LineHandle, LineHandler, LineReceiver, NetstringConn, NetstringDecoder,
    NetstringHandler, NetstringReceiver,
};
use sestina_reactor::Lost;

/// Answers one line at a time, each when somebody fires its deferred.
struct OneAtATime {
    diary: Diary,
    questions: Questions,
}

/// What fires the answers.
type Questions = Rc<RefCell<Vec<Resolver<&'static str>>>>;

fn one_at_a_time(stage: &Stage) -> (Pair<'_>, Questions) {
    let questions = Questions::default();
    let kept = Rc::clone(&questions);
    let pair = Pair::new(stage, move |diary| {
        LineReceiver::new(OneAtATime { diary: diary.clone(), questions: Rc::clone(&kept) })
    });
    (pair, questions)
}

impl Handler<LineDecoder> for OneAtATime {
    fn read_closed(&mut self, conn: &mut LineConn<'_, '_>) {
        self.diary.note("read closed");
        conn.lose_connection();
    }

    fn connection_lost(&mut self, _: &mut LineConn<'_, '_>, why: Lost) {
        self.diary.note(format!("lost {why:?}"));
    }
}

impl LineHandler for OneAtATime {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.diary.note(format!("got {}", text(line)));
        let (resolver, answer) = deferred();
        self.questions.borrow_mut().push(resolver);
        conn.pause_delivery();
        assert!(conn.is_delivery_paused());
        conn.then(self, answer, |me, conn, answer| {
            me.diary.note("answer");
            let answer = answer.expect("it is fired with a value");
            conn.send_line(answer.as_bytes()).expect("a line");
            conn.resume_delivery();
            me.diary.note("end of the answer");
        });
        self.diary.note("end of the line");
    }
}

#[test]
fn one_line_at_a_time_in_order_and_never_inside_another_upcall() {
    check(|stage| {
        let (pair, questions) = one_at_a_time(stage);
        pair.write(b"one\r\ntwo\r\n");
        pair.until("got one");
        pair.write(b"three\r\n");
        pair.client().lose_connection();
        stage.pass(Duration::from_millis(20));
        assert!(!pair.diary.has("got two") && !pair.diary.has("read closed"), "{:?}", pair.diary);
        for next in ["got two", "got three", "read closed"] {
            questions.borrow_mut().pop().expect("a question").callback("answer");
            pair.until(next);
        }
        stage.until_alone();
        let round = |line| [line, "end of the line", "answer", "end of the answer"];
        let mut expected = [round("got one"), round("got two"), round("got three")].concat();
        expected.extend(["read closed", "lost Done"]);
        assert_eq!(pair.server_lines(), expected);
    });
}

#[test]
fn what_is_kept_is_dropped_with_the_connection() {
    check(|stage| {
        let (pair, questions) = one_at_a_time(stage);
        pair.write(b"one\r\ntwo\r\n");
        pair.until("got one");
        stage.reactor().clear();
        assert_eq!(pair.server_lines(), ["got one", "end of the line", "lost Aborted"]);
        for question in questions.borrow_mut().drain(..) {
            question.callback("too late");
        }
    });
}

/// Pauses behind each string, and goes on when its timer says so.
struct Timed(Diary);

impl Handler<NetstringDecoder> for Timed {
    fn timer(&mut self, conn: &mut NetstringConn<'_, '_>) {
        self.0.note("timer");
        conn.resume_delivery();
        self.0.note("end of the timer");
    }
}

impl NetstringHandler for Timed {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        self.0.note(format!("got {}", text(string)));
        conn.pause_delivery();
        conn.set_timer(Duration::from_millis(1));
    }
}

#[test]
fn a_timer_may_resume_delivery() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| NetstringReceiver::new(Timed(diary.clone())));
        pair.write(b"1:a,1:b,1:");
        pair.until("got b");
        pair.write(b"c,");
        pair.until("got c");
        pair.stage.pass(Duration::from_millis(20));
        pair.end();
        let round = |line| [line, "timer", "end of the timer"];
        assert_eq!(pair.server_lines(), [round("got a"), round("got b"), round("got c")].concat());
    });
}

/// Pauses and resumes at once: then nothing changes.
struct Hasty(Diary);
impl Handler<LineDecoder> for Hasty {
    fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
        conn.pause_delivery();
        conn.resume_delivery();
    }
}
impl LineHandler for Hasty {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        conn.pause_delivery();
        conn.resume_delivery();
        conn.resume_reading(); // somebody who does not know of the receiver
        self.0.note(format!("got {}", text(line)));
    }
}

#[test]
fn pausing_and_resuming_within_a_message_changes_nothing() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Hasty(diary.clone())));
        pair.write(b"one\r\ntwo\r\nthr");
        pair.until("got two");
        pair.write(b"ee\r\n");
        pair.until("got three");
        pair.end();
        assert_eq!(pair.server_lines(), ["got one", "got two", "got three"]);
    });
}

/// Gives its handle away, and otherwise only notes.
struct Paused(Diary, Rc<RefCell<Option<LineHandle>>>);
impl Handler<LineDecoder> for Paused {
    fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
        *self.1.borrow_mut() = Some(conn.handle());
    }
}
impl LineHandler for Paused {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.0.note(format!("got {}", text(line)));
        if line == b"stop" {
            conn.pause_delivery();
            conn.resume_reading(); // behind the receiver's back: what comes is kept
        }
    }
}

#[test]
fn a_handle_pauses_and_resumes_from_anywhere() {
    check(|stage| {
        let handle = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&handle);
        let pair = Pair::new(stage, move |diary| LineReceiver::new(Paused(diary.clone(), Rc::clone(&kept))));
        stage.until("the server's side", || handle.borrow().is_some());
        let handle = handle.borrow().clone().expect("it is there");
        handle.pause_delivery();
        pair.write(b"one\r\n");
        stage.pass(Duration::from_millis(20));
        assert!(!pair.diary.has("got"), "{:?}", pair.diary);
        handle.resume_delivery();
        pair.until("got one");
        pair.write(b"stop\r\ntwo\r\n");
        pair.until("got stop");
        pair.write(b"three\r\n");
        stage.pass(Duration::from_millis(20));
        assert!(!pair.diary.has("got two"), "{:?}", pair.diary);
        handle.resume_delivery();
        assert!(!pair.diary.has("got two"), "delivery is an upcall, not a part of the call");
        pair.until("got three");
        pair.end();
        assert_eq!(pair.server_lines(), ["got one", "got stop", "got two", "got three"]);
        handle.pause_delivery();
        handle.resume_delivery(); // without effect: the connection is gone
    });
}

/// Pauses behind each message and resumes from an answer; counts.
struct Stepwise(Rc<RefCell<Vec<u8>>>);
impl Handler<NetstringDecoder> for Stepwise {}
impl NetstringHandler for Stepwise {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        self.0.borrow_mut().extend_from_slice(string);
        conn.pause_delivery();
        conn.then(self, sestina_deferred::succeed(()), |_, conn, _| conn.resume_delivery());
    }
}

#[test]
fn many_small_messages_are_delivered_one_by_one_without_loss() {
    check(|stage| {
        let received = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&received);
        let pair = Pair::new(stage, move |_| NetstringReceiver::new(Stepwise(Rc::clone(&kept))));
        let count = usize::try_from(crate::common::cases()).expect("small") * 100;
        let sent: Vec<u8> =
            (0..count).map(|number| b'a' + u8::try_from(number % 26).expect("small")).collect();
        let bytes: Vec<u8> = sent.iter().flat_map(|byte| [b'1', b':', *byte, b',']).collect();
        pair.write(&bytes);
        stage.until("all messages", || received.borrow().len() == sent.len());
        assert!(*received.borrow() == sent);
        pair.end();
    });
}
