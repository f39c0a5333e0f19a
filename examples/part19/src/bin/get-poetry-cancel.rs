//! The exercise that makes `get_poetry` cancellable, over a simulated network: a slow server far away, a reader who loses
//! patience after two seconds, and a server that stops sending because nobody is there any more.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::time::Duration;

use sestina_poetry::{Poem, SlowPoetry, get_poem};
use sestina_reactor::Endpoint;
use sestina_reactor_sim::Simulation;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let simulation = Simulation::seeded(19);
    let (server, reader) = (simulation.host("server").reactor(), simulation.host("reader").reactor());

    let poem = Poem::from_bytes("Once upon a midnight dreary, while I pondered, weak and weary");
    server.listen(&"tcp:10001:interface=".parse()?, SlowPoetry::new(poem))?;

    let poem = get_poem(&reader, &Endpoint::tcp("server", 10_001));
    let (handle, connections) = (poem.canceller(), (server.clone(), reader.clone()));
    reader.call_later(Duration::from_secs(2), move || {
        println!(
            "At two seconds there are {} and {} connections.",
            connections.0.connections(),
            connections.1.connections()
        );
        handle.cancel();
    });
    match simulation.run_until(poem) {
        Ok(poem) => println!("The poem has {} bytes.", poem.len()),
        Err(failure) => println!("No poem: {failure}."),
    }

    simulation.run_until(reader.sleep(Duration::from_secs(1)))?;
    println!("A second later there are {} and {}.", server.connections(), reader.connections());
    simulation.stop()?;
    Ok(())
}
