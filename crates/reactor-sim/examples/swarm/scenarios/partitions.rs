//! Lines that are cut and heal: what is under way comes late and whole, and as long as nothing else goes wrong nobody's
//! connection is lost by it.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::Endpoint;
use sestina_reactor_sim::{Faults, Partition, Scenario, Simulation};

use super::clients::{Countdown, Manner, PORT, Reader, poem, read_until_whole, serve_at_last, slow_line};
use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    Scenario::new("partitions", Faults::gentle(), run)
}

const READERS: u64 = 6;
const CUTS: u64 = 6;

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let poem = poem(usize::try_from(simulation.random(100_000)).unwrap_or(0));
    let (poet, alice, bob) = (simulation.host("poet"), simulation.host("alice"), simulation.host("bob"));
    simulation.set_link(&poet, &alice, slow_line(simulation));
    simulation.set_link(&poet, &bob, slow_line(simulation));
    serve_at_last(&poet.reactor(), &seen, &poem);
    let mut at = Duration::ZERO;
    for _ in 0..CUTS {
        at += Duration::from_micros(simulation.random(100_000));
        let (one, other) =
            (poet.clone(), if simulation.random(2) == 0 { alice.clone() } else { bob.clone() });
        let how = if simulation.random(2) == 0 { Partition::Held } else { Partition::Dropped };
        let everywhere = simulation.random(4) == 0;
        simulation.call_after(at, move |simulation| {
            if everywhere { simulation.isolate(&one, how) } else { simulation.partition(&one, &other, how) }
        });
        // All together shorter than the patience of a reader.
        at += Duration::from_millis(1 + simulation.random(8_000));
        simulation.call_after(at, Simulation::heal_all);
    }
    let (countdown, all_done) = Countdown::from(READERS);
    for number in 0..READERS {
        let countdown = Rc::clone(&countdown);
        let told = move |_| countdown.one_is_done();
        let manner = Manner::Patient;
        let reader =
            Reader { poem: Rc::clone(&poem), manner, seen: Rc::clone(&seen), told: Some(Box::new(told)) };
        let host = if number % 2 == 0 { &alice } else { &bob };
        let (reactor, delay) = (host.reactor(), Duration::from_micros(simulation.random(150_000)));
        host.reactor().call_later(delay, move || {
            read_until_whole(&reactor, &Endpoint::tcp("poet", PORT), reader);
        });
    }
    simulation.run_until(all_done).map_err(|failure| failure.to_string())?;
    // Six readers, and each side of each connection was made once: nobody had to ask again after it was connected.
    simulation.run_for(at + Duration::from_secs(400)).map_err(|error| error.to_string())?;
    seen.holds(seen.made() == 2 * READERS, || format!("{} ends for {READERS} readers", seen.made()));
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(false)
}
