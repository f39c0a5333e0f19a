//! The cache's table, cell by cell: `poetry/src/cache/table.rs`.

use std::rc::Rc;
use std::time::Duration;

use crate::common::upstream::{Upstream, refused, settings};
use sestina_poetry::cache::{
    FLIGHT_RESERVE_BYTES, FlightError, Limit, Mode, OnAbandon, OnSuspect, Order, Purge, ReaderId, Reading,
    Refusal, Settings, Suspicion, UpstreamEnd,
};
use sestina_reactor::Lost;

const SECOND: Duration = Duration::from_secs(1);

// spec: P14-01
#[test]
fn the_first_client_begins_a_flight_and_later_ones_join_it() {
    let mut it = Upstream::new(Settings::default());
    let (first, second) = (it.client(), it.client());
    assert_eq!(it.connects(), 1);
    it.says(b"abc");
    assert_eq!((it.take(first), it.take(second)), (b"abc".to_vec(), b"abc".to_vec()));
    let late = it.client();
    assert_eq!(it.take(late), b"abc", "the prefix at once");
    it.says(b"def");
    it.ends();
    for client in [first, second] {
        assert_eq!(it.take(client), b"def");
    }
    assert_eq!(it.take(late), b"def");
    for client in [first, second, late] {
        assert!(matches!(it.read(client), Reading::End));
    }
    let counted = it.cache.statistics();
    assert_eq!((counted.misses, counted.collapsed, counted.fetches_ok), (1, 2, 1));
}

#[test]
fn a_body_in_its_time_is_served_without_the_upstream() {
    let mut it = Upstream::new(Settings::default());
    let first = it.client();
    it.says(b"abc");
    it.ends();
    let second = it.client();
    assert_eq!((it.whole(first), it.whole(second)), (b"abc".to_vec(), b"abc".to_vec()));
    assert_eq!((it.connects(), it.cache.statistics().hits), (1, 1));
}

// spec: P19-22, P19-24
#[test]
fn the_last_client_to_leave_has_the_upstream_cut_and_a_newcomer_begins_anew() {
    let mut it = Upstream::new(Settings::default());
    let (first, second) = (it.client(), it.client());
    it.says(b"abc");
    it.cache.cancel(it.now, first);
    it.orders();
    assert_eq!(it.cuts, 0, "somebody still waits");
    it.cache.cancel(it.now, second);
    it.orders();
    assert_eq!(it.cuts, 1);
    let third = it.client();
    assert_eq!(it.connects(), 2, "nobody joins a flight that is being cut");
    it.says(b"xyz");
    it.ends();
    assert_eq!(it.whole(third), b"xyz");
}

#[test]
fn a_flight_that_lingers_is_joined_by_who_comes_in_time_and_cut_when_nobody_does() {
    let mut it = Upstream::new(settings(|settings| settings.on_abandon = OnAbandon::Linger(SECOND)));
    let first = it.client();
    it.cache.cancel(it.now, first);
    it.pass(SECOND / 2);
    let second = it.client();
    it.pass(SECOND * 2);
    assert_eq!((it.connects(), it.cuts), (1, 0), "somebody came in time");
    it.cache.cancel(it.now, second);
    it.pass(SECOND);
    assert_eq!(it.cuts, 1);
}

#[test]
fn a_flight_that_nobody_waits_for_may_go_on_to_its_end() {
    let mut it = Upstream::new(settings(|settings| settings.on_abandon = OnAbandon::Finish));
    let first = it.client();
    it.cache.cancel(it.now, first);
    it.says(b"abc");
    it.ends();
    let second = it.client();
    assert_eq!((it.whole(second), it.connects(), it.cuts), (b"abc".to_vec(), 1, 0));
}

