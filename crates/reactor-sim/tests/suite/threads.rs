//! Threads: jobs are done inline, at times and in an order that the seed decides; calls of a remote come to the loop.

use crate::common::{MS, pass};
use sestina_deferred::deferred;
use sestina_reactor::Driver;
use sestina_reactor_sim::{Fault, Faults, Odds, Simulation};
use std::sync::{Arc, Mutex};

fn order(seed: u64) -> Vec<u32> {
    let mut driver = Simulation::seeded(seed).driver("alice");
    let done = Arc::new(Mutex::new(Vec::new()));
    for number in 0..8 {
        let done = Arc::clone(&done);
        let job = Box::new(move || done.lock().expect("no panic").push(number));
        assert!(driver.offload(job).is_ok());
    }
    assert!(done.lock().expect("no panic").is_empty(), "not before the loop waits");
    pass(&mut driver, 2 * MS);
    let done = done.lock().expect("no panic").clone();
    assert_eq!(done.len(), 8);
    done
}

#[test]
fn jobs_are_done_in_an_order_that_the_seed_decides() {
    assert_eq!(order(1), order(1));
    assert!((2..10).any(|seed| order(seed) != order(1)));
}

#[test]
fn a_job_reports_through_a_remote_and_a_panicking_one_harms_nobody() {
    let simulation = Simulation::seeded(1);
    let mut pool = simulation.driver("alice");
    let reactor = simulation.host("alice").reactor();
    let (remote, (resolver, answer)) = (reactor.remote(), deferred());
    assert!(pool.offload(Box::new(|| std::panic::panic_any("on purpose"))).is_ok());
    let job = move || {
        remote.call_from_thread(|reactor| drop(reactor.call_later(MS, || ()))).expect("it is there");
    };
    assert!(pool.offload(Box::new(job)).is_ok());
    let clock = reactor.clone();
    reactor.call_later(5 * MS, move || resolver.callback(clock.statistics().timers_fired));
    assert_eq!(reactor.run_until(answer).expect("fired"), 2);
    assert_eq!(reactor.statistics().panics, 0);
    assert!(simulation.trace().contains("a job panicked"));
}

#[test]
fn a_full_pool_hands_the_job_back() {
    let faults = Faults::none().with(Fault::RefusedJobs, Odds::ALWAYS);
    let mut driver = Simulation::seeded(1).faults(faults).driver("alice");
    let job = driver.offload(Box::new(|| ())).expect_err("the pool is full");
    job();
}
