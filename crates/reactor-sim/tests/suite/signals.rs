//! Signals: one that is watched is told, one that is not kills.

use sestina_reactor::{Address, Endpoint, Protocol, Signal};
use sestina_reactor_sim::Simulation;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

struct Nothing;
impl Protocol for Nothing {}

#[test]
fn a_watched_signal_is_told_each_time() {
    let simulation = Simulation::seeded(1);
    let alice = simulation.host("alice");
    let heard = Rc::new(Cell::new(0));
    let count = Rc::clone(&heard);
    alice.reactor().on_signal(Signal::Hangup, move || count.set(count.get() + 1)).expect("watches");
    for _ in 0..3 {
        alice.signal(Signal::Hangup);
        simulation.run_for(Duration::from_millis(1)).expect("it can wait");
    }
    assert!(heard.get() == 3 && alice.is_up());
}

#[test]
fn a_program_that_stops_on_sigterm_ends_politely_and_one_that_does_not_watch_is_killed() {
    for polite in [true, false] {
        let simulation = Simulation::seeded(1);
        let alice = simulation.host("alice");
        let reactor = alice.reactor();
        reactor.listen(&Endpoint::tcp("", 80), |_: &Address| Nothing).expect("a port");
        if polite {
            reactor.stop_on_signals().expect("watches");
        }
        alice.signal(Signal::Terminate);
        simulation.run_for(Duration::from_millis(1)).expect("it can wait");
        assert_eq!((alice.is_up(), reactor.ports(), simulation.sockets()), (false, 0, 0));
        let (says, not) = if polite { ("stops", "crashes") } else { ("crashes", "alice stops\n") };
        let trace = simulation.trace();
        assert!(trace.contains(&format!("alice {says}\n")) && !trace.contains(not), "{trace}");
    }
}
