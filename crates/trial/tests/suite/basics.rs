//! The forms that a test may have, and that it really runs.

use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;
use sestina_trial::{TestResult, Trial};

const HOUR: Duration = Duration::from_secs(3600);

#[sestina_trial::test]
async fn a_poem_arrives(reactor: Reactor) {
    // spec: P15-01
    reactor.defer_later(HOUR, || Ok(())).await.unwrap();
}

#[sestina_trial::test]
async fn a_question_mark_works(reactor: Reactor) -> TestResult {
    reactor.sleep(HOUR).await?;
    Ok(())
}

#[sestina_trial::test]
fn a_deferred_is_waited_for(reactor: Reactor) -> Deferred<()> {
    // spec: P15-08, P15-09
    reactor.sleep(HOUR)
}

#[sestina_trial::test]
fn a_function_may_run_the_reactor_itself(reactor: Reactor) -> Result<(), Failure> {
    reactor.run_until(reactor.sleep(HOUR))
}

#[sestina_trial::test]
fn no_argument_is_fine() {}

/// What is written around it has names too.
#[sestina_trial::test]
async fn trial(trial: Trial) {
    assert_eq!(trial.name(), "basics::trial");
}

#[sestina_trial::test]
fn a_function_conducts_the_simulation(sim: Simulation) {
    let alice = sim.host("alice").reactor();
    sim.run_until(alice.sleep(HOUR)).unwrap();
    assert_eq!(sim.hosts().len(), 1);
}

#[sestina_trial::test]
async fn hosts_are_restarted_between_awaits(sim: Simulation) -> TestResult {
    let alice = sim.host("alice");
    alice.reactor().sleep(HOUR).await?;
    alice.crash();
    alice.restart().sleep(HOUR).await?;
    Ok(())
}

#[sestina_trial::test(on = "both", timeout = "5s")]
async fn both_drivers_run_it(reactor: Reactor, trial: Trial) -> TestResult {
    // spec: P15-08
    reactor.sleep(Duration::from_millis(1)).await?;
    let name = trial.name();
    assert!(
        ["basics::both_drivers_run_it::sim", "basics::both_drivers_run_it::mio"].contains(&name),
        "{name}"
    );
    Ok(())
}

#[sestina_trial::test(seeds = 20, faults = "all")]
async fn each_seed_runs(trial: Trial) {
    assert!(trial.seed() < 20);
}

/// No seed is too large to be run.
#[sestina_trial::test(seed = 0xffff_ffff_ffff_ffff)]
#[should_panic(expected = "the last seed")]
async fn the_last_seed_is_run(trial: Trial) {
    assert_eq!(trial.seed(), u64::MAX);
    std::panic::panic_any("the last seed");
}

#[sestina_trial::test]
#[should_panic(expected = "on purpose")]
async fn a_panic_is_the_test_s_own() {
    std::panic::panic_any("on purpose");
}

#[sestina_trial::test(should_fail = "it is known", fails_with = "left behind")]
async fn a_known_failure(reactor: Reactor) {
    reactor.call_later(HOUR, || ());
}

/// The limits that hold when the attribute names none: a day of virtual time, two minutes of real time.
#[sestina_trial::test(
    should_fail = "it waits for more than a day",
    fails_with = "no result after 86400s of virtual time"
)]
async fn a_day_of_virtual_time_is_the_limit(reactor: Reactor) -> TestResult {
    // spec: P15-10
    assert_eq!(sestina_trial::TIMEOUT, Duration::from_secs(120));
    reactor.sleep(25 * HOUR).await
}

/// Also while nothing happens that would have the clock looked at.
#[sestina_trial::test(
    on = "mio",
    timeout = "1h",
    real_timeout = "50ms",
    should_fail = "it waits for longer than that",
    fails_with = "no result after 50ms of real time"
)]
async fn on_the_real_reactor_the_shorter_limit_holds(reactor: Reactor) -> TestResult {
    reactor.sleep(HOUR).await
}

#[sestina_trial::test(skip = "there is no printer")]
async fn a_poem_is_printed() {
    panic!("not run");
}
