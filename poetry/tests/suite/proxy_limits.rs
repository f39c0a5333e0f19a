//! What one client may take, and what one may cost the others.

use std::time::Duration;

use crate::common::stage::Stage;
use crate::common::watcher::Watcher;
use sestina_poetry::poems;

const POEM: &[u8] = poems::SCIENCE;

/// A kept poem that no kernel takes whole, and a client that reads nothing.
fn stuck(rate_min: u64, window: Duration) -> (Stage, Watcher) {
    let stage = Stage::new(|settings| {
        settings.cache.body_bytes_max = 64 * 1024 * 1024;
        settings.send_rate_min = rate_min;
        settings.send_rate_window = window;
    });
    let long = crate::common::long_poem();
    stage.puppet_keeps(&long);
    let client = Watcher::connect(&stage.reactor, &stage.at);
    stage.until("it is connected", || client.is_connected());
    client.conn().pause_reading();
    stage.until("it is served", || stage.proxy.counters().hits == 1);
    (stage, client)
}

#[test]
fn a_client_that_takes_too_little_of_what_is_there_for_it_is_cut() {
    let (stage, client) = stuck(1_000_000_000, Duration::from_millis(30));
    stage.until("it is cut", || stage.proxy.slow_clients() == 1 && stage.proxy.clients() == 0);
    client.conn().resume_reading();
    stage.ended(std::slice::from_ref(&client));
    client.was_cut(&crate::common::long_poem());
    stage.end();
}

/// Its poet is slow, not the client: nothing waits for it, so nothing is measured.
#[test]
fn a_client_of_a_slow_poet_is_not_slow() {
    let stage = Stage::new(|settings| {
        settings.send_rate_min = 1_000_000_000;
        settings.send_rate_window = Duration::from_millis(1);
    });
    let clients = stage.waiting(1);
    for piece in POEM.chunks(100) {
        stage.says(piece, &clients);
        let rests = stage.reactor.sleep(Duration::from_millis(3)); // some of its windows, in a row
        stage.until("a moment has passed", || rests.is_fired());
    }
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients[0].is_whole(POEM);
    assert_eq!(stage.proxy.slow_clients(), 0);
    stage.end();
}

#[test]
fn without_a_least_rate_a_client_may_take_its_time() {
    let (stage, client) = stuck(0, Duration::from_millis(1));
    let rests = stage.reactor.sleep(Duration::from_millis(20));
    stage.until("a moment has passed", || rests.is_fired());
    client.conn().resume_reading();
    stage.ended(std::slice::from_ref(&client));
    client.is_whole(&crate::common::long_poem());
    stage.end();
}

#[test]
fn over_all_upstreams_there_are_so_many_clients_and_further_ones_are_reset() {
    let stage = Stage::new(|settings| settings.clients_max = 2);
    let clients = stage.waiting(2);
    let third = Watcher::connect(&stage.reactor, &stage.at);
    stage.ended(std::slice::from_ref(&third));
    third.was_cut(b"");
    stage.says(POEM, &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    stage.until("their places are free", || stage.proxy.clients() == 0);
    let fourth = stage.client();
    stage.ended(std::slice::from_ref(&fourth));
    fourth.is_whole(POEM);
    stage.end();
}

#[test]
fn so_many_wait_for_one_fetch_and_further_ones_are_reset() {
    let stage = Stage::new(|settings| settings.cache.waiters_max = 2);
    let clients = stage.waiting(3);
    stage.ended(&clients[2..]);
    clients[2].was_cut(b"");
    assert_eq!(stage.proxy.counters().rejected, 1);
    stage.says(POEM, &clients[..2]);
    stage.puppet.last().lose_connection();
    stage.ended(&clients[..2]);
    clients[..2].iter().for_each(|client| client.is_whole(POEM));
    stage.end();
}

/// A poem of several blocks, whose client has promised to send no more: it needs no poet, so it gets all of it.
#[test]
fn a_half_closed_client_of_a_kept_poem_gets_all_of_it() {
    let long = crate::common::long_poem();
    let stage = Stage::new(|settings| settings.cache.body_bytes_max = 64 * 1024 * 1024);
    stage.puppet_keeps(&long);
    let (_, heard) =
        crate::common::client::client(&stage.reactor, &stage.at, |conn| conn.lose_write_connection());
    crate::common::wait(&stage.reactor, heard).unwrap().is_whole(&long);
    stage.end();
}
