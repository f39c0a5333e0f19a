//! Every failure at every step of every service of a tree of five, under many seeds.
//!
//! The seed decides how long the good steps take. Whatever goes wrong, the same must hold: no instance has two starts or two
//! stops, what was bound is stopped, in reverse, the report names the service and the step that went wrong, and nothing is left.

use std::collections::BTreeMap;

use crate::common::{Act, Diary, Plan, SECOND, application, is_full, play_on, probe};
use sestina_reactor_sim::Simulation;
use sestina_service::{Child, Limits, MultiService, StartError, Step, StopReport, Tree};

/// Seeds for each combination; a full run has [`SEEDS_FULL`].
const SEEDS: u64 = 10;
const SEEDS_FULL: u64 = 500;

/// In the order of the tree: `a`, `b`, `g/c`, `g/d`, `e`.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PATHS: [&str; 5] = ["a", "b", "g/c", "g/d", "e"];
const STEPS: [Step; 4] = [Step::PrivilegedStart, Step::Start, Step::Drain, Step::Stop];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Hangs,
    IsDeaf,
    Fails,
    Panics,
    /// The whole tree is told to stop while this step goes on.
    IsCancelled,
}

const WRONGS: [Wrong; 5] = [Wrong::Hangs, Wrong::IsDeaf, Wrong::Fails, Wrong::Panics, Wrong::IsCancelled];

fn word(step: Step) -> &'static str {
    match step {
        Step::PrivilegedStart => "bind",
        Step::Start => "start",
        Step::Drain => "drain",
        _ => "stop",
    }
}

fn plan(simulation: &Simulation, bad: Option<(Step, Wrong)>) -> Plan {
    let act = |step| match bad {
        Some((at, wrong)) if at == step => match wrong {
            Wrong::Hangs | Wrong::IsCancelled => Act::Hang,
            Wrong::IsDeaf => Act::Deaf,
            Wrong::Fails => Act::Fail,
            Wrong::Panics => Act::Panic,
        },
        _ => match simulation.random(3) {
            0 => Act::Good,
            time => Act::After(u32::try_from(time).expect("small") * 7),
        },
    };
    Plan {
        bind: act(Step::PrivilegedStart),
        start: act(Step::Start),
        drain: act(Step::Drain),
        stop: act(Step::Stop),
        ..Plan::default()
    }
}

/// What came of the start and of the stop.
type Told = (Option<StartError>, StopReport);

async fn story(
    tree: Tree,
    diary: Diary,
    cancelled: Option<String>,
) -> Result<Told, sestina_deferred::Failure> {
    let start = tree.start();
    if let Some(line) = cancelled.filter(|line| !line.ends_with("drain") && !line.ends_with("stop")) {
        while !diary.has(&line) {
            tree.reactor().sleep(std::time::Duration::from_millis(1)).await?;
        }
        let report = tree.stop().await?;
        let error = start.await.err().and_then(|failure| failure.check::<StartError>().cloned());
        return Ok((error, report));
    }
    let error = start.await.err().and_then(|failure| failure.check::<StartError>().cloned());
    let report = tree.stop().await?;
    Ok((error, report))
}

fn check(seed: u64, position: usize, step: Step, wrong: Wrong) {
    let what = format!("seed {seed}: {} {wrong:?} in its {step}", PATHS[position]);
    let (simulation, diary) = (Simulation::seeded(seed).without_trace(), Diary::default());
    let child = |at: usize| {
        let bad = (at == position).then_some((step, wrong));
        probe(NAMES[at], plan(&simulation, bad), &diary)
    };
    let mut group = MultiService::new("g");
    group.add(child(2)).and_then(|group| group.add(child(3))).expect("the names differ");
    let children = [child(0), child(1), Child::from(group), child(4)];
    let limits = Limits::new().with_start(SECOND).with_drain(SECOND).with_stop(SECOND);
    let app = application(children).with_limits(limits);
    let cancelled = (wrong == Wrong::IsCancelled).then(|| format!("{} {}", NAMES[position], word(step)));
    let noted = diary.clone();
    let (error, report) = play_on(&simulation, app, |tree| story(tree, noted, cancelled));
    let lines = diary.take();
    check_reports(&what, position, step, wrong, (&error, &report));
    check_order(&what, &lines);
}

