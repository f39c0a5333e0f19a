//! Deferreds in thread-locals are dropped when the thread ends, after the engine's own thread-locals.

use std::cell::RefCell;

use sestina_deferred::{Deferred, Resolver, deferred, spawn, succeed};

thread_local! {
    static RESOLVERS: RefCell<Vec<Resolver<u32>>> = const { RefCell::new(Vec::new()) };
    static DEFERREDS: RefCell<Vec<Deferred<u32>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn what_is_left_in_thread_locals_is_dropped_without_an_abort() {
    for engine_first in [true, false] {
        crate::common::on_small_stack(move || {
            if engine_first {
                touch_engine();
            }
            RESOLVERS.with_borrow_mut(|_| {});
            DEFERREDS.with_borrow_mut(|_| {});
            if !engine_first {
                touch_engine();
            }
            for _ in 0..3 {
                let (resolver, d) = deferred::<u32>();
                // At the end of the thread this makes new deferreds, new tasks, and fails.
                let d = d.add_errback(|_| {
                    let (_resolver, waiting) = deferred::<u32>();
                    drop(spawn(waiting));
                    drop(spawn(async { Ok(succeed(1).await? + 1) }));
                    (0..50).fold(succeed(1), |d, _| d.add_callback(|n| succeed(n).map(|n| n + 1)))
                });
                d.ignore_errors();
                let (other, awaited) = deferred::<u32>();
                let task = spawn(async move { Ok(awaited.await? + 1) });
                RESOLVERS.with_borrow_mut(|all| all.extend([resolver, other]));
                DEFERREDS.with_borrow_mut(|all| all.push(task.add_errback(|_| Ok(0))));
            }
        });
    }
}

/// Brings the engine's thread-locals to life.
fn touch_engine() {
    let (resolver, d) = deferred::<u32>();
    drop(spawn(d));
    resolver.callback(1);
    let errors = crate::common::unhandled(|| {
        let (resolver, d) = deferred::<u32>();
        drop(d);
        drop(resolver);
    });
    assert_eq!(errors.len(), 1);
}
