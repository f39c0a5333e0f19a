//! The cache's rules without a network: the test holds the other end of every fetch.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use sestina_deferred::{
    Answer, Cancelled, Deferred, Failure, Res, Resolver, collect_unhandled, deferred, succeed,
};
use sestina_poetry::{CacheCounters, Poem, PoemCache};

#[derive(Debug)]
struct NoPoem;

impl fmt::Display for NoPoem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("no poem today")
    }
}

impl Error for NoPoem {}

/// The fetches that a cache has started, oldest first; fired ones are taken out.
#[derive(Clone, Default)]
struct Upstream(Rc<RefCell<Vec<Resolver<Poem>>>>);

impl Upstream {
    fn cache(&self) -> PoemCache {
        let upstream = self.clone();
        PoemCache::new(move || {
            let (resolver, answer) = deferred();
            upstream.0.borrow_mut().push(resolver);
            answer
        })
    }

    fn take(&self) -> Resolver<Poem> {
        self.0.borrow_mut().remove(0)
    }
}

fn poem() -> Poem {
    Poem::from_bytes("a poem")
}

#[track_caller]
fn answer(deferred: Deferred<Poem>) -> Res<Poem> {
    deferred.try_result().unwrap_or_else(|_| panic!("it has not fired"))
}

fn counted(fetches: u64, hits: u64, joined: u64) -> CacheCounters {
    let mut counters = CacheCounters::default();
    (counters.fetches, counters.hits, counters.joined) = (fetches, hits, joined);
    counters
}

// spec: P14-03, P14-19, P14-27
#[test]
fn first_fetches_second_joins_third_hits() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let (first, second) = (cache.get_poem(), cache.get_poem());
    assert!(!first.is_fired() && !second.is_fired());
    upstream.take().callback(poem());
    let third = cache.get_poem();
    assert!(third.is_fired(), "a cached poem is there at once");
    for deferred in [first, second, third] {
        assert_eq!(answer(deferred).unwrap(), poem());
    }
    assert_eq!(cache.counters(), counted(1, 1, 1));
}

// spec: P14-27
#[test]
fn a_failure_is_for_all_who_wait_and_for_nobody_else() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let (first, second) = (cache.get_poem(), cache.get_poem());
    upstream.take().errback(NoPoem);
    assert!(answer(first).unwrap_err().is::<NoPoem>());
    assert!(answer(second).unwrap_err().is::<NoPoem>());
    let later = cache.get_poem();
    upstream.take().callback(poem());
    assert!(answer(later).is_ok());
    assert_eq!((cache.counters().fetches, cache.counters().failed), (2, 1));
}

#[test]
fn a_fetch_that_answers_at_once_is_a_fetch_like_any_other() {
    let cache = PoemCache::new(|| succeed(poem()));
    assert!(answer(cache.get_poem()).is_ok());
    assert!(answer(cache.get_poem()).is_ok());
    assert_eq!(cache.counters(), counted(1, 1, 0));
}

#[test]
fn whoever_leaves_leaves_alone_and_the_last_one_cancels_the_fetch() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let (first, second) = (cache.get_poem(), cache.get_poem());
    let resolver = upstream.take();
    first.cancel();
    assert!(answer(first).unwrap_err().is::<Cancelled>());
    assert!(!resolver.is_cancelled());
    second.cancel_because(NoPoem);
    assert!(resolver.is_cancelled());
    let failure = answer(second).unwrap_err();
    let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
    assert!(reason.is_some_and(Failure::is::<NoPoem>), "the reason comes through: {failure:?}");
    let counters = cache.counters();
    assert_eq!((counters.left, counters.cancelled, counters.failed), (2, 1, 0));
}

#[test]
fn a_thousand_who_come_and_go_change_nothing_for_the_one_who_stays() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let stays = cache.get_poem();
    for _ in 0..1000 {
        cache.get_poem().discard();
    }
    upstream.take().callback(poem());
    assert!(answer(stays).is_ok());
    let counters = cache.counters();
    assert_eq!((counters.fetches, counters.joined, counters.left, counters.cancelled), (1, 1000, 1000, 0));
}

/// The upstream may take its time to stop: meanwhile it is no fetch that anybody could join.
#[test]
fn nobody_joins_a_fetch_that_is_being_cancelled() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let first = cache.get_poem();
    let slow_to_stop = upstream.take();
    slow_to_stop.on_cancel(|| Answer::Later);
    first.cancel();
    let second = cache.get_poem();
    assert_eq!(cache.counters().fetches, 2);
    slow_to_stop.callback(Poem::from_bytes("late"));
    assert!(!second.is_fired());
    upstream.take().callback(poem());
    assert_eq!(answer(second).unwrap(), poem());
    assert_eq!(answer(cache.get_poem()).unwrap(), poem());
    assert_eq!(answer(first).unwrap(), Poem::from_bytes("late"), "the canceller's own answer");
}

#[test]
fn who_asks_again_while_being_told_meets_the_new_state() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let (again, hit) = (cache.clone(), Rc::new(Cell::new(false)));
    let noted = hit.clone();
    let first = cache.get_poem().inspect(move |_| noted.set(again.get_poem().is_fired()));
    upstream.take().callback(poem());
    assert!(answer(first).is_ok() && hit.get());

    let upstream = Upstream::default();
    let cache = upstream.cache();
    let again = cache.clone();
    let retried = cache.get_poem().add_errback(move |_| again.get_poem());
    upstream.take().errback(NoPoem);
    upstream.take().callback(poem());
    assert!(answer(retried).is_ok());
}

#[test]
fn who_asks_again_while_leaving_starts_anew() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let first = cache.get_poem();
    let again = Rc::new(RefCell::new(None));
    let (asked, other) = (again.clone(), cache.clone());
    let cancelled = upstream.take();
    cancelled.on_cancel(move || *asked.borrow_mut() = Some(other.get_poem()));
    first.discard();
    upstream.take().callback(poem());
    let again = again.borrow_mut().take().expect("it has asked");
    assert!(answer(again).is_ok());
    assert_eq!(cache.counters().fetches, 2);
}

#[test]
fn who_lets_go_without_cancelling_lets_the_fetch_go_on() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    drop(cache.get_poem());
    upstream.take().callback(poem());
    assert!(cache.get_poem().is_fired());
}

#[test]
fn an_upstream_that_gives_up_without_a_word_is_a_failure() {
    let upstream = Upstream::default();
    let cache = upstream.cache();
    let waiter = cache.get_poem();
    drop(upstream.take());
    assert!(answer(waiter).is_err());
    assert_eq!(cache.counters().failed, 1);
}

#[test]
fn a_failure_that_somebody_handles_is_not_reported_again() {
    let ((), unhandled) = collect_unhandled(|| {
        let upstream = Upstream::default();
        let cache = upstream.cache();
        let waiters = [cache.get_poem(), cache.get_poem()];
        upstream.take().errback(NoPoem);
        for waiter in waiters {
            assert!(answer(waiter).is_err());
        }
        let last = cache.get_poem();
        last.discard();
    });
    assert!(unhandled.is_empty(), "{unhandled:?}");
}
