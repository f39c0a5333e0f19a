//! Start in order, stop in reverse, and what happens when a step does not do what it should.

use std::rc::Rc;
use std::time::Duration;

use crate::common::{Act, Diary, MS, Plan, SECOND, application, good, play, probe};
use sestina_deferred::{Failure, Panicked};
use sestina_service::{
    Application, Cause, Child, Limits, MultiService, Service, ServiceError, StartError, State, Step,
    StopReport, Tree,
};

/// `a`, `poetry/b`, `poetry/c`, `d`.
fn tree(diary: &Diary, plan: impl Fn(&str) -> Plan) -> Application {
    let child = |name: &str| probe(name, plan(name), diary);
    let mut poetry = MultiService::new("poetry");
    poetry.add(child("b")).expect("the names differ").add(child("c")).expect("the names differ");
    let mut application = Application::new("test");
    application
        .add(child("a"))
        .expect("the names differ")
        .add(poetry)
        .expect("the names differ")
        .add(child("d"))
        .expect("the names differ");
    application
}

fn start_error(failure: &Failure) -> &StartError {
    failure.check::<StartError>().unwrap_or_else(|| panic!("{failure:?} is no StartError"))
}

#[test]
fn services_start_in_order_each_when_the_one_before_runs_and_stop_in_reverse() {
    // spec: P16-04, P16-23, P16-85
    let diary = Diary::default();
    let slow = |_: &str| Plan { start: Act::After(10), stop: Act::After(5), ..Plan::default() };
    let told = diary.clone();
    play(tree(&diary, slow), |tree| async move {
        tree.start().await?;
        assert_eq!(
            told.line(),
            "a bind, b bind, c bind, d bind, \
             a start, a start done, b start, b start done, c start, c start done, d start, d start done"
        );
        assert_eq!(tree.state(""), Some(State::Running));
        assert_eq!(tree.reactor().now().as_nanos(), 40_000_000);
        let report = tree.stop().await?;
        assert!(report.is_clean());
        assert_eq!(
            told.line(),
            "d drain, c drain, b drain, a drain, d stop, d stop done, d dropped, c stop, c stop done, c dropped, \
             b stop, b stop done, b dropped, a stop, a stop done, a dropped"
        );
        assert_eq!(tree.state(""), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn privileged_starts_come_first_and_alone_and_the_rest_when_the_program_says() {
    let diary = Diary::default();
    let told = diary.clone();
    play(tree(&diary, |_| Plan { bind: Act::After(1), ..Plan::default() }), |tree| async move {
        tree.privileged_start().await?;
        assert_eq!(
            told.line(),
            "a bind, a bind done, b bind, b bind done, c bind, c bind done, d bind, d bind done"
        );
        assert_eq!(tree.state("poetry/b"), Some(State::Starting));
        tree.start().await?;
        assert_eq!(told.line(), "a start, b start, c start, d start");
        Ok(())
    });
}

#[test]
fn a_failed_start_stops_what_was_started_in_reverse_and_names_service_step_and_cause() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan =
        |name: &str| Plan { start: if name == "c" { Act::Fail } else { Act::Good }, ..Plan::default() };
    play(tree(&diary, plan), |tree| async move {
        let failure = tree.start().await.expect_err("c cannot start");
        let StartError { error, unstopped, .. } = start_error(&failure);
        assert_eq!((error.service.as_str(), error.step), ("poetry/c", Step::Start));
        assert_eq!(failure.to_string(), "poetry/c failed in its start: c cannot start");
        assert!(unstopped.is_empty());
        assert_eq!(
            told.line(),
            "a bind, b bind, c bind, d bind, a start, b start, c start, \
             d stop, d dropped, c stop, c dropped, b stop, b dropped, a stop, a dropped"
        );
        assert_eq!(tree.state("poetry/c"), Some(State::Failed));
        assert_eq!(tree.state("a"), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn a_failed_privileged_start_is_not_stopped_itself() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan =
        |name: &str| Plan { bind: if name == "b" { Act::Panic } else { Act::Good }, ..Plan::default() };
    play(tree(&diary, plan), |tree| async move {
        let failure = tree.privileged_start().await.expect_err("b panics");
        let error = &start_error(&failure).error;
        assert_eq!((error.service.as_str(), error.step), ("poetry/b", Step::PrivilegedStart));
        assert!(error.failure().is_some_and(Failure::is::<Panicked>));
        assert_eq!(told.line(), "a bind, b bind, b dropped, a stop, a dropped");
        Ok(())
    });
}

#[test]
fn a_start_that_takes_too_long_is_cancelled_and_one_that_ignores_that_is_left_behind_and_named() {
    for (act, unstopped) in [(Act::Hang, 0), (Act::Deaf, 1), (Act::Cleans(50), 0)] {
        let diary = Diary::default();
        let plan =
            move |name: &str| Plan { start: if name == "b" { act } else { Act::Good }, ..Plan::default() };
        let limits = Limits::new().with_start(2 * SECOND).with_stop(SECOND);
        play(tree(&diary, plan).with_limits(limits), move |tree| async move {
            let failure = tree.start().await.expect_err("b hangs");
            let start = start_error(&failure);
            assert!(matches!(start.error.cause, Cause::TimedOut(limit) if limit == 2 * SECOND), "{act:?}");
            assert_eq!(start.error.to_string(), "poetry/b did not answer its start within 2s");
            let left: Vec<(&str, Step)> =
                start.unstopped.iter().map(|error| (error.service.as_str(), error.step)).collect();
            assert_eq!(left, [("poetry/b", Step::Start)][..unstopped]);
            let spent = match act {
                Act::Deaf => 3000 * MS,
                Act::Cleans(_) => 2050 * MS,
                _ => 2000 * MS,
            };
            assert_eq!(tree.reactor().now().as_nanos(), u64::try_from(spent.as_nanos()).unwrap());
            Ok(())
        });
        assert!(diary.line().contains("b stop, b dropped, a stop"), "{act:?}");
    }
}

#[test]
fn a_stop_during_the_start_cancels_it_and_stops_what_was_started() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan =
        |name: &str| Plan { start: if name == "b" { Act::Hang } else { Act::Good }, ..Plan::default() };
    play(tree(&diary, plan), |tree| async move {
        let start = tree.start();
        tree.reactor().sleep(MS).await?;
        let report = tree.stop().await?;
        assert!(report.is_clean());
        let failure = start.await.expect_err("it was stopped");
        assert!(matches!(start_error(&failure).error.cause, Cause::Stopped));
        assert_eq!(
            told.line(),
            "a bind, b bind, c bind, d bind, a start, b start, a drain, \
             d stop, d dropped, c stop, c dropped, b stop, b dropped, a stop, a dropped"
        );
        Ok(())
    });
}

#[test]
fn cancelling_a_start_stops_the_tree() {
    let diary = Diary::default();
    play(tree(&diary, |_| Plan { start: Act::Hang, ..Plan::default() }), |tree| async move {
        let start = tree.start();
        start.cancel();
        let failure = start.await.expect_err("it was cancelled");
        assert!(matches!(start_error(&failure).error.cause, Cause::Stopped));
        assert_eq!(tree.state(""), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn everything_that_did_not_stop_is_named_and_the_others_stop_all_the_same() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan = |name: &str| match name {
        "a" => Plan { stop: Act::Fail, ..Plan::default() },
        "b" => Plan { stop: Act::Deaf, ..Plan::default() },
        "c" => Plan { drain: Act::Hang, ..Plan::default() },
        _ => Plan { stop: Act::Panic, ..Plan::default() },
    };
    let limits = Limits::new().with_drain(3 * SECOND).with_stop(SECOND);
    play(tree(&diary, plan).with_limits(limits), |tree| async move {
        tree.start().await?;
        told.take();
        let report = tree.stop().await?;
        assert_eq!(
            report.to_string(),
            "not everything stopped: poetry/c did not answer its drain within 3s; \
             d failed in its stop: panicked: d panics; poetry/b did not answer its stop within 1s; \
             a failed in its stop: a cannot stop"
        );
        assert_eq!(tree.reactor().now().as_nanos(), 4_000_000_000);
        assert_eq!(
            told.line(),
            "d drain, c drain, b drain, a drain, \
             d stop, d dropped, c stop, c dropped, b stop, b dropped, a stop, a dropped"
        );
        Ok(())
    });
}

#[test]
fn a_second_stop_that_has_no_patience_ends_what_drains_and_what_stops() {
    let diary = Diary::default();
    let plan = |_: &str| Plan { drain: Act::Deaf, stop: Act::Deaf, ..Plan::default() };
    play(tree(&diary, plan), |tree| async move {
        tree.start().await?;
        let polite = tree.stop();
        tree.reactor().sleep(SECOND).await?;
        let report = tree.stop_now().await?;
        assert_eq!(tree.reactor().now().as_nanos(), 1_000_000_000);
        assert_eq!(report.unstopped.len(), 8, "four drains and four stops: {report}");
        assert!(polite.is_fired(), "the polite one is answered too");
        Ok(())
    });
}

#[test]
fn siblings_that_do_not_depend_on_each_other_stop_together_if_so_declared() {
    for (together, spent) in [(false, 300), (true, 100)] {
        let diary = Diary::default();
        let mut group = MultiService::new("workers");
        for name in ["a", "b", "c"] {
            group.add(probe(name, Plan { stop: Act::After(100), ..Plan::default() }, &diary)).unwrap();
        }
        let group = if together { group.stopped_together() } else { group };
        let stopped = play(application([Child::from(group)]), |tree| async move {
            tree.start().await?;
            tree.stop().await?;
            Ok(tree.reactor().now())
        });
        assert_eq!(stopped.as_nanos(), spent * 1_000_000);
    }
}

#[test]
fn a_start_that_is_asked_for_during_a_stop_comes_after_it() {
    let diary = Diary::default();
    let told = diary.clone();
    play(
        application([probe("a", Plan { stop: Act::After(50), ..Plan::default() }, &diary)]),
        |tree| async move {
            tree.start().await?;
            let stop = tree.stop();
            tree.start().await?;
            assert!(stop.is_fired());
            assert_eq!(
                told.line(),
                "a bind, a start, a drain, a stop, a stop done, a dropped, a bind, a start"
            );
            assert_eq!(
                tree.status().find("a").map(|status| (status.instances, status.restarts)),
                Some((2, 0))
            );
            Ok(())
        },
    );
}

#[test]
fn an_object_that_was_given_serves_once_and_a_second_start_says_so() {
    let diary = Diary::default();
    let object = Rc::new(crate::common::Probe::new("a", Plan::default(), &diary));
    play(application([Child::once("a", object)]), |tree| async move {
        tree.start().await?;
        tree.stop().await?;
        let failure = tree.start().await.expect_err("it has served");
        assert_eq!(
            failure.to_string(),
            "a cannot be started again: it was given as an object, not as a constructor"
        );
        Ok(())
    });
}

#[test]
fn a_reactor_that_stops_stops_the_tree_first() {
    // spec: P16-06
    let diary = Diary::default();
    let reactor = sestina_reactor_sim::Simulation::seeded(1).reactor();
    let plan = Plan { drain: Act::After(20), stop: Act::After(20), ..Plan::default() };
    let tree = application([probe("a", plan, &diary)]).attach(&reactor).unwrap();
    let (started, stopper) = (tree.start(), reactor.clone());
    reactor.call_later(SECOND, move || stopper.stop());
    reactor.run().unwrap();
    assert!(started.is_fired());
    assert_eq!(diary.line(), "a bind, a start, a drain, a drain done, a stop, a stop done, a dropped");
    crate::common::check_nothing_left(&reactor);
}

#[test]
fn a_stop_of_a_tree_at_rest_is_answered_at_once_and_two_stops_get_two_answers() {
    play(Application::new("empty"), |tree: Tree| async move {
        let report: StopReport = tree.stop().await?;
        assert!(report.is_clean());
        tree.start().await?;
        assert_eq!(tree.state(""), Some(State::Running));
        let (one, two) = (tree.stop(), tree.stop());
        one.await?;
        two.await?;
        Ok(())
    });
}

#[test]
fn a_constructor_that_panics_is_a_failed_start() {
    let child = Child::new("a", || -> crate::common::Probe { panic!("no memory") });
    play(application([child]), |tree| async move {
        let failure = tree.start().await.expect_err("it cannot be made");
        let error: &ServiceError = &start_error(&failure).error;
        assert_eq!(error.to_string(), "a failed in its privileged start: panicked: no memory");
        Ok(())
    });
}

#[test]
fn limits_are_those_of_the_child_then_of_its_parents() {
    let diary = Diary::default();
    let hang = Plan { start: Act::Hang, ..Plan::default() };
    let mut poetry = MultiService::new("poetry").with_limits(Limits::new().with_start(5 * SECOND));
    poetry.add(probe("own", hang, &diary).with_limits(Limits::new().with_start(SECOND))).unwrap();
    let app = application([Child::from(poetry)]).with_limits(Limits::new().with_start(9 * SECOND));
    play(app, |tree| async move {
        let limit = |failure: &Failure| match start_error(failure).error.cause {
            Cause::TimedOut(limit) => limit,
            _ => Duration::ZERO,
        };
        assert_eq!(limit(&tree.start().await.unwrap_err()), SECOND);
        tree.set_limits("poetry/own", Limits::new()).unwrap();
        assert_eq!(limit(&tree.start().await.unwrap_err()), 5 * SECOND);
        tree.set_limits("poetry", Limits::new()).unwrap();
        assert_eq!(limit(&tree.start().await.unwrap_err()), 9 * SECOND);
        tree.set_limits("", Limits::new()).unwrap();
        assert_eq!(limit(&tree.start().await.unwrap_err()), sestina_service::START_TIMEOUT);
        assert!(tree.set_limits("nobody", Limits::new()).is_err());
        Ok(())
    });
    let names: Vec<String> = diary.take();
    assert_eq!(names.iter().filter(|line| *line == "own start").count(), 4);
    drop(good("unused", &diary));
}

#[test]
fn a_service_without_a_childs_name_goes_by_its_own() {
    struct Database;
    impl Service for Database {}
    struct Named(&'static str);
    impl Service for Named {
        fn name(&self) -> &str {
            self.0
        }
    }
    let services: [Rc<dyn Service>; 2] = [Rc::new(Database), Rc::new(Named("cache"))];
    assert_eq!(services.map(|service| Child::from(service).name().to_owned()), ["Database", "cache"]);
    assert_eq!(Child::new("mine", || Named("cache")).name(), "mine");
}
