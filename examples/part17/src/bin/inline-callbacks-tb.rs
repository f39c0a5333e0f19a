//! Who calls an async function when it goes on: the loop, through the deferred that it awaited. The stack is printed
//! from the outside in, and only what has a part in the story.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_deferred::Failure;
use sestina_example_support::stack;
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

/// What to look for in a frame, and what it is.
const PLACES: [(&str, &str); 4] = [
    ("inline_callbacks_tb::my_callbacks", "the async function, after its await"),
    ("sestina_deferred::drive", "the deferred that fires runs its chain"),
    ("sestina_reactor::turn", "the reactor's loop"),
    ("inline_callbacks_tb::main", "main"),
];

fn main() -> std::io::Result<()> {
    let reactor = Simulation::seeded(17).reactor();
    reactor.spawn(my_callbacks(reactor.clone()));
    reactor.run()
}

async fn my_callbacks(reactor: Reactor) -> Result<(), Failure> {
    reactor.sleep(Duration::from_secs(1)).await?;
    for line in stack(&PLACES) {
        println!("{line}");
    }
    reactor.stop();
    Ok(())
}
