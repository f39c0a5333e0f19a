//! The client of a transform service: what is an answer, what is none, and giving up.

use std::time::Duration;

use crate::common::puppet::Puppet;
use crate::common::{close, house, serve, until, wait};
use sestina_deferred::{Cancelled, Failure};
use sestina_framing::NetstringError;
use sestina_poetry::{Poem, TRANSFORM_BYTES_MAX, TransformClient, TransformError, transform};
use sestina_reactor::{ConnectError, Lost, Reactor};

const REQUEST: &[u8] = b"27:cummingsify.HERE IS MY POEM,";

/// Sends one request to a puppet that does `act` when the request is there.
fn ask(
    poem: &str,
    act: impl FnOnce(&Reactor, &Puppet),
    options: impl FnOnce(TransformClient) -> TransformClient,
) -> (String, Result<Poem, Failure>) {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let client = options(TransformClient::new(at.clone()));
    let answer = client.transform(&reactor, "cummingsify", &Poem::from_bytes(poem));
    let request = format!("{}:cummingsify.{poem},", 12 + poem.len());
    until(&reactor, "the request is there", || puppet.received() == request.as_bytes());
    act(&reactor, &puppet);
    let result = wait(&reactor, answer);
    until(&reactor, "all connections are over", || {
        puppet.last().lose_connection();
        reactor.connections() == 0
    });
    close(&reactor);
    (at.peer_name(), result)
}

/// The error when the service writes this, and closes.
#[track_caller]
fn error_after(answer: &[u8]) -> (String, TransformError) {
    let (name, result) = ask(
        "HERE IS MY POEM",
        |_, puppet| {
            puppet.last().write(answer);
            puppet.last().lose_connection();
        },
        |client| client,
    );
    (name, transform_error(&result.expect_err("that is no answer")).clone())
}

#[track_caller]
fn transform_error(failure: &Failure) -> &TransformError {
    failure.check().unwrap_or_else(|| panic!("another error: {failure:?}"))
}

// spec: P15-21, REF-04
#[test]
fn a_request_is_a_netstring_and_so_is_its_answer() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let answer = transform(&reactor, &at, "cummingsify", &Poem::from_bytes("HERE IS MY POEM"));
    until(&reactor, "the request is there", || puppet.received().len() == REQUEST.len());
    assert_eq!(puppet.received().escape_ascii().to_string(), REQUEST.escape_ascii().to_string());
    puppet.last().write(b"15:here is my poem,");
    assert_eq!(wait(&reactor, answer).unwrap().as_bytes(), b"here is my poem");
    until(&reactor, "the client has closed", || puppet.ends().len() == 1);
    assert!(matches!(puppet.ends()[..], [Lost::Done]), "a polite end: {:?}", puppet.ends());
    close(&reactor);
}

#[test]
fn an_answer_may_come_in_any_pieces_and_what_is_behind_it_does_not_matter() {
    for behind in [&b""[..], b"3:abc,", b"x"] {
        let answer = [b"15:here is my poem,", behind].concat();
        for cut in 0..answer.len() {
            let (_, result) = ask(
                "HERE IS MY POEM",
                |reactor, puppet| {
                    puppet.last().write(&answer[..cut]);
                    let received = reactor.statistics().bytes_received;
                    let there = u64::try_from(cut).unwrap();
                    until(reactor, "a piece", || {
                        cut >= 19 || reactor.statistics().bytes_received >= received + there
                    });
                    puppet.last().write(&answer[cut..]);
                },
                |client| client,
            );
            assert_eq!(result.unwrap().as_bytes(), b"here is my poem", "cut at {cut}");
        }
    }
}

#[test]
fn a_clean_end_without_a_byte_is_a_no() {
    let (name, error) = error_after(b"");
    assert!(matches!(error, TransformError::Refused { .. }), "{error:?}");
    let words = format!("{name} closed the connection without an answer: does it know 'cummingsify'?");
    assert_eq!(error.to_string(), words);
}

#[test]
fn an_answer_that_ends_early_is_none() {
    for answer in [&b"1"[..], b"15:", b"15:here is", b"15:here is my poem"] {
        let (_, error) = error_after(answer);
        assert!(matches!(error, TransformError::Torn { .. }), "{answer:?}: {error:?}");
    }
}

#[test]
fn an_answer_that_is_no_netstring_is_none() {
    let cases: [(&[u8], NetstringError); 4] = [
        (b"here is my poem", NetstringError::MalformedLength),
        (b"015:here is my poem,", NetstringError::MalformedLength),
        (b"-1:,", NetstringError::MalformedLength),
        (b"15:here is my poem;", NetstringError::MissingComma),
    ];
    for (answer, expected) in cases {
        match error_after(answer).1 {
            TransformError::Malformed { error, .. } => assert_eq!(error, expected, "{answer:?}"),
            other => panic!("{answer:?}: {other:?}"),
        }
    }
}

#[test]
fn an_answer_may_be_as_long_as_allowed_and_no_longer() {
    for (answer, fits) in [(&b"20:12345678901234567890,"[..], true), (b"21:123456789012345678901,", false)] {
        let (_, result) =
            ask("HI", |_, puppet| puppet.last().write(answer), |client| client.with_bytes_max(20));
        match result {
            Ok(poem) => assert!(fits && poem.len() == 20),
            Err(failure) => {
                let error = transform_error(&failure);
                assert!(
                    !fits && matches!(error, TransformError::AnswerTooLong { limit: 20, .. }),
                    "{error:?}"
                );
            }
        }
    }
    let (_, error) = error_after(b"100000:");
    assert!(matches!(error, TransformError::AnswerTooLong { limit: TRANSFORM_BYTES_MAX, .. }), "{error:?}");
}

