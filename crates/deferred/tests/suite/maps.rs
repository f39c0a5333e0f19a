//! Many deferreds as one, by key.

use crate::common::{failure, unhandled, value};
use sestina_deferred::{
    Cancelled, DeferredMap, Failure, FirstError, collect_unhandled, deferred, fail, succeed,
};

#[test]
fn answers_come_by_key() {
    // spec: P18-22
    let (science, d1) = deferred::<u32>();
    let (ecstasy, d2) = deferred::<u32>();
    let mut map = DeferredMap::new();
    assert!(map.insert("science", d1).is_none());
    assert!(map.insert("ecstasy", d2).is_none());
    let d = map.settle();
    science.callback(1);
    assert!(!d.is_fired());
    ecstasy.errback(Failure::msg("no such poem"));
    let answers = value(d);
    assert_eq!(*answers["science"].as_ref().unwrap(), 1);
    assert_eq!(answers["ecstasy"].as_ref().unwrap_err().to_string(), "no such poem");
}

#[test]
fn gathering_gives_values_by_key_or_says_whose_failure_it_was() {
    let map: DeferredMap<_, _> = [("a", succeed(1)), ("b", succeed(2))].into_iter().collect();
    assert_eq!(value(map.gather()).into_iter().collect::<Vec<_>>(), [("a", 1), ("b", 2)]);
    let map: DeferredMap<_, u32> =
        [("a", succeed(1)), ("b", fail(Failure::msg("oops")))].into_iter().collect();
    let failure = failure(map.gather());
    let first = failure.check::<FirstError<&str>>().unwrap();
    assert_eq!(*first.key(), "b");
    assert_eq!(failure.to_string(), "member \"b\" failed");
    assert_eq!(first.failure().to_string(), "oops");
}

#[test]
fn an_error_of_a_map_that_nobody_looks_at_names_the_line_that_made_the_map() {
    let mut map = DeferredMap::new();
    let line = line!() - 1;
    let (resolver, waiting) = deferred::<u32>();
    map.insert("a", waiting);
    let ((), errors) = collect_unhandled(|| {
        drop(map.gather());
        resolver.errback(Failure::msg("oops"));
    });
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].location().file(), errors[0].location().line()), (file!(), line));
}

#[test]
fn an_empty_map_fires_at_once() {
    assert!(value(DeferredMap::<u32, u32>::new().settle()).is_empty());
    assert!(value(DeferredMap::<u32, u32>::new().gather()).is_empty());
}

#[test]
fn cancelling_a_map_cancels_its_members() {
    let (resolver, d) = deferred::<u32>();
    let map = DeferredMap::from_iter([("a", d)]).settle();
    map.cancel();
    assert!(resolver.is_cancelled());
    assert!(value(map)["a"].as_ref().unwrap_err().is::<Cancelled>());

    let (resolver, d) = deferred::<u32>();
    let map = DeferredMap::from_iter([("a", d)]).gather();
    assert_eq!(unhandled(|| map.discard()), [""; 0]);
    assert!(resolver.is_cancelled());
}

#[test]
fn a_key_that_comes_twice_gives_the_old_member_back() {
    let mut map = DeferredMap::new();
    map.insert("a", succeed(1));
    let old = map.insert("a", succeed(2)).unwrap();
    assert_eq!(value(old), 1);
    map.extend([("b", succeed(3))]);
    assert_eq!(value(map.gather()).into_values().collect::<Vec<_>>(), [2, 3]);
}
