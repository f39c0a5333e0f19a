//! The same loop over different worlds. The choice is made where the reactor is made, and nothing else knows of it: a
//! minute of the operating system's time is a minute, a minute of the simulation's is over at once.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;
use std::time::Duration;

use sestina::Reactor;
use sestina_reactor_sim::Simulation;

fn wait(reactor: &Reactor, time: Duration) -> io::Result<()> {
    let (begun, stop) = (reactor.now(), reactor.clone());
    reactor.call_later(time, move || stop.stop());
    reactor.run()?;
    assert!(reactor.now() - begun >= time, "timers are never early");
    println!("  {time:?} later the loop ends.");
    Ok(())
}

fn main() -> io::Result<()> {
    println!("A loop over the operating system:");
    wait(&sestina::reactor()?, Duration::from_millis(10))?;
    println!("The same loop over a simulation:");
    wait(&Simulation::seeded(3).reactor(), Duration::from_secs(60))
}
