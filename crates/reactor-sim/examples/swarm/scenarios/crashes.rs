//! A server that crashes and comes back, and is stopped and comes back: nobody is told a clean end of half a poem, and who
//! asks again gets it whole at last.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Endpoint, Signal};
use sestina_reactor_sim::{Fault, Faults, Scenario, Simulation};

use super::clients::{Countdown, Manner, PORT, Reader, poem, read_until_whole, serve_at_last, slow_line};
use super::lawful::Seen;

pub(crate) fn scenario() -> Scenario {
    // Clocks that jump for half a minute again and again let nobody finish.
    Scenario::new("crashes", Faults::all().without(Fault::ClockJumps), run)
}

const READERS: u64 = 10;
const CRASHES: u64 = 5;

fn run(simulation: &Simulation) -> Result<(), String> {
    let seen = Rc::new(Seen::default());
    let poem = poem(usize::try_from(simulation.random(60_000)).unwrap_or(0));
    let (poet, alice) = (simulation.host("poet"), simulation.host("alice"));
    simulation.set_link(&poet, &alice, slow_line(simulation));
    serve_at_last(&poet.reactor(), &seen, &poem);
    let mut at = Duration::ZERO;
    for _ in 0..CRASHES {
        at += Duration::from_micros(simulation.random(200_000));
        let (victim, how) = (poet.clone(), simulation.random(3));
        simulation.call_after(at, move |_| match how {
            0 => victim.crash(),
            1 => victim.signal(Signal::Terminate),
            _ => drop(victim.stop()),
        });
        at += Duration::from_micros(1 + simulation.random(200_000));
        let (again, watch, text) = (poet.clone(), Rc::clone(&seen), Rc::clone(&poem));
        simulation.call_after(at, move |_| serve_at_last(&again.restart(), &watch, &text));
    }
    let (countdown, all_done) = Countdown::from(READERS);
    for _ in 0..READERS {
        let countdown = Rc::clone(&countdown);
        let manner = if simulation.random(2) == 0 { Manner::Patient } else { Manner::Talks(10_000) };
        let told = move |_| countdown.one_is_done();
        let reader =
            Reader { poem: Rc::clone(&poem), manner, seen: Rc::clone(&seen), told: Some(Box::new(told)) };
        read_until_whole(&alice.reactor(), &Endpoint::tcp("poet", PORT), reader);
    }
    simulation.run_until(all_done).map_err(|failure| failure.to_string())?;
    simulation.run_for(at).map_err(|error| error.to_string())?;
    seen.nobody_was_silent(simulation);
    simulation.stop().map_err(|error| error.to_string())?;
    seen.verdict(true)
}
