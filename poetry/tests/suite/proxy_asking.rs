//! Callers of the proxy's own process: a deferred each, one fetch for all, also for the clients outside.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::common::stage::Stage;
use crate::common::wait;
use sestina_deferred::{Cancelled, Deferred, Failure, collect_unhandled};
use sestina_poetry::cache::{Body, FlightReport, KeptBody, NotRestored, Purge, Refusal, StoredBody};
use sestina_poetry::{Observer, Poem, ProxyError, poems};

const POEM: &[u8] = poems::SCIENCE;
const HOUR: Duration = Duration::from_secs(3600);

/// A proxy that asks a poet who failed again at once.
fn stage() -> Stage {
    Stage::new(|settings| settings.cache.back_off = None)
}

/// This many callers, when the poet has their connection.
fn callers(stage: &Stage, count: usize) -> Vec<Deferred<Poem>> {
    let before = stage.puppet.count();
    let callers = (0..count).map(|_| stage.proxy.get_poem("poem")).collect();
    stage.until("the poet has a client", || stage.puppet.count() > before);
    callers
}

fn tells(stage: &Stage, poem: &[u8]) {
    stage.puppet.last().write(poem);
    stage.puppet.last().lose_connection();
}

// spec: P14-03, P14-19, P14-20, P14-21, P14-27
#[test]
fn the_first_fetches_the_second_joins_and_the_third_has_it_at_once() {
    let stage = stage();
    let waiting = callers(&stage, 2);
    assert!(waiting.iter().all(|caller| !caller.is_fired()));
    tells(&stage, POEM);
    for caller in waiting {
        assert_eq!(wait(&stage.reactor, caller).unwrap().as_bytes(), POEM);
    }
    let third = stage.proxy.get_poem("poem");
    assert!(third.is_fired(), "a poem that is kept is there at once");
    assert_eq!(wait(&stage.reactor, third).unwrap().as_bytes(), POEM);
    let counters = stage.proxy.counters();
    assert_eq!((counters.misses, counters.collapsed, counters.hits), (1, 1, 1));
    stage.end();
}

// spec: P14-27
#[test]
fn a_failure_is_for_all_who_wait_and_for_nobody_else() {
    let stage = stage();
    let waiting = callers(&stage, 2);
    stage.puppet.last().abort();
    for caller in waiting {
        let failure = wait(&stage.reactor, caller).unwrap_err();
        assert!(matches!(failure.check(), Some(ProxyError::Failed(_))), "{failure:?}");
    }
    let later = callers(&stage, 1).remove(0);
    tells(&stage, POEM);
    assert!(wait(&stage.reactor, later).is_ok());
    assert_eq!((stage.proxy.counters().misses, stage.proxy.counters().fetches_failed()), (2, 1));
    stage.end();
}

// spec: P19-22, P19-23, P19-27
#[test]
fn whoever_leaves_leaves_alone_and_the_last_one_cancels_the_fetch() {
    let stage = stage();
    let mut waiting = callers(&stage, 2);
    let (second, first) = (waiting.remove(1), waiting.remove(0));
    first.cancel();
    assert!(wait(&stage.reactor, first).unwrap_err().is::<Cancelled>());
    assert_eq!(stage.proxy.counters().fetches_cancelled, 0);
    second.cancel_because(Failure::msg("supper"));
    assert_eq!(stage.proxy.counters().fetches_cancelled, 1);
    let failure = wait(&stage.reactor, second).unwrap_err();
    let reason = failure.check::<Cancelled>().and_then(Cancelled::reason);
    assert!(reason.is_some_and(|reason| reason.to_string() == "supper"), "{failure:?}");
    stage.until("the poet is cut off", || stage.puppet.ends().len() == 1);
    assert_eq!(stage.proxy.counters().left, 2);
    let after = callers(&stage, 1).remove(0);
    tells(&stage, POEM);
    stage.until("it has its poem", || after.is_fired());
    after.cancel(); // after the normal end: no harm
    assert_eq!(stage.proxy.counters().fetches_cancelled, 1);
    assert!(after.try_result().is_ok_and(|poem| poem.is_ok()));
    stage.end();
}

#[test]
fn a_thousand_who_come_and_go_change_nothing_for_the_one_who_stays() {
    let stage = stage();
    let stays = callers(&stage, 1).remove(0);
    for _ in 0..1000 {
        stage.proxy.get_poem("poem").discard();
    }
    tells(&stage, POEM);
    assert!(wait(&stage.reactor, stays).is_ok());
    let counters = stage.proxy.counters();
    assert_eq!(
        (counters.misses, counters.collapsed, counters.left, counters.fetches_cancelled),
        (1, 1000, 1000, 0)
    );
    stage.end();
}

