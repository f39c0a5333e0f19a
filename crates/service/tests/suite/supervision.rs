//! Who is started again, how often, after how long, and who gives up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::common::{Act, Diary, MS, Plan, Probe, SECOND, application, end, good, play, probe};
use sestina_deferred::Failure;
use sestina_service::{
    Backoff, Cause, Child, MultiService, Restart, ServiceError, StartError, State, Strategy, Supervision,
    Tree, service,
};

/// No chance in the pauses.
fn exact(first: Duration) -> Backoff {
    Backoff::new(first, 10 * SECOND).with_jitter_percent(0)
}

fn supervised(strategy: Strategy) -> Supervision {
    Supervision::new(strategy).with_intensity(3, 60 * SECOND).with_backoff(exact(100 * MS))
}

fn broken() -> Result<(), Failure> {
    Err(Failure::msg("it broke"))
}

#[test]
fn each_strategy_starts_those_again_that_it_should_stopped_in_reverse_and_started_in_order() {
    let cases = [
        (Strategy::OneForOne, "b stop, b dropped", "b bind, b start"),
        (Strategy::RestForOne, "c stop, c dropped, b stop, b dropped", "b bind, c bind, b start, c start"),
        (
            Strategy::OneForAll,
            "c stop, c dropped, b stop, b dropped, a stop, a dropped",
            "a bind, b bind, c bind, a start, b start, c start",
        ),
    ];
    for (strategy, stopped, started) in cases {
        let diary = Diary::default();
        let told = diary.clone();
        let app = application(["a", "b", "c"].map(|name| good(name, &diary)));
        play(app.with_supervision(supervised(strategy)), move |tree| async move {
            tree.start().await?;
            told.take();
            end(&tree, "b", broken());
            assert_eq!(told.line(), stopped, "{strategy:?}");
            assert_eq!(tree.state("b"), Some(State::Failed));
            tree.reactor().sleep(99 * MS).await?;
            assert_eq!(told.line(), "", "the pause is 100 ms");
            tree.reactor().sleep(MS).await?;
            // Each restarted one is bound and started in order.
            let mut steps = told.take();
            steps.sort_by_key(|line| line.ends_with("start"));
            assert_eq!(steps.join(", "), started, "{strategy:?}");
            assert_eq!(tree.state("b"), Some(State::Running));
            assert_eq!(tree.status().find("b").map(|b| b.restarts), Some(1));
            Ok(())
        });
    }
}

#[test]
fn permanent_transient_and_temporary_children_are_started_again_as_they_should() {
    let cases = [
        (Restart::Permanent, true, true),
        (Restart::Transient, false, true),
        (Restart::Temporary, false, false),
    ];
    for (restart, after_end, after_failure) in cases {
        for (result, again) in [(Ok(()), after_end), (broken(), after_failure)] {
            let diary = Diary::default();
            let failed = result.is_err();
            let app = application([good("a", &diary).with_restart(restart), good("b", &diary)]);
            play(app, move |tree| async move {
                tree.start().await?;
                end(&tree, "a", result);
                tree.reactor().sleep(SECOND).await?;
                let expected = match (again, failed) {
                    (true, _) => State::Running,
                    (false, true) => State::Failed,
                    (false, false) => State::Stopped,
                };
                assert_eq!(tree.state("a"), Some(expected), "{restart:?}, failed: {failed}");
                assert_eq!(tree.state("b"), Some(State::Running), "its sibling runs on");
                Ok(())
            });
        }
    }
}

