//! The exercises that move what is done with a poem into the async function too, and the counting after that. Whatever
//! fails, the count is kept, and the program ends.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure};
use sestina_reactor::Reactor;
use sestina_reactor_sim::Simulation;

fn get_poetry(reactor: &Reactor, server: u64) -> Deferred<&'static str> {
    let takes = Duration::from_secs(5 - server);
    reactor.defer_later(takes, move || match server {
        1 => Err(Failure::msg("connection refused")),
        _ => Ok("SCIENCE! TRUE DAUGHTER"),
    })
}

fn cummingsify(reactor: &Reactor, poem: &'static str, works: bool) -> Deferred<String> {
    reactor.defer_later(Duration::from_secs(1), move || {
        if works { Ok(poem.to_lowercase()) } else { Err(Failure::msg("the transform server is down")) }
    })
}

async fn get_transformed_poem(reactor: Reactor, server: u64) -> Result<String, Failure> {
    let poem = get_poetry(&reactor, server)
        .await
        .inspect_err(|failure| println!("{:?}: server {server} gives no poem: {failure}", reactor.now()))?;
    match cummingsify(&reactor, poem, server != 2).await {
        Ok(poem) => Ok(poem),
        Err(failure) => {
            println!("{:?}: the poem of server {server} stays as it is: {failure}", reactor.now());
            Ok(poem.to_owned())
        }
    }
}

async fn print_poem(reactor: Reactor, server: u64, missing: Rc<Cell<u64>>) -> Result<(), Failure> {
    if let Ok(poem) = get_transformed_poem(reactor.clone(), server).await {
        println!("{:?}: {poem}", reactor.now());
    }
    missing.set(missing.get() - 1);
    if missing.get() == 0 {
        reactor.stop();
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let reactor = Simulation::seeded(17).reactor();
    let servers = 0..3;
    let missing = Rc::new(Cell::new(servers.end));
    for server in servers {
        reactor.spawn(print_poem(reactor.clone(), server, Rc::clone(&missing)));
    }
    reactor.run()
}