#[test]
fn nothing_is_an_answer_to_nothing_only() {
    let (_, error) = error_after(b"0:,");
    assert!(matches!(error, TransformError::Empty { .. }), "{error:?}");
    let nothing = |_: &Reactor, puppet: &Puppet| puppet.last().write(b"0:,");
    let (_, result) = ask("", nothing, |client| client);
    assert!(result.unwrap().is_empty());
    let (_, result) = ask("HI", nothing, TransformClient::with_empty_answers);
    assert!(result.unwrap().is_empty());
}

#[test]
fn a_poem_that_is_too_long_fails_before_anything_is_sent() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let fits = Poem::from_bytes(vec![b'A'; TRANSFORM_BYTES_MAX - "cummingsify.".len()]);
    let too_long = Poem::from_bytes(vec![b'A'; fits.len() + 1]);
    let failed = transform(&reactor, &at, "cummingsify", &too_long);
    let failure = failed.try_result().expect("it has failed already").unwrap_err();
    let TransformError::TooLong { bytes: 100_000, limit: 99_999 } = transform_error(&failure) else {
        panic!("{failure:?}")
    };
    assert_eq!(
        failure.to_string(),
        "the poem is too long to be transformed: a request of 100000 bytes, and 99999 are allowed"
    );
    let answer = transform(&reactor, &at, "cummingsify", &fits);
    until(&reactor, "the request is there", || puppet.received().len() == "99999:,".len() + 99_999);
    assert_eq!(puppet.count(), 1, "the other one has not even connected");
    answer.cancel();
    assert!(answer.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    close(&reactor);
}

#[test]
fn a_name_that_would_be_read_as_another_one_is_not_sent() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    for name in ["", ".", "cummings.ify"] {
        let failed = transform(&reactor, &at, name, &Poem::from_bytes("A"));
        let failure = failed.try_result().expect("it has failed already").unwrap_err();
        assert!(matches!(transform_error(&failure), TransformError::BadName { .. }), "{failure:?}");
    }
    assert_eq!(puppet.count(), 0);
    close(&reactor);
}

#[test]
fn a_reset_and_a_server_that_is_not_there_are_told_apart() {
    let (_, result) = ask("A", |_, puppet| puppet.last().abort(), |client| client);
    let failure = result.unwrap_err();
    let error = transform_error(&failure);
    assert!(matches!(error, TransformError::Lost { why: Lost::Reset, .. }), "{error:?}");

    let reactor = house();
    let port = reactor.listen(&"tcp:0".parse().unwrap(), Puppet::default()).unwrap();
    let at = crate::common::endpoint(port.local_addr());
    wait(&reactor, port.stop_listening()).unwrap();
    let failure = wait(&reactor, transform(&reactor, &at, "shout", &Poem::from_bytes("a"))).unwrap_err();
    assert!(matches!(failure.check(), Some(ConnectError::Refused(_))), "{failure:?}");
    close(&reactor);
}

#[test]
fn a_service_that_does_not_finish_in_time_is_left() {
    let limit = Duration::from_millis(250);
    let pieces: [&[u8]; 2] = [b"", b"15:here is"];
    for piece in pieces {
        let (name, result) =
            ask("A", |_, puppet| puppet.last().write(piece), |client| client.with_time_max(limit));
        let failure = result.unwrap_err();
        let error = transform_error(&failure);
        assert!(matches!(error, TransformError::TimedOut { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("{name} did not answer within 250ms: allow it more time"));
    }
}

#[test]
fn bytes_that_drip_in_do_not_prolong_the_time() {
    let limit = Duration::from_millis(250);
    let (_, result) = ask(
        "A",
        |reactor, puppet| {
            puppet.last().write(b"99999:");
            let (end, mut next) = (reactor.now() + limit * 2, reactor.now());
            until(reactor, "the client gives up, or never", || {
                if reactor.now() >= next {
                    puppet.last().write(b"x");
                    next = reactor.now() + limit / 20;
                }
                reactor.now() > end || !puppet.ends().is_empty()
            });
            assert!(!puppet.ends().is_empty(), "it has not given up");
        },
        |client| client.with_time_max(limit),
    );
    let failure = result.unwrap_err();
    assert!(matches!(transform_error(&failure), TransformError::TimedOut { .. }), "{failure:?}");
}

#[test]
fn cancelling_cuts_the_connection_at_once() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let answer = transform(&reactor, &at, "cummingsify", &Poem::from_bytes("HERE IS MY POEM"));
    until(&reactor, "the request is there", || puppet.received() == REQUEST);
    puppet.last().write(b"15:here is");
    answer.cancel();
    assert!(answer.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    until(&reactor, "the service has noticed", || puppet.ends().len() == 1);
    assert!(matches!(puppet.ends()[..], [Lost::Reset]), "{:?}", puppet.ends());
    close(&reactor);
}

#[test]
fn cancelling_before_the_connection_is_there_stops_connecting() {
    let (reactor, puppet) = (house(), Puppet::default());
    let at = serve(&reactor, puppet.clone());
    let answer = transform(&reactor, &at, "cummingsify", &Poem::from_bytes("A"));
    answer.cancel();
    assert!(answer.try_result().expect("it has answered").unwrap_err().is::<Cancelled>());
    until(&reactor, "nothing is left of it", || reactor.connections() == 0 && reactor.timers() == 0);
    assert_eq!(puppet.received(), b"");
    close(&reactor);
}
