//! The transform service: what it answers, what it refuses, and what bounds it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::client::{Heard, client};
use crate::common::log::logged;
use crate::common::{close, house, serve, until, wait};
use sestina_deferred::{Deferred, Failure, Resolver, deferred};
use sestina_poetry::{
    BadTransformName, Poem, Refusal, TransformServer, TransformService, Transformer, transforms,
};
use sestina_reactor::{Lost, Reactor};

/// What a server says to these bytes.
#[track_caller]
fn told<T: Transformer>(server: TransformServer<T>, bytes: &'static [u8]) -> Heard {
    let reactor = house();
    let at = serve(&reactor, server);
    let (_, heard) = client(&reactor, &at, |conn| conn.write(bytes));
    let heard = wait(&reactor, heard).expect("a client always tells");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    reactor.clear();
    heard
}

fn service() -> TransformServer<TransformService> {
    TransformServer::new(TransformService::new())
}

#[test]
fn every_refusal_is_a_clean_end_without_an_answer_and_the_log_says_why() {
    let cases: [(&'static [u8], &str); 8] = [
        (b"hello\n", "not a netstring"),
        (b"15:cummingsify.ABCx", "without a comma"),
        (b"100000:", "the request has more than 99999 bytes"),
        (b"11:cummingsify,", "no dot"),
        (b"14:cummingsify.\xff\xfe,", "not UTF-8"),
        (b"10:upcase.ABC,", "there is no transform 'upcase'"),
        (b"4:.ABC,", "there is no transform ''"),
        (b"11:\x1b[2J\r\n\0xyz.,", r"there is no transform '\u{1b}[2J\r\n\u{0}xyz'"),
    ];
    for (bytes, words) in cases {
        let lines = logged(|| told(service(), bytes).is_whole(b""));
        let warnings: Vec<&String> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
        assert!(warnings.len() == 1 && warnings[0].contains(words), "{}: {lines:?}", bytes.escape_ascii());
    }
}

#[test]
fn a_long_name_is_cut_in_the_log() {
    let name = "x".repeat(90_000);
    let refusal = TransformService::new().apply(&name, "").unwrap_err();
    assert!(refusal.to_string().len() < 100, "{refusal}");
}

#[test]
fn after_a_request_that_is_refused_later_ones_are_not_answered() {
    told(service(), b"15:cummingsify.ABC,11:cummingsify,15:cummingsify.DEF,").is_whole(b"3:abc,");
    told(service(), b"15:cummingsify.ABC,10:upcase.DEF,15:cummingsify.GHI,").is_whole(b"3:abc,");
    told(service(), b"15:cummingsify.ABC,?").is_whole(b"3:abc,");
}

#[test]
fn an_answer_that_no_client_would_read_is_refused() {
    let long = |_: &str| "x".repeat(11);
    let service = TransformService::empty().with_bytes_max(10).with_transform("long", "", long).unwrap();
    assert_eq!(service.apply("long", ""), Err(Refusal::AnswerTooLong { bytes: 11, limit: 10 }));
    told(TransformServer::new(service), b"5:long.,").is_whole(b"");
}

#[test]
fn a_connection_may_make_so_many_requests() {
    let lines = logged(|| {
        told(service().with_requests_max(2), b"7:shout.a,7:shout.b,7:shout.c,").is_whole(b"1:A,1:B,")
    });
    assert!(lines.iter().any(|line| line.contains("more than 2 requests on one connection")), "{lines:?}");
}

#[test]
fn a_client_has_so_much_time_for_its_request_however_it_drips_in() {
    let limit = Duration::from_millis(100);
    let reactor = house();
    let at = serve(&reactor, service().with_request_time_max(limit));
    let (_, silent) = client(&reactor, &at, |_| ());
    let kept = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&kept);
    let (_, dripping) = client(&reactor, &at, move |conn| {
        conn.write(b"99999:");
        *slot.borrow_mut() = Some(conn.handle());
    });
    until(&reactor, "the server gives both up", || {
        if let Some(conn) = kept.borrow().as_ref() {
            conn.write(b"x");
        }
        silent.is_fired() && dripping.is_fired()
    });
    wait(&reactor, silent).unwrap().is_whole(b"");
    wait(&reactor, dripping).unwrap().is_whole(b"");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
}

