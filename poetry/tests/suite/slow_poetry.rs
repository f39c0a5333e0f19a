//! A few bytes, a pause, a few bytes.

use std::time::Duration;

use crate::common::client::{client, listen};
use crate::common::{close, house, long_poem, serve, until, wait};
use sestina_poetry::{Poem, SlowPoetry, poems};
use sestina_reactor::Reactor;
use sestina_trial::{TestResult, listening};

fn slow(poem: &[u8], num_bytes: usize, delay: Duration) -> SlowPoetry {
    let num_bytes = num_bytes.try_into().expect("not zero");
    SlowPoetry::new(Poem::from_bytes(poem)).with_num_bytes(num_bytes).with_delay(delay)
}

// spec: P15-21, REF-01
#[sestina_trial::test(on = "both")]
async fn the_poem_comes_num_bytes_at_a_time_with_a_delay_between(reactor: Reactor) -> TestResult {
    let delay = Duration::from_millis(10);
    let server = listening(slow(b"0123456789012345678901234", 10, delay));
    let start = reactor.now();
    let heard = listen(&reactor, server.endpoint()).await?;
    heard.is_whole(b"0123456789012345678901234");
    let took = reactor.now() - start;
    assert!(took >= 2 * delay, "three pieces have two delays, and took {took:?}");
    // The kernel may deliver two pieces together, but never one before it was sent.
    assert!(heard.times.len() <= 3, "{heard:?}");
    Ok(())
}

#[sestina_trial::test(on = "both")]
async fn a_poem_takes_at_least_its_delays(reactor: Reactor) -> TestResult {
    let delay = Duration::from_millis(2);
    let server = listening(slow(&poems::FASCINATION[..600], 20, delay));
    let start = reactor.now();
    listen(&reactor, server.endpoint()).await?.is_whole(&poems::FASCINATION[..600]);
    let took = reactor.now() - start;
    assert!(took >= 29 * delay, "thirty pieces have twenty-nine delays, and took {took:?}");
    Ok(())
}

/// 200 slow clients at once, each with the whole poem, in little more than the time of one.
#[sestina_trial::test(on = "both")]
async fn two_hundred_clients_at_once_have_their_own_pace_each(reactor: Reactor) -> TestResult {
    let delay = Duration::from_millis(20);
    let server = listening(slow(poems::SCIENCE, 40, delay));
    let clients: Vec<_> = (0..200).map(|_| listen(&reactor, server.endpoint())).collect();
    let start = reactor.now();
    for heard in clients {
        heard.await?.is_whole(poems::SCIENCE);
    }
    let (took, one) = (reactor.now() - start, 16 * delay);
    assert!(took < 10 * one, "one after the other would take {:?}, and this took {took:?}", 200 * one);
    Ok(())
}

#[test]
fn a_late_client_begins_at_the_beginning() {
    let (reactor, delay) = (house(), Duration::from_millis(5));
    let at = serve(&reactor, slow(poems::SCIENCE, 50, delay));
    let early = listen(&reactor, &at);
    until(&reactor, "the early client has something", || reactor.statistics().bytes_sent >= 200);
    let late = listen(&reactor, &at);
    wait(&reactor, early).unwrap().is_whole(poems::SCIENCE);
    wait(&reactor, late).unwrap().is_whole(poems::SCIENCE);
    close(&reactor);
}

#[sestina_trial::test(on = "both")]
async fn a_half_closed_client_gets_all_of_it(reactor: Reactor) -> TestResult {
    let server = listening(slow(poems::SCIENCE, 30, Duration::from_millis(3)));
    let (_, heard) = client(&reactor, server.endpoint(), |conn| conn.lose_write_connection());
    heard.await?.is_whole(poems::SCIENCE);
    Ok(())
}

#[test]
fn a_client_that_does_not_read_stops_its_own_timer_and_goes_on_where_it_was() {
    let (reactor, poem) = (house(), long_poem());
    let at = serve(&reactor, slow(&poem, 256 * 1024, Duration::from_millis(1)));
    let handle = std::rc::Rc::new(std::cell::OnceCell::new());
    let held = handle.clone();
    let (_, heard) = client(&reactor, &at, move |conn| {
        conn.pause_reading();
        held.set(conn.handle()).expect("it connects once");
    });
    until(&reactor, "the poet is paused", || reactor.connections() == 2 && reactor.timers() == 0);
    assert!(reactor.statistics().bytes_sent < u64::try_from(poem.len()).unwrap());
    let other = listen(&reactor, &at);
    wait(&reactor, other).unwrap().is_whole(&poem);
    handle.get().expect("it has connected").resume_reading();
    wait(&reactor, heard).unwrap().is_whole(&poem);
    close(&reactor);
}

#[test]
fn a_client_that_hangs_up_leaves_nothing_behind() {
    let reactor = house();
    let at = serve(&reactor, slow(poems::ECSTASY, 1, Duration::from_millis(2)));
    let (connector, heard) = client(&reactor, &at, |_| ());
    until(&reactor, "the poem has begun", || reactor.statistics().bytes_sent > 2);
    connector.abort();
    assert!(wait(&reactor, heard).unwrap().bytes.len() < poems::ECSTASY.len());
    until(&reactor, "the poet has noticed", || reactor.connections() == 0 && reactor.timers() == 0);
    close(&reactor);
}

#[sestina_trial::test(on = "both")]
async fn without_a_delay_it_is_a_fast_poet(reactor: Reactor) -> TestResult {
    let server = listening(slow(poems::ECSTASY, 1, Duration::ZERO));
    listen(&reactor, server.endpoint()).await?.is_whole(poems::ECSTASY);
    Ok(())
}
