//! Each receiver on the reactor: messages, answers, errors, ends.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::rc::Rc;

use crate::common::stage::{Pair, check, text};
use sestina_contract::Diary;
use sestina_deferred::succeed;
use sestina_framing::{
    Delimiter, FrameConn, Handler, Int8Format, Int8Receiver, IntNConn, IntNDecoder, IntNHandler,
    IntNReceiver, LengthLimitExceeded, LineConn, LineDecoder, LineFormat, LineHandle, LineHandler,
    LineOnlyConn, LineOnlyDecoder, LineOnlyHandler, LineOnlyReceiver, LineReceiver, LineTooLong,
    NetstringConn, NetstringDecoder, NetstringError, NetstringFormat, NetstringHandler, NetstringReceiver,
    Prefix,
};
use sestina_reactor::{Conn, Lost, Protocol};

/// Notes what comes and sends it back; a message `bye` ends the connection.
struct Echo(Diary);

impl Echo {
    fn noted(&self, message: &[u8]) -> bool {
        self.0.note(format!("got {}", text(message)));
        message == b"bye"
    }
}

impl Handler<LineDecoder> for Echo {
    fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
        conn.send_line(b"welcome").expect("a line");
    }

    fn read_closed(&mut self, conn: &mut LineConn<'_, '_>) {
        self.0.note(format!("read closed, {} bytes left", conn.buffered()));
        conn.lose_connection();
    }

    fn connection_lost(&mut self, _: &mut LineConn<'_, '_>, why: Lost) {
        self.0.note(format!("lost {why:?}"));
    }
}

impl LineHandler for Echo {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        conn.send_line(line).expect("a line");
        if self.noted(line) {
            conn.lose_connection();
        }
    }
}

impl Handler<LineOnlyDecoder> for Echo {}
impl LineOnlyHandler for Echo {
    fn line_received(&mut self, conn: &mut LineOnlyConn<'_, '_>, line: &[u8]) {
        conn.send_line(line).expect("a line");
        if self.noted(line) {
            conn.lose_connection();
        }
    }
}

impl Handler<NetstringDecoder> for Echo {}
impl NetstringHandler for Echo {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        conn.send_string(string).expect("within the limit");
        if self.noted(string) {
            conn.lose_connection();
        }
    }
}

impl<P: Prefix> Handler<IntNDecoder<P>> for Echo {}
impl<P: Prefix> IntNHandler<P> for Echo {
    fn string_received(&mut self, conn: &mut IntNConn<'_, '_, P>, string: &[u8]) {
        conn.send_string(string).expect("within the limit");
        if self.noted(string) {
            conn.lose_connection();
        }
    }
}

#[test]
fn lines_are_received_and_sent() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Echo(diary.clone())));
        pair.write(b"one\r\ntw");
        pair.until("got one");
        pair.write(b"o\r");
        pair.write(b"\n\r\n");
        pair.until_received(b"welcome\r\none\r\ntwo\r\n\r\n");
        pair.write(b"begun");
        pair.end();
        let told = pair.server_lines();
        assert_eq!(told, ["got one", "got two", "got ", "read closed, 5 bytes left", "lost Done"]);
    });
}

#[test]
fn lines_of_another_format_are_received_and_sent() {
    check(|stage| {
        let format = LineFormat::default().with_delimiter(Delimiter::LF);
        let pair =
            Pair::new(stage, move |diary| LineOnlyReceiver::with_format(format.clone(), Echo(diary.clone())));
        pair.write(b"one\n\ntwo\r\n");
        pair.until_received(b"one\n\ntwo\r\n");
        pair.end();
        assert_eq!(pair.server_lines(), ["got one", "got ", "got two\\r"]);
    });
}

#[test]
fn netstrings_are_received_and_sent() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| NetstringReceiver::new(Echo(diary.clone())));
        pair.write(b"5:hel");
        pair.write(b"lo,0:,");
        pair.until_received(b"5:hello,0:,");
        pair.end();
    });
}

#[test]
fn prefixed_strings_are_received_and_sent() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| IntNReceiver::<u32, _>::new(Echo(diary.clone())));
        pair.write(b"\0\0\0\x05hello\0\0");
        pair.until("got hello");
        pair.write(b"\0\0");
        pair.until_received(b"\0\0\0\x05hello\0\0\0\0");
        pair.end();
    });
}

#[test]
fn nothing_is_delivered_once_the_connection_is_being_lost() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Echo(diary.clone())));
        pair.write(b"one\r\nbye\r\ntwo\r\n");
        pair.until("client lost Done");
        pair.stage.until_alone();
        assert_eq!(pair.server_lines(), ["got one", "got bye", "lost Closed"]);
    });
    check(|stage| {
        let pair = Pair::new(stage, |diary| NetstringReceiver::new(Echo(diary.clone())));
        pair.write(b"3:bye,3:two,");
        pair.until("client lost Done");
        pair.until_received(b"3:bye,");
        assert_eq!(pair.server_lines(), ["got bye"]);
    });
}

