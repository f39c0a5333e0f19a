//! What deferreds allocate, counted.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use crate::common::tick;
use allocation_counter::measure;
use sestina_deferred::{Deferred, Resolver, deferred, gather_results, spawn, succeed};

/// Allocations while `f` runs. All of them are freed again.
#[track_caller]
fn allocations(f: impl FnOnce()) -> u64 {
    let info = measure(f);
    assert_eq!((info.count_current, info.bytes_current), (0, 0), "nothing is left");
    info.count_total
}

#[test]
fn create_add_one_callback_fire_drop_is_two_allocations() {
    let whole = || {
        let (resolver, d) = deferred::<u64>();
        drop(d.add_callback(|n| Ok(black_box(n + 1))));
        resolver.callback(black_box(1));
    };
    assert_eq!(allocations(whole), 2);
}

#[test]
fn each_further_callback_is_one_allocation() {
    const CALLBACKS: u32 = 100;
    let chain = || {
        let (resolver, d) = deferred::<u32>();
        let d = (0..CALLBACKS).fold(d, |d, _| d.map(|n| n + 1));
        resolver.callback(0);
        assert_eq!(d.try_result().unwrap().unwrap(), CALLBACKS);
    };
    assert_eq!(allocations(chain), 1 + u64::from(CALLBACKS));
}

#[test]
fn what_has_fired_allocates_nothing() {
    assert_eq!(allocations(|| drop(black_box(succeed(1_u64).map(|n| n + 1)))), 0);
    assert_eq!(allocations(|| drop(black_box(succeed(1_u64).add_callback(|n| succeed(n + 1))))), 0);
}

#[test]
fn a_returned_deferred_adds_none_of_its_own() {
    let returned = || {
        let (outer, d) = deferred::<u64>();
        let (inner, waiting) = deferred::<u64>();
        let d = d.add_callback(move |_| waiting);
        outer.callback(1);
        inner.callback(2);
        drop(black_box(d));
    };
    assert_eq!(allocations(returned), 3);
}

#[test]
fn a_task_with_one_pending_await_is_at_most_five_allocations() {
    let task = || {
        let (resolver, answer) = deferred::<u64>();
        let d = spawn(async move { Ok(answer.await? + 1) });
        resolver.callback(1);
        drop(black_box(d));
    };
    measure(task); // the thread's own executor comes to life
    let count = allocations(task);
    assert!(count <= 5, "{count}");
}

#[test]
fn a_pending_await_in_a_running_task_is_one_allocation() {
    const AWAITS: u64 = 100;
    let place: Rc<RefCell<Option<Resolver<u64>>>> = Rc::default();
    let inside = Rc::clone(&place);
    let task: Deferred<()> = spawn(async move {
        loop {
            let (resolver, answer) = deferred();
            *inside.borrow_mut() = Some(resolver);
            answer.await?;
        }
    });
    let fire = || {
        for n in 0..AWAITS {
            let resolver = place.borrow_mut().take().unwrap();
            resolver.callback(n);
        }
    };
    fire();
    assert_eq!(measure(fire).count_total, AWAITS);
    task.abort();
    task.ignore_errors();
}

#[test]
fn a_member_of_a_list_is_two_allocations() {
    const MEMBERS: u64 = 100;
    let list = || {
        let mut resolvers = Vec::with_capacity(100);
        let all = gather_results((0..MEMBERS).map(|_| {
            let (resolver, d) = deferred::<u64>();
            resolvers.push(resolver);
            d
        }));
        resolvers.drain(..).for_each(|resolver| resolver.callback(1));
        drop(black_box(all));
    };
    measure(list);
    let count = allocations(list);
    assert!(count <= 2 * MEMBERS + 6, "{count}");
}

#[test]
fn a_loop_of_returned_deferreds_holds_no_more_memory_than_one_round() {
    let peak = |rounds| {
        let run = move || {
            let place = Rc::new(RefCell::new(None));
            let d = tick(rounds, Rc::clone(&place)).map(|n| n + 1);
            while let Some(resolver) = place.take() {
                resolver.callback(());
            }
            assert_eq!(d.try_result().unwrap().unwrap(), 1);
        };
        measure(run).bytes_max
    };
    assert_eq!(peak(10), peak(10_000));
}
