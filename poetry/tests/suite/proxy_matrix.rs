//! The eight situations in which nginx, Varnish, Squid and HAProxy were measured, and ours: the table in
//! `poetry/src/proxy/mod.rs`. Gated by what the poet and the clients see, never by time. T4 and T7 need HTTP; their states
//! are shown by `cache_states.rs`.

use std::time::Duration;

use crate::common::stage::Stage;
use crate::common::watcher::Watcher;
use sestina_poetry::cache::OnAbandon;
use sestina_poetry::poems;

const POEM: &[u8] = poems::ECSTASY;

#[test]
fn t1_late_clients_have_the_beginning_at_once_and_then_the_tail_as_it_comes() {
    let stage = Stage::new(|_| ());
    let mut clients = stage.waiting(1);
    for quarter in POEM.chunks(POEM.len().div_ceil(4)) {
        stage.says(quarter, &clients);
        let late = stage.client();
        let so_far = clients[0].len();
        stage.until("the late one has the beginning, while the poet is silent", || late.len() == so_far);
        clients.push(late);
    }
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.is_whole(POEM));
    assert_eq!((stage.puppet.count(), clients.len()), (1, 5));
    stage.end();
}

#[test]
fn t1c_clients_that_come_before_the_first_byte_are_one_request() {
    let stage = Stage::new(|_| ());
    let clients = stage.waiting(4);
    assert!(clients.iter().all(|client| client.len() == 0));
    stage.says(POEM, &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.is_whole(POEM));
    assert_eq!(stage.puppet.count(), 1);
    stage.end();
}

/// A client leaves alone, after this many bytes: the poet is cut off within the proxy's next turn, unless told otherwise.
#[track_caller]
fn leaves_alone(bytes: usize) {
    for (policy, goes_on) in [(OnAbandon::Cancel, false), (OnAbandon::Finish, true)] {
        let stage = Stage::new(|settings| settings.cache.on_abandon = policy);
        let clients = stage.waiting(1);
        if bytes > 0 {
            stage.says(&POEM[..bytes], &clients);
        }
        clients[0].conn().abort();
        stage.until("the proxy has noticed", || stage.proxy.counters().left == 1);
        assert_eq!(stage.proxy.counters().fetches_cancelled, u64::from(!goes_on));
        if goes_on {
            stage.puppet.last().write(&POEM[bytes..]);
            stage.puppet.last().lose_connection();
            stage.until("the poem is kept", || stage.proxy.counters().fetches_ok == 1);
            let hit = stage.client();
            stage.ended(std::slice::from_ref(&hit));
            hit.is_whole(POEM);
        } else {
            stage.until("the poet is cut off", || stage.puppet.ends().len() == 1);
            assert_eq!(stage.proxy.entries()[0].bytes, None, "a half poem is not kept");
        }
        assert_eq!(stage.puppet.count(), 1);
        stage.end();
    }
}

// spec: P14-31
#[test]
fn t2_a_lone_client_that_leaves_half_way_ends_the_fetch_unless_it_is_to_be_finished() {
    leaves_alone(POEM.len() / 2);
}

#[test]
fn t2h_a_lone_client_that_leaves_before_the_first_byte_ends_the_fetch_unless_it_is_to_be_finished() {
    leaves_alone(0);
}

#[test]
fn t3h_the_first_leaves_before_the_first_byte_and_the_second_has_the_same_fetch() {
    let stage = Stage::new(|_| ());
    let clients = stage.waiting(2);
    clients[0].conn().abort();
    stage.until("the proxy has noticed", || stage.proxy.counters().left == 1);
    stage.says(POEM, &clients[1..]);
    stage.puppet.last().lose_connection();
    stage.ended(&clients[1..]);
    clients[1].is_whole(POEM);
    assert_eq!((stage.puppet.count(), stage.proxy.counters().fetches_cancelled), (1, 0));
    stage.end();
}