/// Ends the connection behind all messages of the input at hand, as the transform service must: two requests in one
/// segment have two replies.
struct Transform;
impl Handler<NetstringDecoder> for Transform {}
impl NetstringHandler for Transform {
    fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
        conn.send_string(&string.to_ascii_lowercase()).expect("within the limit");
        conn.then(self, succeed(()), |_, conn, _| conn.lose_connection());
    }
}

#[test]
fn pipelined_requests_are_all_answered_before_the_end() {
    check(|stage| {
        let pair = Pair::new(stage, |_| NetstringReceiver::new(Transform));
        pair.write(b"3:ABC,3:DEF,");
        pair.until("client lost Done");
        pair.until_received(b"3:abc,3:def,");
    });
}

/// Notes errors, and sends a last word.
struct Strict(Diary);

impl Handler<LineDecoder> for Strict {}
impl LineHandler for Strict {
    fn line_received(&mut self, _: &mut LineConn<'_, '_>, line: &[u8]) {
        self.0.note(format!("got {}", text(line)));
    }

    fn line_length_exceeded(&mut self, conn: &mut LineConn<'_, '_>, rest: &[u8], error: LineTooLong) {
        self.0.note(format!("too long ({}): {}", error.line_bytes_max, text(&rest[..6])));
        conn.send_line(b"500 line too long").expect("a line");
    }
}

impl Handler<NetstringDecoder> for Strict {}
impl NetstringHandler for Strict {
    fn string_received(&mut self, _: &mut NetstringConn<'_, '_>, string: &[u8]) {
        self.0.note(format!("got {}", text(string)));
    }

    fn netstring_refused(&mut self, conn: &mut NetstringConn<'_, '_>, error: NetstringError) {
        self.0.note(format!("refused {error:?}"));
        conn.send_string(b"?").expect("within the limit");
    }
}

impl Handler<IntNDecoder<u8>> for Strict {}
impl IntNHandler<u8> for Strict {
    fn string_received(&mut self, _: &mut IntNConn<'_, '_, u8>, string: &[u8]) {
        self.0.note(format!("got {}", text(string)));
    }

    fn length_limit_exceeded(&mut self, conn: &mut IntNConn<'_, '_, u8>, error: LengthLimitExceeded) {
        self.0.note(format!("{} is too long", error.length));
        conn.lose_connection();
    }
}

#[test]
fn a_long_line_ends_the_connection_unless_the_handler_goes_on() {
    check(|stage| {
        let format = LineFormat::default().with_line_bytes_max(10);
        let pair =
            Pair::new(stage, move |diary| LineReceiver::with_format(format.clone(), Echo(diary.clone())));
        pair.write(b"one\r\nlonger than ten\r\ntwo\r\n");
        pair.until("client lost Done");
        pair.until_received(b"welcome\r\none\r\n");
    });
    check(|stage| {
        let format = LineFormat::default().with_line_bytes_max(10);
        let pair =
            Pair::new(stage, move |diary| LineReceiver::with_format(format.clone(), Strict(diary.clone())));
        pair.write(b"one\r\nlonger");
        pair.until("got one");
        pair.write(b" than ten"); // also if it comes in pieces, they are lost with the line
        pair.until_received(b"500 line too long\r\n");
        pair.write(b"two\r\n");
        pair.until("got two");
        pair.end();
        assert_eq!(pair.server_lines(), ["got one", "too long (10): longer", "got two"]);
    });
}

#[test]
fn a_bad_netstring_is_told_once_and_is_the_last() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| NetstringReceiver::new(Strict(diary.clone())));
        pair.write(b"2:ok,02:no,2:ok,");
        pair.until_received(b"1:?,");
        pair.write(b"2:ok,");
        pair.end();
        assert_eq!(pair.server_lines(), ["got ok", "refused MalformedLength"]);
    });
    check(|stage| {
        let pair = Pair::new(stage, |diary| NetstringReceiver::new(Echo(diary.clone())));
        pair.write(b"100000:");
        pair.until("client lost Done");
        assert_eq!(pair.server_lines(), [""; 0], "the default ends the connection");
    });
}

#[test]
fn a_long_prefixed_string_ends_the_connection() {
    check(|stage| {
        let format = Int8Format::default().with_string_bytes_max(3);
        let pair = Pair::new(stage, move |diary| Int8Receiver::with_format(format, Strict(diary.clone())));
        pair.write(b"\x03abc\x04");
        pair.until("client lost Done");
        assert_eq!(pair.server_lines(), ["got abc", "4 is too long"]);
    });
}

/// A handler in a handler, and a plain protocol's `then` below both.
struct Outer(Inner);
struct Inner(Diary);

impl Handler<LineDecoder> for Outer {
    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        (wanted == TypeId::of::<Inner>()).then_some(&mut self.0)
    }
}