fn check_reports(
    what: &str,
    position: usize,
    step: Step,
    wrong: Wrong,
    told: (&Option<StartError>, &StopReport),
) {
    let (error, report) = told;
    let in_start = matches!(step, Step::PrivilegedStart | Step::Start);
    let named: Vec<(&str, Step)> =
        report.unstopped.iter().map(|error| (error.service.as_str(), error.step)).collect();
    if !in_start {
        assert!(error.is_none(), "{what}: it starts");
        assert_eq!(named, [(PATHS[position], step)], "{what}: exactly what did not stop is named");
        return;
    }
    let error = error.as_ref().unwrap_or_else(|| panic!("{what}: it does not start"));
    let left: Vec<(&str, Step)> =
        error.unstopped.iter().map(|error| (error.service.as_str(), error.step)).collect();
    if wrong == Wrong::IsCancelled {
        assert!(matches!(error.error.cause, sestina_service::Cause::Stopped), "{what}: {error}");
        assert!(named.is_empty(), "{what}: {report}");
    } else {
        assert_eq!((error.error.service.as_str(), error.error.step), (PATHS[position], step), "{what}");
        let expected: &[(&str, Step)] = if wrong == Wrong::IsDeaf { &[(PATHS[position], step)] } else { &[] };
        assert_eq!(left, expected, "{what}: what did not answer the cancel is named");
    }
}

/// The rules that hold whatever happens.
fn check_order(what: &str, lines: &[String]) {
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut stops: Vec<&str> = Vec::new();
    let mut starts: Vec<&str> = Vec::new();
    for line in lines {
        let mut words = line.split(' ');
        let (name, step) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if words.next().is_some() {
            continue; // "done"
        }
        told.entry(name).or_default().push(step);
        match step {
            "start" => starts.push(name),
            "stop" => stops.push(name),
            _ => {}
        }
    }
    for (name, steps) in &told {
        for step in ["bind", "start", "drain", "stop", "dropped"] {
            let times = steps.iter().filter(|told| **told == step).count();
            assert!(times <= 1, "{what}: {name} was told to {step} {times} times");
        }
        assert!(steps.contains(&"dropped"), "{what}: {name} is left: {steps:?}");
        assert!(
            !steps.contains(&"start") || steps.contains(&"stop"),
            "{what}: {name} was not stopped: {steps:?}"
        );
    }
    assert!(starts.is_sorted(), "{what}: started in order, not {starts:?}");
    assert!(stops.iter().rev().is_sorted(), "{what}: stopped in reverse, not {stops:?}");
}

/// All that can go wrong in one service, under all seeds.
fn check_all(position: usize) {
    let seeds = if is_full() { SEEDS_FULL } else { SEEDS };
    for seed in 0..seeds {
        for step in STEPS {
            for wrong in WRONGS {
                check(seed, position, step, wrong);
            }
        }
    }
}

#[test]
fn every_failure_at_every_step_of_the_first_service_is_named_and_leaves_nothing() {
    check_all(0);
}

#[test]
fn every_failure_at_every_step_of_the_second_service_is_named_and_leaves_nothing() {
    check_all(1);
}

#[test]
fn every_failure_at_every_step_of_the_first_of_the_group_is_named_and_leaves_nothing() {
    check_all(2);
}

#[test]
fn every_failure_at_every_step_of_the_last_of_the_group_is_named_and_leaves_nothing() {
    check_all(3);
}

#[test]
fn every_failure_at_every_step_of_the_last_service_is_named_and_leaves_nothing() {
    check_all(4);
}