#[test]
fn an_adaptive_cache_finishes_what_is_nearly_complete_and_cuts_what_has_just_begun() {
    for (came, goes_on) in [(20_000, false), (39_000, true)] {
        let mut it = Upstream::new(settings(|settings| {
            settings.on_abandon = OnAbandon::Adaptive;
            settings.ttl = Some(SECOND);
        }));
        let first = it.client();
        it.says(&[b'a'; 40_000]);
        it.ends();
        it.whole(first);
        it.pass(SECOND * 2);
        let second = it.client();
        it.says(&vec![b'a'; came]);
        it.cache.cancel(it.now, second);
        it.orders();
        assert_eq!(it.cuts == 0, goes_on, "{came} of 40000 bytes had come");
    }
}

#[test]
fn one_failure_fails_all_who_wait_and_the_upstream_is_left_alone_until_its_time() {
    let mut it = Upstream::new(Settings::default());
    let waiting = [it.client(), it.client(), it.client()];
    it.fails(refused());
    for client in waiting {
        assert!(matches!(it.read(client), Reading::Failed(FlightError::Unreachable(_))));
    }
    let refusal = it.cache.subscribe(it.now, "poem", Mode::Stream);
    assert!(matches!(refusal, Err(Refusal::Negative(FlightError::Unreachable(_)))));
    assert_eq!(it.connects(), 1);
    it.pass(SECOND);
    it.client();
    assert_eq!(it.connects(), 2);
}

#[test]
fn the_back_off_doubles_up_to_its_longest_and_a_success_resets_it() {
    let mut it = Upstream::new(Settings::default());
    let mut pauses = Vec::new();
    for _ in 0..9 {
        it.client();
        it.fails(UpstreamEnd::Lost(Lost::Reset));
        let entry = it.cache.entries(it.now).remove(0);
        let pause = entry.retry_in.expect("it is left alone");
        pauses.push(pause);
        it.pass(pause);
    }
    for (index, pause) in pauses.iter().enumerate() {
        let expected = (SECOND * 2_u32.pow(u32::try_from(index).unwrap())).min(SECOND * 30);
        assert!(*pause >= expected * 8 / 10 && *pause <= expected * 12 / 10, "{index}: {pause:?}");
    }
    let client = it.client();
    it.says(b"abc");
    it.ends();
    it.whole(client);
    it.cache.purge(it.now, "poem", Purge::Hard);
    it.client();
    it.fails(UpstreamEnd::Lost(Lost::Reset));
    assert!(it.cache.entries(it.now)[0].retry_in.expect("left alone") <= SECOND * 12 / 10);
}

#[test]
fn a_flight_that_an_operator_cancels_is_no_failure_of_the_upstream() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    let flight = it.last_flight();
    assert!(it.cache.cancel_flight(it.now, flight));
    assert!(matches!(it.read(client), Reading::Failed(FlightError::Cancelled)));
    it.orders();
    it.confirm_cuts();
    it.client();
    it.fails(UpstreamEnd::Lost(Lost::Reset));
    let pause = it.cache.entries(it.now)[0].retry_in.expect("it is left alone");
    assert!(pause <= SECOND * 12 / 10, "the first pause, and not a doubled one: {pause:?}");
}

#[test]
fn a_reset_never_ends_a_poem_cleanly_and_is_never_stored() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    it.says(b"half a po");
    it.fails(UpstreamEnd::Lost(Lost::Reset));
    assert!(matches!(it.drain(client), Err(FlightError::Broken(Lost::Reset))));
    assert_eq!(it.cache.entries(it.now)[0].bytes, None);
}

#[test]
fn an_empty_body_is_a_failure_unless_it_is_allowed() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    it.ends();
    assert!(matches!(it.drain(client), Err(FlightError::Suspect(Suspicion::Empty))));
    let mut it = Upstream::new(settings(|settings| settings.checks.allow_empty = true));
    let client = it.client();
    it.ends();
    assert_eq!(it.whole(client), b"");
}

