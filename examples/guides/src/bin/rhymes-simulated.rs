//! A dictionary that falls apart, and a tree that heals itself.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;
use std::time::Duration;

use sestina::{Application, Endpoint, Failure, Stream, Tree};
use sestina_example_guides::{Shelf, rhymes};
use sestina_reactor_sim::Simulation;

async fn ask(stream: &Stream, word: &str) -> Result<(), Failure> {
    stream.write_all(format!("{word}\n")).await?;
    let answer = stream.read_until(b'\n', 1000).await?;
    println!("  {word}? {}", String::from_utf8_lossy(&answer).trim_end());
    Ok(())
}

async fn story(tree: Tree, shelf: Shelf) -> Result<(), Failure> {
    let (reactor, at) = (tree.reactor().clone(), Endpoint::loopback(10_000));
    tree.start().await?;
    println!("A client asks:");
    let stream = reactor.connect_stream(&at).await?;
    ask(&stream, "heart").await?;
    ask(&stream, "silver").await?;

    println!("The dictionary falls apart, and its service fails:");
    shelf.wear_out();
    let cut = stream.read_until(b'\n', 1000).await;
    println!("  the client: {}", cut.map_or_else(|failure| failure.to_string(), |_| "an answer?".to_owned()));

    println!("A client comes when the tree has healed itself:");
    reactor.sleep(Duration::from_secs(1)).await?;
    let stream = reactor.connect_stream(&at).await?;
    ask(&stream, "dream").await?;
    drop(stream);
    println!("The end:");
    tree.stop().await.map(drop)
}

fn main() -> Result<(), Box<dyn Error>> {
    let shelf = Shelf::default();
    let mut application = Application::new("guide");
    application.add(rhymes("rhymes", &Endpoint::loopback(10_000), shelf.clone())?)?;
    let reactor = Simulation::seeded(1).reactor();
    let tree = application.attach(&reactor)?;
    let clock = reactor.clone();
    let _states = tree.subscribe(move |path, state| {
        println!("  {:?}: {} {state}", clock.now(), if path.is_empty() { "guide" } else { path })
    });
    Ok(reactor.run_until(reactor.spawn(story(tree, shelf)))?)
}