// spec: P14-30
#[test]
fn t5_a_clean_end_half_way_is_believed_by_nobody_who_knows_the_poem() {
    let stage = Stage::new(|settings| {
        settings.cache.ttl = Some(Duration::ZERO); // every poem is fetched, and the last is remembered to compare with
        settings.cache.back_off = None;
    });
    stage.keep(POEM);
    let clients = stage.waiting(3);
    stage.says(&POEM[..POEM.len() / 2], &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(POEM));
    assert_eq!((stage.puppet.count(), stage.proxy.counters().fetches_suspect), (2, 1));
    stage.keep(POEM);
    stage.end();
}

#[test]
fn t5_a_clean_end_half_way_of_an_unknown_poem_is_not_believed_if_it_must_end_otherwise() {
    let stage = Stage::new(|settings| settings.cache.checks.ending = b"\n".to_vec());
    let clients = stage.waiting(2);
    stage.says(b"Once upon a midnight dre", &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(b"Once upon a midnight dreary\n"));
    assert_eq!(stage.proxy.entries()[0].bytes, None);
    stage.end();
}

// spec: P14-30
#[test]
fn t5r_a_reset_half_way_is_a_reset_for_all_one_request_and_nothing_is_kept() {
    let stage = Stage::new(|_| ());
    let clients = stage.waiting(3);
    stage.says(&POEM[..POEM.len() / 2], &clients);
    stage.puppet.last().abort();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(POEM));
    assert_eq!((stage.puppet.count(), stage.proxy.counters().fetches_error), (1, 1));
    assert_eq!(stage.proxy.entries()[0].bytes, None);
    stage.end();
}

#[test]
fn t8_a_poet_that_dies_before_the_first_byte_fails_all_at_once_with_one_request() {
    let stage = Stage::new(|settings| {
        let mut back_off = settings.cache.back_off.expect("there is one by default");
        back_off.first = Duration::from_secs(3600); // no test lasts so long
        back_off.max = back_off.first;
        settings.cache.back_off = Some(back_off);
    });
    let clients = stage.waiting(4);
    stage.puppet.last().abort();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(b""));
    let later = stage.client();
    stage.ended(std::slice::from_ref(&later));
    later.was_cut(b"");
    assert_eq!(
        (stage.puppet.count(), stage.proxy.counters().negative),
        (1, 1),
        "nobody asks a poet that just died"
    );
    stage.end();
}

/// A reader that takes nothing beside a fast one: the fast one has all of it.
#[track_caller]
fn unaffected(change: impl FnOnce(&mut sestina_poetry::ProxySettings)) {
    let long = crate::common::long_poem();
    let stage = Stage::new(change);
    let slow = stage.waiting(1).remove(0);
    slow.conn().pause_reading();
    let fast = stage.client();
    stage.puppet.last().write_shared(long.clone().into());
    stage.puppet.last().lose_connection();
    stage.ended(std::slice::from_ref(&fast));
    fast.is_whole(&long);
    assert!(!slow.has_ended() && slow.len() < long.len(), "it has not even noticed");
    assert_eq!(stage.puppet.count(), 1);
    slow.conn().abort();
    stage.end();
}

#[test]
fn t9_a_reader_that_takes_nothing_holds_up_nobody_while_the_body_is_kept_whole() {
    unaffected(|settings| settings.cache.body_bytes_max = 64 * 1024 * 1024);
}

#[test]
fn t9_nor_while_a_longer_body_goes_through_a_window() {
    unaffected(|settings| {
        settings.cache.body_bytes_max = 1024 * 1024;
        settings.cache.lag_grace = Duration::from_secs(3600);
    });
}

/// Seven seconds of silence are nothing to those who wait: only the flight has clocks, and nobody fetches alone.
#[test]
fn t10_a_slow_first_byte_makes_nobody_fetch_alone() {
    let stage = Stage::new(|_| ());
    let clients = stage.waiting(8);
    assert_eq!(stage.proxy.flights().len(), 1);
    stage.says(POEM, &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    clients.iter().for_each(|client: &Watcher| client.is_whole(POEM));
    assert_eq!((stage.puppet.count(), stage.proxy.counters().collapsed), (1, 7));
    stage.end();
}