#[test]
fn a_body_that_stops_within_the_last_good_one_is_not_believed() {
    let mut it = Upstream::new(settings(|settings| settings.ttl = Some(SECOND)));
    let client = it.client();
    it.says(b"once upon a midnight dreary");
    it.ends();
    it.whole(client);
    it.pass(SECOND * 2);
    let client = it.client();
    it.says(b"once upon");
    it.ends();
    assert!(matches!(it.drain(client), Err(FlightError::Suspect(Suspicion::Prefix))));
    it.pass(SECOND * 2);
    let client = it.client();
    it.says(b"another poem");
    it.ends();
    assert_eq!(it.whole(client), b"another poem", "a new poem may be shorter");
}

#[test]
fn an_ending_and_a_least_length_can_be_asked_for() {
    for (body, suspicion) in [(&b"short\n"[..], Suspicion::TooShort), (b"long enough", Suspicion::NoEnding)] {
        let mut it = Upstream::new(settings(|settings| {
            settings.checks.bytes_min = 8;
            settings.checks.ending = b"\n".to_vec();
        }));
        let client = it.client();
        it.says(body);
        it.ends();
        let end = it.drain(client).expect_err("it is suspect");
        assert!(matches!(end, FlightError::Suspect(found) if found == suspicion), "{end:?}");
    }
}

#[test]
fn a_suspect_body_may_be_passed_on_as_a_clean_end_but_never_to_those_who_want_it_whole() {
    let mut it = Upstream::new(settings(|settings| {
        settings.on_suspect = OnSuspect::Finish;
        settings.checks.bytes_min = 100;
    }));
    let (stream, whole) = (it.client(), it.client_of(Mode::Whole));
    it.says(b"short");
    it.ends();
    assert_eq!(it.whole(stream), b"short");
    assert!(matches!(it.drain(whole), Err(FlightError::Suspect(Suspicion::TooShort))));
    assert_eq!(it.cache.entries(it.now)[0].bytes, None, "it is not stored");
}

#[test]
fn a_body_past_its_time_is_given_out_while_a_new_one_is_fetched() {
    let mut it = Upstream::past_its_time(|settings| settings.stale_while_revalidate = SECOND * 60);
    let (first, second) = (it.client(), it.client());
    assert_eq!((it.whole(first), it.whole(second)), (b"old".to_vec(), b"old".to_vec()));
    assert_eq!(it.connects(), 2, "one flight in the background");
    it.says(b"new");
    it.ends();
    let third = it.client();
    assert_eq!(it.whole(third), b"new");
    assert_eq!(it.cache.statistics().stale, 2);
}

#[test]
fn a_body_past_its_time_helps_those_who_wait_when_the_upstream_fails() {
    let mut it = Upstream::past_its_time(|settings| settings.stale_if_error = SECOND * 60);
    let waiting = it.client();
    it.fails(refused());
    assert_eq!(it.whole(waiting), b"old");
    let during_back_off = it.client();
    assert_eq!(it.whole(during_back_off), b"old");
    assert_eq!(it.connects(), 2);
}

#[test]
fn a_flight_has_limits_to_its_connection_its_first_byte_its_pauses_and_its_whole() {
    let limits = |settings: &mut Settings| {
        settings.limits.connect = SECOND;
        settings.limits.first_byte = SECOND * 2;
        settings.limits.idle = SECOND * 3;
        settings.limits.total = SECOND * 10;
    };
    let mut it = Upstream::unconnected(settings(limits));
    let client = it.client();
    it.pass(SECOND);
    assert!(matches!(it.drain(client), Err(FlightError::TimedOut(Limit::Connect, _))));

    let mut it = Upstream::new(settings(limits));
    let client = it.client();
    it.pass(SECOND * 2);
    assert!(matches!(it.drain(client), Err(FlightError::TimedOut(Limit::FirstByte, _))));
    assert_eq!(it.cuts, 1);

    let mut it = Upstream::new(settings(limits));
    let client = it.client();
    it.says(b"a");
    it.pass(SECOND * 2);
    it.says(b"b");
    it.pass(SECOND * 3);
    assert!(matches!(it.drain(client), Err(FlightError::TimedOut(Limit::Idle, _))));

    let mut it = Upstream::new(settings(limits));
    let client = it.client();
    for _ in 0..10 {
        it.says(b"a");
        it.pass(SECOND);
    }
    assert!(matches!(it.drain(client), Err(FlightError::TimedOut(Limit::Total, _))));
}

