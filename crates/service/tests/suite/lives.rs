//! Services that are functions, what they start, and monitors.

use std::cell::Cell;
use std::rc::Rc;

use crate::common::{Act, Diary, MS, Plan, SECOND, application, check_nothing_left, end, good, play, probe};
use sestina_deferred::{Cancelled, DeferredQueue, Failure, fail};
use sestina_service::{
    Backoff, Child, End, Limits, MultiService, NeverReady, Restart, ServiceContext, StartError, State,
    Stopping, Supervision, Task, TaskService, service, task,
};

fn start_failure(failure: &Failure) -> Failure {
    let error = &failure.check::<StartError>().expect("a failed start").error;
    error.failure().expect("it has a cause").clone()
}

#[test]
fn a_function_is_started_when_it_says_ready_and_its_stop_is_a_cancel_that_it_can_catch() {
    let diary = Diary::default();
    let told = diary.clone();
    let child = service("clock", move |cx| {
        let diary = diary.clone();
        async move {
            cx.reactor().sleep(30 * MS).await?;
            cx.ready();
            let stop = cx.reactor().sleep(3600 * SECOND).await.expect_err("it is stopped before");
            let cancelled = stop.check::<Cancelled>().expect("the stop is a cancel");
            assert!(cancelled.reason().is_some_and(Failure::is::<Stopping>));
            diary.note("cleaning up");
            cx.reactor().sleep(20 * MS).await?;
            diary.note("cleaned up");
            Err(stop)
        }
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        assert_eq!(tree.reactor().now().as_nanos(), 30_000_000);
        assert!(tree.stop().await?.is_clean());
        assert_eq!(tree.reactor().now().as_nanos(), 50_000_000);
        assert_eq!(told.line(), "cleaning up, cleaned up");
        Ok(())
    });
}