/// The upstream takes its time to be gone: meanwhile it is no fetch that anybody could join, and what it says is nobody's.
// spec: P19-26
#[test]
fn nobody_joins_a_fetch_that_is_being_cancelled() {
    let stage = stage();
    let first = callers(&stage, 1).remove(0);
    let old = stage.puppet.last();
    old.write(b"late");
    first.discard();
    let second = stage.proxy.get_poem("poem");
    assert_eq!(stage.proxy.counters().misses, 2);
    stage.until("the proxy connects again", || stage.puppet.count() == 2);
    tells(&stage, POEM);
    assert_eq!(wait(&stage.reactor, second).unwrap().as_bytes(), POEM);
    stage.end();
}

#[test]
fn who_asks_again_while_being_told_meets_the_new_state() {
    let stage = stage();
    let (again, hit) = (stage.proxy.clone(), Rc::new(Cell::new(false)));
    let noted = hit.clone();
    let first = callers(&stage, 1).remove(0).inspect(move |_| noted.set(again.get_poem("poem").is_fired()));
    tells(&stage, POEM);
    assert!(wait(&stage.reactor, first).is_ok() && hit.get());
    stage.end();

    let stage = self::stage();
    let again = stage.proxy.clone();
    let retried = callers(&stage, 1).remove(0).add_errback(move |_| again.get_poem("poem"));
    stage.puppet.last().abort();
    stage.until("it asks again", || stage.puppet.count() == 2);
    tells(&stage, POEM);
    assert!(wait(&stage.reactor, retried).is_ok());
    stage.end();
}

#[test]
fn who_asks_again_while_leaving_starts_anew() {
    let stage = stage();
    let first = callers(&stage, 1).remove(0);
    let again = Rc::new(RefCell::new(None));
    let (asked, proxy) = (again.clone(), stage.proxy.clone());
    let first = first.add_errback(move |failure| {
        *asked.borrow_mut() = Some(proxy.get_poem("poem"));
        Err::<Poem, _>(failure)
    });
    first.cancel();
    assert!(wait(&stage.reactor, first).is_err());
    stage.until("the proxy connects again", || stage.puppet.count() == 2);
    tells(&stage, POEM);
    let again = again.borrow_mut().take().expect("it has asked");
    assert!(wait(&stage.reactor, again).is_ok());
    assert_eq!(stage.proxy.counters().misses, 2);
    stage.end();
}

#[test]
fn who_lets_go_without_cancelling_lets_the_fetch_go_on() {
    let stage = stage();
    drop(callers(&stage, 1));
    tells(&stage, POEM);
    stage.until("it is kept", || stage.proxy.get_poem("poem").is_fired());
    stage.end();
}

#[test]
fn a_failure_that_somebody_handles_is_not_reported_again() {
    let ((), unhandled) = collect_unhandled(|| {
        let stage = stage();
        let waiting = callers(&stage, 2);
        stage.puppet.last().abort();
        for caller in waiting {
            assert!(wait(&stage.reactor, caller).is_err());
        }
        stage.proxy.get_poem("poem").discard();
        stage.end();
    });
    assert!(unhandled.is_empty(), "{unhandled:?}");
}

#[test]
fn callers_inside_and_clients_outside_share_one_fetch() {
    let stage = stage();
    let clients = stage.waiting(2);
    let caller = stage.proxy.get_poem("poem");
    stage.says(&POEM[..300], &clients);
    assert!(!caller.is_fired(), "a caller gets all of it or nothing");
    tells(&stage, &POEM[300..]);
    assert_eq!(wait(&stage.reactor, caller).unwrap().as_bytes(), POEM);
    stage.ended(&clients);
    clients.iter().for_each(|client| client.is_whole(POEM));
    assert_eq!(stage.puppet.count(), 1);
    stage.end();
}

#[test]
fn an_upstream_that_nobody_named_is_no_key() {
    let stage = stage();
    let failure = stage.proxy.get_poem("other").try_result().expect("at once").unwrap_err();
    assert!(
        matches!(failure.check(), Some(ProxyError::UnknownUpstream(name)) if name == "other"),
        "{failure:?}"
    );
    assert!(stage.proxy.purge("other", Purge::Hard).is_err() && stage.proxy.refresh("other").is_err());
    assert!(stage.proxy.front("other").is_err() && stage.proxy.entries().is_empty());
    stage.end();
}

#[test]
fn operators_see_flights_end_them_and_fetch_without_clients() {
    let stage = stage();
    stage.proxy.refresh("poem").unwrap();
    stage.until("the poet has a client", || stage.puppet.count() == 1);
    tells(&stage, POEM);
    stage.until("it is kept", || stage.proxy.entries()[0].state == "fresh");
    stage.proxy.refresh("poem").unwrap();
    let hit = stage.proxy.get_poem("poem");
    assert!(hit.is_fired(), "what is there is given out meanwhile");
    let number = stage.proxy.flights()[0].number;
    assert_eq!((number, stage.proxy.flights()[0].readers), (2, 0));
    assert!(stage.proxy.cancel_flight(number) && !stage.proxy.cancel_flight(7));
    assert_eq!(stage.proxy.entries()[0].state, "fresh", "its time is not over");
    assert!(stage.proxy.purge("poem", Purge::Hard).unwrap());
    assert_eq!((stage.proxy.entries()[0].state, stage.proxy.entries()[0].bytes), ("empty", None));
    stage.end();
}

