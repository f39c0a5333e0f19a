//! Services that are added, removed, replaced and moved while the tree starts, runs and stops.

use std::rc::Rc;

use crate::common::{Act, Diary, MS, Plan, Probe, SECOND, application, end, good, play, probe};
use sestina_deferred::Failure;
use sestina_service::{
    AddError, Child, Details, MoveError, MultiService, NoSuchService, Restart, Service, ServiceError, State,
    Supervision, service,
};

#[test]
fn a_service_that_is_added_while_the_tree_starts_is_started_once_and_after_those_before_it() {
    let diary = Diary::default();
    let told = diary.clone();
    let added = diary.clone();
    let slow = Plan { start: Act::After(50), ..Plan::default() };
    play(application([probe("a", slow, &diary), probe("b", slow, &diary)]), |tree| async move {
        let start = tree.start();
        tree.reactor().sleep(10 * MS).await?;
        let add = tree.add("", good("late", &added));
        start.await?;
        add.await?;
        assert_eq!(
            told.line(),
            "a bind, b bind, a start, late bind, a start done, b start, b start done, late start"
        );
        assert_eq!(tree.state("late"), Some(State::Running));
        Ok(())
    });
    assert_eq!(
        diary.line(),
        "late drain, b drain, a drain, late stop, late dropped, b stop, b dropped, a stop, a dropped"
    );
}

#[test]
fn a_service_adds_others_while_it_starts_itself() {
    let diary = Diary::default();
    let told = diary.clone();
    let adds = diary.clone();
    let child = service("adder", move |cx| {
        let late = good("late", &adds);
        async move {
            // It waits for its own start, so nobody waits for it here.
            drop(cx.tree().add("", late));
            cx.ready();
            cx.stopped().await
        }
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        assert_eq!(told.line(), "late bind, late start");
        Ok(())
    });
}

#[test]
fn a_service_that_is_added_to_a_running_tree_is_started_once_and_stopped_with_it() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application([good("a", &diary)]), |tree| async move {
        tree.start().await?;
        let mut group = MultiService::new("group");
        group.add(good("x", &told)).unwrap().add(good("y", &told)).unwrap();
        told.take();
        tree.add("", group).await?;
        assert_eq!(told.line(), "x bind, y bind, x start, y start");
        tree.add_at("group", 0, good("w", &told)).await?;
        assert_eq!(told.line(), "w bind, w start");
        tree.stop().await?;
        assert_eq!(
            told.line(),
            "y drain, x drain, w drain, a drain, \
             y stop, y dropped, x stop, x dropped, w stop, w dropped, a stop, a dropped"
        );
        Ok(())
    });
}

#[test]
fn a_service_that_is_added_and_does_not_start_is_not_in_the_tree_and_harms_nobody() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application([good("a", &diary)]), |tree| async move {
        tree.start().await?;
        let bad = Plan { start: Act::Fail, ..Plan::default() };
        let mut group = MultiService::new("group");
        group.add(good("x", &told)).unwrap().add(probe("bad", bad, &told)).unwrap();
        told.take();
        let failure = tree.add("", group).await.expect_err("one in it does not start");
        let error = failure.check::<ServiceError>().expect("its kind");
        assert_eq!(error.to_string(), "group/bad failed in its start: bad cannot start");
        assert_eq!(
            told.line(),
            "x bind, bad bind, x start, bad start, bad stop, bad dropped, x stop, x dropped"
        );
        assert_eq!((tree.state("group"), tree.state("a")), (None, Some(State::Running)));
        assert_eq!(tree.status().children.len(), 1);
        Ok(())
    });
}

#[test]
fn a_service_that_is_added_during_a_stop_does_not_start() {
    let diary = Diary::default();
    let told = diary.clone();
    play(
        application([probe("a", Plan { stop: Act::After(50), ..Plan::default() }, &diary)]),
        |tree| async move {
            tree.start().await?;
            let stop = tree.stop();
            tree.add("", good("late", &told)).await?; // it is there, for the next start
            stop.await?;
            assert_eq!(tree.state("late"), Some(State::Stopped));
            assert!(!told.line().contains("late bind"));
            tree.start().await?;
            assert_eq!(tree.state("late"), Some(State::Running));
            Ok(())
        },
    );
}