#[test]
fn a_function_that_fails_before_it_is_ready_or_never_says_so_did_not_start() {
    type Case = (&'static str, Child, fn(&Failure) -> bool);
    let cases: [Case; 5] = [
        ("an error", service("a", |_| async { Err(Failure::msg("no file")) }), |failure| {
            failure.to_string() == "no file"
        }),
        ("an end", service("a", |_| async { Ok(()) }), Failure::is::<NeverReady>),
        (
            "silence",
            service("a", |cx| async move {
                let reactor = cx.reactor().clone();
                drop(cx);
                reactor.sleep(3600 * SECOND).await
            }),
            Failure::is::<NeverReady>,
        ),
        ("a panic", service("a", |_| async { panic!("no memory") }), |failure| {
            failure.to_string().contains("no memory")
        }),
        (
            "a later error",
            service("a", |cx| async move {
                cx.reactor().sleep(MS).await?;
                Err(Failure::msg("no network"))
            }),
            |failure| failure.to_string() == "no network",
        ),
    ];
    for (case, child, is_right) in cases {
        play(application([child]), move |tree| async move {
            let failure = start_failure(&tree.start().await.expect_err("it does not start"));
            assert!(is_right(&failure), "{case}: {failure}");
            assert!(tree.reactor().now().as_nanos() <= 1_000_000, "{case}: nobody waits for a time limit");
            Ok(())
        });
    }
}

#[test]
fn a_function_that_says_ready_at_once_and_ends_is_a_failure_or_an_end_as_its_restart_says() {
    for (restart, state) in [(Restart::Transient, State::Stopped), (Restart::Permanent, State::Failed)] {
        let child = service("a", |cx| async move {
            cx.ready();
            Ok(())
        });
        play(application([child.with_restart(restart)]), move |tree| async move {
            tree.start().await?;
            assert_eq!(tree.state("a"), Some(state));
            Ok(())
        });
    }
}

#[test]
fn a_function_that_ignores_its_stop_is_dropped_where_it_stands() {
    let dropped = Rc::new(Cell::new(false));
    struct Guard(Rc<Cell<bool>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let seen = Rc::clone(&dropped);
    let child = service("stubborn", move |cx| {
        let guard = Guard(Rc::clone(&seen));
        async move {
            cx.ready();
            let _guard = guard;
            loop {
                cx.reactor().sleep(SECOND).await.ok();
            }
        }
    });
    play(application([child]).with_limits(Limits::new().with_stop(SECOND)), |tree| async move {
        tree.start().await?;
        let report = tree.stop().await?;
        assert_eq!(report.to_string(), "not everything stopped: stubborn did not answer its stop within 1s");
        assert!(dropped.get());
        Ok(())
    });
}

#[test]
fn what_a_service_has_started_ends_with_it() {
    let diary = Diary::default();
    let told = diary.clone();
    let child = service("a", move |cx| {
        let diary = diary.clone();
        async move {
            let (note, reactor) = (diary.clone(), cx.reactor().clone());
            cx.spawn(async move {
                let stop = reactor.sleep(3600 * SECOND).await;
                note.note("task stops");
                reactor.sleep(MS).await?;
                note.note("task stopped");
                stop
            });
            let never = diary.clone();
            drop(cx.call_later(3600 * SECOND, move || never.note("called")));
            let soon = diary.clone();
            drop(cx.call_later(MS, move || soon.note("called in time")));
            let watched = cx.watch(cx.reactor().sleep(3600 * SECOND));
            assert!(!watched.is_over());
            cx.ready();
            cx.stopped().await
        }
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        assert_eq!(tree.status().find("a").map(|a| a.tasks), Some(3));
        tree.reactor().sleep(SECOND).await?;
        assert!(tree.stop().await?.is_clean());
        assert_eq!(told.line(), "called in time, task stops, task stopped");
        Ok(())
    });
}

#[test]
fn a_clean_up_that_fails_is_reported_with_the_stop() {
    let child = service("a", |cx| async move {
        cx.ready();
        cx.reactor().sleep(3600 * SECOND).await.ok();
        Err(Failure::msg("cannot flush"))
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        let report = tree.stop().await?;
        assert_eq!(report.to_string(), "not everything stopped: a failed in its stop: cannot flush");
        Ok(())
    });
}

#[test]
fn a_task_runs_from_the_start_on_and_is_started_again_only_when_it_failed() {
    let runs = Rc::new(Cell::new(0));
    let counted = Rc::clone(&runs);
    let job = task("job", move |cx: ServiceContext| {
        let counted = Rc::clone(&counted);
        async move {
            counted.set(counted.get() + 1);
            cx.reactor().sleep(10 * MS).await?;
            if counted.get() < 3 { Err(Failure::msg("not yet")) } else { Ok(()) }
        }
    });
    let supervision = Supervision::one_for_one().with_backoff(Backoff::none());
    let other =
        Child::new("other", || TaskService::new(|_| async { Ok(()) })).with_restart(Restart::Transient);
    let app = application([job, other]).with_supervision(supervision.with_intensity(9, SECOND));
    play(app, |tree| async move {
        tree.start().await?;
        assert_eq!(tree.reactor().now().as_nanos(), 0, "its start is no work");
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(tree.state("job"), Some(State::Stopped));
        Ok(())
    });
    assert_eq!(runs.get(), 3);
}

#[test]
fn a_monitor_is_told_once_when_a_service_ends_and_why() {
    let diary = Diary::default();
    let app = application([
        good("fails", &diary),
        good("ends", &diary).with_restart(Restart::Temporary),
        good("stops", &diary),
    ]);
    play(app, |tree| async move {
        tree.start().await?;
        let monitors = ["fails", "fails", "ends", "stops", "nobody", ""].map(|path| tree.monitor(path));
        assert!(monitors[4].is_fired(), "there is nobody");
        end(&tree, "fails", Err(Failure::msg("it broke")));
        end(&tree, "ends", Ok(()));
        tree.reactor().sleep(SECOND).await?; // `fails` runs again: another instance, which these do not watch
        tree.stop().await?;
        let mut told = Vec::new();
        for monitor in monitors {
            told.push(monitor.await?.to_string());
        }
        assert_eq!(
            told,
            ["failed: it broke", "failed: it broke", "finished", "stopped", "was not there", "stopped"]
        );
        // Who asks late is told how the last instance ended.
        assert!(matches!(tree.monitor("stops").await?, End::Stopped));
        assert_eq!(tree.monitor("ends").await?.to_string(), "finished");
        Ok(())
    });
}

#[test]
fn a_monitor_of_a_service_whose_start_fails_or_takes_too_long_is_told_that() {
    for act in [Act::Fail, Act::Hang, Act::Panic] {
        let diary = Diary::default();
        let bad = probe("a", Plan { start: act, ..Plan::default() }, &diary);
        play(application([bad]).with_limits(Limits::new().with_start(SECOND)), move |tree| async move {
            let start = tree.start();
            let monitor = tree.monitor("a");
            let told = if act == Act::Hang { Some(monitor) } else { None };
            assert!(start.await.is_err());
            if let Some(monitor) = told {
                let end = monitor.await?;
                assert_eq!(end.to_string(), "failed: a did not answer its start within 1s");
            }
            Ok(())
        });
    }
}

#[test]
fn a_monitor_of_a_parent_is_told_when_it_gave_up() {
    let diary = Diary::default();
    let mut group =
        MultiService::new("group").with_supervision(Supervision::one_for_one().with_intensity(0, SECOND));
    group.add(good("a", &diary)).unwrap();
    play(application([Child::from(group)]), |tree| async move {
        tree.start().await?;
        let monitor = tree.monitor("group");
        end(&tree, "group/a", Err(Failure::msg("it broke")));
        let told = monitor.await?;
        assert_eq!(
            told.to_string(),
            "failed: group gave up after 0 restarts within 1s: group/a failed: it broke"
        );
        Ok(())
    });
}

#[test]
fn a_removed_service_is_told_to_its_monitors_and_a_cancelled_monitor_harms_nobody() {
    let diary = Diary::default();
    play(application([good("a", &diary)]), |tree| async move {
        tree.start().await?;
        let (kept, cancelled) = (tree.monitor("a"), tree.monitor("a"));
        cancelled.discard();
        tree.remove("a").await?;
        assert!(matches!(kept.await?, End::Stopped));
        Ok(())
    });
}

#[test]
fn tasks_are_monitored_too_also_those_that_have_ended() {
    let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
    let spawner = reactor.clone();
    let story = async move {
        let sleeps = |time| {
            let nap = spawner.sleep(time);
            Task::spawn(&spawner, nap)
        };
        let (ends, stops) = (sleeps(MS), sleeps(3600 * SECOND));
        let fails = Task::spawn(&spawner, async { Err(Failure::msg("it broke")) });
        assert!(fails.is_over());
        assert_eq!(
            fails.monitor().await?.to_string(),
            "failed: it broke",
            "who asks late is told the reason"
        );
        drop(Task::spawn(&spawner, async { Err(Failure::msg("nobody looked")) }));
        let (one, two, three) = (ends.monitor(), ends.monitor(), stops.monitor());
        stops.cancel();
        let told = [one.await?, two.await?, three.await?].map(|end| end.to_string());
        assert_eq!(told, ["finished", "finished", "stopped"]);
        let aborted = sleeps(3600 * SECOND);
        let told = aborted.monitor();
        aborted.abort();
        assert!(matches!(told.await?, End::Stopped));
        let (task, answer) = Task::watching(fail(Failure::msg("at once")));
        assert!(task.is_over() && answer.await.is_err());
        Ok(())
    };
    let ((), unhandled) = sestina_deferred::collect_unhandled(|| {
        reactor.run_until(reactor.spawn(story)).expect("the story goes well");
    });
    let unhandled: Vec<String> = unhandled.iter().map(|error| error.failure().to_string()).collect();
    assert_eq!(unhandled, ["nobody looked"], "a failure that nobody watched is not lost in silence");
    check_nothing_left(&reactor);
}

#[test]
fn a_queue_is_the_mailbox_of_a_service() {
    let mailbox = DeferredQueue::new();
    let heard = Diary::default();
    let (inbox, noted) = (mailbox.clone(), heard.clone());
    let child = service("listener", move |cx| {
        let (inbox, noted) = (inbox.clone(), noted.clone());
        async move {
            cx.ready();
            loop {
                let message: String = inbox.get().await?;
                noted.note(message);
            }
        }
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        mailbox.put("one".to_owned()).expect("it has no limit");
        mailbox.put("two".to_owned()).expect("it has no limit");
        assert_eq!(heard.line(), "one, two");
        Ok(())
    });
}
