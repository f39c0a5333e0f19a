//! Who calls an async function when it goes on: the loop, through the deferred that it awaited. The stack is printed
//! from the outside in, and only what has a part in the story.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::backtrace::Backtrace;
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

/// What to look for in a frame, and what it is.
const PLACES: [(&str, &str); 4] = [
    ("inline_callbacks_tb::my_callbacks", "the async function, after its await"),
    ("sestina_deferred::drive", "the deferred that fires runs its chain"),
    ("Reactor>::run", "the reactor's loop"),
    ("inline_callbacks_tb::main", "main"),
];

fn main() -> std::io::Result<()> {
    let reactor = Simulation::seeded(17).reactor();
    reactor.spawn(my_callbacks(reactor.clone()));
    reactor.run()
}

async fn my_callbacks(reactor: Reactor) -> Result<(), Failure> {
    reactor.sleep(Duration::from_secs(1)).await?;
    print_stack();
    reactor.stop();
    Ok(())
}

fn print_stack() {
    let stack = Backtrace::force_capture().to_string();
    let mut places: Vec<&str> = Vec::new();
    for frame in stack.lines() {
        let place = PLACES.iter().find(|(name, _)| frame.contains(name)).map(|(_, place)| *place);
        places.extend(place.filter(|place| places.last() != Some(place)));
    }
    for (depth, place) in places.iter().rev().enumerate() {
        println!("{:1$}{place}", "", depth * 2);
    }
}
