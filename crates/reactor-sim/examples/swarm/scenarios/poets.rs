//! Many readers of one poem, with hang-ups: what anybody gets is a beginning of the poem, an end that is called clean
//! comes after all of it, and unless a fault ends connections everybody who stays gets everything.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{CloseLimits, Endpoint, Lost};
use sestina_reactor_sim::{Faults, Scenario, Simulation};

use super::clients::{
    Countdown, Fared, IDLE_MAX, Manner, PORT, Reader, poem, serve_at_last, slow_line,
    something_ended_connections,
};
use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    Scenario::new("poets", Faults::all(), run)
}

const READERS: u64 = 20;

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let length = usize::try_from(simulation.random(150_000)).unwrap_or(0);
    let poem = poem(length);
    let poet = simulation.host("poet");
    poet.reactor().set_close_limits(patient());
    serve_at_last(&poet.reactor(), &seen, &poem);
    let hosts = [simulation.host("alice"), simulation.host("bob")];
    simulation.set_link(&hosts[0], &poet, slow_line(simulation));
    let (countdown, all_done) = Countdown::from(READERS);
    let whole = Rc::new(Cell::new(0));
    let mut stay = 0;
    for number in 0..READERS {
        let manner = Manner::any(simulation, length);
        stay += u64::from(manner.stays());
        let (countdown, whole) = (Rc::clone(&countdown), Rc::clone(&whole));
        let told = move |fared| {
            whole.set(whole.get() + u64::from(matches!(fared, Fared::Ended(Lost::Done))));
            countdown.one_is_done();
        };
        let reader =
            Reader { poem: Rc::clone(&poem), manner, seen: Rc::clone(&seen), told: Some(Box::new(told)) };
        let host = &hosts[usize::try_from(number % 2).unwrap_or(0)];
        let reactor = host.reactor();
        let delay = Duration::from_micros(1000 + simulation.random(100_000));
        host.reactor().call_later(delay, move || drop(reactor.connect(&Endpoint::tcp("poet", PORT), reader)));
    }
    simulation.run_until(all_done).map_err(|failure| failure.to_string())?;
    if !something_ended_connections(simulation) {
        let whole = whole.get();
        seen.holds(whole >= stay, || format!("{stay} stayed to the end, {whole} got all of it"));
    }
    simulation.run_for(Duration::from_secs(400)).map_err(|error| error.to_string())?;
    let left: usize = simulation.hosts().iter().map(|host| host.reactor().connections()).sum();
    seen.holds(left == 0, || format!("{left} connections are left after all limits have passed"));
    seen.nobody_was_silent(simulation);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}

/// On a slow line, what a talker has sent may be on its way for longer than a poet waits by default after its end. It would
/// be answered with a reset then, which is lawful and no answer to what is asked here.
fn patient() -> CloseLimits {
    let mut limits = CloseLimits::default();
    (limits.silence_max, limits.drain_max) = (IDLE_MAX, IDLE_MAX);
    limits
}