#[test]
fn a_refused_connection_is_tried_again_as_often_as_allowed() {
    let mut it = Upstream::unconnected(settings(|settings| settings.connect_retries = 2));
    let client = it.client();
    for attempt in 1..=3 {
        assert_eq!(it.connects(), attempt);
        it.fails(refused());
        it.pass(SECOND / 2);
    }
    assert_eq!(it.connects(), 3);
    assert!(matches!(it.drain(client), Err(FlightError::Unreachable(_))));
}

#[test]
fn a_body_over_the_limit_reaches_its_readers_through_a_window_and_is_not_stored() {
    let mut it = Upstream::new(settings(|settings| {
        settings.body_bytes_max = 100_000;
        settings.window_bytes = 50_000;
    }));
    let client = it.client();
    it.says(&[b'a'; 99_000]);
    it.says(&[b'b'; 40_000]);
    assert_eq!((it.pauses, it.resumes), (1, 0), "nobody read yet");
    let first = it.take(client);
    assert_eq!((first.len(), it.resumes), (139_000, 1));
    it.says(&[b'c'; 10_000]);
    it.ends();
    assert_eq!(it.whole(client).len(), 10_000);
    assert_eq!(it.cache.statistics().memory.total(), 0);
    it.client();
    it.client();
    assert_eq!(it.connects(), 3, "everybody has a flight of their own");
    assert_eq!(it.cache.statistics().uncacheable, 2);
}

/// A fast and a slow reader of a body that is too large, after 80,000 bytes.
fn fast_and_slow(memory_bytes_max: u64) -> (Upstream, ReaderId, ReaderId) {
    let mut it = Upstream::new(settings(|settings| {
        settings.body_bytes_max = 10_000;
        settings.window_bytes = 50_000;
        settings.memory_bytes_max = memory_bytes_max;
    }));
    let (fast, slow) = (it.client(), it.client());
    for _ in 0..4 {
        it.says(&[b'a'; 20_000]);
        it.take(fast);
    }
    (it, fast, slow)
}

#[test]
fn a_reader_a_whole_window_behind_is_cut_after_the_grace_and_holds_up_nobody_meanwhile() {
    let (mut it, fast, slow) = fast_and_slow(10_000_000);
    assert_eq!(it.pauses, 0, "there is memory for what the slow one lacks");
    it.pass(SECOND * 5);
    assert!(matches!(it.drain(slow), Err(FlightError::Lagging)));
    assert_eq!((it.pauses, it.cache.statistics().slow_readers_detached), (0, 1));
    it.says(b"end");
    it.ends();
    assert_eq!(it.whole(fast), b"end");
}

#[test]
fn without_memory_to_spare_the_upstream_waits_for_a_slow_reader_until_its_grace_is_over() {
    let (mut it, fast, slow) = fast_and_slow(180_000);
    assert_eq!(it.pauses, 1);
    it.pass(SECOND * 5);
    assert!(matches!(it.drain(slow), Err(FlightError::Lagging)));
    assert_eq!(it.resumes, 1);
    it.says(b"end");
    it.ends();
    assert_eq!(it.whole(fast), b"end");
}

#[test]
fn readers_of_one_speed_do_not_lag_however_slow_they_are() {
    let mut it = Upstream::new(settings(|settings| {
        settings.body_bytes_max = 10_000;
        settings.window_bytes = 50_000;
    }));
    let clients = [it.client(), it.client()];
    (0..3).for_each(|_| it.says(&[b'a'; 20_000]));
    assert_eq!(it.pauses, 1, "both are a window behind the upstream");
    it.pass(SECOND * 60);
    for client in clients {
        assert_eq!(it.take(client).len(), 60_000);
    }
    assert_eq!((it.resumes, it.cache.statistics().slow_readers_detached), (1, 0));
}

