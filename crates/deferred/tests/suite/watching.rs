//! Deferreds that wait, noted for one thread and a time: what a test harness asks for.

use std::time::Duration;

use sestina_deferred::{Executor, WaitsOn, all_settled, debugging, deferred, unfired, watch_unfired};

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
fn a_list_waits_for_its_member_whose_answer_a_pause_holds_back() {
    let (resolver, guard, list) = watch_unfired(|| {
        let (resolver, mut d) = deferred::<u32>();
        let guard = d.pause();
        (resolver, guard, all_settled([d]))
    });
    let paused = line!() - 3;
    resolver.callback(1);
    let waiting = unfired(Duration::ZERO);
    let is_the_member = |waits_on: &WaitsOn| match waits_on {
        WaitsOn::Deferreds(places) => places.iter().map(|place| place.line()).eq([paused]),
        _ => false,
    };
    assert!(!waiting.is_empty());
    assert!(waiting.iter().all(|one| is_the_member(one.waits_on())), "{waiting:?}");
    guard.unpause();
    assert!(list.is_fired());
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
