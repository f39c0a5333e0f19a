//! Line mode and raw mode by turns, extra bytes, and cleared buffers: from within messages and from elsewhere.

use std::time::Duration;

use crate::common::stage::{Pair, check, text};
use sestina_contract::Diary;
use sestina_deferred::succeed;
use sestina_framing::{Handler, LineConn, LineDecoder, LineHandler, LineReceiver};
use sestina_reactor::Lost;

/// Where the extra bytes lie that are given back.
#[derive(Clone, Copy)]
enum Extra {
    /// In the raw data, as they should.
    Lent,
    /// In a copy.
    Copied,
    /// In a copy, given back later, from an answer.
    Later,
}

/// A line with a number is followed by so many raw bytes.
struct Bodies {
    diary: Diary,
    wanted: usize,
    body: Vec<u8>,
    extra: Extra,
}

impl Bodies {
    fn new(diary: &Diary, extra: Extra) -> Self {
        Self { diary: diary.clone(), wanted: 0, body: Vec::new(), extra }
    }
}

impl Handler<LineDecoder> for Bodies {}

impl LineHandler for Bodies {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.diary.note(format!("line {}", text(line)));
        self.wanted = str::from_utf8(line).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if self.wanted > 0 {
            conn.set_raw_mode();
        }
    }

    fn raw_data_received(&mut self, conn: &mut LineConn<'_, '_>, data: &[u8]) {
        let (mine, extra) = data.split_at(data.len().min(self.wanted));
        self.body.extend_from_slice(mine);
        self.wanted -= mine.len();
        if self.wanted > 0 {
            return;
        }
        self.diary.note(format!("body {}", text(&std::mem::take(&mut self.body))));
        match self.extra {
            Extra::Lent => conn.set_line_mode(extra),
            Extra::Copied => {
                let copy = extra.to_vec();
                conn.set_line_mode(&copy);
            }
            Extra::Later => {
                let extra = extra.to_vec();
                conn.pause_delivery();
                conn.then(self, succeed(extra), |_, conn, extra| {
                    conn.set_line_mode(&extra.expect("a value"));
                    conn.resume_delivery();
                });
            }
        }
    }
}

#[test]
fn raw_data_between_lines_wherever_the_extra_bytes_lie() {
    for extra in [Extra::Lent, Extra::Copied, Extra::Later] {
        check(|stage| {
            let pair = Pair::new(stage, move |diary| LineReceiver::new(Bodies::new(diary, extra)));
            pair.write(b"5\r\nhello3\r\nyou10\r\n01234");
            pair.until("body you");
            pair.write(b"56789end\r");
            pair.until("body 0123456789");
            pair.write(b"\n");
            pair.until("line end");
            pair.end();
            assert_eq!(
                pair.server_lines(),
                ["line 5", "body hello", "line 3", "body you", "line 10", "body 0123456789", "line end"]
            );
        });
    }
}

/// Answers raw data with lines that the peer never sent, before those that it did.
struct Inserts(Diary);
impl Handler<LineDecoder> for Inserts {}
impl LineHandler for Inserts {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.0.note(format!("line {}", text(line)));
        if line == b"raw" {
            conn.set_raw_mode();
        }
    }

    fn raw_data_received(&mut self, conn: &mut LineConn<'_, '_>, data: &[u8]) {
        self.0.note(format!("data {}", text(data)));
        conn.set_line_mode(b"other\r\nan");
        conn.set_line_mode(b"an");
    }
}

#[test]
fn extra_bytes_need_not_be_those_that_came() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Inserts(diary.clone())));
        pair.write(b"raw\r\n0123456789");
        pair.until("line another");
        pair.write(b"d\r\n");
        pair.until("line and");
        pair.end();
        assert_eq!(pair.server_lines(), ["line raw", "data 0123456789", "line another", "line and"]);
    });
}

/// Gives extra bytes from a timer, when nothing is being delivered; a line `raw` shows raw data from then on.
struct FromElsewhere(Diary);

impl Handler<LineDecoder> for FromElsewhere {
    fn connection_made(&mut self, conn: &mut LineConn<'_, '_>) {
        conn.set_raw_mode();
        conn.set_timer(Duration::from_millis(1));
    }

    fn timer(&mut self, conn: &mut LineConn<'_, '_>) {
        conn.set_line_mode(b"extra\r\nand ");
        self.0.note("end of the timer");
    }
}

impl LineHandler for FromElsewhere {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.0.note(format!("line {}", text(line)));
        if line == b"and raw" {
            conn.set_raw_mode();
        }
    }

    fn raw_data_received(&mut self, _: &mut LineConn<'_, '_>, data: &[u8]) {
        self.0.note(format!("data {}", text(data)));
    }
}

#[test]
fn extra_bytes_may_come_from_elsewhere() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(FromElsewhere(diary.clone())));
        pair.until("line extra");
        pair.write(b"raw\r\nbytes\r\n");
        pair.until("data bytes");
        pair.end();
        assert_eq!(
            pair.server_lines(),
            ["end of the timer", "line extra", "line and raw", "data bytes\\r\\n"]
        );
    });
}

/// Takes back what was not delivered: behind a line `clear`, and when the peer is gone.
struct Clears(Diary);

impl Handler<LineDecoder> for Clears {
    fn read_closed(&mut self, conn: &mut LineConn<'_, '_>) {
        let rest = conn.clear_line_buffer();
        self.0.note(format!("left {}, then {}", text(&rest), conn.buffered()));
        conn.lose_connection();
    }
}

impl LineHandler for Clears {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, line: &[u8]) {
        self.0.note(format!("line {}", text(line)));
        if line == b"clear" {
            let rest = conn.clear_line_buffer();
            self.0.note(format!("cleared {}", text(&rest)));
        }
    }
}

#[test]
fn a_buffer_may_be_cleared_within_a_line_and_at_the_end() {
    check(|stage| {
        let pair = Pair::new(stage, |diary| LineReceiver::new(Clears(diary.clone())));
        pair.write(b"one\r\nclear\r\ngone\r\nand this");
        pair.until("cleared");
        pair.write(b"two\r\nhalf");
        pair.until("line two");
        pair.end();
        assert_eq!(
            pair.server_lines(),
            ["line one", "line clear", "cleared gone\\r\\nand this", "line two", "left half, then 0"]
        );
    });
}

/// Sets the raw mode and does not say what to do with raw data.
struct Forgetful(Diary);
impl Handler<LineDecoder> for Forgetful {
    fn connection_lost(&mut self, _: &mut LineConn<'_, '_>, why: Lost) {
        self.0.note(format!("lost {why:?}"));
    }
}
impl LineHandler for Forgetful {
    fn line_received(&mut self, conn: &mut LineConn<'_, '_>, _: &[u8]) {
        conn.set_raw_mode();
    }
}

#[test]
fn raw_data_that_nobody_wants_is_not_lost_in_silence() {
    check(|stage| {
        stage.expect_panics(1);
        let pair = Pair::new(stage, |diary| LineReceiver::new(Forgetful(diary.clone())));
        pair.write(b"line\r\nraw");
        pair.until("client lost Reset");
        assert_eq!(pair.server_lines(), ["lost Aborted"]);
    });
}