#[test]
fn an_addition_that_is_cancelled_is_taken_out_again() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application([]), |tree| async move {
        tree.start().await?;
        let add = tree.add("", probe("slow", Plan { start: Act::Hang, ..Plan::default() }, &told));
        tree.reactor().sleep(MS).await?;
        add.cancel();
        assert!(add.await.is_err());
        assert_eq!(tree.state("slow"), None);
        assert_eq!(told.line(), "slow bind, slow start, slow stop, slow dropped");
        Ok(())
    });
}

#[test]
fn a_service_that_is_removed_is_drained_and_stopped_and_its_siblings_run_on() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application(["a", "b", "c"].map(|name| good(name, &diary))), |tree| async move {
        tree.start().await?;
        told.take();
        assert!(tree.remove("b").await?.is_clean());
        assert_eq!(told.line(), "b drain, b stop, b dropped");
        assert_eq!(tree.state("b"), None);
        let failure = tree.remove("b").await.expect_err("it is gone");
        assert_eq!(failure.check::<NoSuchService>(), Some(&NoSuchService("b".to_owned())));
        assert!(tree.remove("").await.is_err(), "the application itself cannot be removed");
        Ok(())
    });
}

#[test]
fn what_did_not_stop_when_it_was_removed_is_named_to_the_one_who_removed_it() {
    let diary = Diary::default();
    let limits = sestina_service::Limits::new().with_stop(SECOND);
    let plan = Plan { stop: Act::Deaf, ..Plan::default() };
    play(application([probe("a", plan, &diary)]).with_limits(limits), |tree| async move {
        tree.start().await?;
        let report = tree.remove("a").await?;
        assert_eq!(report.to_string(), "not everything stopped: a did not answer its stop within 1s");
        assert!(tree.stop().await?.is_clean(), "it is told once");
        Ok(())
    });
}

#[test]
fn a_service_is_replaced_in_its_place() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application(["a", "b", "c"].map(|name| good(name, &diary))), |tree| async move {
        tree.start().await?;
        told.take();
        tree.replace("b", good("b", &told)).await?;
        assert_eq!(told.line(), "b drain, b stop, b dropped, b bind, b start");
        tree.replace("b", good("new", &told)).await?;
        let names: Vec<String> = tree.status().children.iter().map(|child| child.name.clone()).collect();
        assert_eq!(names, ["a", "new", "c"]);
        let taken = tree.replace("new", good("a", &told)).await.expect_err("a sibling has that name");
        assert_eq!(taken.check::<AddError>(), Some(&AddError::NameTaken { path: "a".to_owned() }));
        assert_eq!(tree.state("new"), Some(State::Running), "nothing was stopped");
        Ok(())
    });
}

#[test]
fn a_restart_by_hand_drains_makes_a_new_instance_and_is_no_failure() {
    let diary = Diary::default();
    let told = diary.clone();
    play(application([good("a", &diary), good("b", &diary)]), |tree| async move {
        tree.start().await?;
        told.take();
        tree.restart("a").await?;
        assert_eq!(told.line(), "a drain, a stop, a dropped, a bind, a start");
        assert_eq!(tree.status().find("a").and_then(|a| a.last_failure.clone()), None);
        assert!(tree.restart("nobody").await.is_err());
        Ok(())
    });
}

