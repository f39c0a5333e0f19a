//! A function that has itself called again, a second later. The clock is a simulated one.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;
use std::time::Duration;

use sestina::Reactor;
use sestina_reactor_sim::Simulation;

fn count(reactor: &Reactor, left: u32) {
    if left == 0 {
        println!("{:?}: stop!", reactor.now());
        reactor.stop();
        return;
    }
    println!("{:?}: {left} ...", reactor.now());
    let again = reactor.clone();
    reactor.call_later(Duration::from_secs(1), move || count(&again, left - 1));
}

fn main() -> io::Result<()> {
    let reactor = Simulation::seeded(3).reactor();
    let first = reactor.clone();
    reactor.call_when_running(move || count(&first, 5));
    println!("Begin!");
    reactor.run()
}