#[test]
fn whoever_wants_a_body_whole_that_is_too_large_fails_and_never_waits_for_ever() {
    let mut it = Upstream::new(settings(|settings| {
        settings.body_bytes_max = 100_000;
        settings.window_bytes = 50_000;
    }));
    let (stream, whole) = (it.client(), it.client_of(Mode::Whole));
    it.says(&[b'a'; 99_000]);
    it.take(stream);
    it.says(&[b'a'; 2_000]);
    assert!(matches!(it.drain(whole), Err(FlightError::TooLarge(100_000))));
    let small = it.client_of(Mode::Whole); // a flight of its own
    it.says(&[b'a'; 99_000]);
    assert_eq!(it.pauses, 0, "a window would never move");
    it.ends();
    assert_eq!(it.whole(small).len(), 99_000);
    let large = it.client_of(Mode::Whole);
    it.says(&[b'a'; 101_000]);
    assert!(matches!(it.drain(large), Err(FlightError::TooLarge(100_000))));
    assert_eq!(it.cuts, 1);
}

#[test]
fn a_soft_purge_keeps_the_flight_of_those_who_wait_and_stores_nothing_of_it() {
    let mut it = Upstream::new(Settings::default());
    let before = it.client();
    let old = it.last_flight();
    assert!(it.cache.purge(it.now, "poem", Purge::Soft));
    let after = it.client();
    assert_eq!(it.connects(), 2);
    it.says(b"new");
    it.ends();
    it.cache.received(it.now, old, b"old");
    it.cache.ended(it.now, old, UpstreamEnd::Lost(Lost::Done));
    it.orders();
    assert_eq!((it.whole(before), it.whole(after)), (b"old".to_vec(), b"new".to_vec()));
    let third = it.client();
    assert_eq!(it.whole(third), b"new");
}

#[test]
fn a_flight_of_which_nothing_is_stored_ends_with_its_last_reader_whoever_began_it() {
    let mut it = Upstream::new(settings(|settings| settings.body_bytes_max = 10_000));
    it.cache.refresh(it.now, "poem").unwrap();
    it.orders();
    let client = it.client();
    it.says(&[b'a'; 20_000]);
    it.cache.cancel(it.now, client);
    it.orders();
    assert_eq!(it.cuts, 1, "it was too large");
    let mut it = Upstream::new(Settings::default());
    it.cache.refresh(it.now, "poem").unwrap();
    it.orders();
    it.cache.purge(it.now, "poem", Purge::Soft);
    it.orders();
    assert_eq!(it.cuts, 1, "it was purged");
}

#[test]
fn a_hard_purge_fails_those_who_wait_and_drops_the_body() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    it.cache.purge(it.now, "poem", Purge::Hard);
    it.orders();
    assert!(matches!(it.drain(client), Err(FlightError::Purged)));
    assert_eq!(it.cuts, 1);
    assert!(!it.cache.purge(it.now, "unknown", Purge::Hard));
}

#[test]
fn whoever_wants_it_whole_gets_nothing_before_the_end_and_then_all() {
    let mut it = Upstream::new(Settings::default());
    let whole = it.client_of(Mode::Whole);
    it.says(b"abc");
    assert!(matches!(it.read(whole), Reading::Wait));
    it.says(b"def");
    it.ends();
    assert_eq!(it.whole(whole), b"abcdef");
}

#[test]
fn limits_turn_newcomers_away_and_say_which() {
    let mut it = Upstream::new(settings(|settings| {
        settings.waiters_max = 1;
        settings.upstreams_max = 2;
        settings.keys_max = 2;
    }));
    it.client();
    let refusal =
        |it: &mut Upstream, key: &str| it.cache.subscribe(it.now, key, Mode::Stream).expect_err("refused");
    assert!(matches!(refusal(&mut it, "poem"), Refusal::Waiters(1)));
    it.cache.subscribe(it.now, "second", Mode::Stream).expect("a second upstream");
    assert!(matches!(refusal(&mut it, "third"), Refusal::Keys(2)));
    let mut it = Upstream::new(settings(|settings| settings.upstreams_max = 1));
    it.client();
    assert!(matches!(refusal(&mut it, "second"), Refusal::Upstreams(1)));
}

