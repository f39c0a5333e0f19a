//! The rule of the machine, against random events: no service is ever started twice, stopped while it is stopped, or left
//! running after the tree has stopped.
//!
//! The world below plays all services: it keeps what each instance was told and answered, and complains about every order
//! that breaks the contract of [`Service`](crate::Service). Events come at any moment: verbs of the user, answers good and
//! bad, failures, the passing of time.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sestina_deferred::Failure;
use sestina_reactor::Time;

use super::node::GroupSpec;
use super::{Answer, Id, Machine, Order, Spec, Want};
use crate::limits::Limits;
use crate::state::{State, Step};
use crate::supervision::{Backoff, Restart, Strategy as Supervising, Supervision};

/// How many random histories are tried; a full run has [`CASES_FULL`].
const CASES: u32 = 100;
const CASES_FULL: u32 = 500;
/// How many events a history has.
const EVENTS_MAX: usize = 150;
/// A tree that was told to stop is at rest after so many deadlines at most.
const DEADLINES_MAX: usize = 200;

#[derive(Clone, Debug)]
enum Event {
    Start(bool),
    Stop,
    Hurry,
    Add { parent: usize, spec: Shape },
    Remove(usize),
    Restart(usize),
    Move { who: usize, to: usize },
    Answer { which: usize, good: bool },
    End { who: usize, good: bool },
    Deadline,
    Pass(u64),
}

#[derive(Clone, Debug)]
struct Shape {
    restart: Restart,
    reusable: bool,
    group: Option<(Supervising, u32, bool)>,
}

