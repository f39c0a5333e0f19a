//! One answer for many.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Log, failure, unhandled, value};
use sestina_deferred::{Answer, Cancelled, Deferred, Failure, Shared, deferred, fail, spawn, succeed};

#[test]
fn all_subscribers_get_the_answer_early_and_late() {
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let early: Vec<_> = ["a", "b"]
        .map(|name| {
            let seen = log.clone();
            shared.subscribe().inspect(move |answer| seen.note(format!("{name} {answer:?}")))
        })
        .into();
    assert_eq!(shared.waiting(), 2);
    resolver.callback(1);
    log.expect(["a Ok(1)", "b Ok(1)"]);
    assert!(shared.is_fired());
    assert_eq!(value(shared.subscribe()), 1);
    early.into_iter().for_each(|d| assert_eq!(value(d), 1));
    assert_eq!(value(succeed(2).share().subscribe()), 2);
}

#[test]
fn a_subscriber_that_cancels_leaves_the_others_alone() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let (alice, bob) = (shared.subscribe(), shared.subscribe());
    alice.cancel();
    assert!(failure(alice).is::<Cancelled>());
    assert!(!resolver.is_cancelled());
    assert_eq!(shared.waiting(), 1);
    resolver.callback(1);
    assert_eq!(value(bob), 1);
}

#[test]
fn the_last_subscriber_that_cancels_cancels_everything() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let (alice, bob) = (shared.subscribe(), shared.subscribe());
    alice.cancel();
    bob.cancel_because(Failure::msg("bob left"));
    assert!(resolver.is_cancelled());
    assert!(failure(alice).check::<Cancelled>().unwrap().reason().is_none());
    assert_eq!(failure(bob).check::<Cancelled>().unwrap().reason().unwrap().to_string(), "bob left");
}

#[test]
fn the_last_subscriber_gets_what_the_cancelled_work_answers() {
    let (resolver, d) = deferred::<u32>();
    resolver.on_cancel(|| Answer::Later);
    let shared = d.share();
    let alice = shared.subscribe();
    alice.cancel();
    assert!(!alice.is_fired(), "the producer cleans up");
    let bob = shared.subscribe(); // joins what is left
    resolver.errback(Failure::msg("rolled back"));
    assert_eq!(failure(alice).to_string(), "rolled back");
    assert_eq!(failure(bob).to_string(), "rolled back");
}

#[test]
fn a_subscriber_that_is_dropped_only_detaches() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    drop(shared.subscribe());
    assert!(!resolver.is_cancelled());
    resolver.callback(1);
    assert_eq!(value(shared.subscribe()), 1);
}

#[test]
fn a_task_that_awaits_a_subscription_leaves_when_it_is_cancelled() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let tasks = [(); 2].map(|()| {
        let mine = shared.subscribe();
        spawn(async move { Ok(mine.await? + 1) })
    });
    let [alice, bob] = tasks;
    alice.cancel();
    assert!(failure(alice).is::<Cancelled>());
    assert!(!resolver.is_cancelled());
    bob.cancel();
    assert!(resolver.is_cancelled());
    assert!(failure(bob).is::<Cancelled>());
}

#[test]
fn a_failure_is_told_to_each_and_reported_if_there_is_none() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let (alice, bob) = (shared.subscribe(), shared.subscribe());
    let errors = unhandled(|| {
        resolver.errback(Failure::msg("down"));
        assert_eq!(failure(alice).to_string(), "down");
        drop(bob);
        drop(shared);
    });
    assert_eq!(errors, ["down"], "bob's");
    assert_eq!(unhandled(|| drop(fail::<u32>(Failure::msg("nobody asked")).share())), ["nobody asked"]);
}

#[test]
fn a_subscriber_may_subscribe_and_cancel_from_inside_of_its_callback() {
    let (resolver, d) = deferred::<u32>();
    let shared = d.share();
    let (again, bob) = (shared.clone(), shared.subscribe());
    let bob_handle = bob.canceller();
    let first = shared.subscribe();
    let alice = first.map(move |n| {
        bob_handle.cancel(); // has fired before, or is about to
        n + value(again.subscribe())
    });
    resolver.callback(1);
    assert_eq!(value(alice), 2);
    assert_eq!(value(bob), 1);
}

#[test]
fn an_answer_that_cannot_be_sent_twice_is_cloned_for_each() {
    let (resolver, d) = deferred::<String>();
    let shared = d.share();
    let ds: Vec<_> = (0..3).map(|_| shared.subscribe()).collect();
    resolver.callback("poem".to_owned());
    assert!(ds.into_iter().all(|d| value(d) == "poem"));
}

/// The caching, coalescing proxy of the introduction's exercise.
mod coalescing {
    use super::*;

    #[derive(Default)]
    enum State {
        #[default]
        Empty,
        Fetching(Shared<Rc<str>>),
        Cached(Rc<str>),
    }

    #[derive(Clone, Default)]
    pub(super) struct Cache {
        state: Rc<RefCell<State>>,
        pub(super) fetches: Rc<RefCell<Vec<sestina_deferred::Resolver<Rc<str>>>>>,
    }

    impl Cache {
        pub(super) fn get_poem(&self) -> Deferred<Rc<str>> {
            match &*self.state.borrow() {
                State::Cached(poem) => return succeed(Rc::clone(poem)),
                State::Fetching(fetch) => return fetch.subscribe(),
                State::Empty => {}
            }
            let (resolver, fetch) = deferred();
            self.fetches.borrow_mut().push(resolver);
            let state = Rc::clone(&self.state);
            let fetch = fetch
                .inspect(move |answer| {
                    let next = match answer {
                        Ok(poem) => State::Cached(Rc::clone(poem)),
                        Err(_) => State::Empty,
                    };
                    let old = state.replace(next);
                    drop(old);
                })
                .share();
            let first = fetch.subscribe();
            *self.state.borrow_mut() = State::Fetching(fetch);
            first
        }

        pub(super) fn is_empty(&self) -> bool {
            matches!(*self.state.borrow(), State::Empty)
        }
    }
}

#[test]
fn three_clients_make_one_request_and_the_cache_keeps_its_answer() {
    // spec: P14-03, P14-27
    let cache = coalescing::Cache::default();
    let clients = [(); 3].map(|()| cache.get_poem());
    assert_eq!(cache.fetches.borrow().len(), 1);
    let [alice, bob, carol] = clients;
    alice.discard();
    let fetch = cache.fetches.borrow_mut().pop().unwrap();
    fetch.callback("poem".into());
    assert_eq!(&*value(bob), "poem");
    assert_eq!(&*value(carol), "poem");
    assert_eq!(&*value(cache.get_poem()), "poem");
    assert_eq!(cache.fetches.borrow().len(), 0);
}

#[test]
fn when_all_clients_hang_up_the_request_is_cancelled_and_the_next_one_starts_anew() {
    // spec: P14-27
    let cache = coalescing::Cache::default();
    let clients = [(); 3].map(|()| cache.get_poem());
    clients.into_iter().for_each(Deferred::discard);
    let fetch = cache.fetches.borrow_mut().pop().unwrap();
    assert!(fetch.is_cancelled());
    assert!(cache.is_empty());
    let late = cache.get_poem();
    let fetch = cache.fetches.borrow_mut().pop().unwrap();
    fetch.errback(Failure::msg("the server is down"));
    assert_eq!(failure(late).to_string(), "the server is down");
    assert!(cache.is_empty());
}
