//! The doubles: they are thin, so what is tested is that the real thing stands below them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, Endpoint, HIGH_MARK_BYTES, Lost, Protocol};
use sestina_trial::{Clock, Ending, Pump, StringTransport, each_cut};

const SECOND: Duration = Duration::from_secs(1);

/// Writes down what happens to it, and answers each line with its length.
#[derive(Clone, Default)]
struct Counter {
    noted: Rc<RefCell<Vec<String>>>,
    line: Rc<RefCell<Vec<u8>>>,
}

impl Counter {
    fn note(&self, words: impl Into<String>) {
        self.noted.borrow_mut().push(words.into());
    }

    fn taken(&self) -> Vec<String> {
        self.noted.take()
    }
}

impl Protocol for Counter {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.note("made");
        conn.set_timer(10 * SECOND);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        for byte in data {
            match byte {
                b'\n' => conn.write(format!("{}\n", self.line.take().len()).as_bytes()),
                b'!' => conn.write(&vec![b'!'; HIGH_MARK_BYTES + 1]),
                b'.' => conn.lose_connection(),
                byte => self.line.borrow_mut().push(*byte),
            }
        }
    }

    fn pause_producing(&mut self, _: &mut Conn<'_>) {
        self.note("pause");
    }

    fn resume_producing(&mut self, _: &mut Conn<'_>) {
        self.note("resume");
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.note("timer");
        conn.abort();
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.note(format!("lost {why:?}"));
    }
}

#[test]
fn what_is_written_is_recorded_wherever_the_input_was_cut() {
    each_cut(b"poem\nby\n", |first, rest| {
        let transport = StringTransport::new(Counter::default());
        transport.feed(first);
        transport.feed(rest);
        assert_eq!(transport.take(), b"4\n2\n");
        assert!(transport.value().is_empty());
    });
    let transport = StringTransport::new(Counter::default());
    transport.feed_each_byte(b"poem\n");
    assert_eq!(transport.value(), b"4\n");
}

#[test]
fn a_peer_that_does_not_read_pauses_the_protocol() {
    let counter = Counter::default();
    let transport = StringTransport::new(counter.clone());
    transport.pause();
    transport.feed(b"!");
    assert_eq!((transport.queued(), transport.value().len()), (HIGH_MARK_BYTES + 1, 0));
    assert_eq!(counter.taken(), ["made", "pause"]);
    transport.resume();
    assert_eq!((transport.queued(), transport.value().len()), (0, HIGH_MARK_BYTES + 1));
    assert_eq!(counter.taken(), ["resume"]);
}

#[test]
fn every_ending_is_told_as_it_was() {
    let ended = |end: fn(&StringTransport)| {
        let counter = Counter::default();
        let transport = StringTransport::new(counter.clone());
        end(&transport);
        (counter.taken(), transport.ending())
    };
    let made = |last: &str| vec!["made".to_owned(), last.to_owned()];
    assert_eq!(ended(StringTransport::end), (made("lost Done"), Some(Ending::Closed)));
    assert_eq!(ended(StringTransport::reset), (made("lost Reset"), Some(Ending::Closed)));
    let cut = |transport: &StringTransport| {
        transport.conn().abort();
        transport.advance(Duration::ZERO);
    };
    assert_eq!(ended(cut), (made("lost Aborted"), Some(Ending::Reset)));
    assert_eq!(ended(|transport| transport.feed(b".")), (vec!["made".to_owned()], Some(Ending::Finished)));
    let polite = |transport: &StringTransport| {
        transport.feed(b".");
        transport.end();
    };
    assert_eq!(ended(polite), (made("lost Closed"), Some(Ending::Closed)));
    let late = |transport: &StringTransport| transport.advance(10 * SECOND);
    let expected = vec!["made".to_owned(), "timer".to_owned(), "lost Aborted".to_owned()];
    assert_eq!(ended(late), (expected, Some(Ending::Reset)));
}

/// As a proxy does.
#[test]
fn a_protocol_that_connects_to_another_is_seen_on_its_own_connection() {
    struct Silent;
    impl Protocol for Silent {}
    struct Proxy;
    impl Protocol for Proxy {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            conn.reactor().connect(&Endpoint::loopback(2), |_: &Address| Silent);
            conn.write(b"good day");
        }
    }
    assert_eq!(StringTransport::new(Proxy).take(), b"good day");
}

#[test]
fn a_transport_that_is_dropped_tells_its_protocol() {
    let counter = Counter::default();
    drop(StringTransport::new(counter.clone()));
    assert_eq!(counter.taken(), ["made", "lost Aborted"]);
}

#[test]
fn time_passes_by_hand_and_in_order() {
    let (clock, order) = (Clock::new(), Rc::new(RefCell::new(Vec::new())));
    for after in [3_u32, 1, 2, 1] {
        let (order, clock2) = (Rc::clone(&order), clock.clone());
        clock.reactor().call_later(after * SECOND, move || {
            order.borrow_mut().push(after);
            let again = Rc::clone(&order);
            clock2.reactor().call_later(Duration::ZERO, move || again.borrow_mut().push(after * 10));
        });
    }
    clock.advance(SECOND / 2);
    assert!(order.borrow().is_empty());
    clock.pump([SECOND / 2, SECOND]);
    assert_eq!(*order.borrow(), [1, 1, 10, 10, 2, 20]);
    assert_eq!(clock.now() - sestina_reactor::Time::ZERO, 2 * SECOND);
    assert!(clock.reactor().run().is_err(), "nobody but the test moves this clock");
}

/// Sends lines and keeps the answers.
struct Asker(Rc<RefCell<Vec<u8>>>);

impl Protocol for Asker {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"some\npoetry\n.");
    }

    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.0.borrow_mut().extend_from_slice(data);
    }
}

#[test]
fn two_protocols_talk_whatever_the_pieces_are() {
    for piece in [1, 2, 3, usize::MAX] {
        let (answers, counter) = (Rc::default(), Counter::default());
        let mut pump = Pump::joining(Asker(Rc::clone(&answers)), counter.clone()).cut_into(piece);
        pump.flush();
        assert_eq!(*answers.borrow(), b"4\n6\n", "in pieces of {piece}");
        assert_eq!(counter.taken(), ["made", "lost Closed"]);
        assert!(pump.left().is_closed() && pump.right().is_closed());
    }
}

#[test]
#[should_panic(expected = "they still talk")]
fn two_that_talk_for_ever_are_noticed() {
    struct Ball(bool);
    impl Protocol for Ball {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            if self.0 {
                conn.write(b"ping");
            }
        }
        fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
            conn.write(data);
        }
    }
    Pump::joining(Ball(true), Ball(false)).flush();
}
