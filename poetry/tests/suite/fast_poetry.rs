//! The whole poem at once.

use crate::common::client::{client, listen, others_are_served_beside_a_stuck_client};
use crate::common::log::logged;
use crate::common::{close, house, long_poem, serve, wait};
use sestina_poetry::{FastPoetry, Poem, poems};
use sestina_reactor::{Drain, Reactor};
use sestina_trial::{TestResult, listening};

// spec: P14-15, P15-21, P16-14, P16-16, REF-02
#[sestina_trial::test(on = "both")]
async fn everybody_gets_the_whole_poem_and_a_clean_end(reactor: Reactor) -> TestResult {
    let server = listening(FastPoetry::new(Poem::from_bytes(poems::FASCINATION)));
    let at = server.endpoint();
    for heard in [listen(&reactor, at), listen(&reactor, at), listen(&reactor, at)] {
        heard.await?.is_whole(poems::FASCINATION);
    }
    Ok(())
}

// spec: P16-15
#[test]
fn the_log_has_one_line_for_each_client_and_counts_bytes() {
    let poem = "perché".as_bytes();
    let lines = logged(|| {
        let reactor = house();
        let at = serve(&reactor, FastPoetry::new(Poem::from_bytes(poem)));
        wait(&reactor, listen(&reactor, &at)).unwrap().is_whole(poem);
        close(&reactor);
    });
    let sent: Vec<_> = lines.iter().filter(|line| line.contains("of poetry to")).collect();
    assert_eq!(sent.len(), 1, "{lines:?}");
    assert!(sent[0].starts_with("INFO sending 7 bytes of poetry to 127.0.0.1:"), "{sent:?}");
}

#[sestina_trial::test(on = "both")]
async fn a_poem_of_any_bytes_and_any_length_arrives_as_it_is(reactor: Reactor) -> TestResult {
    let server = listening(FastPoetry::new(Poem::from_bytes(long_poem())));
    listen(&reactor, server.endpoint()).await?.is_whole(&long_poem());
    Ok(())
}

#[test]
fn a_client_that_never_reads_slows_nobody() {
    let (reactor, poem) = (house(), long_poem());
    let at = serve(&reactor, FastPoetry::new(Poem::from_bytes(&poem)));
    others_are_served_beside_a_stuck_client(&reactor, &at, &poem);
    close(&reactor);
}

#[sestina_trial::test(on = "both")]
async fn quiet_clients_get_all_of_it_without_draining_too(reactor: Reactor) -> TestResult {
    let poetry = FastPoetry::new(Poem::from_bytes(poems::ECSTASY)).with_drain(Drain::IfUnread);
    listen(&reactor, listening(poetry).endpoint()).await?.is_whole(poems::ECSTASY);
    Ok(())
}

/// What was said before the end is found by the one look, and drained.
#[sestina_trial::test(on = "both")]
async fn a_client_that_has_spoken_gets_all_of_it_without_draining_always(reactor: Reactor) -> TestResult {
    let server = listening(FastPoetry::new(Poem::from_bytes(long_poem())).with_drain(Drain::IfUnread));
    let (_, heard) = client(&reactor, server.endpoint(), |conn| conn.write(b"GET / HTTP/0.9\r\n\r\n"));
    heard.await?.is_whole(&long_poem());
    Ok(())
}
