//! An async function as a row of callbacks: what is between two awaits is one of them. A value is there at once; a
//! deferred restarts the function when it fires; a failure is an error at the `await`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::{Failure, succeed};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

async fn my_callbacks(reactor: Reactor) -> Result<(), Failure> {
    let seconds = Duration::from_secs;

    println!("{:?}: the first callback", reactor.now());
    let result = succeed(1).await?;

    println!("{:?}: the second callback got {result}", reactor.now());
    let result = reactor.defer_later(seconds(5), || Ok(2)).await?;

    println!("{:?}: the third callback got {result}", reactor.now());
    let error = reactor.defer_later(seconds(5), || -> Result<u32, _> { Err(Failure::msg("error 3")) }).await;

    if let Err(failure) = error {
        println!("{:?}: the fourth callback got the failure \"{failure}\"", reactor.now());
    }
    reactor.stop();
    Ok(())
}

fn main() -> std::io::Result<()> {
    let reactor = Simulation::seeded(17).reactor();
    let (clock, starter) = (reactor.clone(), reactor.clone());
    reactor.call_when_running(move || drop(starter.spawn(my_callbacks(clock))));
    reactor.run()
}