#[test]
fn names_are_unique_among_siblings_and_paths_find_them() {
    // spec: P16-07, P16-08, P16-09
    let diary = Diary::default();
    let mut one = MultiService::new("one");
    one.add(good("tcp", &diary)).unwrap();
    let error = one.add(good("tcp", &diary)).map(drop).expect_err("taken");
    assert_eq!(error.to_string(), "there is a service 'one/tcp' already: give this one another name");
    for name in ["", "a/b", "a\nb"] {
        assert!(matches!(one.add(good(name, &diary)), Err(AddError::BadName(_))), "{name:?}");
    }
    let mut two = MultiService::new("two");
    two.add(good("tcp", &diary)).unwrap(); // the same name elsewhere
    play(application([Child::from(one), Child::from(two)]), |tree| async move {
        tree.start().await?;
        assert!(tree.service::<Probe>("one/tcp").is_some());
        assert!(tree.service::<Probe>("one").is_none() && tree.service::<Probe>("one/udp").is_none());
        let taken = tree.add("one", good("tcp", &diary)).await.expect_err("taken");
        assert!(taken.is::<AddError>());
        let nowhere = tree.add("three", good("x", &diary)).await.expect_err("nowhere");
        assert_eq!(nowhere.check::<AddError>(), Some(&AddError::NoParent("three".to_owned())));
        let leaf = tree.add("one/tcp", good("x", &diary)).await.expect_err("no parent");
        assert_eq!(leaf.check::<AddError>(), Some(&AddError::NotAParent("one/tcp".to_owned())));
        Ok(())
    });
}

struct Plain;
impl Service for Plain {
    fn details(&self) -> Details {
        Details::default().with_note("plain")
    }
}

#[test]
fn an_object_belongs_to_one_parent() {
    // spec: P16-07
    let object: Rc<dyn Service> = Rc::new(Plain);
    let mut one = MultiService::new("one");
    one.add(Child::once("x", Rc::clone(&object))).unwrap();
    let again = one.add(Child::once("y", Rc::clone(&object))).map(drop).expect_err("it has a parent");
    assert_eq!(again, AddError::HasParent { path: "one/x".to_owned() });
    let mut app = application([Child::from(one)]);
    let again = app.add(Child::once("z", Rc::clone(&object))).map(drop).expect_err("it has a parent");
    assert_eq!(again, AddError::HasParent { path: "test/one/x".to_owned() });
    play(app, |tree| async move {
        for _ in 0..2 {
            let again =
                tree.add("", Child::once("z", Rc::clone(&object))).await.expect_err("it has a parent");
            assert_eq!(again.check::<AddError>(), Some(&AddError::HasParent { path: "one/x".to_owned() }));
            tree.start().await?;
        }
        Ok(())
    });
}

#[test]
fn moving_is_explicit_and_does_not_stop_anything() {
    // spec: P16-07
    let diary = Diary::default();
    let told = diary.clone();
    let (mut one, two) = (MultiService::new("one"), MultiService::new("two"));
    one.add(good("tcp", &diary)).unwrap();
    play(application([Child::from(one), Child::from(two)]), |tree| async move {
        tree.start().await?;
        told.take();
        tree.move_child("one/tcp", "two").unwrap();
        assert_eq!((tree.state("one/tcp"), tree.state("two/tcp")), (None, Some(State::Running)));
        assert_eq!(told.line(), "");
        assert!(matches!(tree.move_child("two", "two"), Err(MoveError::IntoItself(_))));
        assert!(matches!(tree.move_child("two/udp", "one"), Err(MoveError::NoSuchService(_))));
        assert!(matches!(tree.move_child("one", "two/tcp"), Err(MoveError::Add(AddError::NotAParent(_)))));
        tree.add("one", good("tcp", &told)).await?;
        assert!(matches!(tree.move_child("one/tcp", "two"), Err(MoveError::Add(AddError::NameTaken { .. }))));
        let slow = Plan { start: Act::Hang, ..Plan::default() };
        let add = tree.add("one", probe("slow", slow, &told));
        assert!(matches!(tree.move_child("one/slow", "two"), Err(MoveError::Busy(_))));
        add.cancel();
        assert!(add.await.is_err());
        tree.stop().await?;
        tree.move_child("two/tcp", "").unwrap();
        assert_eq!(tree.state("tcp"), Some(State::Stopped));
        Ok(())
    });
}