impl LineHandler for Outer {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        let inner = &self.0;
        let answer = succeed(text(line));
        conn.then(inner, answer, |inner: &mut Inner, conn, line| {
            inner.0.note(format!("inner {}", line.expect("an answer")));
            conn.send_line(b"inner").expect("a line");
        });
        let plain: &mut Conn<'_> = conn;
        plain.then(self, succeed(()), |outer: &mut Self, conn, _| {
            outer.0.0.note("outer");
            conn.write(b"outer\r\n");
        });
        self.0.0.note("end of the message");
    }
}

#[test]
fn answers_find_the_handler_and_its_parts() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Outer(Inner(diary.clone()))));
        pair.write(b"line\r\n");
        pair.until_received(b"inner\r\nouter\r\n");
        pair.end();
        assert_eq!(pair.server_lines(), ["end of the message", "inner line", "outer"]);
    });
}

/// Keeps a handle on each connection, and says to all what one of them says.
struct Chat(Rc<RefCell<Vec<LineHandle>>>);

impl Handler<LineDecoder> for Chat {
    fn connection_made(&mut self, conn: &mut FrameConn<'_, '_, LineDecoder>) {
        self.0.borrow_mut().push(conn.handle());
    }
}

impl LineHandler for Chat {
    fn line_received(&mut self, _: &mut LineConn<'_, '_>, line: &[u8]) {
        for handle in self.0.borrow().iter() {
            handle.send(line).expect("a line");
        }
    }
}

#[test]
fn a_handle_sends_lines_from_anywhere() {
    check(|stage| {
        let handles = Rc::default();
        let kept = Rc::clone(&handles);
        let pair = Pair::new(stage, move |_| LineReceiver::new(Chat(Rc::clone(&kept))));
        pair.write(b"hello\r\n");
        pair.until_received(b"hello\r\n");
        let handle: LineHandle = handles.borrow()[0].clone();
        assert!(handle.send(b"two\r\nlines").is_err() && handle.is_connected());
        handle.send(b"again").expect("a line");
        pair.until_received(b"hello\r\nagain\r\n");
        pair.end();
        let lost = stage.reactor().statistics().writes_without_effect;
        handle.send(b"nobody").expect("a counted no-op");
        assert_eq!(stage.reactor().statistics().writes_without_effect, lost + 1);
    });
}

/// Keeps a handle, and hands the connection to another protocol at its first line.
struct HandsOver(Rc<RefCell<Option<LineHandle>>>);

impl Handler<LineDecoder> for HandsOver {
    fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
        *self.0.borrow_mut() = Some(conn.handle());
    }
}

impl LineHandler for HandsOver {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, _: &[u8]) {
        conn.become_protocol(Successor, b"");
    }
}

struct Successor;

impl Protocol for Successor {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"other");
    }
}

#[test]
fn a_handle_sends_nothing_to_a_connection_that_has_another_protocol() {
    check(|stage| {
        let kept = Rc::new(RefCell::new(None));
        let keeps = Rc::clone(&kept);
        let pair = Pair::new(stage, move |_| LineReceiver::new(HandsOver(Rc::clone(&keeps))));
        pair.write(b"hand it over\r\n");
        pair.until_received(b"other");
        let handle: LineHandle = kept.borrow_mut().take().expect("it was kept");
        assert!(handle.is_connected());
        handle.send(b"a line").expect("a line");
        handle.write(b"!"); // of the connection, whoever has it
        pair.until_received(b"other!");
        pair.end();
    });
}

#[test]
fn a_receiver_is_a_protocol_with_a_small_footprint() {
    fn is_protocol<P: Protocol>(_: &P) {}
    let receiver = NetstringReceiver::with_format(NetstringFormat::default(), Transform);
    is_protocol(&receiver);
    assert!(size_of_val(&receiver) <= 8, "a handler and a pointer");
}

/// Notes whether the stream ended within a string: when the peer stopped, and at the end.
struct Ending(Diary);

impl Ending {
    fn note(&self, conn: &NetstringConn<'_, '_>) {
        self.0.note(format!("between {}", conn.is_between_strings()));
    }
}

impl Handler<NetstringDecoder> for Ending {
    fn read_closed(&mut self, conn: &mut NetstringConn<'_, '_>) {
        self.note(conn);
        conn.lose_connection();
    }

    fn connection_lost(&mut self, conn: &mut NetstringConn<'_, '_>, _: Lost) {
        self.note(conn);
    }
}

impl NetstringHandler for Ending {
    fn string_received(&mut self, _: &mut NetstringConn<'_, '_>, _: &[u8]) {}
}

#[test]
fn a_stream_that_ends_within_a_netstring_is_told_from_one_that_does_not() {
    for (bytes, between) in
        [("", true), ("3:abc,", true), ("3", false), ("3:abc", false), ("3:abc,0:", false)]
    {
        check(|stage| {
            let pair = Pair::new(stage, |diary| NetstringReceiver::new(Ending(diary.clone())));
            pair.write(bytes.as_bytes());
            pair.end();
            assert_eq!(pair.server_lines(), vec![format!("between {between}"); 2], "{bytes}");
        });
    }
}
