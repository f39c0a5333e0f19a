//! Verbs in odd orders: starts, stops and ends of a whole tree that overlap.

use std::cell::Cell;
use std::rc::Rc;

use crate::common::{Act, Diary, MS, Plan, SECOND, application, end, good, play, probe};
use sestina_deferred::Failure;
use sestina_reactor::{Address, Endpoint, Protocol};
use sestina_service::{
    Backoff, Cause, Child, ClientService, End, Limits, Restart, StartError, State, Supervision, service, task,
};

fn is_stopped(failure: &Failure) -> bool {
    matches!(failure.check::<StartError>().map(|error| &error.error.cause), Some(Cause::Stopped))
}

#[test]
fn a_privileged_start_that_is_asked_for_during_a_start_leaves_nobody_waiting() {
    let diary = Diary::default();
    play(
        application([probe("a", Plan { start: Act::After(5), ..Plan::default() }, &diary)]),
        |tree| async move {
            let (up, bound) = (tree.start(), tree.privileged_start());
            tree.reactor().sleep(SECOND).await?;
            assert!(up.is_fired() && bound.is_fired());
            up.await?;
            bound.await?;
            assert_eq!(diary.line(), "a bind, a start, a start done");
            Ok(())
        },
    );
}

#[test]
fn a_stop_calls_off_the_start_that_was_to_follow_an_earlier_stop() {
    let diary = Diary::default();
    let slow = probe("a", Plan { stop: Act::After(50), ..Plan::default() }, &diary);
    play(application([slow]), |tree| async move {
        tree.start().await?;
        let (first, again, second) = (tree.stop(), tree.start(), tree.stop());
        assert!(is_stopped(&again.await.expect_err("it was called off")));
        first.await?;
        second.await?;
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(tree.state("a"), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn each_start_is_told_its_own_end() {
    let diary = Diary::default();
    let slow = Plan { start: Act::After(50), stop: Act::After(50), ..Plan::default() };
    play(application([probe("a", slow, &diary)]), |tree| async move {
        let first = tree.start();
        tree.reactor().sleep(MS).await?;
        let (stop, second) = (tree.stop(), tree.start());
        assert!(is_stopped(&first.await.expect_err("it was stopped")));
        assert!(!second.is_fired());
        stop.await?;
        second.await?;
        assert_eq!(tree.state("a"), Some(State::Running));
        Ok(())
    });
}

#[test]
fn a_start_that_is_asked_for_while_the_application_gives_up_comes_after_that() {
    let diary = Diary::default();
    let slow = probe("a", Plan { stop: Act::After(50), ..Plan::default() }, &diary);
    let app = application([slow]).with_supervision(Supervision::one_for_one().with_intensity(0, SECOND));
    play(app, |tree| async move {
        tree.start().await?;
        let failed = tree.failed();
        end(&tree, "a", Err(Failure::msg("it broke")));
        let again = tree.start();
        assert!(failed.await.is_err());
        again.await?;
        assert_eq!(tree.state(""), Some(State::Running));
        end(&tree, "a", Err(Failure::msg("it broke again")));
        tree.reactor().sleep(SECOND).await?;
        let late = tree.failed();
        assert!(late.is_fired(), "who asks late is told too");
        assert!(late.await.expect_err("it gave up").to_string().contains("it broke again"));
        Ok(())
    });
}

#[test]
fn a_function_that_ends_well_when_its_start_is_cancelled_has_stopped() {
    let waits = || service("waits", |cx| async move { cx.stopped().await });
    play(application([waits()]), |tree| async move {
        let start = tree.start();
        tree.reactor().sleep(MS).await?;
        let report = tree.stop().await?;
        assert!(report.is_clean(), "{report}");
        assert!(is_stopped(&start.await.expect_err("it was stopped")));
        Ok(())
    });
    play(application([waits()]).with_limits(Limits::new().with_start(SECOND)), |tree| async move {
        let failure = tree.start().await.expect_err("it is never ready");
        let error = failure.check::<StartError>().expect("its kind");
        assert_eq!(error.error.to_string(), "waits did not answer its start within 1s");
        assert!(error.unstopped.is_empty(), "{failure}");
        Ok(())
    });
}

#[test]
fn a_monitor_that_comes_after_the_end_is_told_the_reason() {
    let fails = task("fails", |_| async { Err(Failure::msg("it broke")) }).with_restart(Restart::Temporary);
    play(application([fails, good("idle", &Diary::default())]), |tree| async move {
        assert!(matches!(tree.monitor("fails").await?, End::NotThere), "it has never run");
        tree.start().await?;
        assert_eq!(tree.monitor("fails").await?.to_string(), "failed: it broke");
        Ok(())
    });
}

#[test]
fn a_client_whose_factory_panics_once_still_has_it_for_the_next_attempt() {
    struct Silent;
    impl Protocol for Silent {}
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let client = Child::new("client", move || {
        let calls = Rc::clone(&counted);
        let factory = move |_: &Address| {
            calls.set(calls.get() + 1);
            assert!(calls.get() > 1, "the first one fails");
            Silent
        };
        ClientService::new(&Endpoint::loopback(9), factory)
            .with_backoff(Backoff::new(SECOND, SECOND).with_jitter_percent(0))
    });
    let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
    let tree = application([client]).attach(&reactor).expect("a good name");
    let port = reactor.listen(&Endpoint::loopback(9), |_: &Address| Silent).expect("a free port");
    let (story, clock) = (tree.clone(), reactor.clone());
    let ((), unhandled) = sestina_deferred::collect_unhandled(|| {
        let told = reactor.run_until(reactor.spawn(async move {
            story.start().await?;
            clock.sleep(10 * SECOND).await?;
            let status = story.status();
            let connections = status.find("client").and_then(|client| client.connections);
            story.stop().await?;
            port.stop_listening().await?;
            Ok(connections)
        }));
        assert_eq!(told.expect("the story goes well"), Some(1));
    });
    assert_eq!(calls.get(), 2);
    drop(unhandled);
}