#[test]
fn states_are_told_to_those_who_subscribed_as_long_as_they_want() {
    let diary = Diary::default();
    let told = Diary::default();
    let states = told.clone();
    play(
        application([probe("a", Plan { drain: Act::After(1), ..Plan::default() }, &diary)]),
        |tree| async move {
            let noted = told.clone();
            let subscription = tree.subscribe(move |path, state| noted.note(format!("{path}:{state}")));
            tree.start().await?;
            assert_eq!(told.line(), ":starting, a:starting, a:running, :running");
            end(&tree, "a", Err(Failure::msg("broken")));
            assert_eq!(told.line(), "a:stopping, a:failed");
            tree.reactor().sleep(SECOND).await?;
            assert_eq!(told.line(), "a:starting, a:running");
            let stop = tree.stop();
            assert_eq!(told.line(), ":draining, a:draining");
            stop.await?;
            assert_eq!(
                told.line(),
                ":stopping, a:stopping, a:stopped, :stopped",
                "told before the stop is answered"
            );
            drop(subscription);
            tree.start().await?;
            Ok(())
        },
    );
    assert_eq!(states.line(), "");
}

#[test]
fn a_reload_asks_all_that_run_in_order_and_names_those_that_failed() {
    let diary = Diary::default();
    let told = diary.clone();
    let plan = |reload| Plan { reload, ..Plan::default() };
    let app = application([
        probe("a", plan(Act::After(10)), &diary),
        probe("b", plan(Act::Fail), &diary),
        probe("c", plan(Act::Hang), &diary),
        probe("d", plan(Act::Good), &diary),
    ]);
    play(app.with_limits(sestina_service::Limits::new().with_start(SECOND)), |tree| async move {
        tree.start().await?;
        told.take();
        let failed: Vec<String> = tree.reload().await?.iter().map(ToString::to_string).collect();
        assert_eq!(failed, ["b failed: b cannot reload", "c failed: timed out after 1s"]);
        assert_eq!(told.line(), "a reload, a reload done, b reload, c reload, d reload");
        assert!(["a", "b", "c", "d"].iter().all(|name| tree.state(name) == Some(State::Running)));
        Ok(())
    });
}

#[test]
fn the_order_of_children_can_be_changed_while_they_run() {
    let diary = Diary::default();
    let told = diary.clone();
    let children = ["a", "b", "c", "d"].map(|name| good(name, &diary));
    play(application(children), |tree| async move {
        tree.start().await?;
        told.take();
        tree.reorder("", &["d", "nobody", "b", "a"]).unwrap();
        let status = tree.status();
        let names: Vec<&str> = status.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(names, ["d", "b", "c", "a"]);
        assert_eq!(told.line(), "", "they run on");
        assert!(tree.reorder("nobody", &[]).is_err());
        Ok(())
    });
    let line = diary.line();
    let stops: Vec<&str> = line.split(", ").filter(|event| event.ends_with(" stop")).collect();
    assert_eq!(stops, ["a stop", "c stop", "b stop", "d stop"]);
}

#[test]
fn how_children_are_looked_after_can_be_changed_while_they_run() {
    let diary = Diary::default();
    let told = diary.clone();
    let mut group = MultiService::new("group");
    group.add(good("a", &diary)).unwrap().add(good("b", &diary)).unwrap();
    play(application([Child::from(group)]), |tree| async move {
        tree.start().await?;
        told.take();
        tree.set_supervision("group", Supervision::one_for_all(), false).unwrap();
        tree.set_restart("group/b", Restart::Transient).unwrap();
        assert_eq!(told.line(), "", "they run on");
        end(&tree, "group/b", Err(Failure::msg("on purpose")));
        tree.reactor().sleep(SECOND).await?;
        assert!(told.line().contains("a stop"), "one for all");
        assert!(tree.set_supervision("nobody", Supervision::one_for_all(), false).is_err());
        assert!(tree.set_restart("", Restart::Temporary).is_err(), "nobody starts the application again");
        Ok(())
    });
}

#[test]
fn a_child_gets_the_name_that_its_parent_wants() {
    let diary = Diary::default();
    let mut group = MultiService::new("group");
    group.add(good("x", &diary)).unwrap();
    let children = [good("a", &diary).with_name("first"), Child::from(group).with_name("second")];
    play(application(children), |tree| async move {
        tree.start().await?;
        assert_eq!(tree.state("first"), Some(State::Running));
        assert_eq!(tree.state("second/x"), Some(State::Running));
        Ok(())
    });
}
