//! Two of them at once. What they return, or fail with, is what their deferred fires with.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::{Failure, all_settled};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

async fn succeeds(reactor: Reactor) -> Result<u32, Failure> {
    for step in ["first", "second"] {
        println!("{:?}: succeeds, the {step} callback", reactor.now());
        reactor.sleep(Duration::from_secs(2)).await?;
    }
    println!("{:?}: succeeds, the third callback", reactor.now());
    Ok(1)
}

async fn fails(reactor: Reactor) -> Result<u32, Failure> {
    for step in ["first", "second"] {
        println!("{:?}: fails, the {step} callback", reactor.now());
        reactor.sleep(Duration::from_secs(3)).await?;
    }
    println!("{:?}: fails, the third callback", reactor.now());
    Err(Failure::msg("oh dear"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reactor = Simulation::seeded(17).reactor();
    let both = [reactor.spawn(succeeds(reactor.clone())), reactor.spawn(fails(reactor.clone()))];
    let both = both.map(|d| {
        d.map(|result| println!("a result: {result}")).add_errback(|failure| {
            println!("a failure: {failure}");
            Ok(())
        })
    });
    reactor.run_until(all_settled(both))?;
    println!("both are done");
    Ok(())
}
