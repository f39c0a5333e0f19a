//! The count of answers that are owed.

use sestina_deferred::{Failure, deferred, gather_results, race, unfired};

#[test]
fn every_producer_is_counted_until_it_fires_or_goes_however_that_is() {
    let before = unfired();
    let (value, one) = deferred::<u32>();
    let (error, two) = deferred::<u32>();
    let (dropped, three) = deferred::<u32>();
    let (cancelled, four) = deferred::<u32>();
    assert_eq!(unfired() - before, 4);
    value.callback(1);
    error.errback(Failure::msg("no"));
    drop(dropped);
    four.cancel();
    assert_eq!(unfired() - before, 1, "a cancelled producer is alive until it hears of it");
    drop(cancelled);
    assert_eq!(unfired(), before);
    drop(one);
    [two, three, four].into_iter().for_each(sestina_deferred::Deferred::ignore_errors);
}

#[test]
fn what_the_library_makes_for_itself_goes_too() {
    let before = unfired();
    let (resolvers, answers): (Vec<_>, Vec<_>) = (0..4).map(|_| deferred::<u32>()).unzip();
    let mut answers = answers.into_iter();
    let both = gather_results(answers.by_ref().take(2));
    let first = race(answers);
    resolvers.into_iter().for_each(|resolver| resolver.callback(7));
    assert!(both.is_fired() && first.is_fired());
    assert_eq!(unfired(), before);
    drop((both, first));
}