#[test]
fn too_many_failures_and_the_parent_gives_up_and_its_parent_decides() {
    let diary = Diary::default();
    let told = diary.clone();
    let mut group = MultiService::new("group").with_supervision(
        Supervision::one_for_one().with_intensity(2, 10 * SECOND).with_backoff(Backoff::none()),
    );
    group.add(good("a", &diary)).unwrap().add(good("b", &diary)).unwrap();
    let app = application([good("before", &diary), Child::from(group)])
        .with_supervision(supervised(Strategy::OneForOne));
    play(app, |tree| async move {
        tree.start().await?;
        for _ in 0..2 {
            end(&tree, "group/b", broken());
            tree.reactor().sleep(MS).await?;
        }
        assert_eq!(tree.status().find("group/b").map(|b| b.restarts), Some(2));
        told.take();
        end(&tree, "group/b", broken());
        assert_eq!(told.line(), "b stop, b dropped, a stop, a dropped", "the group is stopped in reverse");
        assert_eq!(tree.state("group"), Some(State::Failed));
        assert_eq!(tree.state("before"), Some(State::Running));
        let failure =
            tree.status().find("group").and_then(|group| group.last_failure.clone()).expect("it failed");
        assert_eq!(failure.text, "group gave up after 2 restarts within 10s: group/b failed: it broke");
        tree.reactor().sleep(100 * MS).await?;
        assert_eq!(told.line(), "a bind, b bind, a start, b start", "and started again as a whole");
        assert_eq!(
            tree.status().find("group").map(|group| (group.state, group.restarts)),
            Some((State::Running, 1))
        );
        Ok(())
    });
}

/// Neither its failures nor its long pauses are remembered.
#[test]
fn a_group_that_gave_up_and_is_started_again_counts_and_pauses_anew() {
    let diary = Diary::default();
    let mut group = MultiService::new("group").with_supervision(
        Supervision::one_for_one().with_intensity(1, 60 * SECOND).with_backoff(exact(100 * MS)),
    );
    group.add(good("a", &diary)).unwrap();
    let app = application([Child::from(group)]).with_supervision(supervised(Strategy::OneForOne));
    play(app, |tree| async move {
        tree.start().await?;
        let pause = || tree.status().find("group/a").and_then(|a| a.restart_in);
        end(&tree, "group/a", broken());
        assert_eq!(pause(), Some(100 * MS));
        tree.reactor().sleep(100 * MS).await?;
        end(&tree, "group/a", broken());
        assert_eq!(tree.state("group"), Some(State::Failed), "twice is too often");
        tree.reactor().sleep(100 * MS).await?;
        assert_eq!(tree.state("group"), Some(State::Running));
        end(&tree, "group/a", broken());
        assert_eq!((tree.state("group"), pause()), (Some(State::Running), Some(100 * MS)));
        Ok(())
    });
}

#[test]
fn a_child_that_has_finished_is_not_started_again_with_its_siblings() {
    let diary = Diary::default();
    let app = application([good("work", &diary).with_restart(Restart::Transient), good("server", &diary)]);
    play(app.with_supervision(supervised(Strategy::OneForAll)), |tree| async move {
        tree.start().await?;
        end(&tree, "work", Ok(()));
        end(&tree, "server", broken());
        tree.reactor().sleep(SECOND).await?;
        let seen = |name| tree.status().find(name).map(|child| (child.state, child.restarts));
        assert_eq!(seen("work"), Some((State::Stopped, 0)));
        assert_eq!(seen("server"), Some((State::Running, 1)));
        Ok(())
    });
}

#[test]
fn failures_that_are_a_period_apart_are_not_too_many() {
    let diary = Diary::default();
    let supervision = Supervision::one_for_one().with_intensity(1, SECOND).with_backoff(Backoff::none());
    play(application([good("a", &diary)]).with_supervision(supervision), |tree| async move {
        tree.start().await?;
        for _ in 0..5 {
            end(&tree, "a", broken());
            tree.reactor().sleep(SECOND).await?;
        }
        assert_eq!(tree.status().find("a").map(|a| (a.state, a.restarts)), Some((State::Running, 5)));
        Ok(())
    });
}

#[test]
fn an_application_that_gives_up_is_stopped_in_reverse_and_says_why() {
    let diary = Diary::default();
    let told = diary.clone();
    let supervision = Supervision::one_for_one().with_intensity(0, SECOND);
    let app = application([good("a", &diary), good("b", &diary)]).with_supervision(supervision);
    play(app, |tree| async move {
        tree.start().await?;
        told.take();
        let failed = tree.failed();
        end(&tree, "a", broken());
        let failure = failed.await.expect_err("it gave up");
        let error = &failure.check::<StartError>().expect("its kind").error;
        assert_eq!(
            error.to_string(),
            "the application gave up after 0 restarts within 1s: a failed: it broke"
        );
        assert_eq!(error.failure().map(ToString::to_string).as_deref(), Some("it broke"));
        assert_eq!(told.line(), "b stop, b dropped, a stop, a dropped");
        assert_eq!(tree.state(""), Some(State::Failed));
        assert!(tree.stop().await?.is_clean());
        tree.start().await?; // and it may be started again
        assert_eq!(tree.state(""), Some(State::Running));
        Ok(())
    });
}

