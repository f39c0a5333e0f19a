//! The exercise with the awaits in an endless loop: a task that runs as long as the program, whose deferred never fires.
//! It is no worse for that: it can be cancelled, and says goodbye.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::Failure;
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

async fn tick(reactor: Reactor) -> Result<(), Failure> {
    loop {
        reactor
            .sleep(Duration::from_secs(1))
            .await
            .inspect_err(|_| println!("{:?}: goodbye", reactor.now()))?;
        println!("{:?}: tick", reactor.now());
    }
}

fn main() -> std::io::Result<()> {
    let reactor = Simulation::seeded(17).reactor();
    let task = reactor.spawn(tick(reactor.clone()));
    let stop = reactor.clone();
    reactor.call_later(Duration::from_millis(3500), move || {
        task.cancel();
        task.add_errback(|failure| {
            println!("the task ended: {failure}");
            Ok(())
        });
        stop.stop();
    });
    reactor.run()
}