#[test]
fn a_key_with_a_flight_is_not_forgotten_for_a_new_one_and_keeps_its_body() {
    let mut it = Upstream::new(settings(|settings| settings.keys_max = 1));
    let client = it.client();
    it.says(b"old");
    it.ends();
    it.whole(client);
    it.cache.refresh(it.now, "poem").expect("a flight can begin");
    it.orders();
    let refused = it.cache.subscribe(it.now, "another", Mode::Stream);
    assert!(matches!(refused, Err(Refusal::Keys(1))));
    assert_eq!(it.cache.entries(it.now)[0].state, "refreshing");
    let during = it.client();
    assert_eq!((it.whole(during), it.connects()), (b"old".to_vec(), 2));
    it.says(b"new");
    it.ends();
    it.cache.subscribe(it.now, "another", Mode::Stream).expect("the idle key makes place");
    it.orders();
    assert_eq!(&*it.cache.entries(it.now)[0].key, "another");
}

#[test]
fn without_memory_a_flight_is_refused_and_one_under_way_waits_until_there_is_some() {
    let mut it = Upstream::new(settings(|settings| {
        settings.memory_bytes_max = FLIGHT_RESERVE_BYTES + 30_000;
        settings.keys_max = 3;
    }));
    let client = it.client();
    let refused = it.cache.subscribe(it.now, "another", Mode::Stream);
    assert!(matches!(refused, Err(Refusal::NoMemory)), "what the first may still bring is set aside");
    it.says(&[b'a'; 20_000]);
    assert_eq!(it.pauses, 0);
    it.says(&[b'a'; 20_000]); // on its way before the pause: that is what is set aside for
    assert_eq!(it.pauses, 1);
    assert!(it.cache.memory().total() <= it.cache.settings().memory_bytes_max);
    assert_eq!(it.take(client).len(), 40_000);
    it.pass(SECOND);
    assert_eq!(it.resumes, 1, "its reader has made room");
    it.says(b"end");
    it.ends();
    assert_eq!(it.whole(client), b"end");
    assert_eq!(it.cache.memory().total(), 0);
}

#[test]
fn a_fresh_body_that_is_fetched_anew_is_given_out_meanwhile_and_stays_fresh_if_that_fails() {
    let mut it = Upstream::new(Settings::default());
    let first = it.client();
    it.says(b"old");
    it.ends();
    it.whole(first);
    it.cache.refresh(it.now, "poem").unwrap();
    let during = it.client();
    assert_eq!(it.whole(during), b"old");
    it.fails(UpstreamEnd::Lost(Lost::Reset));
    assert_eq!(it.cache.entries(it.now)[0].state, "fresh");
    let after = it.client();
    assert_eq!((it.whole(after), it.cache.statistics().hits), (b"old".to_vec(), 2));
}

#[test]
fn a_flight_that_is_being_cut_counts_as_an_upstream_until_it_is_gone() {
    let mut it = Upstream::new(settings(|settings| settings.upstreams_max = 1));
    let client = it.client();
    let old = it.last_flight();
    it.cache.cancel(it.now, client);
    assert!(matches!(it.cache.subscribe(it.now, "poem", Mode::Stream), Err(Refusal::Upstreams(1))));
    it.cache.ended(it.now, old, UpstreamEnd::Lost(Lost::Aborted));
    assert!(it.cache.subscribe(it.now, "poem", Mode::Stream).is_ok());
}

