//! A reactor that lives inside tokio's loop.

use std::time::Duration;

use sestina_reactor::{Endpoint, Reactor};
use tokio::task::LocalSet;

fn tokio_runs<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends") })
}

#[test]
fn poems_come_while_tokio_tasks_run() {
    let (poems, ticks) = tokio_runs(crate::host_in_tokio::program(20)).expect("poems come");
    assert_eq!(poems, 20);
    assert!(ticks > 20, "tokio's own task ran {ticks} times");
}

/// Lets the host run until it has nothing to do, and does not turn when it might.
async fn until_the_host_sleeps(reactor: &Reactor) {
    let turns = || reactor.statistics().turns;
    loop {
        let before = turns();
        tokio::task::yield_now().await;
        if before > 0 && turns() == before && reactor.next_timeout().is_none() {
            return;
        }
    }
}

/// The host sleeps with no timer at all: only the nudge of the verb can wake it.
#[test]
fn a_verb_between_two_turns_wakes_a_host_that_sleeps_for_ever() {
    tokio_runs(async {
        let reactor = sestina_reactor_mio::reactor().expect("a reactor");
        let local = LocalSet::new();
        let hosting = local.spawn_local(crate::host_in_tokio::host(reactor.clone()));
        let asked = async {
            for _ in 0..3 {
                until_the_host_sleeps(&reactor).await;
                reactor.sleep(Duration::from_millis(1)).await.expect("the timer fires");
                let refused = reactor.connect_stream(&Endpoint::loopback(1)).await;
                refused.expect_err("nobody listens there");
            }
        };
        local.run_until(asked).await;
        hosting.abort();
        reactor.clear();
    });
}
