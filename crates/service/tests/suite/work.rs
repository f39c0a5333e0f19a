//! Timers, programs and workers with a life.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::common::{Diary, MS, SECOND, application, play, play_on};
use sestina_deferred::{Cancelled, Failure};
use sestina_reactor::Command;
use sestina_reactor_sim::{ProcessEvent, Simulation};
use sestina_service::{
    Backoff, Child, Limits, ProcessEnded, ProcessService, Restart, StartError, State, Supervision,
    ThreadedWorkers, TimerService, WorkersError,
};

#[test]
fn a_timer_ticks_from_its_start_to_its_stop() {
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let child = Child::new("timer", move || {
        let counted = Rc::clone(&counted);
        TimerService::new(SECOND, move |_| {
            counted.set(counted.get() + 1);
            Ok(())
        })
    });
    play(application([child]), |tree| async move {
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(ticks.get(), 0);
        tree.start().await?;
        tree.reactor().sleep(3500 * MS).await?;
        assert_eq!(ticks.get(), 4, "at once, and after each second");
        assert!(tree.stop().await?.is_clean());
        tree.reactor().sleep(10 * SECOND).await?;
        assert_eq!(ticks.get(), 4);
        Ok(())
    });
}

#[test]
fn a_stop_waits_for_the_call_that_goes_on_and_aborts_it_when_that_takes_too_long() {
    for (takes, limit, clean) in [(2, 5, true), (60, 5, false)] {
        let simulation = Simulation::seeded(1);
        let (reactor, done) = (simulation.reactor(), Diary::default());
        let told = done.clone();
        let child = Child::new("timer", move || {
            let (reactor, done) = (reactor.clone(), done.clone());
            TimerService::new(3600 * SECOND, move |_| {
                let done = done.clone();
                reactor.sleep(takes * SECOND).map(move |()| done.note("done"))
            })
        });
        let app = application([child]).with_limits(Limits::new().with_stop(limit * SECOND));
        play_on(&simulation, app, |tree| async move {
            tree.start().await?;
            tree.reactor().sleep(SECOND).await?;
            let report = tree.stop().await?;
            assert_eq!(report.is_clean(), clean, "{report}");
            assert_eq!(told.line(), if clean { "done" } else { "" });
            let expected = if clean { Duration::from_secs(2) } else { Duration::from_secs(6) };
            assert_eq!(tree.reactor().now().as_nanos(), u64::try_from(expected.as_nanos()).unwrap());
            Ok(())
        });
    }
}

#[test]
fn a_call_that_fails_while_the_stop_waits_for_it_is_a_failure_of_the_stop() {
    let simulation = Simulation::seeded(1);
    let reactor = simulation.reactor();
    let child = Child::new("timer", move || {
        let reactor = reactor.clone();
        TimerService::new(3600 * SECOND, move |_| {
            reactor.sleep(2 * SECOND).add_callback(|()| Err::<(), _>(Failure::msg("it broke")))
        })
    });
    play_on(&simulation, application([child]), |tree| async move {
        tree.start().await?;
        tree.reactor().sleep(SECOND).await?;
        let report = tree.stop().await?;
        assert!(report.to_string().contains("timer failed in its stop: it broke"), "{report}");
        Ok(())
    });
}

#[test]
fn a_failure_or_a_panic_of_the_work_is_one_of_the_service() {
    for panics in [false, true] {
        let child = Child::new("timer", move || {
            let mut calls = 0;
            TimerService::new(SECOND, move |_| {
                calls += 1;
                match calls {
                    3 if panics => panic!("it broke"),
                    3 => Err(Failure::msg("it broke")),
                    _ => Ok(()),
                }
            })
        });
        play(application([child.with_restart(Restart::Temporary)]), |tree| async move {
            tree.start().await?;
            tree.reactor().sleep(1500 * MS).await?;
            assert_eq!(tree.state("timer"), Some(State::Running));
            tree.reactor().sleep(SECOND).await?;
            assert_eq!(tree.state("timer"), Some(State::Failed));
            Ok(())
        });
    }
}

fn helper(name: &'static str) -> Child {
    Child::new("helper", move || ProcessService::new(Command { program: name.into(), ..Command::default() }))
}