#[test]
fn a_failed_start_of_a_restart_counts_and_the_pauses_get_longer() {
    let tries = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&tries);
    let first = Rc::new(Cell::new(true));
    let child = service("a", move |cx| {
        let (seen, first) = (Rc::clone(&seen), Rc::clone(&first));
        async move {
            seen.borrow_mut().push(cx.reactor().now().as_nanos() / 1_000_000);
            if !first.replace(false) {
                return Err(Failure::msg("no database"));
            }
            cx.ready();
            cx.reactor().sleep(SECOND).await?;
            Err(Failure::msg("the database is gone"))
        }
    });
    play(application([child]).with_supervision(supervised(Strategy::OneForOne)), |tree| async move {
        tree.start().await?;
        let failure = tree.failed().await.expect_err("it never comes back");
        let error = &failure.check::<StartError>().expect("its kind").error;
        let Cause::GaveUp { restarts_max: 3, last, .. } = &error.cause else { panic!("{error}") };
        assert_eq!(last.to_string(), "a failed in its start: no database");
        Ok(())
    });
    assert_eq!(*tries.borrow(), [0, 1100, 1300, 1700], "pauses of 100, 200 and 400 ms");
}

#[test]
fn a_child_that_ran_for_a_whole_period_begins_its_pauses_anew() {
    let diary = Diary::default();
    let supervision = Supervision::one_for_one().with_intensity(9, SECOND).with_backoff(exact(100 * MS));
    play(application([good("a", &diary)]).with_supervision(supervision), |tree| async move {
        let pause = async |tree: &Tree| -> Result<Duration, Failure> {
            end(tree, "a", broken());
            let pause = tree.status().find("a").and_then(|a| a.restart_in).expect("it waits");
            tree.reactor().sleep(pause).await?;
            Ok(pause)
        };
        tree.start().await?;
        assert_eq!(pause(&tree).await?, 100 * MS);
        assert_eq!(pause(&tree).await?, 200 * MS);
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(pause(&tree).await?, 100 * MS);
        Ok(())
    });
}

#[test]
fn the_jitter_is_decided_by_the_seed_and_lies_in_its_range() {
    let pause = |seed| {
        let diary = Diary::default();
        let simulation = sestina_reactor_sim::Simulation::seeded(seed);
        let backoff = Backoff::new(SECOND, 60 * SECOND).with_jitter_percent(20);
        let app = application([good("a", &diary)])
            .with_supervision(Supervision::one_for_one().with_backoff(backoff));
        crate::common::play_on(&simulation, app, |tree| async move {
            tree.start().await?;
            end(&tree, "a", broken());
            Ok(tree.status().find("a").and_then(|a| a.restart_in).expect("it waits"))
        })
    };
    let pauses: Vec<Duration> = (0..20).map(pause).collect();
    assert!(pauses.iter().all(|pause| (800 * MS..=1200 * MS).contains(pause)), "{pauses:?}");
    assert_eq!(pauses[3], pause(3));
    assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    let longest = Backoff::new(SECOND, 60 * SECOND).pause(30, u64::MAX);
    assert!(longest <= 60 * SECOND, "chance does not make it longer than the longest");
    let wild = Backoff::new(SECOND, 60 * SECOND).with_jitter_percent(1000);
    assert_eq!(wild.pause(0, 0), Duration::ZERO, "more than all of it cannot be left to chance");
    assert!(wild.pause(0, u64::MAX) <= 2 * SECOND);
}

