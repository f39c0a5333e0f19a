//! What the types weigh, and where they may go.

use sestina_deferred::{CancelHandle, Deferred, Failure, Resolver};

#[test]
fn deferreds_are_small() {
    assert_eq!(size_of::<Deferred<u64>>(), 24);
    assert_eq!(size_of::<Deferred<String>>(), 24);
    assert_eq!(size_of::<Deferred<()>>(), 24);
    assert_eq!(size_of::<Resolver<u64>>(), 8);
    assert_eq!(size_of::<Resolver<[u64; 8]>>(), 8);
    assert_eq!(size_of::<Failure>(), 8);
    assert_eq!(size_of::<Option<Failure>>(), 8);
    assert_eq!(size_of::<CancelHandle>(), 16);
}

#[test]
fn failures_cross_threads() {
    fn crosses<T: Send + Sync + Clone + 'static>() {}
    crosses::<Failure>();
}
