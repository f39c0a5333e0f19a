//! The same, cancelled after two seconds. We hear of that at once; but `get_poem` has no canceller, so the work goes on
//! and its result is thrown away.
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
    let clock = reactor.clone();
    let poem = get_poem(&reactor).map(|poem| println!("A poem came: {poem}")).add_errback(move |failure| {
        println!("{:?}: no poem, {failure}.", clock.now());
        Ok(())
    });

    reactor.call_later(Duration::from_secs(2), move || poem.cancel());
    let stop = reactor.clone();
    reactor.call_later(Duration::from_secs(10), move || stop.stop());
    reactor.run()
}