impl Shape {
    fn spec(&self, name: usize) -> Spec {
        let group = self.group.map(|(strategy, restarts_max, together)| {
            let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
            let supervision = Supervision::new(strategy)
                .with_intensity(restarts_max, Duration::from_secs(10))
                .with_backoff(backoff);
            GroupSpec { supervision, together }
        });
        Spec {
            name: format!("s{name}"),
            restart: self.restart,
            limits: Limits::default(),
            reusable: self.reusable || group.is_some(),
            group,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the size of a test is the one thing the environment decides")]
fn cases() -> u32 {
    let is_full = std::env::var_os("CI").is_some_and(|value| value == "true");
    if is_full { CASES_FULL } else { CASES }
}

/// What one instance was told and has answered.
#[derive(Clone, Debug, Default)]
struct Instance {
    number: u64,
    /// The step that goes on.
    step: Option<Step>,
    bound: bool,
    started: bool,
    start_told: bool,
    drained: bool,
    stop_told: bool,
    /// Nothing of it is left, or nobody waits for what is.
    over: bool,
}

struct World {
    machine: Machine,
    now: Time,
    live: BTreeMap<Id, Instance>,
    last: BTreeMap<Id, u64>,
    ids: Vec<Id>,
    answers: Vec<Answer>,
    starts: usize,
    stops: usize,
}

impl World {
    fn new(shapes: &[(usize, Shape)]) -> Self {
        let top = Shape {
            restart: Restart::Temporary,
            reusable: true,
            group: Some((Supervising::OneForOne, 2, false)),
        };
        let machine = Machine::new(top.spec(0), 7);
        let root = machine.root();
        let mut world = Self {
            machine,
            now: Time::ZERO,
            live: BTreeMap::new(),
            last: BTreeMap::new(),
            ids: vec![root],
            answers: Vec::new(),
            starts: 0,
            stops: 0,
        };
        for (parent, shape) in shapes {
            world.insert(*parent, shape);
        }
        world
    }

    fn groups(&self) -> Vec<Id> {
        self.ids
            .iter()
            .copied()
            .filter(|id| self.machine.is_known(*id) && self.machine.is_group(*id))
            .collect()
    }

    fn insert(&mut self, parent: usize, shape: &Shape) -> Id {
        let groups = self.groups();
        let parent = groups[parent % groups.len()];
        let id = self.machine.insert(parent, None, shape.spec(self.ids.len()));
        self.ids.push(id);
        id
    }

    fn pick(&self, number: usize) -> Option<Id> {
        let known: Vec<Id> = self.ids[1..].iter().copied().filter(|id| self.machine.is_known(*id)).collect();
        (!known.is_empty()).then(|| known[number % known.len()])
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Start(up) => {
                self.starts += 1;
                self.machine.start(if *up { Want::Up } else { Want::Bound }, self.now);
            }
            Event::Stop => {
                self.stops += 1;
                self.machine.stop(self.now);
            }
            Event::Hurry => self.machine.hurry(self.now),
            Event::Add { parent, spec } => {
                let id = self.insert(*parent, spec);
                self.machine.announce(id, self.now);
            }
            Event::Remove(number) => {
                if let Some(id) = self.pick(*number) {
                    self.machine.remove(id, self.now);
                }
            }
            Event::Restart(number) => {
                if let Some(id) = self.pick(*number).filter(|id| self.machine.can_restart(*id)) {
                    self.machine.restart(id, self.now);
                }
            }
            Event::Move { who, to } => {
                let groups = self.groups();
                if let Some(id) = self.pick(*who) {
                    self.machine.move_to(id, groups[*to % groups.len()], self.now).ok();
                }
            }
            Event::Answer { which, good } => self.answer(*which, *good),
            Event::End { who, good } => {
                let running: Vec<Id> =
                    self.live.iter().filter(|(_, one)| !one.stop_told).map(|(id, _)| *id).collect();
                if !running.is_empty() {
                    let id = running[who % running.len()];
                    let number = self.live[&id].number;
                    self.machine.ended(id, number, result(*good), self.now);
                }
            }
            Event::Deadline => {
                if let Some(deadline) = self.machine.next_deadline() {
                    self.now = self.now.max(deadline);
                }
                self.machine.tick(self.now);
            }
            Event::Pass(ms) => {
                self.now += Duration::from_millis(*ms);
                self.machine.tick(self.now);
            }
        }
        self.obey();
    }

    fn answer(&mut self, which: usize, good: bool) {
        let waiting: Vec<Id> =
            self.live.iter().filter(|(_, one)| one.step.is_some()).map(|(id, _)| *id).collect();
        if waiting.is_empty() {
            return;
        }
        let id = waiting[which % waiting.len()];
        let one = self.live.get_mut(&id).expect("it was found there");
        let step = one.step.take().expect("it was chosen for it");
        match (step, good) {
            (Step::PrivilegedStart, true) => one.bound = true,
            (Step::PrivilegedStart, false) => one.over = true,
            (Step::Start, true) => one.started = true,
            (Step::Stop, _) => one.over = true,
            _ => {}
        }
        let number = one.number;
        self.machine.answered((id, number), step, result(good), self.now);
    }

    /// Carries out all orders, and checks each against the contract.
    fn obey(&mut self) {
        while let Some(order) = self.machine.next_order() {
            match order {
                Order::Run { id, instance, step } => self.run(id, instance, step),
                Order::Cancel { id, instance, step, .. } => {
                    assert_eq!(self.live[&id].number, instance);
                    assert_eq!(self.live[&id].step, Some(step), "only what goes on is cancelled");
                }
                Order::Abort { id, instance, step } => {
                    let one = self.live.get_mut(&id).expect("only what is there is aborted");
                    assert_eq!(
                        (one.number, one.step.take()),
                        (instance, Some(step)),
                        "only what goes on is aborted"
                    );
                    one.over |= matches!(step, Step::PrivilegedStart | Step::Stop);
                }
                Order::Ended { id, instance, .. } => {
                    let one = self.live.remove(&id).expect("only what is there ends");
                    assert_eq!(one.number, instance);
                    assert!(one.over && one.step.is_none(), "it is over: {one:?}");
                    assert!(!one.bound || one.stop_told, "what was bound was told to stop: {one:?}");
                }
                Order::Removed { id, .. } => {
                    assert!(!self.live.contains_key(&id), "nothing that runs is removed");
                }
                Order::Answer(answer) => {
                    if !matches!(answer, Answer::Bound | Answer::Up) {
                        assert!(self.live.is_empty(), "at rest, and these run: {:?}", self.live);
                    }
                    self.answers.push(answer);
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, id: Id, instance: u64, step: Step) {
        if step == Step::PrivilegedStart {
            let before =
                self.live.insert(id, Instance { number: instance, step: Some(step), ..Instance::default() });
            assert!(before.is_none(), "never started twice: {before:?}");
            let last = self.last.insert(id, instance).unwrap_or(0);
            assert_eq!(instance, last + 1, "a new instance each time");
            return;
        }
        let one = self.live.get_mut(&id).expect("only what is there has further steps");
        assert_eq!(one.number, instance);
        assert_eq!(one.step, None, "one step at a time");
        assert!(
            one.bound && !one.over && !one.stop_told,
            "nothing comes before the privileged start or after the stop"
        );
        match step {
            Step::Start => assert!(!std::mem::replace(&mut one.start_told, true), "never started twice"),
            Step::Drain => {
                assert!(one.started && !std::mem::replace(&mut one.drained, true), "what runs drains once");
            }
            Step::Stop => one.stop_told = true,
            Step::PrivilegedStart | Step::Run => unreachable!("handled above, or no step to run"),
        }
        one.step = Some(step);
    }

    /// Stops the tree; nobody answers any more.
    fn finish(&mut self, hurry: bool) {
        self.happen(&Event::Stop);
        if hurry {
            self.happen(&Event::Hurry);
        }
        let root = self.machine.root();
        for _ in 0..DEADLINES_MAX {
            if !matches!(self.machine.state(root), State::Stopping | State::Draining) {
                break;
            }
            self.happen(&Event::Deadline);
        }
        assert!(self.live.is_empty(), "left running: {:?}", self.live);
        assert!(matches!(self.machine.state(root), State::Stopped | State::Failed));
        assert!(
            matches!(self.answers.last(), Some(Answer::Stopped(_))),
            "the stop is answered: {:?}",
            self.answers
        );
    }
}

fn result(good: bool) -> Result<(), Failure> {
    if good { Ok(()) } else { Err(Failure::msg("a service failed")) }
}

fn shape() -> impl Strategy<Value = Shape> {
    let restart = prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    let strategy = prop_oneof![
        Just(Supervising::OneForOne),
        Just(Supervising::OneForAll),
        Just(Supervising::RestForOne)
    ];
    let group = prop::option::weighted(0.3, (strategy, 0..4_u32, any::<bool>()));
    (restart, prop::bool::weighted(0.8), group).prop_map(|(restart, reusable, group)| Shape {
        restart,
        reusable,
        group,
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any::<bool>().prop_map(Event::Start),
        2 => Just(Event::Stop),
        1 => Just(Event::Hurry),
        3 => (any::<usize>(), shape()).prop_map(|(parent, spec)| Event::Add { parent, spec }),
        2 => any::<usize>().prop_map(Event::Remove),
        2 => any::<usize>().prop_map(Event::Restart),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(who, to)| Event::Move { who, to }),
        60 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(which, good)| Event::Answer { which, good }),
        8 => (any::<usize>(), prop::bool::weighted(0.3)).prop_map(|(who, good)| Event::End { who, good }),
        5 => Just(Event::Deadline),
        5 => (0..5000_u64).prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_service_is_started_twice_stopped_while_stopped_or_left_running(
        shapes in prop::collection::vec((any::<usize>(), shape()), 0..8),
        events in prop::collection::vec(event(), 0..EVENTS_MAX),
        hurry in any::<bool>(),
    ) {
        let mut world = World::new(&shapes);
        world.happen(&Event::Start(true));
        for event in &events {
            world.happen(event);
        }
        world.finish(hurry);
    }

    /// When every service does what it is told, a start always ends with all of them running, and a stop with none.
    #[test]
    fn a_tree_of_good_services_starts_whole_and_stops_whole(
        shapes in prop::collection::vec((any::<usize>(), shape()), 0..12),
        order in prop::collection::vec(any::<usize>(), 1..50),
        bound_first in any::<bool>(),
    ) {
        let mut world = World::new(&shapes);
        let leaves = world.machine.leaves(world.machine.root()).len();
        if bound_first {
            world.happen(&Event::Start(false));
            drive(&mut world, &order);
            prop_assert!(matches!(world.answers.pop(), Some(Answer::Bound)));
            prop_assert!(world.live.values().all(|one| one.bound && !one.start_told));
        }
        world.happen(&Event::Start(true));
        drive(&mut world, &order);
        prop_assert!(matches!(world.answers.pop(), Some(Answer::Up)));
        prop_assert_eq!(world.live.values().filter(|one| one.started).count(), leaves);
        world.happen(&Event::Stop);
        drive(&mut world, &order);
        prop_assert!(matches!(world.answers.pop(), Some(Answer::Stopped(troubles)) if troubles.is_empty()));
    }
}

/// Answers all steps well, in some order.
fn drive(world: &mut World, order: &[usize]) {
    for number in order.iter().cycle() {
        if world.live.values().all(|one| one.step.is_none()) {
            return;
        }
        world.happen(&Event::Answer { which: *number, good: true });
    }
}