#[test]
fn a_transform_that_panics_resets_its_client_and_nobody_else() {
    let broken = |_: &str| -> String { panic!("a broken transform") };
    let service = TransformService::new().with_transform("break", "", broken).unwrap();
    let reactor = house();
    let at = serve(&reactor, TransformServer::new(service));
    let (_, heard) = client(&reactor, &at, |conn| conn.write(b"7:break.a,"));
    let heard = wait(&reactor, heard).unwrap();
    assert!(matches!(heard.why, Lost::Reset) && heard.bytes.is_empty(), "{heard:?}");
    let (_, heard) = client(&reactor, &at, |conn| conn.write(b"7:shout.a,"));
    wait(&reactor, heard).unwrap().is_whole(b"1:A,");
    reactor.clear();
}

#[test]
fn a_name_that_no_request_can_say_is_refused() {
    for name in ["", "a.b", "."] {
        let error = TransformService::new().with_transform(name, "", str::to_owned).unwrap_err();
        assert_eq!(error, BadTransformName(name.to_owned()));
    }
}

#[test]
fn a_transform_may_be_added_and_replaced() {
    let service = TransformService::new();
    let more = service.clone().with_transform("shout", "louder", |poem| format!("{poem}!")).unwrap();
    assert_eq!(more.apply("shout", "a").as_deref(), Ok("a!"));
    assert_eq!(service.apply("shout", "a").as_deref(), Ok("A"), "a clone is not changed");
    assert_eq!(service.list().count(), transforms::BUILT_IN.len());
    assert!(more.list().any(|entry| entry == ("shout", "louder")));
}

// spec: REF-03
#[test]
fn the_transforms_do_what_they_say() {
    let service = TransformService::new();
    let cases = [
        ("cummingsify", "A.b\nÀÉΣİß", "a.b\nàéσi\u{307}ß"),
        ("shout", "aß\nb", "ASS\nB"),
        ("trim", "", ""),
        ("trim", " \n\n", ""),
        ("trim", "a", "a\n"),
        ("trim", "\r\na \r\n\r\n\r\nb\r\n", "a\n\n\nb\n"),
        ("number", "", ""),
        ("number", "a\n \nb", "  1  a\n \n  2  b"),
        ("acrostic", "", ""),
        ("acrostic", "\n\n--\na\n\n\n«é»\nc", "a\néc\n"),
        ("rot13", "azAZ é1", "nmNM é1"),
        ("count", "", "lines: 0, words: 0, characters: 0\n"),
        ("count", "é b\n", "lines: 1, words: 2, characters: 4\n"),
    ];
    for (name, poem, expected) in cases {
        assert_eq!(service.apply(name, poem).as_deref(), Ok(expected), "{name} of {poem:?}");
    }
}

/// Keeps what it is asked, for the test to answer.
#[derive(Clone, Default)]
struct Oracle {
    asked: Rc<RefCell<Vec<Option<Resolver<Poem>>>>>,
    cancelled: Rc<RefCell<Vec<usize>>>,
}

impl Oracle {
    fn count(&self) -> usize {
        self.asked.borrow().len()
    }

    fn answer(&self, number: usize, answer: Result<&str, Failure>) {
        let resolver = self.asked.borrow_mut()[number].take().expect("it is answered once");
        resolver.resolve(answer.map(Poem::from_bytes));
    }
}

impl Transformer for Oracle {
    fn transform(&self, _: &str, _: &str) -> Deferred<Poem> {
        let (resolver, answer) = deferred();
        let (number, cancelled) = (self.count(), Rc::clone(&self.cancelled));
        self.asked.borrow_mut().push(Some(resolver));
        answer.on_cancel(move || cancelled.borrow_mut().push(number))
    }
}

/// Three requests at once to an oracle, which then does `act`.
fn three(act: impl FnOnce(&Reactor, &Oracle)) -> (Heard, Vec<usize>) {
    let (reactor, oracle) = (house(), Oracle::default());
    let at = serve(&reactor, TransformServer::new(oracle.clone()));
    let (_, heard) = client(&reactor, &at, |conn| conn.write(b"3:a.x,3:b.y,3:c.z,"));
    until(&reactor, "the requests are there", || oracle.count() == 3);
    act(&reactor, &oracle);
    let heard = wait(&reactor, heard).expect("a client always tells");
    until(&reactor, "all connections are over", || reactor.connections() == 0);
    close(&reactor);
    (heard, oracle.cancelled.take())
}