#[test]
fn a_program_runs_from_start_to_stop_and_is_asked_to_end_and_then_killed() {
    let simulation = Simulation::seeded(1);
    simulation.program("polite", |run, event| match event {
        ProcessEvent::Started => run.write(b"one\ntwo"),
        ProcessEvent::Signal(15) => {
            run.catch_signal();
            run.wake_after(Duration::from_millis(300));
        }
        ProcessEvent::Woken => run.exit(0),
        _ => {}
    });
    play_on(&simulation, application([helper("polite")]), |tree| async move {
        tree.start().await?;
        tree.reactor().sleep(SECOND).await?;
        assert!(tree.status().find("helper").and_then(|helper| helper.note.clone()).is_some());
        let before = tree.reactor().now();
        assert!(tree.stop().await?.is_clean());
        assert!(tree.reactor().now() - before >= 300 * MS, "it is waited for");
        assert_eq!(tree.reactor().processes(), 0);
        Ok(())
    });
    let simulation = Simulation::seeded(1);
    simulation.program("stubborn", |run, event| {
        if matches!(event, ProcessEvent::Signal(15)) {
            run.catch_signal();
        }
    });
    let app = application([helper("stubborn")]).with_limits(Limits::new().with_stop(SECOND));
    play_on(&simulation, app, |tree| async move {
        tree.start().await?;
        tree.reactor().sleep(SECOND).await?;
        let report = tree.stop().await?;
        assert_eq!(report.to_string(), "not everything stopped: helper did not answer its stop within 1s");
        tree.reactor().sleep(SECOND).await?;
        assert_eq!(tree.reactor().processes(), 0, "it was killed");
        Ok(())
    });
}

#[test]
fn a_program_that_ends_with_an_error_has_failed_and_one_that_is_missing_does_not_start() {
    let simulation = Simulation::seeded(1);
    simulation.program("short", |run, event| {
        if matches!(event, ProcessEvent::Started) {
            run.exit(3);
        }
    });
    let supervision = Supervision::one_for_one().with_intensity(2, 60 * SECOND).with_backoff(Backoff::none());
    play_on(&simulation, application([helper("short")]).with_supervision(supervision), |tree| async move {
        tree.start().await?;
        let failure = tree.failed().await.expect_err("it ends again and again");
        let error = &failure.check::<StartError>().expect("its kind").error;
        let ended = error.failure().and_then(Failure::check::<ProcessEnded>).expect("its end");
        assert_eq!(ended.to_string(), "the program exited with status 3");
        assert_eq!(tree.status().find("helper").map(|helper| helper.restarts), Some(2));
        Ok(())
    });
    play(application([helper("missing")]), |tree| async move {
        let failure = tree.start().await.expect_err("there is no such program");
        assert!(failure.to_string().starts_with("helper failed in its start: "), "{failure}");
        Ok(())
    });
}

#[test]
fn workers_take_jobs_while_their_service_runs() {
    let app = application([Child::new("workers", || {
        ThreadedWorkers::new(2.try_into().unwrap()).with_queue_max(1)
    })]);
    play(app, |tree| async move {
        tree.start().await?;
        let workers = tree.service::<ThreadedWorkers>("workers").expect("it runs");
        let jobs: Vec<_> = (0..3_u32).map(|number| workers.run(move || Ok(number * 2))).collect();
        let busy = workers.run(|| Ok(())).await.expect_err("two run and one waits");
        assert_eq!(busy.check::<WorkersError>(), Some(&WorkersError::Busy));
        assert_eq!(workers.jobs(), 3);
        for (number, job) in (0..).zip(jobs) {
            assert_eq!(job.await?, number * 2);
        }
        let panics =
            workers.run(|| -> Result<(), Failure> { panic!("in a job") }).await.expect_err("it panics");
        assert!(panics.to_string().contains("in a job"));
        assert_eq!(workers.jobs(), 0);
        // A drain waits for what it has.
        let last = workers.run(|| Ok("done"));
        let stop = tree.stop();
        let late = workers.run(|| Ok(())).await.expect_err("it drains");
        assert_eq!(late.check::<WorkersError>(), Some(&WorkersError::NotRunning));
        assert!(stop.await?.is_clean());
        assert_eq!(last.await?, "done");
        Ok(())
    });
}

#[test]
fn jobs_that_have_not_begun_are_dropped_by_a_stop_and_those_that_have_are_waited_for() {
    let app = application([Child::new("workers", || ThreadedWorkers::new(1.try_into().unwrap()))]);
    play(app.with_limits(Limits::new().with_drain(Duration::ZERO)), |tree| async move {
        tree.start().await?;
        let workers = tree.service::<ThreadedWorkers>("workers").expect("it runs");
        let (begun, waiting) = (workers.run(|| Ok(1)), workers.run(|| Ok(2)));
        let left = workers.run(|| Ok(3));
        left.cancel();
        let report = tree.stop().await?;
        assert_eq!(report.unstopped.len(), 1, "its drain was cut: {report}");
        assert_eq!(begun.await?, 1);
        assert!(waiting.await.expect_err("it has not begun").is::<Cancelled>());
        assert!(left.await.expect_err("it was cancelled").is::<Cancelled>());
        assert_eq!(workers.jobs(), 0);
        Ok(())
    });
}
