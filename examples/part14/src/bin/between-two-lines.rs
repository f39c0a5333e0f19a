//! A deferred that has not fired when it is returned cannot fire before the next line: the loop runs in the same thread, and
//! has to wait until this function is done. So nobody needs a lock between asking and adding callbacks.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;
use std::time::Duration;

use sestina_reactor_sim::Simulation;

fn main() -> Result<(), Box<dyn Error>> {
    let reactor = Simulation::seeded(14).reactor();
    let poem = reactor.defer_later(Duration::ZERO, || {
        println!("The loop: here is the poem.");
        Ok("Science! true daughter of Old Time thou art!")
    });
    println!("Asked. Has it fired? {}", poem.is_fired());
    for line in 1..=3 {
        println!("Line {line} of a long function. Has it fired? {}", poem.is_fired());
    }
    let printed = poem.map(|poem| println!("The callback: {poem}"));
    println!("The function is done, and the loop may run.");
    Ok(reactor.run_until(printed)?)
}
