//! A poem that takes five seconds. The clock is a simulated one: look how fast they pass.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::io;
use std::time::Duration;

use sestina_deferred::{Deferred, deferred};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

fn get_poem(reactor: &Reactor) -> Deferred<&'static str> {
    let (resolver, poem) = deferred();
    let clock = reactor.clone();
    reactor.call_later(Duration::from_secs(5), move || {
        println!("{:?}: the poem is sent.", clock.now());
        resolver.callback("Once upon a midnight dreary");
    });
    poem
}

fn main() -> io::Result<()> {
    let reactor = Simulation::seeded(19).reactor();
    get_poem(&reactor).map(|poem| println!("A poem came: {poem}")).add_errback(|failure| {
        println!("No poem: {failure}");
        Ok(())
    });

    let stop = reactor.clone();
    reactor.call_later(Duration::from_secs(10), move || stop.stop());
    reactor.run()
}
