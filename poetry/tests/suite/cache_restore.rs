//! Bodies that somebody kept a copy of, taken into a cache again.

use std::time::Duration;

use crate::common::upstream::{Upstream, refused, settings};
use sestina_poetry::cache::{Admission, Body, FlightError, KeptBody, NotRestored, Order, Settings};

const SECOND: Duration = Duration::from_secs(1);

fn kept(body: &[u8], age: Duration, ttl: Option<Duration>) -> KeptBody {
    KeptBody { body: Body::from_bytes(body), age, ttl, confirmations: 1 }
}

#[test]
fn a_restored_body_is_a_hit_and_its_age_counts_on() {
    let mut it = Upstream::new(settings(|settings| settings.ttl = Some(SECOND * 100)));
    let copy = kept(b"kept", SECOND * 60, Some(SECOND * 90));
    it.cache.restore(it.now, "poem", &copy).expect("it is fresh");
    let client = it.client();
    assert_eq!(it.cache.admission(client), Some(Admission::Hit));
    assert_eq!((it.whole(client), it.connects()), (b"kept".to_vec(), 0));
    it.pass(SECOND * 29);
    let entry = &it.cache.entries(it.now)[0];
    assert_eq!((entry.age, entry.fresh_for), (Some(SECOND * 89), Some(SECOND)));
    it.pass(SECOND);
    let late = it.client();
    assert_eq!(it.connects(), 1, "its time ended where it would have without a restart");
    it.says(b"new");
    it.ends();
    assert_eq!(it.whole(late), b"new");
    assert_eq!(it.cache.entries(it.now)[0].age, Some(Duration::ZERO));
}

#[test]
fn a_body_past_its_time_is_restored_for_what_is_left_of_its_stale_time() {
    let stale = |settings: &mut Settings| {
        settings.ttl = Some(SECOND * 10);
        settings.stale_if_error = SECOND * 10;
    };
    let mut it = Upstream::new(settings(stale));
    let copy = kept(b"kept", SECOND * 15, Some(SECOND * 10));
    it.cache.restore(it.now, "poem", &copy).expect("it may still help");
    let saved = it.client();
    assert_eq!(it.connects(), 1);
    it.fails(refused());
    assert_eq!(it.whole(saved), b"kept");
    it.pass(SECOND * 5);
    let late = it.client();
    it.fails(refused());
    assert!(matches!(it.drain(late), Err(FlightError::Unreachable(_))), "15 + 5 seconds are all its time");

    let mut it = Upstream::new(settings(stale));
    let copy = kept(b"kept", SECOND * 20, Some(SECOND * 10));
    assert_eq!(it.cache.restore(it.now, "poem", &copy), Err(NotRestored::TooOld));
}

#[test]
fn a_time_to_live_that_became_shorter_counts_for_what_was_kept() {
    let mut it = Upstream::new(settings(|settings| settings.ttl = Some(SECOND * 10)));
    let too_old = kept(b"kept", SECOND * 10, None);
    assert_eq!(it.cache.restore(it.now, "poem", &too_old), Err(NotRestored::TooOld));
    it.cache.restore(it.now, "poem", &kept(b"kept", SECOND * 9, None)).expect("it is fresh");
    assert_eq!(it.cache.entries(it.now)[0].fresh_for, Some(SECOND));
    let mut it = Upstream::new(settings(|settings| settings.ttl = Some(Duration::ZERO)));
    let copy = kept(b"kept", Duration::ZERO, None);
    assert_eq!(it.cache.restore(it.now, "poem", &copy), Err(NotRestored::TooOld), "nothing is kept at all");
}

#[test]
fn a_body_that_was_not_confirmed_yet_is_not_by_being_kept() {
    let mut it = Upstream::new(settings(|settings| {
        settings.ttl = Some(SECOND * 100);
        settings.checks.confirm = 2;
        settings.checks.probation = SECOND * 5;
    }));
    let client = it.client();
    it.cache.received(it.now, it.last_flight(), b"kept");
    it.cache.ended(
        it.now,
        it.last_flight(),
        sestina_poetry::cache::UpstreamEnd::Lost(sestina_reactor::Lost::Done),
    );
    let orders: Vec<Order> = std::iter::from_fn(|| it.cache.next_order()).collect();
    let stored = orders.into_iter().find_map(|order| match order {
        Order::Stored(stored) => Some(stored),
        _ => None,
    });
    let stored = stored.expect("it was stored");
    assert_eq!((stored.confirmations, stored.fresh_for), (1, Some(SECOND * 5)));
    assert_eq!(it.whole(client), b"kept");

    let mut again = Upstream::new(it.cache.settings().clone());
    let copy = KeptBody {
        body: stored.body,
        age: SECOND * 4,
        ttl: stored.fresh_for,
        confirmations: stored.confirmations,
    };
    again.cache.restore(again.now, "poem", &copy).expect("it is fresh");
    again.pass(SECOND);
    let client = again.client();
    assert_eq!(again.connects(), 1, "its probation is over");
    again.says(b"kept");
    again.ends();
    assert_eq!(again.whole(client), b"kept");
    let entry = &again.cache.entries(again.now)[0];
    assert!(entry.fresh_for > Some(SECOND * 90), "the second flight brought the same: {entry:?}");
}

#[test]
fn nothing_is_restored_over_what_is_there_or_beyond_the_limits() {
    let copy = kept(b"kept", SECOND, None);
    let mut it = Upstream::new(Settings::default());
    let client = it.client();
    assert_eq!(it.cache.restore(it.now, "poem", &copy), Err(NotRestored::InUse));
    it.says(b"new");
    it.ends();
    assert_eq!(it.cache.restore(it.now, "poem", &copy), Err(NotRestored::InUse));
    assert_eq!(it.whole(client), b"new");
    assert_eq!(it.cache.restore(it.now, "empty", &kept(b"", SECOND, None)), Err(NotRestored::NoRoom));

    let mut it = Upstream::new(settings(|settings| settings.memory_bytes_max = 4096));
    let quarter = kept(&[7; 1024], SECOND, None);
    let long = kept(&[7; 1025], SECOND, None);
    assert_eq!(it.cache.restore(it.now, "long", &long), Err(NotRestored::NoRoom), "a quarter is the most");
    for key in ["a", "b", "c"] {
        it.cache.restore(it.now, key, &quarter).expect("there is room");
    }
    assert_eq!(it.cache.restore(it.now, "d", &quarter), Err(NotRestored::NoRoom), "others stay");
    assert_eq!(it.cache.statistics().memory.cache_bytes, 3 * (1024 + 256));

    let mut it = Upstream::new(settings(|settings| settings.keys_max = 1));
    it.cache.restore(it.now, "a", &copy).expect("there is room");
    assert_eq!(it.cache.restore(it.now, "b", &copy), Err(NotRestored::Refused));
    let mut it = Upstream::new(Settings::default());
    it.cache.drain(it.now, it.now + SECOND);
    assert_eq!(it.cache.restore(it.now, "a", &copy), Err(NotRestored::Refused));
}

#[test]
fn a_reader_is_counted_once_by_how_it_was_received_also_if_it_is_rescued_later() {
    let mut it = Upstream::past_its_time(|settings| settings.stale_if_error = SECOND * 60);
    let waiting = it.client();
    it.fails(refused());
    assert_eq!(it.whole(waiting), b"old");
    let counted = it.cache.statistics();
    assert_eq!((counted.misses, counted.stale, counted.rescued), (2, 0, 1));
}
