//! The swarm itself: everything holds under many seeds, and what does not hold is found with the fewest faults.

use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
use sestina_reactor_sim::{Fault, Faults, Odds, Scenario, Simulation};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Seeds of each scenario; a hundred times as many if CI=true.
const SEEDS: u64 = 10;

#[expect(clippy::disallowed_methods, reason = "a test may be larger on the machine that has time")]
fn seeds() -> u64 {
    if std::env::var("CI").is_ok_and(|ci| ci == "true") { SEEDS * 100 } else { SEEDS }
}

#[test]
fn everything_holds_under_every_seed() {
    for scenario in crate::scenarios::all() {
        scenario.check(1..=seeds());
    }
}

#[test]
fn a_seed_replays_with_the_same_trace_and_the_same_end() {
    for scenario in crate::scenarios::all() {
        let (one, two) = (scenario.replay(17, None), scenario.replay(17, None));
        assert!(one.trace == two.trace && !one.trace.is_empty(), "{}", scenario.name());
        assert_eq!((one.ended, one.strokes.len()), (scenario.run(17).ended, scenario.run(17).strokes.len()));
    }
}

/// Believes that nobody ever resets it.
fn naive(simulation: &Simulation) -> Result<(), String> {
    struct Sender(Rc<Cell<bool>>);
    impl Protocol for Sender {
        fn connection_made(&mut self, conn: &mut Conn<'_>) {
            conn.write(b"hello");
            conn.lose_connection();
        }
        fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
            if matches!(why, Lost::Reset) {
                self.0.set(true);
            }
        }
    }
    struct Sink;
    impl Protocol for Sink {}
    let reactor = simulation.host("alice").reactor();
    let listening = reactor.listen(&Endpoint::loopback(80), |_: &Address| Sink);
    listening.map_err(|error| error.to_string())?;
    let was_reset = Rc::new(Cell::new(false));
    for number in 0..20 {
        let (again, was_reset) = (reactor.clone(), Rc::clone(&was_reset));
        reactor.call_later(Duration::from_millis(number), move || {
            drop(again.connect(&Endpoint::loopback(80), move |_: &Address| Sender(Rc::clone(&was_reset))));
        });
    }
    simulation.run_for(Duration::from_secs(60)).map_err(|error| error.to_string())?;
    if was_reset.get() { Err("a sender was reset".to_owned()) } else { Ok(()) }
}

#[test]
fn a_failure_is_reduced_to_the_one_fault_that_causes_it_and_says_how_to_replay_it() {
    let faults = Faults::gentle().with(Fault::Resets, Odds::one_in(10));
    let scenario = Scenario::new("naive", faults, naive);
    let finding = (1..50).find_map(|seed| scenario.find(seed)).expect("some seed resets a sender");
    assert_eq!((finding.faults.len(), finding.faults[0].fault), (1, Fault::Resets));
    let text = finding.to_string();
    let seed = finding.seed;
    assert!(text.contains(&format!("replay: cargo xtask sim --seed {seed} --scenario naive")), "{text}");
    assert!(text.ends_with(&format!("--only {}", finding.faults[0])), "{text}");
    assert!(scenario.replay(seed, Some(&finding.faults)).failure.is_some());
    assert!(scenario.replay(seed, Some(&[])).failure.is_none());
}

/// Fails when two kinds have struck, whatever else has.
fn fragile(simulation: &Simulation) -> Result<(), String> {
    naive(simulation).ok();
    let struck = |fault| simulation.strokes().iter().any(|stroke| stroke.selector.fault == fault);
    if struck(Fault::Resets) && struck(Fault::Refusals) { Err("both".to_owned()) } else { Ok(()) }
}

#[test]
fn of_the_fewest_faults_none_can_be_left_out() {
    let faults =
        Faults::gentle().with(Fault::Resets, Odds::one_in(10)).with(Fault::Refusals, Odds::one_in(10));
    let scenario = Scenario::new("fragile", faults, fragile).replayed_by("my-swarm");
    let finding = (1..50).find_map(|seed| scenario.find(seed)).expect("some seed has both");
    let kinds: Vec<Fault> = finding.faults.iter().map(|selector| selector.fault).collect();
    assert_eq!(kinds, [Fault::Resets, Fault::Refusals], "{finding}");
    assert!(finding.faults.iter().all(|selector| selector.number.is_some()), "{finding}");
    for left_out in &finding.faults {
        let others: Vec<_> = finding.faults.iter().copied().filter(|one| one != left_out).collect();
        assert_eq!(scenario.replay(finding.seed, Some(&others)).failure, None, "without {left_out}");
    }
    assert!(finding.to_string().contains("replay: my-swarm --seed "), "{finding}");
}

#[test]
#[should_panic(expected = "it needs only: cargo xtask sim --seed")]
fn a_test_that_checks_a_scenario_fails_with_the_finding() {
    Scenario::new("naive", Faults::none().with(Fault::Resets, Odds::one_in(10)), naive).check(1..50);
}

#[test]
fn what_a_scenario_leaves_behind_or_panics_with_is_a_finding() {
    fn panics(_: &Simulation) -> Result<(), String> {
        std::panic::panic_any("on purpose")
    }
    fn panics_in_a_timer(simulation: &Simulation) -> Result<(), String> {
        simulation.reactor().call_later(Duration::ZERO, || std::panic::panic_any("on purpose"));
        simulation.run_for(Duration::from_secs(1)).map_err(|error| error.to_string())
    }
    let failure = |run| Scenario::new("bad", Faults::none(), run).run(1).failure.expect("it fails");
    assert!(failure(panics).starts_with("panicked: on purpose"));
    assert_eq!(failure(panics_in_a_timer), "1 panics in user code or below it");
    let tolerated = Scenario::new("bad", Faults::none(), panics_in_a_timer).provoking_panics();
    assert_eq!(tolerated.run(1).failure, None);
}