#[test]
fn what_counts_as_failure_a_task_a_call_a_panic_and_what_the_service_says() {
    type Break = fn(sestina_service::ServiceContext);
    let ways: [(&str, Break); 5] = [
        ("its own word", |cx| cx.fail(Failure::msg("it broke"))),
        ("a task that ended in error", |cx| drop(cx.spawn(async { Err(Failure::msg("it broke")) }))),
        ("an answer that it watches", |cx| drop(cx.watch(sestina_deferred::fail(Failure::msg("it broke"))))),
        ("a panic in a call", |cx| drop(cx.call_later(MS, || -> Result<(), Failure> { panic!("it broke") }))),
        ("a failure of a call", |cx| drop(cx.call_later(MS, || Err(Failure::msg("it broke"))))),
    ];
    for (way, ends) in ways {
        let runs = Rc::new(Cell::new(0));
        let counted = Rc::clone(&runs);
        let child = service("a", move |cx| {
            let counted = Rc::clone(&counted);
            async move {
                cx.ready();
                counted.set(counted.get() + 1);
                if counted.get() == 1 {
                    cx.reactor().sleep(MS).await?;
                    ends(cx.clone());
                }
                cx.stopped().await
            }
        });
        play(
            application([child]).with_supervision(supervised(Strategy::OneForOne)),
            move |tree| async move {
                tree.start().await?;
                tree.reactor().sleep(SECOND).await?;
                let status = tree.status();
                let a = status.find("a").expect("it is there");
                assert_eq!((a.state, a.restarts), (State::Running, 1), "{way}");
                assert!(
                    a.last_failure.as_ref().is_some_and(|failure| failure.text.contains("it broke")),
                    "{way}"
                );
                Ok(())
            },
        );
        assert_eq!(runs.get(), 2, "{way}");
    }
}

#[test]
fn a_failing_service_that_does_not_stop_is_left_behind_and_started_again() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan = Plan { stop: Act::Deaf, ..Plan::default() };
    let limits = sestina_service::Limits::new().with_stop(SECOND);
    let app = application([probe("a", plan, &diary)]).with_limits(limits);
    play(app.with_supervision(supervised(Strategy::OneForOne)), |tree| async move {
        tree.start().await?;
        end(&tree, "a", broken());
        assert_eq!(tree.state("a"), Some(State::Stopping));
        tree.reactor().sleep(1100 * MS).await?;
        assert_eq!(tree.state("a"), Some(State::Running));
        assert_eq!(told.line(), "a bind, a start, a stop, a dropped, a bind, a start");
        Ok(())
    });
}

#[test]
fn a_stop_ends_a_pause_before_a_restart() {
    let diary = Diary::default();
    let told = diary.clone();
    let app = application([good("a", &diary), good("b", &diary)]);
    play(app.with_supervision(supervised(Strategy::OneForAll)), |tree| async move {
        tree.start().await?;
        end(&tree, "a", broken());
        told.take();
        assert!(tree.stop().await?.is_clean());
        tree.reactor().sleep(10 * SECOND).await?;
        assert_eq!(told.line(), "", "nothing was started any more");
        Ok(())
    });
}

#[test]
fn objects_given_once_are_not_started_again_with_their_siblings() {
    let diary = Diary::default();
    let object = Rc::new(Probe::new("object", Plan::default(), &diary));
    let app = application([good("a", &diary), Child::once("object", object)]);
    play(app.with_supervision(supervised(Strategy::OneForAll)), |tree| async move {
        tree.start().await?;
        end(&tree, "a", broken());
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(tree.state("a"), Some(State::Running));
        assert_eq!(tree.state("object"), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn errors_of_the_tree_are_errors_with_a_source() {
    let error = ServiceError::clone(&{
        let diary = Diary::default();
        play(
            application([probe("a", Plan { start: Act::Fail, ..Plan::default() }, &diary)]),
            |tree| async move {
                let failure = tree.start().await.expect_err("it fails");
                Ok(failure.check::<StartError>().expect("its kind").error.clone())
            },
        )
    });
    assert!(error.failure().is_some());
    let as_error: &dyn std::error::Error = &error;
    assert_eq!(as_error.to_string(), "a failed in its start: a cannot start");
}