#[test]
fn a_body_from_elsewhere_is_there_at_once_for_what_is_left_of_its_time() {
    let stage = Stage::new(|settings| settings.cache.ttl = Some(HOUR));
    let kept = |body, age| KeptBody { body: Body::from_bytes(body), age, ttl: None, confirmations: 1 };
    stage.proxy.restore("poem", &kept(POEM, HOUR / 2)).unwrap();
    let again = stage.proxy.restore("poem", &kept(POEM, HOUR / 2));
    assert_eq!(again, Err(NotRestored::InUse), "the key has something already");
    assert_eq!(stage.proxy.restore("verse", &kept(POEM, HOUR / 2)), Err(NotRestored::UnknownKey));
    let entry = stage.proxy.entries().remove(0);
    assert_eq!((entry.state, entry.bytes), ("fresh", Some(653)));
    assert!(
        entry.age.is_some_and(|age| age >= HOUR / 2)
            && entry.fresh_for.is_some_and(|left| left < HOUR * 6 / 10)
    );
    assert_eq!(wait(&stage.reactor, stage.proxy.get_poem("poem")).unwrap().as_bytes(), POEM);
    assert_eq!((stage.puppet.count(), stage.proxy.counters().hits), (0, 1));
    stage.end();
    let stage = Stage::new(|settings| settings.cache.ttl = Some(HOUR));
    assert_eq!(stage.proxy.restore("poem", &kept(POEM, HOUR)), Err(NotRestored::TooOld));
    assert_eq!(stage.proxy.restore("poem", &kept(b"", Duration::ZERO)), Err(NotRestored::NoRoom));
    stage.end();
}

#[derive(Clone, Default)]
struct Heard(Rc<RefCell<Vec<String>>>);

impl Observer for Heard {
    fn flight_ended(&self, report: &FlightReport) {
        self.0.borrow_mut().push(format!(
            "{} {} {}",
            report.outcome.word(),
            report.bytes,
            report.readers_max
        ));
    }

    fn stored(&self, body: &StoredBody) {
        assert_eq!(body.body.blocks().concat(), POEM);
        self.0.borrow_mut().push(format!("{} bytes of {}", body.body.len(), body.key));
    }

    fn purged(&self, key: &str, how: Purge) {
        self.0.borrow_mut().push(format!("{key} purged {how:?}"));
    }

    fn received(&self, _key: &str, bytes: u64) {
        self.0.borrow_mut().push(format!("{bytes} so far"));
    }
}

#[test]
fn an_observer_hears_what_happens_in_its_order() {
    let stage = stage();
    let heard = Heard::default();
    stage.proxy.observe(heard.clone());
    let clients = stage.waiting(2);
    stage.says(POEM, &clients);
    stage.puppet.last().lose_connection();
    stage.ended(&clients);
    stage.proxy.purge_all(Purge::Soft);
    let caller = callers(&stage, 1).remove(0);
    caller.discard();
    let lines = ["653 so far", "653 bytes of poem", "stored 653 2", "poem purged Soft", "abandoned 0 1"];
    assert_eq!(*heard.0.borrow(), lines);
    stage.end();
}

#[test]
fn a_drain_lets_those_who_wait_finish_turns_others_away_and_answers_when_nothing_is_left() {
    let stage = stage();
    let clients = stage.waiting(2);
    stage.says(&POEM[..100], &clients);
    let drained = stage.proxy.drain(HOUR);
    let refused = stage.proxy.get_poem("poem").try_result().expect("at once").unwrap_err();
    assert!(matches!(refused.check(), Some(ProxyError::Refused(Refusal::Draining))), "{refused:?}");
    assert!(!drained.is_fired());
    tells(&stage, &POEM[100..]);
    stage.ended(&clients);
    clients.iter().for_each(|client| client.is_whole(POEM));
    assert!(wait(&stage.reactor, drained).is_ok());
    stage.end();
}

#[test]
fn a_drain_that_is_cancelled_cuts_what_is_left() {
    let stage = stage();
    let clients = stage.waiting(2);
    stage.says(&POEM[..100], &clients);
    let drained = stage.proxy.drain(HOUR);
    drained.cancel();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(POEM));
    assert!(drained.try_result().expect("at once").unwrap_err().is::<Cancelled>());
    stage.until("the poet is cut off", || stage.puppet.ends().len() == 1);
    stage.end();
}