#[test]
fn a_drain_refuses_newcomers_lets_flights_end_and_cuts_what_is_left_at_the_deadline() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    it.cache.drain(it.now, it.now + SECOND);
    assert!(matches!(it.cache.subscribe(it.now, "poem", Mode::Stream), Err(Refusal::Draining)));
    it.says(b"abc");
    assert_eq!(it.take(client), b"abc");
    it.pass(SECOND);
    assert!(matches!(it.drain(client), Err(FlightError::Draining)));
    assert_eq!(it.cuts, 1);
    it.confirm_cuts();
    assert!(it.cache.is_idle());
}

#[test]
fn a_body_is_confirmed_by_a_second_flight_before_it_is_fresh_for_its_whole_time() {
    let mut it = Upstream::new(settings(|settings| {
        settings.ttl = Some(SECOND * 3600);
        settings.checks.confirm = 2;
    }));
    let fetch = |it: &mut Upstream| {
        let client = it.client();
        it.says(b"abc");
        it.ends();
        it.whole(client);
        it.cache.entries(it.now)[0].fresh_for.expect("not for ever")
    };
    assert_eq!(fetch(&mut it), SECOND * 5, "on probation");
    it.pass(SECOND * 6);
    assert!(fetch(&mut it) > SECOND * 3000);
}

#[test]
fn every_flight_is_reported_once_at_its_end() {
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    it.client();
    it.pass(SECOND);
    it.says(b"abc");
    it.pass(SECOND);
    it.ends();
    it.whole(client);
    let [report] = &it.reports[..] else { panic!("{:?}", it.reports) };
    assert_eq!((report.bytes, report.readers_max, report.duration), (3, 2, SECOND * 2));
    assert_eq!(report.first_byte, Some(SECOND));
    assert_eq!(&*report.key, "poem");
}

// spec: P14-30, P19-39
#[test]
fn without_sharing_and_with_trust_it_does_what_the_introductions_proxies_do() {
    let mut it = Upstream::new(settings(|settings| {
        settings.coalesce = false;
        settings.trust_every_end = true;
        settings.back_off = None;
    }));
    let (first, second) = (it.client_of(Mode::Whole), it.client_of(Mode::Whole));
    assert_eq!(it.connects(), 2, "a fetch for each");
    it.says(b"half a po");
    it.fails(UpstreamEnd::Lost(Lost::Reset));
    assert_eq!(it.whole(second), b"half a po");
    let third = it.client_of(Mode::Whole);
    assert_eq!(it.whole(third), b"half a po", "it was stored as if it were whole");
    assert!(matches!(it.read(first), Reading::Wait), "the other fetch goes on");
}

#[test]
fn without_sharing_an_older_fetch_does_not_store_over_an_operators_newer_one() {
    let mut it = Upstream::new(settings(|settings| settings.coalesce = false));
    let client = it.client();
    let older = it.last_flight();
    it.cache.refresh(it.now, "poem").expect("there is room");
    it.orders();
    let newer = it.last_flight();
    it.cache.received(it.now, older, b"old");
    it.cache.ended(it.now, older, UpstreamEnd::Lost(Lost::Done));
    assert_eq!(it.whole(client), b"old", "it is served");
    let flights = it.cache.flights(it.now);
    assert_eq!(flights.iter().map(|it| (it.flight, it.attached)).collect::<Vec<_>>(), [(newer, true)]);
    assert_eq!(it.cache.entries(it.now)[0].state, "connecting", "the key still waits for the newer one");
    it.says(b"new");
    it.ends();
    let late = it.client();
    assert_eq!((it.whole(late), it.connects()), (b"new".to_vec(), 2));
}

#[test]
fn orders_name_the_key_and_come_in_the_order_in_which_they_arose() {
    let mut it = Upstream::unconnected(Settings::default());
    it.cache.subscribe(it.now, "poem", Mode::Stream).expect("a seat");
    let Some(Order::Connect { key, .. }) = it.cache.next_order() else { panic!("nobody connects") };
    assert_eq!(key, Rc::from("poem"));
    assert!(it.cache.next_order().is_none());
}
