//! The protocol alone: no network, and a clock that is moved by hand.

use std::rc::Rc;
use std::time::Duration;

use sestina::trial::{Ending, StringTransport, each_cut};
use sestina_example_guides::{Dictionary, QUESTION_BYTES_MAX, Rhymes, SILENCE_MAX, Shelf};

const SECOND: Duration = Duration::from_secs(1);

/// A connection whose other side is the test, and an open dictionary on its clock.
fn connected() -> StringTransport {
    let shelf = Shelf::default();
    let transport = StringTransport::new(Rhymes::protocol(shelf.clone()));
    shelf.put(Rc::new(Dictionary::open(transport.reactor())));
    transport
}

#[test]
fn each_word_is_answered_in_its_turn_wherever_the_network_cuts() {
    each_cut(b"heart\nsilver\ntree\n", |first, rest| {
        let transport = connected();
        transport.feed(first);
        transport.feed(rest);
        assert_eq!(transport.take(), b"", "looking up takes a while");
        (0..3).for_each(|_| transport.advance(SECOND));
        assert_eq!(transport.take(), b"art, dart\nnothing rhymes with that\nfree\n");
    });
}

#[test]
fn a_client_that_says_nothing_is_told_goodbye() {
    let transport = connected();
    transport.advance(SILENCE_MAX - SECOND);
    transport.feed(b"tree\n"); // in the last second
    transport.advance(SECOND);
    assert_eq!(transport.take(), b"free\n");
    transport.advance(SILENCE_MAX);
    assert_eq!(transport.take(), b"you say nothing, so goodbye\n");
    assert_eq!(transport.ending(), Some(Ending::Finished));
}

#[test]
fn a_word_that_has_no_end_is_not_kept() {
    let transport = connected();
    transport.feed(&[b'a'; QUESTION_BYTES_MAX + 2]);
    assert_eq!(transport.ending(), Some(Ending::Finished));
}

#[test]
fn a_client_that_leaves_is_not_looked_up_for() {
    let transport = connected();
    transport.feed(b"dream\n");
    assert_eq!(transport.reactor().timers(), 1, "somebody looks it up");
    transport.reset();
    assert_eq!(transport.reactor().timers(), 0);
}
