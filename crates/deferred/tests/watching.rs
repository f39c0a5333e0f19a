//! Deferreds that wait, noted for one thread and a time: what a test harness asks for.

use std::error::Error;
use std::time::Duration;

use sestina_deferred::{
    Executor, Failure, collect_unhandled, debugging, deferred, fail, take_unhandled, unfired, watch_unfired,
};

fn lines() -> Vec<u32> {
    unfired(Duration::ZERO).iter().map(|one| one.location().line()).collect()
}

#[test]
fn only_what_is_made_inside_and_on_this_thread_is_known() {
    let before = deferred::<u32>();
    let inside = watch_unfired(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let there = deferred::<u32>();
                assert!(lines().is_empty());
                drop(there.1);
                there.0.callback(1);
            });
        });
        assert!(!debugging());
        watch_unfired(|| ());
        deferred::<u32>()
    });
    let after = deferred::<u32>();
    assert_eq!(lines(), [line!() - 3]);
    assert!(unfired(Duration::ZERO)[0].made().to_string().contains("disabled"), "no backtrace is taken");
    for (resolver, d) in [before, inside, after] {
        resolver.callback(1);
        drop(d);
    }
    assert!(lines().is_empty());
}

#[test]
fn a_panic_inside_ends_the_watching() {
    assert!(
        std::panic::catch_unwind(|| watch_unfired(|| std::panic::resume_unwind(Box::new("oops")))).is_err()
    );
    let (_resolver, _d) = deferred::<u32>();
    assert!(lines().is_empty());
}

#[test]
fn a_task_of_an_executor_is_known_by_the_line_that_spawned_it() {
    let executor = Executor::default();
    let (resolver, answer) = deferred::<u32>();
    let task = watch_unfired(|| executor.spawn(answer));
    assert_eq!(lines(), [line!() - 1]);
    resolver.callback(1);
    assert!(task.is_fired());
}

#[test]
fn errors_can_be_taken_from_the_innermost_collector_before_it_ends() {
    let ((), outer) = collect_unhandled(|| {
        drop(fail::<()>(Failure::msg("outer")));
        let ((), inner) = collect_unhandled(|| {
            drop(fail::<()>(Failure::msg("taken")));
            assert_eq!(take_unhandled()[0].failure().to_string(), "taken");
            drop(fail::<()>(Failure::msg("left")));
        });
        assert_eq!(inner.len(), 1);
        assert_eq!(inner[0].failure().to_string(), "left");
    });
    assert_eq!(outer.len(), 1);
    assert!(take_unhandled().is_empty());
}

#[test]
fn a_failure_can_be_found_inside_of_an_error() {
    let failure = Failure::located(std::fmt::Error, std::panic::Location::caller());
    assert_eq!(failure.location().line(), line!() - 1);
    let boxed: Box<dyn Error> = failure.into();
    assert!(Failure::inside(&*boxed).is_some_and(Failure::is::<std::fmt::Error>));
    assert!(Failure::inside(&std::fmt::Error).is_none());
}