#[test]
fn answers_leave_in_the_order_of_their_requests() {
    let (heard, cancelled) = three(|reactor, oracle| {
        for number in [2, 0, 1] {
            oracle.answer(number, Ok(&format!("answer {number}")));
            reactor.turn(Some(Duration::ZERO)).expect("the driver works");
        }
    });
    heard.is_whole(b"8:answer 0,8:answer 1,8:answer 2,");
    assert!(cancelled.is_empty());
}

#[test]
fn so_many_bytes_of_requests_may_wait_behind_the_first_and_no_client_can_fill_the_memory() {
    let (reactor, oracle) = (house(), Oracle::default());
    let at = serve(&reactor, TransformServer::new(oracle.clone()).with_waiting_bytes_max(6));
    let lines = logged(|| {
        // The first may be as long as it likes; two of three bytes fit behind it, and one more byte does not.
        let (_, heard) = client(&reactor, &at, |conn| conn.write(b"8:a.abcdef,3:b.y,3:c.z,2:d.,2:e.,"));
        until(&reactor, "three requests are there", || oracle.count() == 3);
        for number in 0..3 {
            oracle.answer(number, Ok("x"));
        }
        wait(&reactor, heard).unwrap().is_whole(b"1:x,1:x,1:x,");
    });
    assert_eq!(oracle.count(), 3, "what is refused is not asked");
    let words = "more than 6 bytes of requests wait behind the first";
    assert_eq!(lines.iter().filter(|line| line.contains(words)).count(), 1, "{lines:?}");
    close(&reactor);
}

#[test]
fn a_refusal_among_answers_ends_them_cleanly_and_cancels_the_rest() {
    let (heard, cancelled) = three(|_, oracle| {
        oracle.answer(1, Err(Refusal::Upstream.into()));
        oracle.answer(0, Ok("first"));
    });
    heard.is_whole(b"5:first,");
    assert_eq!(cancelled, [2]);
}

#[test]
fn an_answer_after_a_refusal_is_neither_sent_nor_said_to_be() {
    let lines = logged(|| {
        let (heard, _) = three(|reactor, oracle| {
            oracle.answer(0, Err(Refusal::Upstream.into()));
            oracle.answer(1, Ok("late"));
            reactor.turn(Some(Duration::ZERO)).expect("the driver works");
        });
        heard.is_whole(b"");
    });
    assert!(lines.iter().any(|line| line.contains("has refused it")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("transformed")), "{lines:?}");
}

#[test]
fn an_accident_among_answers_is_a_reset_and_cancels_the_rest() {
    let (heard, cancelled) = three(|_, oracle| {
        oracle.answer(0, Ok("first"));
        oracle.answer(1, Err(Failure::msg("the oracle is down")));
    });
    assert!(matches!(heard.why, Lost::Reset), "{heard:?}");
    assert_eq!(cancelled, [2]);
}

#[test]
fn a_client_that_is_cut_off_cancels_what_works_for_it() {
    let (reactor, oracle) = (house(), Oracle::default());
    let at = serve(&reactor, TransformServer::new(oracle.clone()));
    let (connector, heard) = client(&reactor, &at, |conn| conn.write(b"3:a.x,3:b.y,"));
    until(&reactor, "the requests are there", || oracle.count() == 2);
    connector.abort();
    until(&reactor, "both are cancelled", || oracle.cancelled.borrow().len() == 2);
    wait(&reactor, heard).unwrap();
    close(&reactor);
}

#[test]
fn a_half_closed_client_gets_its_answer_within_the_grace_and_a_reset_after_it() {
    for (grace, is_answered) in [(Duration::from_secs(60), true), (Duration::from_millis(50), false)] {
        let (reactor, oracle) = (house(), Oracle::default());
        let at = serve(&reactor, TransformServer::new(oracle.clone()).with_grace(grace));
        let (_, heard) = client(&reactor, &at, |conn| {
            conn.write(b"3:a.x,");
            conn.lose_write_connection();
        });
        until(&reactor, "the request is there", || oracle.count() == 1);
        if is_answered {
            reactor.turn(Some(Duration::ZERO)).expect("the driver works");
            oracle.answer(0, Ok("late"));
            wait(&reactor, heard).unwrap().is_whole(b"4:late,");
        } else {
            let heard = wait(&reactor, heard).unwrap();
            assert!(matches!(heard.why, Lost::Reset), "{heard:?}");
            until(&reactor, "the work is cancelled", || !oracle.cancelled.borrow().is_empty());
        }
        until(&reactor, "all connections are over", || reactor.connections() == 0);
        close(&reactor);
    }
}
